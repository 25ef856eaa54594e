# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Waves of a rolling operation: wave k holds the k-th server of every connector group, so that no two of a group are in one. Pure."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Turn:
    """When a host's turn is.

    :param wave: counted from 1.
    :param before: the hosts of its group whose turn comes earlier. Should one of them fail, this one has no turn.
    """

    host: str
    group: str
    wave: int
    before: tuple[str, ...]


def turns(groups: t.Sequence[t.Mapping[str, t.Any]], selected: t.Collection[str], first: t.Collection[str] = ()) -> list[Turn]:
    """The turns of the selected hosts of a fleet, by wave, within a wave in the order of the groups.

    :param first: those whose turn is before that of the others of their group.
    """
    found = [turn for group in groups for turn in _of_group(group, selected, first)]
    return sorted(found, key=lambda turn: turn.wave)


def left_out(groups: t.Sequence[t.Mapping[str, t.Any]], selected: t.Collection[str]) -> list[str]:
    """The hosts that do not take part, of the groups of which others do."""
    named = [[host["name"] for host in group["hosts"]] for group in groups]
    return [name for names in named if not set(names).isdisjoint(selected) for name in names if name not in selected]


def as_dict(found: t.Sequence[Turn]) -> dict[str, t.Any]:
    """For a playbook: order (host names), sizes (of the waves, in order), hosts (name -> group, wave, waves, before), lines."""
    count = max((turn.wave for turn in found), default=0)
    members = {wave: [turn for turn in found if turn.wave == wave] for wave in range(1, count + 1)}
    return {
        "order": [turn.host for turn in found],
        "sizes": [len(wave) for wave in members.values()],
        "hosts": {turn.host: {"group": turn.group, "wave": turn.wave, "waves": count, "before": list(turn.before)} for turn in found},
        "lines": [
            f"wave {wave} of {count}: {', '.join(f'{turn.host} ({turn.group})' for turn in those)}" for wave, those in members.items()
        ],
    }


def _of_group(group: t.Mapping[str, t.Any], selected: t.Collection[str], first: t.Collection[str]) -> t.Iterator[Turn]:
    names = sorted((host["name"] for host in group["hosts"] if host["name"] in selected), key=lambda name: name not in first)
    for place, name in enumerate(names):
        yield Turn(name, group["name"], place + 1, tuple(names[:place]))

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""A step that is needed and not taken: why, with the numbers, and what would be safe instead."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import ha


@dataclasses.dataclass(frozen=True)
class Blocked:
    """A step that is needed and not taken.

    :param shortfall: it waits for active connectors, and comes by itself once they are there; otherwise someone has to decide.
    :param active: active connectors of the group that the refusal is about; C(required) those that it needs. None = no such number.
    :param safe_steps: what to do, in order, so that it becomes possible.
    """

    action: str
    kind: str
    name: str
    group: str
    reason: str
    shortfall: bool = False
    active: int | None = None
    required: int | None = None
    safe_steps: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, t.Any]:
        return {**dataclasses.asdict(self), "safe_steps": list(self.safe_steps)}


def blocked_departure(refused: ha.Refused, source: str, target: str, spare: t.Sequence[str] = ()) -> Blocked:
    """A move that would take from a group what it needs.

    :param spare: machine names of active connectors that nothing else is declared for.
    """
    return Blocked(
        "move",
        "connector",
        refused.move.label,
        target,
        ha.refusal(refused, source, target),
        active=refused.active,
        required=refused.required,
        safe_steps=tuple(ha.safe_steps(refused, source, target, spare)),
    )


def blocked_assignment(application: str, group: str, active: int, required: int) -> Blocked:
    """An assignment that has to wait until its group has its connectors."""
    return Blocked(
        "assign",
        "application",
        application,
        group,
        f"application {application} is not assigned: {ha.shortage(group, active, required)}",
        shortfall=True,
        active=active,
        required=required,
        safe_steps=(
            f"bring {required - active} more active connector(s) into connector group {group}",
            f"run again: application {application} is then assigned",
        ),
    )


def blocked_release(application: str, group: str, default: str, active: int, required: int) -> Blocked:
    """An application that would fall back to Default, which has too few connectors to serve it."""
    shortage = ha.shortage(default, active, required)
    reason = f"application {application} keeps connector group {group}: it would fall back to {default}, and {shortage}"
    return Blocked(
        "unassign",
        "application",
        application,
        group,
        reason,
        active=active,
        required=required,
        safe_steps=(
            f"assign application {application} to another connector group that has its active connectors; or",
            f"leave {required - active} more active connector(s) in connector group {default}, and run again",
        ),
    )

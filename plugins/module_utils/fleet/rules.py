# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What must hold between the groups of a fleet, and what is only unwise. Pure.

Values whose type is wrong are passed over: the schema has complained of them already.
"""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.fleet import model
from ansible_collections.entra.app_proxy.plugins.module_utils.fleet.structure import quoted
from ansible_collections.entra.app_proxy.plugins.module_utils.service import KNOWN_REGIONS, MINIMUM, folded

Declared = t.Sequence[t.Mapping[str, t.Any]]


def errors(groups: Declared) -> list[str]:
    """Every broken rule, with the inventory name it stands under and the way out."""
    return [*_too_few(groups), *_same_group_name(groups), *_shared_application(groups), *_same_machine(groups)]


def warnings(groups: Declared) -> list[str]:
    """What will work and may be wrong."""
    return [*_unknown_region(groups), *_one_zone(groups)]


def _too_few(groups: Declared) -> t.Iterator[str]:
    for group in groups:
        minimum = group["min_connectors"]
        if not isinstance(minimum, int) or isinstance(minimum, bool):
            minimum = MINIMUM
        hosts = [host["name"] for host in group["hosts"]]
        if len(hosts) < minimum:
            listed = f" ({', '.join(hosts)})" if hosts else ""
            lower = f", lower {model.MINIMUM}" if minimum > MINIMUM else ""
            yield (
                f"inventory group '{group['inventory_group']}' has {_count(len(hosts), 'host')}{listed}, and {minimum} are needed:"
                f" add {_count(minimum - len(hosts), 'host')}{lower}, or remove the group"
            )


def _same_group_name(groups: Declared) -> t.Iterator[str]:
    for alike in _alike((group["name"], group["inventory_group"]) for group in groups):
        names = list(dict.fromkeys(name for name, _owner in alike))
        same = f"is '{names[0]}'" if len(names) == 1 else f"differs only in case ({quoted(names)})"
        yield (
            f"inventory groups {quoted(owner for _name, owner in alike)}: {model.NAME} {same};"
            f" connector groups are found by name: give each its own {model.NAME}"
        )


def _shared_application(groups: Declared) -> t.Iterator[str]:
    pairs = [
        (application, group["inventory_group"])
        for group in groups
        if isinstance(group["applications"], list)
        for application in {folded(name): name for name in group["applications"] if isinstance(name, str)}.values()
    ]
    for alike in _alike(pairs):
        yield (
            f"inventory groups {quoted(owner for _name, owner in alike)} both assign application '{alike[0][0]}';"
            f" an application belongs to one connector group: leave it in one {model.APPLICATIONS}"
        )


def _same_machine(groups: Declared) -> t.Iterator[str]:
    machines = {host["name"]: host["machine_name"] for group in groups for host in group["hosts"]}
    for alike in _alike((machine, host) for host, machine in machines.items()):
        yield (
            f"hosts {quoted(host for _machine, host in alike)} have the same computer name '{alike[0][0]}':"
            f" give each its own {model.MACHINE_NAME}, or leave one in the inventory"
        )


def _unknown_region(groups: Declared) -> t.Iterator[str]:
    for group in groups:
        region = group["region"]
        if not isinstance(region, str) or not region or folded(region) in KNOWN_REGIONS:
            continue
        yield (
            f"inventory group '{group['inventory_group']}': region '{region}' is not one of the known ones"
            f" ({', '.join(KNOWN_REGIONS)}); it is sent as it is, and the tenant decides"
        )


def _one_zone(groups: Declared) -> t.Iterator[str]:
    for group in groups:
        zones = [host["zone"] for host in group["hosts"] if host["zone"] is None or isinstance(host["zone"], str)]
        if len(group["hosts"]) > 1 and len({folded(zone) for zone in zones}) == 1 and all(zones):
            yield (
                f"inventory group '{group['inventory_group']}': all {len(group['hosts'])} hosts are in zone '{zones[0]}';"
                " one outage there takes the whole connector group down"
            )


def _alike(pairs: t.Iterable[tuple[t.Any, str]]) -> list[list[tuple[str, str]]]:
    """The pairs (text, owner) whose text is the same but for case, where there is more than one."""
    found: dict[str, list[tuple[str, str]]] = {}
    for text, owner in pairs:
        if isinstance(text, str) and text.strip():
            found.setdefault(folded(text), []).append((str(text), owner))
    return [alike for alike in found.values() if len(alike) > 1]


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"

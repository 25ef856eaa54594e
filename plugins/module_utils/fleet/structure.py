# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Where the fleet stands in the inventory: root group, region groups, connector groups, hosts. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.fleet.model import Tree

_EXPECTED = (
    "the fleet is declared as groups of three levels: {root}, below it a group for each region, below that one for each connector group"
)


@dataclasses.dataclass(frozen=True)
class Place:
    """One connector group in the inventory. C(hosts) includes those of groups below it, such as one for each data centre."""

    inventory_group: str
    region_group: str
    hosts: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Structure:
    """The places, and what is wrong with the shape."""

    places: tuple[Place, ...]
    errors: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def read(tree: Tree, root: str) -> Structure:
    """Find the connector groups below the inventory group C(root)."""
    expected = _EXPECTED.format(root=root)
    if root not in tree:
        return Structure((), (f"inventory group '{root}' does not exist; {expected}",))
    places = [
        Place(name, region, tuple(_hosts_below(tree, name))) for region in tree[root]["children"] for name in tree[region]["children"]
    ]
    errors = [*_two_regions(places), *_two_groups(places), *_no_group(tree, root, places)]
    if not places and not errors:
        errors.append(f"inventory group '{root}' holds no connector group; {expected}")
    return Structure(tuple(_first_of_each(places)), tuple(errors), tuple(_empty_regions(tree, root)))


def _hosts_below(tree: Tree, name: str) -> list[str]:
    found = dict.fromkeys(tree[name]["hosts"])
    for child in tree[name]["children"]:
        found.update(dict.fromkeys(_hosts_below(tree, child)))
    return list(found)


def _first_of_each(places: t.Iterable[Place]) -> list[Place]:
    return list({place.inventory_group: place for place in reversed(list(places))}.values())[::-1]


def _two_regions(places: t.Iterable[Place]) -> t.Iterator[str]:
    regions: dict[str, list[str]] = {}
    for place in places:
        regions.setdefault(place.inventory_group, []).append(place.region_group)
    for name, found in regions.items():
        if len(found) > 1:
            yield (
                f"inventory group '{name}' stands under the region groups {quoted(found)};"
                " a connector group has one region: leave it under one"
            )


def _two_groups(places: t.Iterable[Place]) -> t.Iterator[str]:
    groups: dict[str, list[str]] = {}
    for place in _first_of_each(places):
        for host in place.hosts:
            groups.setdefault(host, []).append(place.inventory_group)
    for host, found in groups.items():
        if len(found) > 1:
            yield f"host '{host}' is in the connector groups {quoted(found)}; a connector is always in exactly one group: leave it in one"


def _no_group(tree: Tree, root: str, places: t.Iterable[Place]) -> t.Iterator[str]:
    placed = {host for place in places for host in place.hosts}
    for parent in (root, *tree[root]["children"]):
        for host in tree[parent]["hosts"]:
            if host not in placed:
                placed.add(host)
                yield (
                    f"host '{host}' is in inventory group '{parent}' but in no connector group:"
                    f" move it into a group below {'a region group' if parent == root else f'region group {parent!r}'}"
                )


def _empty_regions(tree: Tree, root: str) -> t.Iterator[str]:
    for region in tree[root]["children"]:
        if not tree[region]["children"] and not tree[region]["hosts"]:
            yield f"inventory group '{region}' below '{root}' holds no connector group"


def quoted(names: t.Iterable[str]) -> str:
    """C('a' and 'b'), for a person."""
    *others, last = [f"'{name}'" for name in names]
    return f"{', '.join(others)} and {last}" if others else last

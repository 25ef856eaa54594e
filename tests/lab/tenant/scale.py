# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A large tenant from a few numbers. Names and ids follow from the numbers, so that a test can declare the same fleet."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t
import uuid

from tests.lab.tenant import seed
from tests.lab.tenant.state import Application, Connector, Group, Snapshot

VERSION = "1.5.4892.0"


@dataclasses.dataclass(frozen=True)
class Scale:
    """Group i is "Group 00001" and so on. Connector i is on HOST-00001 and so on, whether it is in its group or in Default:
    the first `connectors_per_group` belong to the first group. Application i is "Application 00001" and so on and uses group i,
    counted round. Numbers begin with 1.
    """

    groups: int = 0
    connectors_per_group: int = 0
    applications: int = 0
    connectors_in_default: int = 0
    """Further connectors, which are in Default; their numbers come after those of the groups."""
    inactive_per_group: int = 0
    """How many of a group's connectors are inactive: the last ones."""
    missing_groups: int = 0
    """How many of the groups are not there: the last ones. What belongs to them is in Default."""
    assigned: bool = True
    """Whether the applications use their groups; else all of them use Default."""
    regions: t.Sequence[str] = ()
    """The regions of the groups, in turn (default: the tenant's)."""


def _fits(name: str, value: t.Any) -> bool:
    """Whether a value has the type of its field. To Python a bool is an int; here it is not."""
    if name in ("assigned", "regions"):
        return isinstance(value, bool if name == "assigned" else list)
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def read(definition: t.Mapping[str, t.Any], regions: t.Collection[str]) -> Scale:
    """Read the JSON form. Raises ValueError for a field or a value that is not known."""
    known = {field.name for field in dataclasses.fields(Scale)}
    if unknown := sorted(set(definition) - known):
        raise ValueError(f"unknown fields {unknown} of a scale; known: {sorted(known)}")
    for name, value in definition.items():
        if not _fits(name, value):
            raise ValueError(f"field {name!r} of a scale cannot be {value!r}")
    scale = Scale(**definition)
    if foreign := sorted(set(scale.regions) - set(regions)):
        raise ValueError(f"unknown regions {foreign}; known: {sorted(regions)}")
    return scale


def snapshot(scale: Scale, default_region: str, now: datetime.datetime) -> Snapshot:
    """Return the state of a tenant of this scale, with a new Default group."""
    regions = scale.regions or (default_region,)
    default = seed.default_group(default_region)
    groups = [Group(identity("group", i), f"Group {i + 1:05}", regions[i % len(regions)]) for i in range(scale.groups)]
    present = groups[: max(scale.groups - scale.missing_groups, 0)]
    return Snapshot.build([default, *present], _connectors(scale, present, default, now), _applications(scale, present))


def identity(kind: t.Literal["group", "connector", "application", "app"], index: int) -> str:
    """Return the id of object number `index`, counted from 0."""
    return str(uuid.UUID(int=(("group", "connector", "application", "app").index(kind) + 1) << 124 | 4 << 76 | 2 << 62 | index + 1))


def _connectors(scale: Scale, groups: t.Sequence[Group], default: Group, now: datetime.datetime) -> t.Iterator[Connector]:
    active = scale.connectors_per_group - scale.inactive_per_group
    placed = scale.groups * scale.connectors_per_group
    for i in range(placed + scale.connectors_in_default):
        group, status = default, "active"
        if i < placed:
            number = i // scale.connectors_per_group
            group = groups[number] if number < len(groups) else default
            status = "active" if i % scale.connectors_per_group < active else "inactive"
        yield Connector(identity("connector", i), f"HOST-{i + 1:05}", VERSION, group.id, now, pinned_status=status)


def _applications(scale: Scale, groups: t.Sequence[Group]) -> t.Iterator[Application]:
    for i in range(scale.applications):
        name = f"Application {i + 1:05}"
        number = i % scale.groups if scale.groups else 0
        home = groups[number].id if scale.assigned and number < len(groups) else None
        yield Application(identity("application", i), identity("app", i), name, seed.publishing(name), home)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The words of a declared fleet: the inventory's tree on one side, connector groups with their hosts on the other."""

from __future__ import annotations

import dataclasses
import typing as t

ROOT = "connectors"
"""Inventory group under which the fleet stands."""

# Variables of a connector group.
NAME = "connector_group_name"
REGION = "connector_group_region"
INHERITED_REGION = "connector_region"
MINIMUM = "connector_group_min_connectors"
APPLICATIONS = "connector_group_applications"
GROUP_VARIABLES = (NAME, REGION, INHERITED_REGION, MINIMUM, APPLICATIONS)

# Variables of a host; the member is the fact that role connector leaves behind.
MACHINE_NAME = "connector_machine_name"
ZONE = "connector_zone"
MEMBER = "connector_member"
CLAIMED_BY = "connector_claimed_by"
HOST_VARIABLES = (MACHINE_NAME, ZONE, MEMBER)

Values = t.Mapping[str, t.Any]


class Node(t.TypedDict):
    """One inventory group: names of its direct children, parents and hosts, and its own variables, not templated."""

    children: list[str]
    parents: list[str]
    hosts: list[str]
    vars: dict[str, t.Any]


Tree = t.Mapping[str, Node]


@dataclasses.dataclass(frozen=True)
class Unreadable:
    """Stands in for the value of a variable that could not be templated."""

    reason: str


class Host(t.TypedDict):
    """C(name) is the inventory name, C(machine_name) what the server calls itself (declared, or learnt from the server)."""

    name: str
    machine_name: str
    zone: str | None
    id: t.NotRequired[str]
    """That of its connector, once the server has told it."""


class Group(t.TypedDict):
    """One connector group as declared. Until the schema has been asked, the values can be of any type."""

    inventory_group: str
    name: str
    region: str
    min_connectors: int
    applications: list[str]
    hosts: list[Host]


class Fleet(t.TypedDict):
    """Everything declared, and every mistake in it. C(summary) is one line for each group, for a person."""

    groups: list[Group]
    errors: list[str]
    warnings: list[str]
    summary: list[str]

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""From a tenant to inventory data: which machines, with which variables, in which groups. Pure; knows nothing of Ansible."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.service import folded
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import rules
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import DesiredError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import Connector, ConnectorGroup, TenantState, gather

PREFIX = "tenant_connector_"
"""Of every variable, so that none is taken for one of the declared fleet (C(connector_group_name), C(connector_region), ...)."""
GROUPINGS = ("group", "region", "status", "version")
HOST_NAME = re.compile(r"[\w.-]+")
"""What may name a host: anything else could be taken for a pattern, a range or a template."""

SafeName = t.Callable[[str], str]


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which machines are wanted. None = whichever.

    :param groups: connector groups, by name or id.
    """

    include_inactive: bool = True
    groups: t.Sequence[str] | None = None
    regions: t.Sequence[str] | None = None


@dataclasses.dataclass(frozen=True)
class Machine:
    """A machine with the connector that it uses.

    :param others: its other connectors, left behind by earlier registrations.
    """

    connector: Connector
    group: ConnectorGroup | None
    others: tuple[Connector, ...] = ()

    @property
    def name(self) -> str:
        """The machine's name; the id of the connector where the service told none."""
        return self.connector.machine_name or self.connector.id


def machines_of(state: TenantState) -> list[Machine]:
    """The machines of a tenant, by name. Of several connectors of one machine the newest active one is the one in use."""
    named = gather(state.connectors, lambda one: folded(one.machine_name) or one.id)
    ranked = (sorted(same, key=rules.newness, reverse=True) for _name, same in sorted(named.items()))
    return [Machine(used, state.group(used.group_id), tuple(others)) for used, *others in ranked]


def select(machines: t.Iterable[Machine], selection: Selection, state: TenantState) -> list[Machine]:
    """Those that are wanted.

    :raises DesiredError: the tenant has no such connector group, or no connector group of such a region.
    """
    _require_known(selection, state)
    groups = None if selection.groups is None else {folded(one) for one in selection.groups}
    regions = None if selection.regions is None else {folded(one) for one in selection.regions}
    return [
        one
        for one in machines
        if (selection.include_inactive or one.connector.active)
        and (groups is None or (one.group is not None and not groups.isdisjoint({folded(one.group.name), folded(one.group.id)})))
        and (regions is None or (one.group is not None and folded(one.group.region) in regions))
    ]


def _require_known(selection: Selection, state: TenantState) -> None:
    groups = {folded(text) for one in state.groups for text in (one.name, one.id)}
    regions = {folded(one.region) for one in state.groups if one.region}
    reasons = [f"connector_groups: the tenant has no connector group {one}" for one in selection.groups or () if folded(one) not in groups]
    reasons += [
        f"regions: the tenant has no connector group of region {one}, only of {', '.join(sorted(regions)) or 'none'}"
        for one in selection.regions or ()
        if folded(one) not in regions
    ]
    if reasons:
        raise DesiredError(reasons)


def variables_of(machine: Machine, state: TenantState, *, applications: bool) -> dict[str, t.Any]:
    """The variables of a machine.

    :param applications: whether the applications of its group were read: what is not known is not set.
    """
    connector, group = machine.connector, machine.group
    values: dict[str, t.Any] = {
        "id": connector.id,
        "machine_name": connector.machine_name,
        "status": connector.status,
        "active": connector.active,
        "version": connector.version,
        "external_ip": connector.external_ip,
        "group": group.name if group else None,
        "group_id": group.id if group else None,
        "group_is_default": group.is_default if group else False,
        "region": group.region if group else None,
        "others": [one.id for one in machine.others],
    }
    if applications:
        values["applications"] = sorted(one.label for one in state.applications_of(group.id)) if group else []
    return {PREFIX + name: value for name, value in values.items()}


def warnings_of(machines: t.Iterable[Machine]) -> list[str]:
    """What a person should know about these machines."""
    found = []
    for one in machines:
        if one.others:
            found.append(rules.duplicate_warning(one.connector, one.others, one.connector.id))
        found.append(rules.status_warning(one.connector))
    return [text for text in found if text]


class GroupNames:
    """Inventory groups of machines.

    Names are in lower case, because the service compares without case. Connector groups whose names are the same once they are made fit
    for an inventory (C(NAM Web) and C(NAM-Web)) have their ids added: merged, a play on one would reach the servers of the other.

    :param groups: all connector groups of the tenant.
    :param safe: makes a name fit for an inventory.
    """

    def __init__(self, groups: t.Iterable[ConnectorGroup], prefix: str, safe: SafeName) -> None:
        self._prefix = prefix
        self._safe = safe
        self._alike = gather(groups, lambda one: self._named("group", one.name))

    @property
    def everything(self) -> str:
        """The group of all machines."""
        return self._safe(f"{self._prefix}connectors")

    def of(self, machine: Machine, by: t.Collection[str]) -> list[list[str]]:
        """Where a machine belongs: paths below the group of all, from the outer group to the inner one.

        A connector group is below its region, so that its variables take precedence.

        :param by: those of C(GROUPINGS) that are wanted.
        """
        region = machine.group.region if machine.group else None
        places = [
            [
                *([self._named("region", region)] if region and "region" in by else []),
                *([self._of_group(machine.group)] if machine.group and "group" in by else []),
            ],
            [self._named("status", machine.connector.status)] if machine.connector.status and "status" in by else [],
            [self._named("version", machine.connector.version)] if machine.connector.version and "version" in by else [],
        ]
        return [place for place in places if place]

    def warnings(self) -> list[str]:
        """Which connector groups do not have the inventory group that one would look for."""
        return [
            f"connector groups {' and '.join(repr(one.name) for one in same)} would both be inventory group {name}: their ids are added"
            for name, same in self._alike.items()
            if len(same) > 1
        ]

    def _of_group(self, group: ConnectorGroup) -> str:
        name = self._named("group", group.name)
        return name if len(self._alike.get(name, ())) < 2 else self._safe(f"{name}_{folded(group.id)}")

    def _named(self, kind: str, value: str) -> str:
        return self._safe(f"{self._prefix}{kind}_{folded(value)}")

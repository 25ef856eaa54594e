# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small tenants and fleets, written so that a test shows what it is about."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredConnector, DesiredGroup
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.plan import Proposal, propose
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import resolve
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import Application, Connector, ConnectorGroup, TenantState

DEFAULT = ConnectorGroup("g-default", "Default", "nam", is_default=True)


def tenant(
    groups: t.Mapping[str, t.Sequence[str]],
    *,
    default: t.Sequence[str] = (),
    applications: t.Mapping[str, str | None] | None = None,
    regions: t.Mapping[str, str] | None = None,
) -> TenantState:
    """A tenant that was read whole.

    :param groups: name -> machine names of the members; C(web1!) is inactive.
    :param default: members of Default.
    :param applications: name -> name of the group, None for none.
    """
    made = [ConnectorGroup(f"g-{name}", name, (regions or {}).get(name, "nam")) for name in groups]
    placed = {DEFAULT.id: default, **{f"g-{name}": members for name, members in groups.items()}}
    connectors = [connector(machine, group) for group, machines in placed.items() for machine in machines]
    apps = [Application(f"a-{name}", f"app-{name}", name, f"g-{group}" if group else None) for name, group in (applications or {}).items()]
    return TenantState((DEFAULT, *made), tuple(connectors), tuple(apps), frozenset(placed))


def on_default(state: TenantState) -> TenantState:
    """The tenant with the applications that use no group in Default, as the service has them."""
    return dataclasses.replace(
        state, applications=tuple(dataclasses.replace(one, group_id=one.group_id or DEFAULT.id) for one in state.applications)
    )


def connector(machine: str, group: str | None = DEFAULT.id, version: str = "1.5.4892.0") -> Connector:
    name = machine.rstrip("!")
    return Connector(f"c-{name}", name, "inactive" if machine.endswith("!") else "active", version, group_id=group)


def want(
    name: str,
    connectors: t.Sequence[str | DesiredConnector] | None = None,
    applications: t.Sequence[str] | None = None,
    *,
    region: str | None = None,
    minimum: int = 2,
) -> DesiredGroup:
    """A declared group; connectors by machine name."""
    listed = (
        None if connectors is None else tuple(DesiredConnector(machine_name=one) if isinstance(one, str) else one for one in connectors)
    )
    return DesiredGroup(name, region, listed, None if applications is None else tuple(applications), minimum)


def proposal(state: TenantState, *desired: DesiredGroup, allow_disruptive: bool = False) -> Proposal:
    return propose(resolve(desired, state), state, allow_disruptive=allow_disruptive)


def steps(made: Proposal) -> list[str]:
    """The plan as short text: C(create web), C(move a: Default -> web)."""
    return [_step(change) for change in made.plan.changes]


def _step(change: t.Any) -> str:
    if change.before and "connector_group" in change.before:
        return f"{change.action} {change.name}: {change.before['connector_group']} -> {change.after['connector_group']}"
    return f"{change.action} {change.name}"


def running(state: TenantState, group_id: str) -> int:
    """Active connectors of a group, counted without the code under test."""
    return len([one for one in state.connectors if one.group_id == group_id and one.status.casefold() == "active"])


def fallen_groups(before: TenantState, after: TenantState, required: t.Mapping[str, int]) -> list[str]:
    """Names of the groups beside Default that had their minimum before and have not after: what no step of a plan may cause."""
    return [
        group.name
        for group in before.groups
        if not group.is_default and running(before, group.id) >= required.get(group.id, 2) > running(after, group.id)
    ]


def abandoned_applications(before: TenantState, after: TenantState, minimum: int, *, stay: bool) -> list[str]:
    """The applications of Default that a step has taken its connectors from: all of them, or where some stay, what they need.

    :param minimum: active connectors that Default needs while applications stay there.
    :param stay: whether some do to the end.
    """
    users = [one.label for one in after.applications if one.group_id == DEFAULT.id]
    needed = minimum if stay else min(minimum, 1)
    return users if running(before, DEFAULT.id) >= needed > running(after, DEFAULT.id) else []

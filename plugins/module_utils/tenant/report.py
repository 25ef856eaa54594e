# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Connector groups as task results, and as what the module connector_groups takes. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.service import folded
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import ha
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.blocked import Blocked
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import Target, actual_group, is_new
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import Application, Connector, ConnectorGroup, TenantState

Result = dict[str, t.Any]


def target_result(target: Target, state: TenantState, blocked: t.Sequence[Blocked]) -> Result:
    """A declared group as it is now.

    :param blocked: what was left out of the steps of this group.
    """
    group = actual_group(target, state)
    members = state.members(group.id) if group else []
    here = {one.id for one in members}
    missing = [desired.label for desired, connector in target.connectors if connector is None or connector.id not in here]
    reasons = [one.reason for one in blocked if not one.shortfall]
    required = 0 if target.desired.absent else target.desired.min_connectors
    result = _result(group, target.name, required, state)
    return _judged(result, missing, reasons)


def group_result(group: ConnectorGroup, state: TenantState, minimum: int) -> Result:
    """A group of the tenant, judged by a minimum that is the same for all; Default needs none while no application uses it."""
    required = ha.required_of(group, minimum, used=bool(state.applications_of(group.id)))
    return _judged(_result(group, group.name, required, state), [], [])


def connector_result(connector: Connector, state: TenantState) -> Result:
    """A connector with its group."""
    return {
        **member_result(connector),
        "external_ip": connector.external_ip,
        "active": connector.active,
        "group": group_brief(state.group(connector.group_id)),
    }


def as_desired(group: ConnectorGroup, state: TenantState, minimum: int) -> Result:
    """A group of the tenant as an entry of the option C(groups) of connector_groups: giving it back changes nothing.

    Without the id, so that it can be given to another tenant as well, unless it takes the id to tell it from one of the same name.
    """
    return {
        "name": group.name,
        **({"id": group.id} if len(state.groups_named(group.name)) > 1 else {}),
        "region": group.region,
        "min_connectors": minimum,
        "connectors": [{"id": one.id, "machine_name": one.machine_name} for one in _sorted_members(state, group.id)],
        "applications": [one.id for one in _sorted_applications(state, group.id)],
    }


def _result(group: ConnectorGroup | None, name: str, required: int, state: TenantState) -> Result:
    members = _sorted_members(state, group.id) if group else []
    return {
        "id": _shown_id(group.id) if group else None,
        "name": group.name if group else name,
        "region": group.region if group else None,
        "is_default": group.is_default if group else False,
        "required": required,
        "active": sum(one.active for one in members),
        "members": [member_result(one) for one in members],
        "inactive": [one.machine_name for one in members if not one.active],
        "applications": [application_result(one) for one in (_sorted_applications(state, group.id) if group else [])],
    }


def _judged(result: Result, missing: t.Sequence[str], reasons: t.Sequence[str]) -> Result:
    served = ha.is_served(result["active"], result["required"])
    problems = [] if served else [ha.shortage(result["name"], result["active"], result["required"])]
    if missing:
        problems.append(f"declared connectors that are not in connector group {result['name']}: {', '.join(missing)}")
    return {**result, "missing": list(missing), "ok": served and not reasons, "problems": [*problems, *reasons]}


def _sorted_members(state: TenantState, group_id: str) -> list[Connector]:
    return sorted(state.members(group_id), key=lambda one: (folded(one.machine_name), one.id))


def _sorted_applications(state: TenantState, group_id: str) -> list[Application]:
    return sorted(state.applications_of(group_id), key=lambda one: (folded(one.name), one.id))


def member_result(connector: Connector) -> Result:
    """A connector by what a person knows of it."""
    return {
        "id": _shown_id(connector.id),
        "machine_name": connector.machine_name,
        "status": connector.status,
        "version": connector.version,
    }


def application_result(application: Application) -> Result:
    """An application by its three names."""
    return {"id": application.id, "app_id": application.app_id, "name": application.name}


def group_brief(group: ConnectorGroup | None) -> Result | None:
    """A group by what tells it from others."""
    if group is None:
        return None
    return {"id": _shown_id(group.id), "name": group.name, "region": group.region, "is_default": group.is_default}


def _shown_id(identifier: str) -> str | None:
    """None for what check mode only predicts."""
    return None if is_new(identifier) else identifier

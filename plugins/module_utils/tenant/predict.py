# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Where a plan leads: the tenant after it. Pure."""

from __future__ import annotations

import dataclasses

from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Plan
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import ConnectorGroup, TenantState


def predict(state: TenantState, plan: Plan) -> TenantState:
    """The tenant after a plan, as far as that is known: a group without declared region gets one from the service."""
    groups = {group.id: group for group in state.groups}
    connectors = {connector.id: connector for connector in state.connectors}
    applications = {application.id: application for application in state.applications}
    for change in plan.changes:
        data, after = change.data, change.after or {}
        if change.action == "create":
            groups[data["group"]] = ConnectorGroup(data["group"], change.name, after.get("region"))
        elif change.action == "update":
            groups[data["group"]] = dataclasses.replace(groups[data["group"]], **after)
        elif change.action == "delete":
            groups.pop(data["group"])
        elif change.action == "move":
            connectors[data["connector"]] = dataclasses.replace(connectors[data["connector"]], group_id=data["group"])
        elif change.action in ("assign", "unassign"):
            applications[data["application"]] = dataclasses.replace(applications[data["application"]], group_id=data["group"])
    created = {group_id for group_id in groups if state.group(group_id) is None}
    return TenantState(tuple(groups.values()), tuple(connectors.values()), tuple(applications.values()), state.read_groups | created)

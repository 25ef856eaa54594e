# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What has to happen for a host to be without a connector. Pure."""

from __future__ import annotations

from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan

CONNECTOR = "connector"
UPDATER = "connector updater"


def plan(state: HostState) -> Plan:
    """Connector and updater are two products: what is there of either goes [MS, concept-connectors]."""
    name = state.machine_name
    changes = []
    if state.connector_present:
        before = {"installed": True, "version": state.installation.version}
        changes.append(Change("remove", CONNECTOR, name, before, None, "it is declared absent"))
    if state.updater_present:
        changes.append(Change("remove", UPDATER, name, {"installed": True}, None, "it is declared absent"))
    return Plan.of(changes)

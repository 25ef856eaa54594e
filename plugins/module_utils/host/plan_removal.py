# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What has to happen for a host to be without a connector. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.plan_connector import restart_of, waits_for
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan

CONNECTOR = "connector"
UPDATER = "connector updater"
FOLDER = "folder"
PRODUCT = "product"

_ABSENT = "it is declared absent"
# What is in use until then can be removed.
_AFTER_RESTART = 3


def plan(
    state: HostState,
    folders: t.Sequence[str] = (),
    products: t.Sequence[str] = (),
    *,
    restart: bool = False,
    awaited: t.Sequence[str] = (),
) -> Plan:
    """Connector and updater are two products: what is there of either goes [MS, concept-connectors].

    :param folders: the product's folders that exist and are to go as well.
    :param products: display names of what Windows lists as installed on a host that has nothing else of it.
    :param restart: whether the server may be restarted, as Microsoft's page asks for after a removal.
    :param awaited: what an earlier run has left waiting for a restart.
    """
    name = state.machine_name
    changes = []
    if state.connector_present:
        before = {"installed": True, "version": state.installation.version}
        changes.append(Change("remove", CONNECTOR, name, before, None, _ABSENT))
    if state.updater_present:
        changes.append(Change("remove", UPDATER, name, {"installed": True}, None, _ABSENT))
    changes += [Change("remove", PRODUCT, product, {"listed": True}, None, _ABSENT) for product in products]
    if changes and restart:
        changes.append(restart_of(name, "a removal is complete after a restart"))
    elif awaited and restart:
        changes.append(restart_of(name, waits_for(awaited)))
    changes += [Change("remove", FOLDER, folder, {"present": True}, None, _ABSENT, _AFTER_RESTART) for folder in folders]
    return Plan.of(changes)

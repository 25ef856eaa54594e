# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The request that carries out a change."""

from __future__ import annotations

from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import paths
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.messages import Request


def request_for(client: GraphClient, change: Change, group_id: str) -> Request:
    """The request.

    :param group_id: id of the group that the change is about, now that it exists.
    :raises KeyError: no change of the tenant's plan is called so.
    """
    if change.action == "create":
        return paths.create_group(dict(change.data["body"]))
    if change.action == "update":
        return paths.update_group(group_id, change.name, dict(change.data["body"]))
    if change.action == "delete":
        return paths.delete_group(group_id, change.name)
    if change.action == "unassign":
        return paths.unassign(change.data["application"], change.name)
    reference = client.reference(paths.group_path(group_id))
    if change.action == "assign":
        return paths.assign(change.data["application"], change.name, reference)
    if change.action == "move":
        connector = client.reference(paths.connector_path(change.data["connector"]))
        return paths.add_member(group_id, change.name, connector)
    raise KeyError(change.action)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The paths of Graph that this collection uses, and the requests on them (Graph beta reference, documented unless said otherwise)."""

from __future__ import annotations

import urllib.parse

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.messages import Body, Request

PROFILE = "/onPremisesPublishingProfiles/applicationProxy"
GROUPS = f"{PROFILE}/connectorGroups"
CONNECTORS = f"{PROFILE}/connectors"
APPLICATION_FIELDS = "$select=id,appId,displayName"

LIST_GROUPS = Request("GET", GROUPS, "list the connector groups")
LIST_CONNECTORS = Request("GET", CONNECTORS, "list the connectors")


def group_path(group_id: str) -> str:
    return f"{GROUPS}/{_segment(group_id)}"


def connector_path(connector_id: str) -> str:
    return f"{CONNECTORS}/{_segment(connector_id)}"


def members_of(group_id: str, name: str) -> Request:
    return Request("GET", f"{group_path(group_id)}/members", "list the members of the connector group", name)


def applications_of(group_id: str, name: str) -> Request:
    return Request("GET", f"{group_path(group_id)}/applications", "list the applications of the connector group", name)


def member_of(connector_id: str, name: str) -> Request:
    return Request("GET", f"{connector_path(connector_id)}/memberOf", "find the connector group of the connector", name)


def application(object_id: str) -> Request:
    url = f"/applications/{_segment(object_id)}?{APPLICATION_FIELDS}"
    return Request("GET", url, "find the application", object_id)


def applications_with(name: str, value: str) -> Request:
    """Applications whose property C(name) (C(appId), C(displayName)) has that value."""
    text = urllib.parse.quote("'" + value.replace("'", "''") + "'", safe="'")
    return Request("GET", f"/applications?$filter={name}%20eq%20{text}&{APPLICATION_FIELDS}", "find the application", value)


def group_of_application(object_id: str, name: str) -> Request:
    """No page documents this GET; it was observed live (terraform-provider-microsoft365#3213)."""
    return Request("GET", f"/applications/{_segment(object_id)}/connectorGroup", "find the connector group of the application", name)


def create_group(body: Body) -> Request:
    return Request("POST", GROUPS, "create the connector group", str(body.get("name")), body)


def update_group(group_id: str, name: str, body: Body) -> Request:
    return Request("PATCH", group_path(group_id), "change the connector group", name, body)


def add_member(group_id: str, name: str, reference: Body) -> Request:
    """Adding is moving: a connector is always in exactly one group."""
    return Request("POST", f"{group_path(group_id)}/members/$ref", "move the connector", name, reference)


def assign(object_id: str, name: str, reference: Body) -> Request:
    url = f"/applications/{_segment(object_id)}/connectorGroup/$ref"
    return Request("PUT", url, "assign the connector group to the application", name, reference)


def _segment(identifier: str) -> str:
    return urllib.parse.quote(identifier, safe="")

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The paths of Graph that this collection uses, and the requests on them (Graph beta reference, documented unless said otherwise)."""

from __future__ import annotations

import typing as t
import urllib.parse

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.messages import Body, Request

PROFILE = "/onPremisesPublishingProfiles/applicationProxy"
GROUPS = f"{PROFILE}/connectorGroups"
CONNECTORS = f"{PROFILE}/connectors"
APPLICATION_FIELDS = "$select=id,appId,displayName"

LIST_GROUPS = Request("GET", GROUPS, "list the connector groups")
LIST_CONNECTORS = Request("GET", CONNECTORS, "list the connectors")
PROFILE_ITSELF = Request("GET", PROFILE, "read the profile of Application Proxy")
VALUES = 15
"""Comparisons in one filter over directory objects (documented)."""


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


def applications_with(name: str, values: t.Sequence[str]) -> Request:
    """Applications whose property C(name) (C(id), C(appId), C(displayName)) has one of these values; C(VALUES) at most.

    Of all three C(eq) is documented, C(in) is not.
    """
    condition = " or ".join(f"{name} eq '" + value.replace("'", "''") + "'" for value in values)
    text = urllib.parse.quote(condition, safe="'")
    return Request("GET", f"/applications?$filter={text}&{APPLICATION_FIELDS}", "find the application", ", ".join(values))


def group_of_application(object_id: str, name: str) -> Request:
    """No page documents this GET; it was observed live (terraform-provider-microsoft365#3213)."""
    return Request("GET", f"/applications/{_segment(object_id)}/connectorGroup", "find the connector group of the application", name)


def create_group(body: Body) -> Request:
    return Request("POST", GROUPS, "create the connector group", str(body.get("name")), body)


def update_group(group_id: str, name: str, body: Body) -> Request:
    return Request("PATCH", group_path(group_id), "change the connector group", name, body)


def delete_group(group_id: str, name: str) -> Request:
    return Request("DELETE", group_path(group_id), "delete the connector group", name)


def add_member(group_id: str, name: str, reference: Body) -> Request:
    """Adding is moving: a connector is always in exactly one group."""
    return Request("POST", f"{group_path(group_id)}/members/$ref", "move the connector", name, reference)


def assign(object_id: str, name: str, reference: Body) -> Request:
    url = f"/applications/{_segment(object_id)}/connectorGroup/$ref"
    return Request("PUT", url, "assign the connector group to the application", name, reference)


def unassign(object_id: str, name: str) -> Request:
    """No page documents this DELETE; it was observed live, and that the application falls back to Default
    (terraform-provider-microsoft365#3213)."""
    url = f"/applications/{_segment(object_id)}/connectorGroup/$ref"
    return Request("DELETE", url, "take the connector group from the application", name)


def _segment(identifier: str) -> str:
    return urllib.parse.quote(identifier, safe="")

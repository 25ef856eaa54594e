# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The routes of Graph that the lab knows: what each path is, what it may carry, and who may call it."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from tests.lab.tenant import responses
from tests.lab.tenant.http import Answer, Request
from tests.lab.tenant.state import Snapshot

Handler = t.Callable[[responses.Responses, Request, Snapshot], Answer]

NONE: frozenset[str] = frozenset()
DIRECTORY_WRITE = frozenset({"Directory.ReadWrite.All", "Directory.AccessAsUser.All"})
"""Delegated, even for reads (graph.md 7.1, MS PERM; the second is in the documentation of 2021)."""
APPLICATION_READ = frozenset({"Application.Read.All", "Application.ReadWrite.All"})
HYBRID_READ = DIRECTORY_WRITE | {"Policy.Read.HybridAuthentication", "Policy.ReadWrite.HybridAuthentication"}


@dataclasses.dataclass(frozen=True)
class Route:
    """One operation. `delegated` and `application`: any of these scopes or roles suffices; no role = app-only not supported."""

    name: str
    method: str
    pattern: re.Pattern[str]
    handler: Handler
    kind: t.Literal["read", "write"]
    query: frozenset[str]
    body: frozenset[str] | None
    required: frozenset[str]
    delegated: frozenset[str]
    application: frozenset[str]
    publishing: bool
    """Whether the path is below the publishing profile, which answers only once Application Proxy is enabled."""
    unproven: bool
    """Whether the operation is declared in metadata only."""


P = "/onPremisesPublishingProfiles/applicationProxy"


def _route(
    method: str,
    template: str,
    handler: Handler,
    *,
    query: frozenset[str] = NONE,
    body: frozenset[str] | None = None,
    required: frozenset[str] = NONE,
    delegated: frozenset[str] = DIRECTORY_WRITE,
    application: frozenset[str] = NONE,
) -> Route:
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/$][^/]*)", template.replace("$", r"\$")), re.IGNORECASE)
    return Route(
        name=handler.__name__,
        method=method,
        pattern=pattern,
        handler=handler,
        kind="read" if method == "GET" else "write",
        query=query,
        body=body,
        required=required,
        delegated=delegated,
        application=application,
        publishing=template.startswith(f"{P}/"),
        unproven=template.endswith("/$count"),
    )


R = responses.Responses
REFERENCE = responses.REFERENCE
TARGET = frozenset({"@odata.id"})
EXPANDED_LIST = responses.COUNTED | responses.EXPANDED
EXPANDED_ITEM = responses.ITEM | responses.EXPANDED
COUNT = frozenset({"$filter"})

ROUTES: tuple[Route, ...] = (
    _route("GET", P, R.get_profile, delegated=HYBRID_READ),
    _route("GET", f"{P}/connectors", R.list_connectors, query=EXPANDED_LIST),
    _route("GET", f"{P}/connectors/$count", R.count_connectors, query=COUNT),
    _route("GET", f"{P}/connectors/{{connector}}", R.get_connector, query=EXPANDED_ITEM),
    _route("GET", f"{P}/connectors/{{connector}}/memberOf", R.list_member_of, query=EXPANDED_LIST),
    _route("POST", f"{P}/connectors/{{connector}}/memberOf/$ref", R.move_by_connector, body=REFERENCE, required=TARGET),
    _route("GET", f"{P}/connectorGroups", R.list_groups, query=EXPANDED_LIST),
    _route(
        "POST",
        f"{P}/connectorGroups",
        R.create_group,
        body=responses.GROUP_PROPERTIES,
        required=frozenset({"name"}),
        application=frozenset({"Directory.ReadWrite.All"}),  # the only application permission that is documented
    ),
    _route("GET", f"{P}/connectorGroups/$count", R.count_groups, query=COUNT),
    _route("GET", f"{P}/connectorGroups/{{group}}", R.get_group, query=EXPANDED_ITEM),
    _route("PATCH", f"{P}/connectorGroups/{{group}}", R.update_group, body=responses.GROUP_PROPERTIES),
    _route("DELETE", f"{P}/connectorGroups/{{group}}", R.delete_group),
    _route("GET", f"{P}/connectorGroups/{{group}}/members", R.list_members, query=EXPANDED_LIST),
    _route("GET", f"{P}/connectorGroups/{{group}}/members/$count", R.count_members, query=COUNT),
    _route("POST", f"{P}/connectorGroups/{{group}}/members/$ref", R.add_member, body=REFERENCE, required=TARGET),
    _route("GET", f"{P}/connectorGroups/{{group}}/applications", R.list_group_applications, query=responses.LIST),
    _route("GET", "/applications", R.list_applications, query=responses.LIST, delegated=APPLICATION_READ, application=APPLICATION_READ),
    _route(
        "GET",
        "/applications/{application}",
        R.get_application,
        query=responses.ITEM,
        delegated=APPLICATION_READ,
        application=APPLICATION_READ,
    ),
    _route("GET", "/applications/{application}/connectorGroup", R.get_application_group, query=responses.ITEM),
    _route("PUT", "/applications/{application}/connectorGroup/$ref", R.assign, body=REFERENCE, required=TARGET),
    _route("DELETE", "/applications/{application}/connectorGroup/$ref", R.unassign),
)


def normalise(path: str) -> str:
    """Write keys as segments: connectors('x') is connectors/x (graph.md 2: both occur)."""
    return re.sub(r"\('([^'/]*)'\)", r"/\1", path)


def resolve(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Find the route and its path parameters. Raises LookupError with the allowed methods when only the method is wrong."""
    allowed = []
    normal = normalise(path)
    for route in ROUTES:
        match = route.pattern.fullmatch(normal)
        if match is None:
            continue
        if route.method == method:
            return route, match.groupdict()
        allowed.append(route.method)
    if allowed:
        raise LookupError(", ".join(allowed))
    return None

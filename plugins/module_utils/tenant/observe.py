# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""One look at a tenant, in as few requests as the API allows.

Two lists (groups, connectors), then by batch of 20 the members and applications of the groups that matter: the declared ones, Default,
and those that a declared connector would leave. For g such groups and pages of p items that is
ceil(groups/p) + ceil(connectors/p) + ceil(2g/20) requests, and ceil(a/300) for the names of a declared applications. Where the service
lets the list of connectors tell their groups ($expand), the members come with it, and it is ceil(g/20) instead of ceil(2g/20).
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import batch, paths
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import GUID, DesiredGroup
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import GraphError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.messages import Answer, Body, Request
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.paging import read_list, read_rest
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import ConnectorIndex
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import (
    Application,
    Connector,
    ConnectorGroup,
    TenantState,
    application_of,
    connector_of,
    folded,
    group_of,
    is_ours,
)

NOT_ENABLED = "OnPremisesPublishing_NotEnabled"
"""Before the first connector of a tenant is registered (practised by others): there is nothing to list."""
EXPANDED = "memberOf"
UNSUPPORTED = frozenset({400, 404, 405, 501})
"""How the service may say that it does not expand (inferred: it was not tried by anyone)."""
FEW = 10
"""Groups of which one batch tells everything, so that there is nothing to save."""
NO_APPLICATIONS = "ApplicationsForGroup_NotFound"
"""A group without applications, presumably (practised by EntraExporter)."""


def observe_groups(client: GraphClient, names: t.Sequence[str] | None = None) -> TenantState:
    """The groups of these names (None = all) with members and applications, and every connector."""
    state = observe_lists(client, expand=names is None or len(names) > FEW)
    wanted = None if names is None else {folded(name) for name in names}
    state = complete_groups(client, state, [group for group in state.groups if wanted is None or folded(group.name) in wanted])
    return name_applications(client, state)


def observe_placed(client: GraphClient, *, applications: bool = False) -> TenantState:
    """Every connector with its group: two lists, and ceil(g/20) requests for g groups where the list of connectors does not tell them.

    :param applications: also the applications of every group, by name.
    """
    state = observe_lists(client, expand=True)
    if applications:
        return name_applications(client, complete_groups(client, state, state.groups))
    if all(one.group_id for one in state.connectors):
        return state
    return _with_members(state, _read_members(client, state.groups))


def observe_desired(client: GraphClient, desired: t.Sequence[DesiredGroup], *, everything: bool = False) -> TenantState:
    """All that is needed to judge and reconcile these groups.

    :param everything: also what is in the groups that are not declared.
    """
    state = observe_lists(client, expand=everything or len(desired) > FEW)
    names = {folded(group.name) for group in desired if not group.id}
    ids = {folded(group.id) for group in desired if group.id}
    wanted = [one for one in state.groups if everything or one.is_default or folded(one.name) in names or folded(one.id) in ids]
    state = complete_groups(client, state, wanted)
    state = complete_groups(client, state, _left_groups(client, state, desired))
    return find_applications(client, state, desired)


def observe_lists(client: GraphClient, *, expand: bool = False) -> TenantState:
    """All groups and all connectors, not yet who is in which.

    :param expand: ask the service to tell the connectors' groups as well; where it refuses, that is one request in vain.
    """
    try:
        groups = tuple(group_of(body) for body in read_list(client, paths.LIST_GROUPS) if is_ours(body))
        connectors = (_expanded_connectors(client) if expand else None) or _plain_connectors(client)
    except GraphError as error:
        if error.code == NOT_ENABLED:
            return TenantState()
        raise
    return TenantState(groups, connectors)


def complete_groups(client: GraphClient, state: TenantState, groups: t.Sequence[ConnectorGroup]) -> TenantState:
    """The state with members and applications of these groups. Members are asked for only where not every connector's place is known."""
    if not groups or not state.connectors or any(one.group_id is None for one in state.connectors):
        return read_groups(client, state, groups)
    state = _with_applications(state, _read_applications(client, groups))
    return dataclasses.replace(state, read_groups=state.read_groups | {group.id for group in groups})


def read_groups(client: GraphClient, state: TenantState, groups: t.Sequence[ConnectorGroup]) -> TenantState:
    """The state with members and applications of these groups, as they are now."""
    if not groups:
        return state
    members = [paths.members_of(group.id, group.name) for group in groups]
    applications = [paths.applications_of(group.id, group.name) for group in groups]
    lists = read_lists(client, [*members, *applications], empty=NO_APPLICATIONS)
    seen_members = dict(zip((group.id for group in groups), lists[: len(groups)], strict=True))
    seen_applications = dict(zip((group.id for group in groups), lists[len(groups) :], strict=True))
    return _with_members(_with_applications(state, seen_applications), seen_members)


def _read_members(client: GraphClient, groups: t.Sequence[ConnectorGroup]) -> dict[str, list[Body]]:
    lists = read_lists(client, [paths.members_of(group.id, group.name) for group in groups])
    return dict(zip((group.id for group in groups), lists, strict=True))


def _read_applications(client: GraphClient, groups: t.Sequence[ConnectorGroup]) -> dict[str, list[Body]]:
    lists = read_lists(client, [paths.applications_of(group.id, group.name) for group in groups], empty=NO_APPLICATIONS)
    return dict(zip((group.id for group in groups), lists, strict=True))


def _plain_connectors(client: GraphClient) -> tuple[Connector, ...]:
    return tuple(connector_of(body) for body in read_list(client, paths.LIST_CONNECTORS))


def _expanded_connectors(client: GraphClient) -> tuple[Connector, ...] | None:
    """The connectors with their groups; None when the service does not tell them so. That it would is declared, but not shown."""
    request = paths.LIST_CONNECTORS_WITH_GROUPS
    answer = client.exchange(request)
    if answer.status in UNSUPPORTED and answer.code != NOT_ENABLED:
        return None
    if not answer.ok:
        raise client.refused(request, answer)
    bodies = read_rest(client, request, answer)
    if not all(isinstance(body.get(EXPANDED), list) for body in bodies):
        return None
    return tuple(connector_of(body, _home_of(body)) for body in bodies)


def _home_of(body: Body) -> str | None:
    return next((str(group["id"]) for group in body[EXPANDED] if is_ours(group)), None)


def read_lists(client: GraphClient, requests: t.Sequence[Request], *, empty: str = "") -> list[list[Body]]:
    """The items of several collections, by batch, every page of them.

    :param empty: the error code that stands for an empty collection.
    """
    lists: list[list[Body]] = []
    for request, answer in zip(requests, batch.run_reads(client, requests), strict=True):
        if empty and answer.code == empty:
            lists.append([])
        elif answer.ok:
            lists.append(read_rest(client, request, answer))
        else:
            raise client.refused(request, answer)
    return lists


def find_applications(client: GraphClient, state: TenantState, desired: t.Sequence[DesiredGroup]) -> TenantState:
    """The state with every declared application looked up, and the group each of them has now."""
    known = {folded(one.id) for one in state.applications if one.name}
    references = {folded(one): one for group in desired for one in group.named_applications}
    requests = _lookups([one for key, one in references.items() if key not in known])
    found: dict[str, Body] = {}
    for request, answer in zip(requests, batch.run_reads(client, requests), strict=True):
        for body in _found(client, request, answer):
            found[str(body["id"])] = body
    return _with_found(client, state, found)


def name_applications(client: GraphClient, state: TenantState, groups: t.Collection[str] | None = None) -> TenantState:
    """The state with names for the applications of which a group told only the id.

    :param groups: ids of the groups whose applications are to be named; None = all.
    """
    nameless = {one.id: one for one in state.applications if not one.name and (groups is None or one.group_id in groups)}
    requests = [paths.applications_with("id", chunk) for chunk in _chunks(list(nameless))]
    named: dict[str, Application] = {}
    for request, answer in zip(requests, batch.run_reads(client, requests), strict=True):
        for body in _found(client, request, answer):
            if (one := nameless.get(str(body["id"]))) is not None:
                named[one.id] = application_of(body, one.group_id)
    return dataclasses.replace(state, applications=tuple(named.get(one.id, one) for one in state.applications))


def application_groups(client: GraphClient, applications: t.Sequence[Application]) -> list[Application]:
    """The applications, each with the group that it has now, or marked as not published."""
    requests = [paths.group_of_application(one.id, one.label) for one in applications]
    result = []
    for one, request, answer in zip(applications, requests, batch.run_reads(client, requests), strict=True):
        if answer.ok:
            result.append(dataclasses.replace(one, group_id=str(answer.body.get("id") or "") or None, published=True))
        elif answer.status == 404:  # Application_NotFound: "... not found or OnPremisesPublishing is not enabled" (observed)
            result.append(dataclasses.replace(one, group_id=None, published=False))
        else:
            raise client.refused(request, answer)
    return result


def connector_groups(client: GraphClient, connectors: t.Sequence[Connector]) -> list[Connector]:
    """The connectors, each with the group that it is in now."""
    lists = read_lists(client, [paths.member_of(one.id, one.machine_name) for one in connectors])
    ours = [next((group_of(body) for body in bodies if is_ours(body)), None) for bodies in lists]
    return [dataclasses.replace(one, group_id=group.id if group else None) for one, group in zip(connectors, ours, strict=True)]


def _left_groups(client: GraphClient, state: TenantState, desired: t.Sequence[DesiredGroup]) -> list[ConnectorGroup]:
    """The groups, not read yet, that declared connectors are in: a move would take something from them."""
    index = ConnectorIndex(state.connectors)
    found = [index.find(one) for group in desired for one in group.connectors or () if not one.pending]
    known = {one.group_id for one in found if one is not None and one.group_id is not None}
    strays = [one for one in found if one is not None and one.group_id is None]
    ids = known | ({one.group_id for one in connector_groups(client, strays)} if strays else set())
    return [group for group in state.groups if group.id in ids and group.id not in state.read_groups]


def _lookups(references: t.Sequence[str]) -> list[Request]:
    """The requests that find applications by any of their names, C(paths.VALUES) of them in each."""
    guids = [one for one in references if GUID.match(one)]
    names = [one for one in references if not GUID.match(one)]
    wanted = (("id", guids), ("appId", guids), ("displayName", names))
    return [paths.applications_with(field, chunk) for field, values in wanted for chunk in _chunks(values)]


def _chunks(values: t.Sequence[str]) -> t.Iterator[t.Sequence[str]]:
    for start in range(0, len(values), paths.VALUES):
        yield values[start : start + paths.VALUES]


def _found(client: GraphClient, request: Request, answer: Answer) -> list[Body]:
    """The applications that one lookup found. Not found is an answer too; anything else is not taken for one."""
    if answer.status == 404:
        return []
    if not answer.ok:
        raise client.refused(request, answer)
    return [answer.body] if "id" in answer.body else read_rest(client, request, answer)


def _with_found(client: GraphClient, state: TenantState, found: t.Mapping[str, Body]) -> TenantState:
    """Applications of the groups get their names; of the others the group is read."""
    placed = {one.id: one.group_id for one in state.applications}
    named = {key: application_of(body, placed.get(key)) for key, body in found.items()}
    loose = application_groups(client, [one for key, one in named.items() if key not in placed])
    kept = [named.get(one.id, one) for one in state.applications]
    return dataclasses.replace(state, applications=(*kept, *loose))


def _with_members(state: TenantState, seen: t.Mapping[str, t.Sequence[Body]]) -> TenantState:
    """A connector that a read group does not name any more is somewhere else, where is not known."""
    place = {str(body["id"]): group_id for group_id, bodies in seen.items() for body in bodies}
    kept = [
        dataclasses.replace(one, group_id=place.pop(one.id, None if one.group_id in seen else one.group_id)) for one in state.connectors
    ]
    # A connector may be registered between the list and the look into its group.
    new = [connector_of(body, group_id) for group_id, bodies in seen.items() for body in bodies if str(body["id"]) in place]
    return dataclasses.replace(state, connectors=(*kept, *new), read_groups=state.read_groups | set(seen))


def _with_applications(state: TenantState, seen: t.Mapping[str, t.Sequence[Body]]) -> TenantState:
    known = {one.id: one for one in state.applications}
    moved = {one.id: dataclasses.replace(one, group_id=None) for one in state.applications if one.group_id in seen}
    known.update(moved)
    for group_id, bodies in seen.items():
        for body in bodies:
            told = application_of(body, group_id)
            had = known.get(told.id)
            known[told.id] = dataclasses.replace(told, app_id=told.app_id or had.app_id, name=told.name or had.name) if had else told
    return dataclasses.replace(state, applications=tuple(known.values()))

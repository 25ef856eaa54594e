# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""One look at a tenant, in as few requests as the API allows.

Two lists: groups with their applications, connectors with their groups. What the lists did not tell is read by batch of 20, of the groups
that matter: the declared ones, Default, and those that a declared connector would leave. With G groups and C connectors, pages of p items
(listing.TOP, where the service honours that), t of the groups that matter cut in the list (listing.whole_navigations: only such of 20
applications and more) and n declared applications whose names the list did not tell (all, if a list was cut), that is

    ceil(G/p) + ceil(C/p) + ceil(t/20) + the further pages of those t + ceil(n/300) requests:

bounded by pages, since t is at most a twentieth of all applications. Where the service expands nothing it is
ceil(G/p) + ceil(C/p) + ceil(2g/20) + ceil(n/300) for the g groups that matter, and at most 4 more to learn what it refuses. A list that
has just the length at which it may have been cut (listing.CEILINGS) is read twice.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.service import folded
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import batch, paths
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import GUID, DesiredGroup
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import GraphError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.listing import NOT_ENABLED, read_whole, whole_navigations
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.messages import Answer, Body, Request
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.paging import read_rest
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import ConnectorIndex
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import (
    Application,
    Connector,
    ConnectorGroup,
    TenantState,
    application_of,
    connector_of,
    group_of,
    is_ours,
)

HOME, USERS = "memberOf", "applications"
"""Navigations: the groups of a connector, the applications of a group."""
INSIDES = (HOME, USERS)
FEW = 10
"""Groups of which one batch tells everything, so that there is nothing to save."""
NO_APPLICATIONS = "ApplicationsForGroup_NotFound"
"""A group without applications, presumably (practised by EntraExporter)."""


def observe_groups(client: GraphClient, names: t.Sequence[str] | None = None) -> TenantState:
    """The groups of these names or ids (None = all) with members and applications, and every connector."""
    state = observe_lists(client, expand=INSIDES if names is None or len(names) > FEW else ())
    wanted = None if names is None else {folded(name) for name in names}
    state = complete_groups(client, state, [one for one in state.groups if wanted is None or {folded(one.name), folded(one.id)} & wanted])
    return name_applications(client, state, state.read_groups)


def observe_placed(client: GraphClient, *, applications: bool = False) -> TenantState:
    """Every connector with its group: two lists, and ceil(g/20) requests for g groups where the list of connectors does not tell them.

    :param applications: also the applications of every group, by name.
    """
    state = observe_lists(client, expand=INSIDES if applications else [HOME])
    if applications:
        return name_applications(client, complete_groups(client, state, state.groups))
    return state if all(one.group_id for one in state.connectors) else _read_insides(client, state, state.groups, [])


def observe_desired(client: GraphClient, desired: t.Sequence[DesiredGroup], *, everything: bool = False) -> TenantState:
    """All that is needed to judge and reconcile these groups.

    :param everything: also what is in the groups that are not declared.
    """
    state = observe_lists(client, expand=INSIDES if everything or len(desired) > FEW else ())
    names = {folded(group.name) for group in desired if not group.id}
    ids = {folded(group.id) for group in desired if group.id}
    wanted = [one for one in state.groups if everything or one.is_default or folded(one.name) in names or folded(one.id) in ids]
    state = complete_groups(client, state, wanted)
    state = complete_groups(client, state, _left_groups(client, state, desired))
    return find_applications(client, state, desired)


def observe_lists(client: GraphClient, *, expand: t.Collection[str] = ()) -> TenantState:
    """All groups and all connectors; who is in which only as far as the lists tell.

    :param expand: which of C(INSIDES) the lists are asked to tell as well.
    """
    try:
        bodies = [body for body in read_whole(client, paths.LIST_GROUPS, expand=USERS if USERS in expand else "") if is_ours(body)]
        connectors = read_whole(client, paths.LIST_CONNECTORS, expand=HOME if HOME in expand else "")
    except GraphError as error:
        if error.code == NOT_ENABLED:
            return TenantState()
        raise
    users = whole_navigations(bodies, USERS)
    state = TenantState(
        tuple(group_of(body) for body in bodies),
        tuple(connector_of(body, _home_of(body)) for body in connectors),
        told_groups=frozenset(users),
    )
    return _with_applications(state, users)


def complete_groups(client: GraphClient, state: TenantState, groups: t.Sequence[ConnectorGroup]) -> TenantState:
    """The state with members and applications of these groups. Asked for is only what the lists did not tell."""
    placed = bool(state.connectors) and all(one.group_id is not None for one in state.connectors)
    untold = [group for group in groups if group.id not in state.told_groups]
    state = _read_insides(client, state, [] if placed else groups, untold)
    return dataclasses.replace(state, read_groups=state.read_groups | {group.id for group in groups})


def read_groups(client: GraphClient, state: TenantState, groups: t.Sequence[ConnectorGroup]) -> TenantState:
    """The state with members and applications of these groups, as they are now."""
    return _read_insides(client, state, groups, groups)


def _read_insides(
    client: GraphClient, state: TenantState, members: t.Sequence[ConnectorGroup], applications: t.Sequence[ConnectorGroup]
) -> TenantState:
    """The state with the members of some groups and the applications of others, as they are now."""
    requests = [paths.members_of(group.id, group.name) for group in members]
    requests += [paths.applications_of(group.id, group.name) for group in applications]
    lists = read_lists(client, requests, empty=NO_APPLICATIONS)
    seen_members = dict(zip((group.id for group in members), lists[: len(members)], strict=True))
    seen_applications = dict(zip((group.id for group in applications), lists[len(members) :], strict=True))
    return _with_members(_with_applications(state, seen_applications), seen_members)


def _home_of(body: Body) -> str | None:
    """Id of the group that a listed connector tells it is in; None when it tells none."""
    groups = body.get(HOME)
    return next((str(group["id"]) for group in groups if is_ours(group)), None) if isinstance(groups, list) else None


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
    known = _known_names(state)
    references = {folded(one): one for group in desired for one in group.named_applications}
    requests = _lookups([one for key, one in references.items() if key not in known])
    found: dict[str, Body] = {}
    for request, answer in zip(requests, batch.run_reads(client, requests), strict=True):
        for body in _found(client, request, answer):
            found[str(body["id"])] = body
    return _with_found(client, state, found)


def _known_names(state: TenantState) -> set[str]:
    """The names under which nothing has to be looked up any more.

    An id means one application. What a display name means is known only where every group told its applications and how they are
    called: each published one uses a group (documented: Default, where no other was assigned).
    """
    named = [one for one in state.applications if one.name]
    ids = {folded(text) for one in named for text in (one.id, one.app_id) if text}
    told = state.told_groups | state.read_groups
    everything = len(named) == len(state.applications) and all(group.id in told for group in state.groups)
    return ids | {folded(one.name) for one in named} if everything else ids


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
    found = {str(body["id"]): connector_of(body, group_id) for group_id, bodies in seen.items() for body in bodies}
    had = {one.id for one in state.connectors}
    kept = [found.get(one.id) or (dataclasses.replace(one, group_id=None) if one.group_id in seen else one) for one in state.connectors]
    # A connector may be registered between the list and the look into its group.
    new = [one for key, one in found.items() if key not in had]
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

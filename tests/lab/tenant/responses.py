# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From requests to the model and back: Graph's JSON, status codes and references. No rule of the service is decided here."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from tests.lab.tenant import odata
from tests.lab.tenant.errors import UnknownRequest, bad_request, not_found
from tests.lab.tenant.http import Answer, Document, Request
from tests.lab.tenant.models import Tenant
from tests.lab.tenant.state import Application, Connector, Group, Snapshot
from tests.lab.tenant.table import Table

Value = t.TypeVar("Value")
Shape = t.Callable[[Value], Document]
Expand = t.Callable[[Value, t.Collection[str]], Document]
"""What a value holds of the navigations of these names."""
PROFILE = "onPremisesPublishingProfiles('applicationProxy')"
LIST = frozenset({"$select", "$filter", "$top", "$skiptoken"})
ITEM = frozenset({"$select"})
COUNTED = LIST | {"$count"}
EXPANDED = frozenset({"$expand"})
CONTEXT = "@odata.context"

CONNECTOR = odata.Resource(
    "microsoft.graph.connector",
    frozenset({"id", "machineName", "externalIp", "status", "version"}),
    frozenset({"id", "machineName"}),
    expandable=frozenset({"memberOf"}),
)
GROUP = odata.Resource(
    "microsoft.graph.connectorGroup",
    frozenset({"id", "name", "region", "connectorGroupType", "isDefault"}),
    frozenset({"name"}),
    expandable=frozenset({"members", "applications"}),
)
APPLICATION = odata.Resource(
    "microsoft.graph.application",
    frozenset({"id", "appId", "displayName", "onPremisesPublishing"}),
    frozenset({"id", "appId", "displayName"}),
    directory=True,
)
GROUP_PROPERTIES = frozenset({"name", "region", "connectorGroupType", "isDefault", "@odata.type"})
REFERENCE = frozenset({"@odata.id", "@odata.type"})


class Responses:
    """One method per operation. Each takes the request and the snapshot that reads see."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    # profile and connectors

    def get_profile(self, request: Request, seen: Snapshot) -> Answer:
        """GET the profile."""
        document = {"id": "applicationProxy", "isEnabled": self._tenant.settings.publishing_enabled}
        return Answer(200, {"@odata.context": f"{request.base}/$metadata#onPremisesPublishingProfiles/$entity", **document})

    def list_connectors(self, request: Request, seen: Snapshot) -> Answer:
        """GET connectors."""
        return self._collection(request, f"{PROFILE}/connectors", CONNECTOR, seen.connectors, self._connector, self._home(seen))

    def count_connectors(self, request: Request, seen: Snapshot) -> Answer:
        """GET connectors/$count."""
        return self._number(request, CONNECTOR, seen.connectors, self._connector)

    def get_connector(self, request: Request, seen: Snapshot) -> Answer:
        """GET a connector."""
        connector = self._tenant.connector(request.params["connector"], seen)
        return self._entity(request, f"{PROFILE}/connectors", CONNECTOR, connector, self._connector, self._home(seen))

    def list_member_of(self, request: Request, seen: Snapshot) -> Answer:
        """GET memberOf: a collection, of always one element in practice (graph.md 2.2, MS, 3P)."""
        connector = self._tenant.connector(request.params["connector"], seen)
        context = f"{PROFILE}/connectors('{connector.id}')/memberOf"
        home = Table([(connector.group_id, seen.groups[connector.group_id])])
        return self._collection(request, context, GROUP, home, _group, self._inside(request, seen))

    def move_by_connector(self, request: Request, seen: Snapshot) -> Answer:
        """POST memberOf/$ref. Documented: 201 with the group on the page, 204 in the tutorial (graph.md 2.2)."""
        group_id = _reference(request, "connectorGroups")
        _connector, group = self._tenant.move(request.params["connector"], group_id)
        return self._created_reference(request, GROUP, "connectorGroups", group, _group)

    # connector groups

    def list_groups(self, request: Request, seen: Snapshot) -> Answer:
        """GET connectorGroups; foreign types are in the list (graph.md 4, LIVE docs-contrib#9265)."""
        return self._collection(request, f"{PROFILE}/connectorGroups", GROUP, seen.groups, _group, self._inside(request, seen))

    def count_groups(self, request: Request, seen: Snapshot) -> Answer:
        """GET connectorGroups/$count."""
        return self._number(request, GROUP, seen.groups, _group)

    def create_group(self, request: Request, seen: Snapshot) -> Answer:
        """POST a group. isDefault and connectorGroupType are accepted and ignored (graph.md 4, LIVE TF)."""
        group = self._tenant.create_group(request.body.get("name"), request.body.get("region"))
        answer = self._entity(request, f"{PROFILE}/connectorGroups", GROUP, group, _group)
        answer.status = 200 if self._observed else 201
        return answer

    def get_group(self, request: Request, seen: Snapshot) -> Answer:
        """GET a group."""
        group = self._tenant.group(request.params["group"], seen)
        return self._entity(request, f"{PROFILE}/connectorGroups", GROUP, group, _group, self._inside(request, seen))

    def update_group(self, request: Request, seen: Snapshot) -> Answer:
        """PATCH a group: live 204 without body, documented 200 with body (graph.md 2.3)."""
        read_only = sorted({"connectorGroupType", "isDefault"} & set(request.body))
        if read_only:
            raise bad_request(f"Property '{read_only[0]}' is read-only and cannot be set.")  # refused LIVE TF, text inferred
        changes = {name: value for name, value in request.body.items() if name != "@odata.type"}
        group = self._tenant.update_group(request.params["group"], changes)
        if self._observed:
            return Answer(204)
        return self._entity(request, f"{PROFILE}/connectorGroups", GROUP, group, _group)

    def delete_group(self, request: Request, seen: Snapshot) -> Answer:
        """DELETE a group."""
        self._tenant.delete_group(request.params["group"])
        return Answer(204)

    def list_members(self, request: Request, seen: Snapshot) -> Answer:
        """GET members."""
        group = self._tenant.group(request.params["group"], seen)
        context = f"{PROFILE}/connectorGroups('{group.id}')/members"
        return self._collection(request, context, CONNECTOR, seen.membership(group.id), self._connector, self._home(seen))

    def count_members(self, request: Request, seen: Snapshot) -> Answer:
        """GET members/$count."""
        group = self._tenant.group(request.params["group"], seen)
        return self._number(request, CONNECTOR, seen.membership(group.id), self._connector)

    def add_member(self, request: Request, seen: Snapshot) -> Answer:
        """POST members/$ref. Documented: 201 with the connector in prose, 204 in the example (graph.md 2.3)."""
        connector, _target = self._tenant.move(_reference(request, "connectors"), request.params["group"])
        return self._created_reference(request, CONNECTOR, "connectors", connector, self._connector)

    def list_group_applications(self, request: Request, seen: Snapshot) -> Answer:
        """GET applications of a group: each id and onPremisesPublishing (MS); none may be a 404 (graph.md 2.3, 3P EXP)."""
        group = self._tenant.group(request.params["group"], seen)
        found = seen.users(group.id)
        if not found and self._observed:
            raise not_found("ApplicationsForGroup", f"No applications found for connector group '{group.id}'.")
        return self._collection(request, f"{PROFILE}/connectorGroups('{group.id}')/applications", APPLICATION, found, _user)

    # applications

    def list_applications(self, request: Request, seen: Snapshot) -> Answer:
        """GET applications."""
        return self._collection(request, "applications", APPLICATION, seen.applications, _application)

    def get_application(self, request: Request, seen: Snapshot) -> Answer:
        """GET an application. onPremisesPublishing comes only when selected (graph.md 2.4, LIVE TF)."""
        application = self._tenant.application(request.params["application"], seen)
        return self._entity(request, "applications", APPLICATION, application, _application)

    def get_application_group(self, request: Request, seen: Snapshot) -> Answer:
        """GET the connector group of an application: Default when it has no other (graph.md 4, LIVE TF)."""
        application = self._tenant.published(request.params["application"], seen)
        # A stale view may not know the group yet that a fresh one assigns; the view is one snapshot, so it does.
        group = seen.groups[application.group_id or seen.default.id]
        return self._entity(request, f"applications('{application.id}')/connectorGroup", GROUP, group, _group)

    def assign(self, request: Request, seen: Snapshot) -> Answer:
        """PUT connectorGroup/$ref: 204 (graph.md 2.4, MS, LIVE TF)."""
        self._tenant.assign(request.params["application"], _reference(request, "connectorGroups"))
        return Answer(204)

    def unassign(self, request: Request, seen: Snapshot) -> Answer:
        """DELETE connectorGroup/$ref: 204 (graph.md 2.4, LIVE TF)."""
        self._tenant.unassign(request.params["application"])
        return Answer(204)

    # shapes

    @property
    def _observed(self) -> bool:
        return self._tenant.settings.mode == "observed"

    def _connector(self, connector: Connector) -> Document:
        return {
            "id": connector.id,
            "machineName": connector.machine_name,
            "externalIp": connector.external_ip,
            "status": self._tenant.status(connector),
            "version": connector.version,
        }

    def _collection(
        self,
        request: Request,
        context: str,
        resource: odata.Resource,
        table: Table[Value],
        shape: Shape[Value],
        expand: Expand[Value] | None = None,
    ) -> Answer:
        query = self._query(request, COUNTED | EXPANDED if expand else LIST, resource)
        shaped = _shaper(shape, expand)
        settings = self._tenant.settings
        is_cut = bool(query.expand) and settings.expand == "cut"
        size = odata.MAX_EXPANDED if is_cut else odata.size_of_page(query, settings.page_size, settings.top)
        items, following = odata.page(table, shaped, query, size)
        if is_cut or (query.top is not None and settings.top == "limit"):
            following = None
        document: Document = {CONTEXT: f"{request.base}/$metadata#{context}"}
        if query.count:
            document["@odata.count"] = _count(table, shape, query)
        document["value"] = items
        if following is not None:
            document["@odata.nextLink"] = odata.next_link(f"{request.base}{request.path}", request.query, following)
        return Answer(200, document)

    def _entity(
        self,
        request: Request,
        context: str,
        resource: odata.Resource,
        value: Value,
        shape: Shape[Value],
        expand: Expand[Value] | None = None,
    ) -> Answer:
        query = self._query(request, ITEM | EXPANDED if expand else ITEM, resource)
        document = odata.project(shape(value), query) | (expand(value, query.expand) if expand and query.expand else {})
        return Answer(200, {CONTEXT: f"{request.base}/$metadata#{context}/$entity", **document})

    def _number(self, request: Request, resource: odata.Resource, table: Table[Value], shape: Shape[Value]) -> Answer:
        """Answer /$count: the number as text."""
        self._refuse_unproven("$count", self._tenant.settings.count)
        query = odata.parse(request.query, {"$filter"}, resource)
        return Answer(200, raw=str(_count(table, shape, query)), media_type="text/plain")

    def _query(self, request: Request, allowed: t.Collection[str], resource: odata.Resource) -> odata.Query:
        query = odata.parse(request.query, allowed, resource)
        settings = self._tenant.settings
        if query.expand and settings.expand != "ignored":
            self._refuse_unproven("$expand", settings.expand)
        if query.count:
            self._refuse_unproven("$count", settings.count)
        if query.top is not None and settings.top == "refused":
            raise bad_request("The query specified in the URI is not valid. Query option '$top' is not allowed.")
        return dataclasses.replace(query, expand=()) if settings.expand == "ignored" else query

    def _refuse_unproven(self, option: str, setting: str) -> None:
        """What is declared and unproven is refused unless a test wants it; how the service would say so is inferred."""
        if setting not in ("allowed", "cut"):
            raise bad_request(f"The query specified in the URI is not valid. Query option '{option}' is not allowed.")

    def _created_reference(self, request: Request, resource: odata.Resource, collection: str, value: Value, shape: Shape[Value]) -> Answer:
        if self._observed:
            return Answer(204)
        answer = self._entity(request, f"{PROFILE}/{collection}", resource, value, shape)
        answer.status = 201
        return answer

    # expanded navigation

    def _home(self, seen: Snapshot) -> Expand[Connector]:
        """$expand=memberOf of a connector."""
        return lambda connector, _names: {"memberOf": [_group(seen.groups[connector.group_id])]}

    def _inside(self, request: Request, seen: Snapshot) -> Expand[Group]:
        """$expand=members and $expand=applications of a group."""
        user = _named_user if self._tenant.settings.expand_names else _user

        def expand(group: Group, names: t.Collection[str]) -> Document:
            url = f"{request.base}/{PROFILE}/connectorGroups('{group.id}')"
            document: Document = {}
            if "members" in names:
                document |= self._navigation(url, "members", seen.membership(group.id), self._connector)
            if "applications" in names:
                document |= self._navigation(url, "applications", seen.users(group.id), user)
            return document

        return expand

    def _navigation(self, url: str, name: str, table: Table[Value], shape: Shape[Value]) -> Document:
        """One expanded navigation, cut where the service cuts it."""
        size = self._tenant.settings.expand_page or len(table) or 1
        items, following = odata.page(table, _shaper(shape), odata.Query(), size)
        document: Document = {name: items}
        if following is not None and self._tenant.settings.expand_link == "given":
            document[f"{name}@odata.nextLink"] = odata.next_link(f"{url}/{name}", (), following)
        return document


def _shaper(shape: Shape[Value], expand: Expand[Value] | None = None) -> t.Callable[[Value, odata.Query], Document | None]:
    def shaped(value: Value, query: odata.Query) -> Document | None:
        item = shape(value)
        if query.test is not None and not query.test(item):
            return None
        return odata.project(item, query) | (expand(value, query.expand) if expand and query.expand else {})

    return shaped


def _count(table: Table[Value], shape: Shape[Value], query: odata.Query) -> int:
    if query.test is None:
        return len(table)
    return sum(query.test(shape(value)) for _place, value in table.scan())


def _group(group: Group) -> Document:
    """Order of the properties: id, name, region, connectorGroupType, isDefault (graph.md 2.3, LIVE)."""
    return {
        "id": group.id,
        "name": group.name,
        "region": group.region,
        "connectorGroupType": group.kind,
        "isDefault": group.is_default,
    }


def _application(application: Application) -> Document:
    """A leading underscore hides a property from the default projection."""
    return {
        "id": application.id,
        "appId": application.app_id,
        "displayName": application.display_name,
        "_onPremisesPublishing": application.publishing,
    }


def _user(application: Application) -> Document:
    """An application in the list of its group: id and onPremisesPublishing only (graph.md 2.3, MS)."""
    return {"id": application.id, "onPremisesPublishing": application.publishing}


def _named_user(application: Application) -> Document:
    """The same where the service tells more."""
    return {"id": application.id, "appId": application.app_id, "displayName": application.display_name} | _user(application)


def _reference(request: Request, collection: str) -> str:
    """Return the id of a reference body. The URL must be of this Graph; the profile's name ignores case (graph.md 2)."""
    url = request.body.get("@odata.id")
    pattern = rf"{re.escape(request.base)}/onPremisesPublishingProfiles/applicationProxy/{collection}/([^/?]+)"
    match = re.fullmatch(pattern, url, re.IGNORECASE) if isinstance(url, str) else None
    if match is None:
        raise UnknownRequest(400, "BadRequest", f"The value of '@odata.id' is not a reference to {collection} of this service: {url!r}.")
    return match[1]

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Graph over the tenant: shapes, status codes, refusals, queries, batches, faults, the journal."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lab.tenant.http import Document, Request
from tests.lab.tenant.identity import GRAPH
from tests.unit.lab.tenant_world import ROOT, P, TenantWorld, codes, make

FORBIDDEN = "NotAdminRoleNoEnoughCustomPermission_UnauthorizedAccess"


def values(world: TenantWorld, path: str, query: str = "") -> list[Document]:
    """Read a collection page by page."""
    found: list[Document] = []
    while True:
        answer = world.call("GET", path, query=query)
        assert answer.status == 200, answer.document
        assert answer.document is not None
        found += answer.document["value"]
        link = answer.document.get("@odata.nextLink")
        if link is None:
            return found
        query = link.partition("?")[2].replace("%3D", "=")


def test_a_group_has_its_properties_in_the_order_seen_live() -> None:
    group = values(make(), f"{P}/connectorGroups")[0]
    assert list(group) == ["id", "name", "region", "connectorGroupType", "isDefault"]
    assert (group["name"], group["region"], group["isDefault"]) == ("Default", "nam", True)


def test_the_list_contains_foreign_groups_that_nothing_else_knows() -> None:
    world = make()
    assert "syncFabric" in [group["connectorGroupType"] for group in values(world, f"{P}/connectorGroups")]
    assert codes(world.call("GET", f"{P}/connectorGroups/{world.group('Sync').id}/members")) == (404, "ConnectorGroup_NotFound")


@pytest.mark.parametrize(
    ("mode", "created", "changed", "moved"), [("observed", 200, 204, 204), ("documented", 201, 200, 201)], ids=["observed", "documented"]
)
def test_writes_answer_as_the_mode_says(mode: str, created: int, changed: int, moved: int) -> None:
    world = make(mode=mode)
    answer = world.call("POST", f"{P}/connectorGroups", {"name": "New", "region": "eur", "isDefault": True})
    assert (answer.status, answer.document and answer.document["isDefault"]) == (created, False)
    group = world.group("New")
    patched = world.call("PATCH", f"{P}/connectorGroups/{group.id}", {"region": "aus"})
    assert (patched.status, patched.document is None) == (changed, changed == 204)
    connector = world.connector("IN-DEFAULT")
    added = world.call("POST", f"{P}/connectorGroups/{group.id}/members/$ref", world.reference("connectors", connector.id))
    assert (added.status, added.document is None) == (moved, moved == 204)
    back = world.call("POST", f"{P}/connectors/{connector.id}/memberOf/$ref", world.reference("connectorGroups", world.group("Default").id))
    assert (back.status, back.document is None) == (moved, moved == 204)
    assert world.connector("IN-DEFAULT").group_id == world.group("Default").id
    assert world.call("DELETE", f"{P}/connectorGroups/{group.id}").status == 204


@pytest.mark.parametrize("spelling", [P, P.lower(), "/onPremisesPublishingProfiles('applicationProxy')"])
def test_the_profile_may_be_spelt_in_several_ways(spelling: str) -> None:
    assert make().call("GET", f"{spelling}/connectors").status == 200


def test_assignment_and_its_end() -> None:
    world = make()
    path = f"/applications/{world.application('Payroll').id}/connectorGroup"
    assert world.call("PUT", f"{path}/$ref", world.reference("connectorGroups", world.group("EUR").id)).status == 204
    answer = world.call("GET", path)
    assert answer.document is not None
    assert answer.document["name"] == "EUR"
    assert world.call("DELETE", f"{path}/$ref").status == 204
    answer = world.call("GET", path)
    assert answer.document is not None
    assert answer.document["name"] == "Default"
    assert codes(world.call("DELETE", f"{path}/$ref")) == (400, "BadRequest")


def test_publishing_comes_only_when_selected_and_unpublished_applications_take_no_group() -> None:
    world = make()
    application = world.application("Intranet")
    plain = world.call("GET", f"/applications/{application.id}").document
    assert plain is not None
    assert "onPremisesPublishing" not in plain
    selected = world.call("GET", f"/applications/{application.id}", query="$select=id,onPremisesPublishing").document
    assert selected is not None
    assert selected["onPremisesPublishing"]["externalAuthenticationType"] == "aadPreAuthentication"
    path = f"/applications/{world.application('Unpublished').id}/connectorGroup/$ref"
    assert codes(world.call("PUT", path, world.reference("connectorGroups", world.group("NAM").id))) == (404, "Application_NotFound")


def test_a_group_without_applications_is_a_404_or_an_empty_list() -> None:
    for mode, expected in (("observed", 404), ("documented", 200)):
        world = make(mode=mode)
        assert world.call("GET", f"{P}/connectorGroups/{world.group('EUR').id}/applications").status == expected
        users = values(world, f"{P}/connectorGroups/{world.group('NAM').id}/applications")
        assert [set(user) for user in users] == [{"id", "onPremisesPublishing"}]


@pytest.mark.parametrize("body", [{"isDefault": True}, {"connectorGroupType": "applicationProxy"}])
def test_read_only_properties_are_refused_by_patch(body: Document) -> None:
    world = make()
    assert world.call("PATCH", f"{P}/connectorGroups/{world.group('NAM').id}", body).status == 400


UNKNOWN: list[tuple[str, str, t.Any, str]] = [
    ("GET", "/nothing", None, ""),
    ("GET", "/applications/$count", None, ""),
    ("DELETE", f"{P}/connectors/x", None, ""),
    ("PATCH", f"{P}", {"isEnabled": True}, ""),
    ("GET", f"{P}/connectorGroups", None, "$expand=owners"),
    ("GET", "/applications", None, "$expand=connectorGroup"),
    ("GET", f"{P}/connectorGroups", None, "$orderby=name"),
    ("GET", f"{P}/connectorGroups", None, "top=1"),
    ("GET", f"{P}/connectors", None, "$filter=status eq 'active'"),
    ("GET", f"{P}/connectorGroups", None, "$filter=name ne 'x'"),
    ("GET", f"{P}/connectorGroups", None, "$filter=name eq 'x' or name eq 'y'"),
    ("POST", f"{P}/connectorGroups", {"name": "x", "colour": "red"}, ""),
    ("POST", f"{P}/connectorGroups", [], ""),
    ("GET", f"{P}/connectorGroups", {"name": "x"}, ""),
]


@pytest.mark.parametrize(("method", "path", "body", "query"), UNKNOWN)
def test_what_the_lab_does_not_know_is_refused_and_journalled(method: str, path: str, body: t.Any, query: str) -> None:
    world = make()
    answer = world.call(method, path, body, query=query)
    assert answer.status in (400, 405)
    assert answer.document is not None
    assert answer.document["error"]["innerError"]["request-id"] == "r"
    assert len(world.journal.unknowns()) == 1


def test_a_reference_to_another_cloud_is_refused() -> None:
    world = make()
    body = {"@odata.id": f"https://graph.microsoft.com/beta{P}/connectors/{world.connector('IN-NAM').id}"}
    assert world.call("POST", f"{P}/connectorGroups/{world.group('EUR').id}/members/$ref", body).status == 400
    assert world.journal.unknowns()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("$filter=displayName eq 'intranet'", ["Intranet"]),
        ("$filter=startswith(displayName,'P')", ["Payroll"]),
        ("$filter=displayName in ('Intranet', 'Payroll')", ["Intranet", "Payroll"]),
        ("$filter=displayName eq 'Intranet' or displayName eq 'Payroll'", ["Intranet", "Payroll"]),
        ("$filter=displayName eq 'it''s or not'", []),
        ("$top=1", ["Intranet", "Payroll", "Unpublished"]),
        ("$select=displayName", ["Intranet", "Payroll", "Unpublished"]),
    ],
)
def test_practised_queries(query: str, expected: list[str]) -> None:
    assert [item["displayName"] for item in values(make(), "/applications", query)] == expected


@pytest.mark.parametrize("query", ["$top=0", "$top=1000", "$top=x", "$select=colour", "$skiptoken=x", "$top=1&$top=2"])
def test_wrong_values_of_known_options_are_refused_without_being_unknown(query: str) -> None:
    world = make()
    assert world.call("GET", "/applications", query=query).status == 400
    assert not world.journal.unknowns()


def test_more_than_fifteen_values_are_too_many() -> None:
    listed = ",".join(f"'{number}'" for number in range(16))
    assert make().call("GET", "/applications", query=f"$filter=appId in ({listed})").status == 400


@given(page_size=st.integers(1, 7), count=st.integers(0, 20))
@settings(max_examples=30, deadline=None)
def test_pages_hold_every_item_once(page_size: int, count: int) -> None:
    world = make(page_size=page_size)
    for number in range(count):
        world.tenant.create_group(f"G{number}", None)
    listed = [group["id"] for group in values(world, f"{P}/connectorGroups")]
    assert listed == list(world.tenant.now_state.groups)


def test_tokens_are_checked() -> None:
    world = make()
    identity = world.tenant.identity
    tables = [
        ("", 401),
        ("nonsense", 401),
        (identity.delegated_token(GRAPH, "c", expires_in=-1), 401),
        (identity.delegated_token(GRAPH, "c", tenant_id="other"), 401),
        (world.registration_token(), 401),
        (identity.delegated_token(GRAPH, "c", scopes="Directory.Read.All"), 403),
        (identity.delegated_token(GRAPH, "c", scopes="Directory.ReadWrite.All"), 200),
    ]
    assert [world.call("GET", f"{P}/connectors", token=token).status for token, _status in tables] == [status for _token, status in tables]
    world.tenant.settings.user_is_administrator = False
    assert codes(world.call("GET", f"{P}/connectors")) == (403, FORBIDDEN)


def test_app_only_is_refused_except_where_documented_or_switched_on() -> None:
    world = make()
    token = world.tenant.identity.application_token(GRAPH, next(iter(world.tenant.identity.clients)))
    assert codes(world.call("GET", f"{P}/connectors", token=token)) == (403, FORBIDDEN)
    assert world.call("GET", "/applications", token=token).status == 200
    assert world.call("POST", f"{P}/connectorGroups", {"name": "x"}, token=token).status == 200
    world.tenant.settings.app_only = True
    assert world.call("GET", f"{P}/connectors", token=token).status == 200


def test_nothing_is_there_before_publishing_is_enabled() -> None:
    world = make(publishing_enabled=False)
    assert codes(world.call("GET", f"{P}/connectors")) == (400, "OnPremisesPublishing_NotEnabled")


def batch(world: TenantWorld, *steps: Document) -> dict[str, Document]:
    """Send a batch and return its answers by id."""
    answer = world.call("POST", "/$batch", {"requests": list(steps)})
    assert answer.status == 200, answer.document
    assert answer.document is not None
    return {item["id"]: item for item in answer.document["responses"]}


def test_a_batch_answers_each_step_and_only_the_failed_ones_dependants_fail() -> None:
    world = make()
    create = {
        "id": "1",
        "method": "POST",
        "url": f"{P}/connectorGroups",
        "body": {"name": "x"},
        "headers": {"Content-Type": "application/json"},
    }
    answers = batch(
        world,
        {"id": "3", "method": "GET", "url": "/applications?$top=1", "dependsOn": ["2"]},
        create,
        {"id": "2", "method": "GET", "url": f"{P}/connectorGroups/unknown"},
        {"id": "4", "method": "GET", "url": "/applications?$select=displayName", "dependsOn": ["1"]},
        {"id": "5", "method": "POST", "url": f"{P}/connectorGroups", "body": {"name": "no content type"}},
    )
    assert {name: item["status"] for name, item in answers.items()} == {"1": 200, "2": 404, "3": 424, "4": 200, "5": 400}
    entries = world.journal.since()
    assert [entry["kind"] for entry in entries if entry["action"] == "batch"] == ["write"]
    items = {entry["detail"]["item"]: entry["kind"] for entry in entries if entry["action"] != "batch"}
    assert items == {"1": "write", "2": "read", "4": "read", "5": "unknown"}


BAD_BATCHES: list[list[Document]] = [
    [],
    [{"id": str(number), "method": "GET", "url": "/applications"} for number in range(21)],
    [{"id": "a", "method": "GET", "url": "/applications"}, {"id": "A", "method": "GET", "url": "/applications"}],
    [{"id": "1", "method": "GET", "url": f"{ROOT}/beta/applications"}],
    [{"id": "1", "method": "GET", "url": "/beta/applications"}],
    [{"id": "1", "method": "GET", "url": "/applications", "dependsOn": ["2"]}],
    [{"id": "1", "method": "GET", "url": "/x", "dependsOn": ["2"]}, {"id": "2", "method": "GET", "url": "/x", "dependsOn": ["1"]}],
    [{"method": "GET", "url": "/applications"}],
]


@pytest.mark.parametrize("requests", BAD_BATCHES)
def test_a_batch_that_breaks_the_rules_is_refused_whole(requests: list[Document]) -> None:
    assert make().call("POST", "/$batch", {"requests": requests}).status == 400


def test_a_batch_of_reads_is_a_read() -> None:
    world = make()
    batch(world, {"id": "1", "method": "GET", "url": "/applications"})
    assert {entry["kind"] for entry in world.journal.since()} == {"read"}


def test_a_fault_hits_the_ordered_request_of_a_batch_only() -> None:
    world = make()
    world.faults.add(
        {"kind": "status", "plane": "graph", "path": "/applications$", "nth": 2, "status": 429, "headers": {"Retry-After": "7"}}
    )
    steps = [{"id": str(number), "method": "GET", "url": "/applications"} for number in range(3)]
    answers = batch(world, *steps)
    assert [answers[str(number)]["status"] for number in range(3)] == [200, 429, 200]
    assert answers["1"]["headers"]["Retry-After"] == "7"


UNPROVEN = [("expand", "/connectorGroups", "$expand=members"), ("count", "/connectors", "$count=true"), ("count", "/connectors/$count", "")]


@pytest.mark.parametrize(("switch", "path", "query"), UNPROVEN)
def test_what_nobody_has_shown_to_work_is_refused_until_it_is_switched_on(switch: str, path: str, query: str) -> None:
    world = make()
    assert codes(world.call("GET", f"{P}{path}", query=query)) == (400, "BadRequest")
    assert not world.journal.unknowns()
    world.tenant.settings.patch({switch: "allowed"})
    assert world.call("GET", f"{P}{path}", query=query).status == 200


def test_an_expanded_list_holds_the_members_and_a_next_link_where_they_do_not_fit() -> None:
    world = make(expand="allowed", expand_page=2, expand_link="given")
    for number in range(3):
        world.tenant.register(f"NEW-{number}", world.registration_token(), "1")
    groups = {group["name"]: group for group in values(world, f"{P}/connectorGroups", "$expand=members&$select=name")}
    assert [member["machineName"] for member in groups["NAM"]["members"]] == ["IN-NAM"]
    assert groups["Sync"]["members"] == []
    assert len(groups["Default"]["members"]) == 2
    link = groups["Default"]["members@odata.nextLink"].partition("/beta")[2]
    path, _mark, query = link.partition("?")
    assert [member["machineName"] for member in values(world, path, query.replace("%3D", "="))] == ["NEW-1", "NEW-2"]
    connectors = values(world, f"{P}/connectors", "$expand=memberOf")
    assert {one["machineName"]: one["memberOf"][0]["name"] for one in connectors}["IN-EUR"] == "EUR"


def test_an_expanded_list_is_cut_without_a_word_where_directory_objects_are() -> None:
    world = make(expand="allowed", expand_page=1)
    world.tenant.assign(world.application("Payroll").id, world.group("NAM").id)
    (nam,) = (one for one in values(world, f"{P}/connectorGroups", "$expand=members,applications") if one["name"] == "NAM")
    assert [sorted(one) for one in nam["applications"]] == [["id", "onPremisesPublishing"]]
    assert "applications@odata.nextLink" not in nam
    assert len(nam["members"]) == 1
    world.tenant.settings.patch({"expand_names": True})
    (nam,) = (one for one in values(world, f"{P}/connectorGroups", "$expand=applications") if one["name"] == "NAM")
    assert [one["displayName"] for one in nam["applications"]] == ["Intranet"]
    assert "members" not in nam


def test_an_expansion_that_is_ignored_leaves_the_answer_as_it_is() -> None:
    world = make(expand="ignored")
    assert values(world, f"{P}/connectorGroups", "$expand=applications") == values(world, f"{P}/connectorGroups")


@pytest.mark.parametrize(
    ("top", "size", "more"), [("clamped", 2, True), ("honoured", 4, True), ("ignored", 2, True), ("limit", 4, False), ("refused", 0, False)]
)
def test_what_the_service_makes_of_top(top: str, size: int, more: bool) -> None:
    document = make(page_size=2, top=top).call("GET", f"{P}/connectorGroups", query="$top=4").document
    assert document is not None
    assert (len(document.get("value", ())), "@odata.nextLink" in document) == (size, more)
    assert ("error" in document) is (top == "refused")


def test_counts() -> None:
    world = make(count="allowed", page_size=2)
    assert world.call("GET", f"{P}/connectorGroups/$count").raw == "5"
    assert world.call("GET", f"{P}/connectorGroups/$count", query="$filter=startswith(name,'EUR')").raw == "2"
    assert world.call("GET", f"{P}/connectorGroups/{world.group('NAM').id}/members/$count").raw == "1"
    document = world.call("GET", f"{P}/connectors", query="$count=true&$top=1").document
    assert document is not None
    assert (document["@odata.count"], len(document["value"])) == (3, 1)
    assert codes(world.call("GET", f"{P}/connectors", query="$count=yes")) == (400, "BadRequest")


def test_pages_neither_skip_nor_repeat_while_objects_come_and_go() -> None:
    world = make(page_size=2)
    first = world.call("GET", f"{P}/connectorGroups").document
    assert first is not None
    world.tenant.move(world.connector("IN-NAM").id, world.group("Default").id)
    world.tenant.unassign(world.application("Intranet").id)
    world.tenant.delete_group(world.group("NAM").id)
    world.tenant.create_group("Late", None)
    query = first["@odata.nextLink"].partition("?")[2].replace("%3D", "=")
    assert [group["name"] for group in first["value"]] == ["Default", "NAM"]
    assert [group["name"] for group in values(world, f"{P}/connectorGroups", query)] == ["EUR", "EUR 2", "Sync", "Late"]


def test_stale_reads_show_the_state_of_a_while_ago() -> None:
    world = make(stale_seconds=60.0)
    path = f"/applications/{world.application('Payroll').id}/connectorGroup"
    world.call("PUT", f"{path}/$ref", world.reference("connectorGroups", world.group("EUR").id))
    created = world.call("POST", f"{P}/connectorGroups", {"name": "New"}).document
    assert created is not None

    def seen() -> tuple[str, int]:
        document = world.call("GET", path).document
        assert document is not None
        return document["name"], world.call("GET", f"{P}/connectorGroups/{created['id']}").status

    assert seen() == ("Default", 404)
    world.clock.advance(61)
    assert seen() == ("EUR", 200)


def test_one_stale_read_can_be_ordered() -> None:
    world = make()
    fault = world.faults.add({"kind": "stale", "plane": "graph"})
    world.tenant.create_group("New", None)
    answer, _entry = world.graph.handle(_list_groups(world), fault)
    assert answer.document is not None
    assert "New" not in [group["name"] for group in answer.document["value"]]


def _list_groups(world: TenantWorld) -> Request:
    token = world.tenant.identity.delegated_token(GRAPH, "client")
    return Request("GET", f"{P}/connectorGroups", headers={"authorization": f"Bearer {token}"}, root=ROOT)


def test_neither_tokens_nor_bodies_get_into_the_journal() -> None:
    world = make()
    token = world.tenant.identity.delegated_token(GRAPH, "client")
    world.call("POST", f"{P}/connectorGroups", {"name": "x"}, token=token)
    assert token not in str(world.journal.since())

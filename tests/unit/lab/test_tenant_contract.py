# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab against the OpenAPI slice of Graph, and the checker that does it: what it lets pass and what it catches."""

from __future__ import annotations

import copy
import re
import typing as t

import pytest

from tests.lab.tenant import urls
from tests.lab.tenant.http import Document
from tests.lab.tenant.identity import GRAPH
from tests.support import contract
from tests.unit.lab.tenant_world import P, TenantWorld, make

KEY = "6babcaad-604b-40ac-a9d7-9fd97c0b779f"
MODES = ("observed", "documented")
JSON = {"Content-Type": "application/json"}


def recorded(**settings: t.Any) -> TenantWorld:
    """Return a tenant that keeps its exchanges."""
    world = make(**settings)
    world.graph.recording.on = True
    return world


def operations() -> dict[tuple[str, str], Document]:
    """Return the operations of the slice by method and path, with keys filled in."""
    found: dict[tuple[str, str], Document] = {}
    for template, methods in contract.read()["paths"].items():
        path = re.sub(r"\{[^}]+\}", KEY, template.replace("{onPremisesPublishingProfile-id}", "applicationProxy"))
        found |= {(method.upper(), path): operation for method, operation in methods.items() if method != "parameters"}
    return found


def test_every_route_of_the_lab_is_in_the_slice_and_is_more_than_generated_unless_it_says_so() -> None:
    documented = operations()
    for route in urls.ROUTES:
        matches = [key for key in documented if key[0] == route.method and route.pattern.fullmatch(key[1])]
        assert len(matches) == 1, route.name
        assert (documented[matches[0]]["x-doc-status"] == "generated-only") == route.unproven, route.name


def test_query_options_of_the_lab_are_in_the_slice() -> None:
    documented = operations()
    for route in urls.ROUTES:
        operation = next(value for key, value in documented.items() if key[0] == route.method and route.pattern.fullmatch(key[1]))
        named = {f"${parameter['$ref'].rpartition('/')[2]}" for parameter in operation.get("parameters", ())}
        assert route.query - {"$skiptoken"} <= named, route.name


def every_call(world: TenantWorld) -> list[tuple[str, str, t.Any, str]]:
    """Return one call of every operation, with what may go wrong in them."""
    group, connector, application = world.group("NAM").id, world.connector("IN-DEFAULT").id, world.application("Payroll").id
    member, target = world.reference("connectors", connector), world.reference("connectorGroups", group)
    groups, connectors = f"{P}/connectorGroups", f"{P}/connectors"
    steps = [
        {"id": "1", "method": "GET", "url": f"{groups}?$top=2&$select=id,name"},
        {"id": "2", "method": "POST", "url": f"{groups}/{group}/members/$ref", "body": member, "headers": JSON},
        {"id": "3", "method": "DELETE", "url": f"{groups}/{group}"},
        {"id": "4", "method": "GET", "url": "/applications", "dependsOn": ["3"]},
    ]
    return [
        ("GET", P, None, ""),
        ("GET", connectors, None, "$filter=machineName eq 'IN-NAM'&$expand=memberOf"),
        ("GET", f"{connectors}/$count", None, ""),
        ("GET", f"{connectors}('{connector}')", None, "$select=status"),
        ("GET", f"{connectors}/{KEY}", None, ""),
        ("GET", f"{connectors}/{connector}/memberOf", None, ""),
        ("POST", f"{connectors}/{connector}/memberOf/$ref", target, ""),
        ("GET", groups, None, "$top=1&$expand=members&$count=true"),
        ("POST", groups, {"name": "New", "region": "japan"}, ""),
        ("POST", groups, {"name": "Nowhere", "region": "moon"}, ""),
        ("GET", groups, None, "$expand=members,applications"),
        ("GET", f"{groups}/{group}", None, "$expand=members"),
        ("PATCH", f"{groups}/{group}", {"name": "Renamed"}, ""),
        ("GET", f"{groups}/{group}/members", None, ""),
        ("POST", f"{groups}/{group}/members/$ref", member, ""),
        ("GET", f"{groups}/{group}/applications", None, ""),
        ("GET", f"{groups}/{world.group('EUR').id}/applications", None, ""),
        ("DELETE", f"{groups}/{world.group('EUR 2').id}", None, ""),
        ("GET", "/applications", None, "$select=id,onPremisesPublishing"),
        ("GET", f"/applications/{application}", None, ""),
        ("GET", f"/applications/{application}/connectorGroup", None, ""),
        ("PUT", f"/applications/{application}/connectorGroup/$ref", target, ""),
        ("DELETE", f"/applications/{application}/connectorGroup/$ref", None, ""),
        ("POST", "/$batch", {"requests": steps}, ""),
    ]


@pytest.mark.parametrize("allowed", ["refused", "allowed"])
@pytest.mark.parametrize("mode", MODES)
def test_the_lab_conforms_whatever_it_is_asked(mode: str, allowed: str) -> None:
    world = recorded(mode=mode, expand=allowed, count=allowed, expand_page=1, expand_link="given", expand_names=True)
    calls = every_call(world)
    for method, path, body, query in calls:
        world.call(method, path, body, query=query)
    assert world.journal.unknowns() == []
    called = {entry["action"] for entry in world.journal.since()}
    assert {route.name for route in urls.ROUTES} - called == {"count_groups", "count_members"}
    assert contract.assert_conforms(world.graph.recording.since()) == len(calls)


@pytest.mark.parametrize(
    "kind", ["status", "status_after", "forbidden", "token_expired", "drop_before", "drop_after", "malformed", "paging"]
)
def test_an_ordered_fault_is_not_held_against_the_lab(kind: str) -> None:
    world = recorded()
    world.faults.add({"kind": kind, "plane": "graph", "scope": "item", "status": 503, "body": "<html>" if kind == "status" else None})
    steps = [{"id": str(number), "method": "GET", "url": "/applications?$top=1"} for number in range(3)]
    world.call("POST", "/$batch", {"requests": steps})
    assert contract.assert_conforms(world.graph.recording.since()) == 1


@pytest.mark.parametrize("deviation", contract.DEVIATIONS)
def test_each_deviation_is_needed(deviation: str) -> None:
    world = recorded(expand="allowed", expand_page=1, expand_link="given", page_size=1)
    world.tenant.register("SECOND", world.registration_token(), "1")
    page = world.call("GET", f"{P}/connectorGroups", query="$expand=members").document
    assert page is not None
    world.call("GET", f"{P}/connectorGroups", query=page["@odata.nextLink"].partition("?")[2].replace("%3D", "="))
    world.call("GET", f"{P}/connectorGroups('{world.group('NAM').id}')")
    world.call("POST", GROUPS, {"name": "x", "region": "moon"})
    exchanges = world.graph.recording.since()
    strict = contract.Contract(contract.read(), [name for name in contract.DEVIATIONS if name != deviation])
    assert [problem for exchange in exchanges for problem in strict.problems(exchange)]
    assert contract.assert_conforms(exchanges) == 4


def exchange(method: str, path: str, body: t.Any = None, query: str = "", **settings: t.Any) -> Document:
    """Return one exchange as recorded."""
    world = recorded(**settings)
    group = world.group("NAM").id
    world.call(method, path.replace("GROUP", group), body, query=query)
    (found,) = world.graph.recording.since()
    assert contract.load().problems(found) == []
    return copy.deepcopy(found)


GROUPS = f"{P}/connectorGroups"
Spoil = t.Callable[[Document], t.Any]
CAUGHT: list[tuple[str, tuple[t.Any, ...], Spoil, str]] = [
    ("unknown property of an answer", ("GET", GROUPS), lambda e: e["response_body"]["value"][0].update(colour="red"), "colour"),
    ("wrong type", ("GET", GROUPS), lambda e: e["response_body"]["value"][0].update(isDefault="yes"), "isDefault"),
    ("null where none may be", ("GET", GROUPS), lambda e: e["response_body"]["value"][0].update(name=None), "name"),
    ("unknown value", ("GET", GROUPS), lambda e: e["response_body"]["value"][0].update(region="moon"), "moon"),
    ("no object", ("GET", GROUPS), lambda e: e.update(response_body=[]), "not of type 'object'"),
    ("no JSON", ("GET", GROUPS), lambda e: e.update(media_type="text/html"), "content type"),
    ("unknown property of a request", ("POST", GROUPS, {"name": "x"}), lambda e: e["request_body"].update(colour="red"), "colour"),
    ("read-only property of a request", ("POST", GROUPS, {"name": "x"}), lambda e: e["request_body"].update(isDefault=True), "isDefault"),
    ("wrong type in a request", ("POST", GROUPS, {"name": "x"}), lambda e: e["request_body"].update(name=7), "7 is not of type"),
    ("no body", ("POST", GROUPS, {"name": "x"}), lambda e: e.update(request_body=None), "request"),
    ("no content type", ("POST", GROUPS, {"name": "x"}), lambda e: e.update(request_headers={}), "content type"),
    ("status of the other mode", ("POST", GROUPS, {"name": "x"}), lambda e: e.update(status=201), "status 201"),
    ("status that nobody names", ("GET", GROUPS), lambda e: e.update(status=206), "status 206"),
    ("body where none may be", ("PATCH", f"{GROUPS}/GROUP", {"name": "x"}), lambda e: e.update(response_body={}), "not have a body"),
    ("body of a GET", ("GET", GROUPS), lambda e: e.update(request_body={}), "must not have a body"),
    ("unknown parameter", ("GET", GROUPS), lambda e: e.update(query=[["$colour", "red"]]), "$colour"),
    ("property that is not there", ("GET", GROUPS), lambda e: e.update(query=[["$select", "colour"]]), "colour"),
    ("navigation that is not there", ("GET", GROUPS), lambda e: e.update(query=[["$expand", "name"]]), "name"),
    ("no number", ("GET", GROUPS), lambda e: e.update(query=[["$top", "many"]]), "$top"),
    ("operation that is not there", ("GET", GROUPS), lambda e: e.update(method="PUT"), "no such operation"),
    ("other version", ("GET", GROUPS), lambda e: e.update(path=e["path"].replace("beta", "v1.0")), "no such operation"),
    ("operation without evidence", ("GET", GROUPS), lambda e: e.update(path=f"{e['path']}/$count"), "nobody has shown"),
    ("error without code", ("GET", f"{GROUPS}/x"), lambda e: e["response_body"]["error"].pop("code"), "code"),
    ("error of another shape", ("GET", f"{GROUPS}/x"), lambda e: e.update(response_body={"message": "no"}), "error"),
]


@pytest.mark.parametrize(("call", "spoil", "said"), [case[1:] for case in CAUGHT], ids=[case[0] for case in CAUGHT])
def test_the_checker_catches(call: tuple[t.Any, ...], spoil: Spoil, said: str) -> None:
    spoilt = exchange(*call)
    spoil(spoilt)
    with pytest.raises(AssertionError, match=re.escape(said)):
        contract.assert_conforms([spoilt])


def test_the_checker_knows_the_statuses_of_each_mode() -> None:
    for mode, status, other in (("observed", 200, 201), ("documented", 201, 200)):
        created = exchange("POST", GROUPS, {"name": "x"}, mode=mode)
        assert created["status"] == status
        assert contract.load().problems(created | {"status": other})


def test_the_checker_looks_into_a_batch() -> None:
    steps = [
        {"id": "a", "method": "POST", "url": GROUPS, "body": {"name": "x"}, "headers": JSON},
        {"id": "b", "method": "GET", "url": GROUPS},
    ]
    whole = exchange("POST", "/$batch", {"requests": steps})
    wrong = copy.deepcopy(whole)
    next(item for item in wrong["response_body"]["responses"] if item["id"] == "b")["body"]["value"][0]["colour"] = "red"
    wrong["request_body"]["requests"][0]["body"]["colour"] = "red"
    problems = contract.load().problems(wrong)
    assert len(problems) == 2
    assert all(word in problem for word, problem in zip(("item a", "item b"), problems, strict=True))
    del whole["response_body"]["responses"][0]
    assert contract.load().problems(whole) == [f"#{whole['seq']} POST /beta/$batch: item b has no answer"]


def test_a_recording_holds_no_token_and_nothing_until_it_is_switched_on() -> None:
    world = make()
    token = world.tenant.identity.delegated_token(GRAPH, "client")
    world.call("GET", "/applications", token=token)
    assert world.graph.recording.since() == []
    world.graph.recording.on = True
    world.call("POST", GROUPS, {"name": "x"}, token=token)
    world.call("POST", "/$batch", {"requests": [{"id": "1", "method": "GET", "url": "/applications"}]}, token=token)
    kept = world.graph.recording.since()
    assert [one["status"] for one in kept] == [200, 200]
    assert token not in str(kept)
    assert kept[0]["request_body"] == {"name": "x"}
    assert world.graph.recording.since(kept[0]["seq"]) == kept[1:]

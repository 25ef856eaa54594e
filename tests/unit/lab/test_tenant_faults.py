# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which requests an ordered fault hits, and what it does to an answer of Graph, whole or an item of a batch."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.lab.faults import FORMS, Faults
from tests.lab.tenant import refusals
from tests.lab.tenant.http import Answer, Document
from tests.lab.tenant.identity import GRAPH
from tests.unit.lab.tenant_world import P, TenantWorld, codes, make

READ, WRITE = {"method": "GET", "path": "/beta/x/connectors"}, {"method": "POST", "path": "/beta/x/connectorGroups"}


@pytest.mark.parametrize(
    ("order", "hits"),
    [
        ({}, [0]),
        ({"count": 0}, [0, 1, 2, 3]),
        ({"nth": 2, "count": 2}, [1, 2]),
        ({"method": "post"}, [1]),
        ({"method": "POST", "nth": 2}, [3]),
        ({"path": "connectors$", "count": 0}, [0, 2]),
        ({"path": "connectors$", "method": "POST"}, []),
        ({"target": "other"}, []),
        ({"plane": "wsman"}, []),
    ],
)
def test_a_fault_hits_the_requests_it_names(order: dict[str, t.Any], hits: list[int]) -> None:
    faults = Faults()
    faults.add({"kind": "status", "plane": "graph", **order})
    requests = [READ, WRITE, READ, WRITE]
    assert [number for number, request in enumerate(requests) if faults.take("graph", target="tenant", **request)] == hits


def test_the_first_of_two_faults_wins_and_a_removed_one_is_gone() -> None:
    faults = Faults()
    first = faults.add({"kind": "status", "plane": "graph", "count": 0})
    second = faults.add({"kind": "delay", "plane": "graph", "count": 0})
    assert faults.take("graph", **READ) is first
    assert faults.take("graph", ("delay",), **READ) is second
    faults.remove(first.id)
    assert faults.take("graph", **READ) is second
    faults.clear()
    assert faults.take("graph", **READ) is None


@pytest.mark.parametrize(
    ("scope", "hits"), [("request", ["whole 1", "whole 2"]), ("item", ["item"]), ("any", ["whole 1", "item", "whole 2"])]
)
def test_the_scope_says_what_is_matched_and_counted(scope: str, hits: list[str]) -> None:
    faults = Faults()
    faults.add({"kind": "status", "plane": "graph", "count": 0, "scope": scope})
    taken = [
        ("whole 1", faults.take("graph", **WRITE)),
        ("item", faults.take("graph", **READ, scope="item")),
        ("whole 2", faults.take("graph", **READ)),
    ]
    assert [name for name, fault in taken if fault] == hits


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "malformed", "form": "colour"},
        {"kind": "status", "form": "html"},
        {"kind": "delay", "scope": "item"},
        {"kind": "delay", "form": "after", "plane": "wsman"},
        {"kind": "status", "scope": "colour"},
        {"kind": "paging", "plane": "login"},
        {"kind": "token_expired", "plane": "wsman"},
    ],
)
def test_an_order_that_means_nothing_is_refused(order: dict[str, t.Any]) -> None:
    with pytest.raises(ValueError, match="fault"):
        Faults().add({"plane": "graph", **order})


GROUPS = f"{P}/connectorGroups"
CREATE = {"id": "1", "method": "POST", "url": GROUPS, "body": {"name": "New"}, "headers": {"Content-Type": "application/json"}}
LIST = {"id": "2", "method": "GET", "url": GROUPS}
AFTER = {"id": "3", "method": "GET", "url": GROUPS, "dependsOn": ["1"]}


def send(world: TenantWorld, *steps: Document) -> dict[str, Document]:
    """Send a batch and return its answers by id."""
    answer = world.call("POST", "/$batch", {"requests": list(steps)})
    assert answer.document is not None
    return {item["id"]: item for item in answer.document["responses"]}


def exists(world: TenantWorld, name: str) -> bool:
    """Say whether there is a group of this name."""
    return name in [group.name for group in world.tenant.now_state.groups.values()]


@pytest.mark.parametrize(("kind", "written", "dependant"), [("drop_before", False, 424), ("drop_after", True, 200)])
def test_a_lost_item_is_missing_in_the_answer_whether_it_took_effect_or_not(kind: str, written: bool, dependant: int) -> None:
    world = make()
    world.faults.add({"kind": kind, "plane": "graph", "scope": "item", "method": "POST"})
    answers = send(world, CREATE, LIST, AFTER)
    assert {name: item["status"] for name, item in answers.items()} == {"2": 200, "3": dependant}
    assert exists(world, "New") == written


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "7"}])
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize(("kind", "written"), [("status", False), ("status_after", True)])
def test_an_item_is_refused_before_or_after_its_effect(kind: str, written: bool, status: int, headers: dict[str, str]) -> None:
    world = make()
    world.faults.add({"kind": kind, "plane": "graph", "scope": "item", "method": "POST", "status": status, "headers": headers})
    item = send(world, CREATE)["1"]
    assert (item["status"], item["headers"].get("Retry-After")) == (status, headers.get("Retry-After"))
    assert item["body"]["error"]["code"]
    assert exists(world, "New") == written


def handle(world: TenantWorld, order: Document, method: str, path: str, body: t.Any = None, query: str = "") -> Answer:
    """Send one request that the ordered fault hits, as front.py does."""
    fault = world.faults.add({"plane": "graph", **order})
    return world.call(method, path, body, query=query, fault=fault)


def test_a_whole_request_is_refused_after_its_effect() -> None:
    world = make()
    assert handle(world, {"kind": "status_after", "status": 504}, "POST", GROUPS, {"name": "New"}).status == 504
    assert (
        handle(world, {"kind": "status_after", "status": 504}, "POST", "/$batch", {"requests": [dict(CREATE, body={"name": "B"})]}).status
        == 504
    )
    assert exists(world, "New")
    assert exists(world, "B")


def test_a_token_that_expires_in_the_middle_is_refused_from_then_on_and_a_new_one_is_not() -> None:
    world = make()
    token = world.tenant.identity.delegated_token(GRAPH, "client")
    world.faults.add({"kind": "token_expired", "plane": "graph", "scope": "item", "nth": 2})
    steps = [{"id": str(number), "method": "GET", "url": GROUPS} for number in range(3)]
    answer = world.call("POST", "/$batch", {"requests": steps}, token=token)
    assert answer.document is not None
    assert sorted(item["status"] for item in answer.document["responses"]) == [200, 401, 401]
    refused = world.call("GET", GROUPS, token=token)
    assert codes(refused) == (401, "InvalidAuthenticationToken")
    assert refused.headers["WWW-Authenticate"].startswith('Bearer realm=""')
    assert world.call("GET", GROUPS).status == 200
    world.tenant.identity.expire_all()
    assert world.call("GET", GROUPS, token=world.tenant.identity.delegated_token(GRAPH, "client")).status == 200


@pytest.mark.parametrize("form", FORMS["forbidden"])
def test_every_kind_of_403_that_is_on_record(form: str) -> None:
    world = make()
    answer = handle(world, {"kind": "forbidden", "form": form}, "POST", GROUPS, {"name": "New"})
    assert codes(answer) == (403, refusals.FORBIDDEN[form][0])
    assert not exists(world, "New")


def test_the_tenant_itself_says_403_in_two_ways() -> None:
    world = make()
    token = world.tenant.identity.delegated_token(GRAPH, "client", scopes="User.Read")
    assert codes(world.call("GET", GROUPS, token=token))[1] == refusals.FORBIDDEN["role"][0]
    assert codes(world.call("GET", "/applications", token=token))[1] == refusals.FORBIDDEN["directory"][0]


BROKEN = {"truncated": False, "html": False, "empty": False, "content_type": True, "array": True}


@pytest.mark.parametrize("form", FORMS["malformed"])
def test_malformed_bodies(form: str) -> None:
    world = make()
    answer = handle(world, {"kind": "malformed", "form": form}, "GET", GROUPS)
    assert (answer.status, answer.media_type.startswith("application/json")) == (200, form not in ("html", "content_type"))
    assert _is_json(answer.text) == BROKEN[form]
    world.faults.clear()
    world.faults.add({"kind": "malformed", "plane": "graph", "form": form, "scope": "item"})
    item = send(world, LIST)["2"]
    assert item["status"] == 200
    assert isinstance(item["body"], str)
    assert handle(world, {"kind": "malformed", "form": form}, "DELETE", f"{GROUPS}/{world.group('EUR 2').id}").text == ""


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def test_contradictory_paging() -> None:
    world = make(page_size=2)
    order = {"kind": "paging", "form": "repeat"}
    here = "https://localhost:1/beta" + GROUPS
    repeated = handle(world, order, "GET", GROUPS, query="$top=2").document
    assert repeated is not None
    assert (len(repeated["value"]), repeated["@odata.nextLink"]) == (2, f"{here}?$top=2")
    empty = handle(world, {"kind": "paging", "form": "empty"}, "GET", GROUPS).document
    assert empty is not None
    assert (empty["value"], empty["@odata.nextLink"]) == ([], here)
    foreign = handle(world, {"kind": "paging", "form": "foreign"}, "GET", GROUPS).document
    assert foreign is not None
    assert foreign["@odata.nextLink"].startswith("https://127.0.0.1:1/beta")
    assert "skiptoken" in foreign["@odata.nextLink"]


@pytest.mark.parametrize("kind", ["stale", "paging"])
def test_what_is_ordered_for_a_batch_befalls_all_its_items(kind: str) -> None:
    world = make()
    world.tenant.create_group("New", None)
    fault = world.faults.add({"kind": kind, "plane": "graph", "form": "empty" if kind == "paging" else ""})
    answer = world.call("POST", "/$batch", {"requests": [LIST, dict(LIST, id="4")]}, fault=fault)
    assert answer.document is not None
    bodies = [item["body"] for item in answer.document["responses"]]
    assert all("New" not in [group["name"] for group in body["value"]] for body in bodies)

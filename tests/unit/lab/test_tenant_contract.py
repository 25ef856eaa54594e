# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's routes against the machine-readable slice of Microsoft Graph, where a checkout has it beside it."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
import yaml

from tests.lab.tenant import urls
from tests.unit.lab.tenant_world import P, make

CONTRACT = pathlib.Path(__file__).parents[4] / "shared" / "contract" / "onprem-publishing.openapi.yaml"
KEY = "6babcaad-604b-40ac-a9d7-9fd97c0b779f"


@pytest.fixture(scope="module")
def contract() -> dict[str, t.Any]:
    """The contract, if there is one."""
    if not CONTRACT.exists():
        pytest.skip("the OpenAPI slice is not beside this checkout")
    document: dict[str, t.Any] = yaml.safe_load(CONTRACT.read_text())
    return document


def operations(contract: dict[str, t.Any]) -> dict[tuple[str, str], dict[str, t.Any]]:
    """Return the operations by method and path, with keys filled in."""
    found = {}
    for template, methods in contract["paths"].items():
        path = re.sub(r"\{[^}]+\}", KEY, template.replace("{onPremisesPublishingProfile-id}", "applicationProxy"))
        found |= {(method.upper(), path): operation for method, operation in methods.items() if method != "parameters"}
    return found


def test_every_route_of_the_lab_is_in_the_contract_and_is_more_than_generated(contract: dict[str, t.Any]) -> None:
    documented = operations(contract)
    for route in urls.ROUTES:
        matches = [key for key in documented if key[0] == route.method and route.pattern.fullmatch(key[1])]
        assert len(matches) == 1, route.name
        assert documented[matches[0]]["x-doc-status"] != "generated-only", route.name


def test_query_options_of_the_lab_are_in_the_contract(contract: dict[str, t.Any]) -> None:
    documented = operations(contract)
    for route in urls.ROUTES:
        operation = next(value for key, value in documented.items() if key[0] == route.method and route.pattern.fullmatch(key[1]))
        named = {f"${parameter['$ref'].rpartition('/')[2]}" for parameter in operation.get("parameters", ())}
        assert route.query - {"$skiptoken"} <= named, route.name


@pytest.mark.parametrize("mode", ["observed", "documented"])
def test_successful_writes_answer_with_a_status_of_the_contract(contract: dict[str, t.Any], mode: str) -> None:
    documented = operations(contract)
    world = make(mode=mode)
    group, connector = world.group("NAM"), world.connector("IN-DEFAULT")
    application = world.application("Payroll")
    member, target = world.reference("connectors", connector.id), world.reference("connectorGroups", group.id)
    calls: list[tuple[str, str, t.Any]] = [
        ("POST", f"{P}/connectorGroups", {"name": "New"}),
        ("PATCH", f"{P}/connectorGroups/{group.id}", {"name": "Renamed"}),
        ("POST", f"{P}/connectorGroups/{group.id}/members/$ref", member),
        ("POST", f"{P}/connectors/{connector.id}/memberOf/$ref", target),
        ("PUT", f"/applications/{application.id}/connectorGroup/$ref", target),
        ("DELETE", f"/applications/{application.id}/connectorGroup/$ref", None),
    ]
    for method, path, body in calls:
        template = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", KEY, path)
        answer = world.call(method, path, body)
        assert str(answer.status) in documented[method, template]["responses"], (method, path, answer)

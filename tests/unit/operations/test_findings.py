# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The findings, each from the smallest fleet that has it; and the waves."""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

import jsonschema
import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.fleet import findings as rules
from ansible_collections.entra.app_proxy.plugins.module_utils.fleet import waves
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.ha import verdict
from tests.support.documents import ROOT

PAGE = ROOT / "docs" / "operations.md"
SCHEMA = json.loads((ROOT / "docs" / "verify_result.schema.json").read_text())
FINDING = jsonschema.Draft202012Validator({**SCHEMA["$defs"]["finding"]})

Change = t.Callable[[dict[str, t.Any], dict[str, t.Any], list[dict[str, t.Any]]], object]


def fleet() -> dict[str, t.Any]:
    hosts = [{"name": name, "machine_name": name.upper(), "zone": None} for name in ("w1", "w2")]
    return {"groups": [{"name": "Web", "region": "nam", "min_connectors": 2, "applications": [], "hosts": hosts}], "errors": []}


def seen(name: str, **changes: t.Any) -> dict[str, t.Any]:
    registration = {"state": "registered", "connector_id": f"c-{name}", **changes}
    connector = {"machine_name": name.upper(), "version": "1.5.4892.0", "registration": registration}
    return {"checks": [{"name": "installation", "status": "ok", "evidence": "", "remedy": ""}], "connector": connector}


def member(name: str, status: str = "active", identity: str | None = None) -> dict[str, t.Any]:
    return {"id": identity or f"c-{name}", "machine_name": name.upper(), "status": status, "version": "1.5.4892.0"}


def groups() -> list[dict[str, t.Any]]:
    web = {"name": "Web", "region": "nam", "is_default": False, "members": [member("w1"), member("w2")], "applications": []}
    return [web, {"name": "Default", "region": "nam", "is_default": True, "members": [], "applications": [], "active": 0, "required": 2}]


def find(change: Change) -> list[tuple[str, str, str]]:
    return [(one.severity, one.code, one.subject) for one in found_after(change)]


def found_after(change: Change) -> list[rules.Finding]:
    declared, hosts, tenant = fleet(), {"w1": seen("w1"), "w2": seen("w2")}, groups()
    change(declared, hosts, tenant)
    rows = verdict(tenant, declared["groups"])["rows"]
    found = rules.findings(declared, hosts, {"groups": tenant, "rows": rows})
    for one in found:
        FINDING.validate(dataclasses.asdict(one))
    return found


def check(name: str, status: str) -> dict[str, str]:
    return {"name": name, "status": status, "evidence": "seen", "remedy": "mend it"}


def zones(declared: dict[str, t.Any]) -> None:
    for host in declared["groups"][0]["hosts"]:
        host["zone"] = "dc1"


CASES: list[tuple[str, Change, list[tuple[str, str, str]]]] = [
    ("nothing", lambda f, h, g: None, []),
    ("a declaration with mistakes", lambda f, h, g: f["errors"].append("no"), [("critical", "declaration", "the inventory")]),
    ("a server that did not answer", lambda f, h, g: h.update(w1={"msg": "no route"}), [("critical", "not_checked", "w1")]),
    ("a server that was not asked", lambda f, h, g: h.pop("w1"), [("critical", "not_checked", "w1")]),
    ("a failing check", lambda f, h, g: h["w1"]["checks"].append(check("clock", "warning")), [("warning", "check", "w1")]),
    ("renewal overdue", lambda f, h, g: h["w1"]["checks"].append(check("renewal", "warning")), [("warning", "renewal_overdue", "w1")]),
    (
        "updater stopped",
        lambda f, h, g: h["w1"]["checks"].append(check("service WAPCUpdaterSvc", "critical")),
        [("critical", "updater_stopped", "w1")],
    ),
    (
        "registered and forgotten by the tenant",
        lambda f, h, g: g[0]["members"].pop(0),
        [("critical", "group_below_minimum", "Web"), ("critical", "not_in_tenant", "w1")],
    ),
    (
        "registered in another tenant",
        lambda f, h, g: (h["w1"]["checks"].append(check("tenant", "critical")), g[0]["members"].append(member("w9"))),
        [("critical", "other_tenant", "w1"), ("warning", "undeclared", "W9")],
    ),
    (
        "inactive",
        lambda f, h, g: g[0]["members"][0].update(status="inactive"),
        [("critical", "group_below_minimum", "Web"), ("critical", "inactive", "w1")],
    ),
    (
        "in the wrong group",
        lambda f, h, g: g[1]["members"].append(g[0]["members"].pop(0)),
        [("critical", "group_below_minimum", "Web"), ("warning", "wrong_group", "w1")],
    ),
    ("an undeclared connector", lambda f, h, g: g[0]["members"].append(member("x")), [("warning", "undeclared", "X")]),
    ("an undeclared dead connector", lambda f, h, g: g[0]["members"].append(member("x", "inactive")), [("info", "undeclared", "X")]),
    (
        "one machine twice, one of them dead",
        lambda f, h, g: g[0]["members"].append(member("w1", "inactive", "c-old")),
        [("info", "same_machine", "W1")],
    ),
    ("one machine twice", lambda f, h, g: g[0]["members"].append(member("w1", "active", "c-2")), [("warning", "same_machine", "W1")]),
    (
        "a copied server",
        lambda f, h, g: (h["w2"]["connector"]["registration"].update(connector_id="c-w1"), g[0]["members"].pop(1)),
        [("critical", "cloned", "w1, w2"), ("critical", "group_below_minimum", "Web")],
    ),
    (
        "a version behind the rest",
        lambda f, h, g: h["w1"]["connector"].update(version="1.5.999.0"),
        [("warning", "version_behind", "w1")],
    ),
    ("all in one zone", lambda f, h, g: zones(f), [("warning", "one_zone", "Web")]),
    (
        "an application on a group below its minimum",
        lambda f, h, g: ((g[0]["members"][0].update(status="inactive"), g[0]["applications"].append({"id": "a", "name": "Intranet"}))),
        [
            ("critical", "application_below_minimum", "Intranet"),
            ("critical", "group_below_minimum", "Web"),
            ("critical", "inactive", "w1"),
        ],
    ),
    (
        "an application on Default",
        lambda f, h, g: g[1]["applications"].append({"id": "a", "name": "Payroll"}),
        [("critical", "application_below_minimum", "Payroll"), ("warning", "application_on_default", "Payroll")],
    ),
    (
        "an application on Default, which has its connectors",
        lambda f, h, g: (g[1].update(active=2), g[1]["applications"].append({"id": "a", "name": "Payroll"})),
        [("warning", "application_on_default", "Payroll")],
    ),
]


@pytest.mark.parametrize(("change", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_findings(change: Change, expected: list[tuple[str, str, str]]) -> None:
    assert find(change) == expected


@pytest.mark.parametrize(
    ("code", "change", "limit"),
    [
        ("not_in_tenant", lambda f, h, g: g[0]["members"].pop(0), "w1"),
        ("cloned", lambda f, h, g: h["w2"]["connector"]["registration"].update(connector_id="c-w1"), "THE-COPY"),
    ],
)
def test_a_registration_that_a_deployment_takes_for_sound_is_mended_by_one_that_is_told_to(code: str, change: Change, limit: str) -> None:
    (remedy,) = (one.remedy for one in found_after(change) if one.code == code)
    assert f"deploy_connectors with --limit {limit},localhost and for one run -e connector_i_accept_a_new_registration_of={limit}" in remedy


def test_schema_and_page_name_every_code_and_each_has_a_case() -> None:
    told = {code for case in CASES for _severity, code, _subject in case[2]} | {"group_missing"}
    rows = [line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    listed = {code for row in rows for code in re.findall(r"`(\w+)`", row)}
    assert set(FINDING.schema["properties"]["code"]["enum"]) == told
    assert told <= listed


def test_a_group_that_does_not_exist() -> None:
    found = find(lambda f, h, g: g.pop(0))
    assert ("critical", "group_missing", "Web") in found


def test_a_wave_has_one_server_of_each_group_and_the_largest_group_tells_how_many_there_are() -> None:
    declared = [
        {"name": "A", "hosts": [{"name": name} for name in ("a1", "a2", "a3")]},
        {"name": "B", "hosts": [{"name": name} for name in ("b1", "b2")]},
    ]
    found = waves.as_dict(waves.turns(declared, {"a1", "a3", "b1", "b2"}))
    assert found["order"] == ["a1", "b1", "a3", "b2"]
    assert found["sizes"] == [2, 2]
    assert found["hosts"]["a3"] == {"group": "A", "wave": 2, "waves": 2, "before": ["a1"]}
    assert found["lines"] == ["wave 1 of 2: a1 (A), b1 (B)", "wave 2 of 2: a3 (A), b2 (B)"]
    assert waves.left_out(declared, {"a1", "a3", "b1", "b2"}) == ["a2"]
    assert waves.left_out(declared, {"b1", "b2"}) == []
    assert waves.as_dict([]) == {"order": [], "sizes": [], "hosts": {}, "lines": []}


def test_those_that_are_first_are_before_the_others_of_their_group_and_of_no_other() -> None:
    declared = [{"name": "A", "hosts": [{"name": name} for name in ("a1", "a2", "a3")]}, {"name": "B", "hosts": [{"name": "b1"}]}]
    found = waves.as_dict(waves.turns(declared, {"a1", "a2", "a3", "b1"}, first={"a3", "x"}))
    assert found["order"] == ["a3", "b1", "a1", "a2"]
    assert found["hosts"]["a2"]["before"] == ["a3", "a1"]


def test_a_server_is_found_by_the_id_that_it_tells_whatever_the_tenant_calls_it() -> None:
    declared, hosts, tenant = fleet(), {"w1": seen("w1"), "w2": seen("w2")}, groups()
    zones(declared)
    tenant[0]["members"] = [{**member("w1"), "machine_name": "SRV-1"}, {**member("w2"), "machine_name": "w2.contoso.com"}]
    (row,) = verdict(tenant, rules.with_ids(declared, hosts))["rows"]
    assert (row["missing"], row["shared_zone"]) == ([], "dc1")
    assert verdict(tenant, declared["groups"])["rows"][0]["missing"] == ["w1"]

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verification: what only the join of servers and tenant can tell, in a file and on one screen; it changes nothing."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import typing as t

import jsonschema
import pytest
import yaml

from tests.integration.operations.conftest import NEW, OLD, PAIRS, WEB, Operations
from tests.support.lab_process import ROOT

FAILED = 2
"""What ansible-playbook ends with when a task failed."""
SHOWN = 12
"""Findings that the summary shows, by default."""
SCHEMA = json.loads((ROOT / "docs" / "verify_result.schema.json").read_text())


def validated(file: pathlib.Path) -> dict[str, t.Any]:
    """The result file, which keeps to the schema that is documented."""
    result: dict[str, t.Any] = json.loads(file.read_text())
    jsonschema.Draft202012Validator(SCHEMA).validate(result)
    return result


def test_a_sound_fleet_has_no_findings_and_a_sick_one_has_each_of_them(operations: Operations) -> None:
    operations.fleet(PAIRS, version=NEW)
    seq = operations.lab.last_seq()
    file = operations.directory / "verify.json"
    run = operations.run("verify_connectors", verify_result_file=str(file), verify_fail_on="info").succeeded()
    assert "2 groups, 0 below the minimum; findings: 0 critical, 0 warning, 0 info" in run.stdout
    assert validated(file)["worst"] is None
    assert run.total("changed") == 0

    operations.lab.patch("/servers/nam-web-01", {"reachable": False})
    operations.lab.patch("/servers/nam-web-02", {"connector": {"version": OLD}, "services": {"WAPCUpdaterSvc": {"state": "Stopped"}}})
    operations.lab.patch("/servers/nam-hr-01", {"connector": {"registered": True, "tenant_id": "99999999-8888-4777-8666-555555555555"}})
    operations.lab.post("/connectors", {"machine_name": "STRANGER", "group": "Web"})
    operations.lab.post("/applications", {"display_name": "Forgotten"})
    sick = operations.run("verify_connectors", verify_result_file=str(file), verify_fail_on="critical")
    assert sick.rc != 0
    found = {(one["code"], one["subject"]) for one in validated(file)["findings"]}
    assert found >= {
        ("not_checked", "nam-web-01"),
        ("version_behind", "nam-web-02"),
        ("updater_stopped", "nam-web-02"),
        ("other_tenant", "nam-hr-01"),
        ("undeclared", "STRANGER"),
        ("group_below_minimum", "HR"),
        ("application_below_minimum", "Payroll"),
        ("application_on_default", "Forgotten"),
    }
    assert operations.writes(seq) == []


def test_what_only_the_join_can_see_is_found_on_servers_and_tenant(operations: Operations) -> None:
    operations.fleet({"Web": WEB, "HR": ("nam-hr-02", "eur-web-01")}, version=NEW)
    lab, file = operations.lab, operations.directory / "verify.json"
    tenant = lab.get("/tenant")
    ids = {one["machine_name"]: one["id"] for one in tenant["connectors"]}
    groups = {one["name"]: one["id"] for one in tenant["groups"]}
    operations.move(ids["NAM-HR-01"], groups["HR"])
    lab.post("/connectors", {"machine_name": "NAM-WEB-01", "group": "Web", "status": "inactive"})
    lab.patch("/servers/eur-web-01", {"services": {"WAPCSvc": {"state": "Stopped"}}})
    hosts = operations.inventory / "hosts.yml"
    tree = yaml.safe_load(hosts.read_text())
    web = tree["all"]["children"]["connectors"]["children"]["nam"]["children"]["group_web"]["hosts"]
    web.update({host: {"connector_zone": "dc1"} for host in WEB[:2]})
    hosts.write_text(yaml.safe_dump(tree, sort_keys=False))
    run = operations.run("verify_connectors", verify_result_file=str(file), verify_fail_on="never").succeeded()
    found = {(one["severity"], one["code"], one["subject"]) for one in validated(file)["findings"]}
    assert found >= {
        ("warning", "one_zone", "Web"),
        ("warning", "wrong_group", "nam-hr-01"),
        ("info", "same_machine", "NAM-WEB-01"),
        ("critical", "inactive", "eur-web-01"),
    }
    # The tenant forgets what was inactive for ten days; the server goes on believing that it is registered.
    lab.post("/clock", {"advance": 11 * 86400})
    later = operations.run("verify_connectors", verify_result_file=str(file), verify_fail_on="critical")
    assert later.rc != 0
    assert ("critical", "not_in_tenant", "eur-web-01") in {
        (one["severity"], one["code"], one["subject"]) for one in validated(file)["findings"]
    }
    assert run.total("changed") + later.total("changed") == 0


def test_a_forgotten_server_and_a_copied_one_are_mended_by_the_command_that_is_their_remedy(operations: Operations) -> None:
    operations.fleet({"Web": (*WEB, "nam-hr-02")}, version=NEW)
    lab, file = operations.lab, operations.directory / "verify.json"
    lab.patch("/servers/nam-hr-02", {"services": {"WAPCSvc": {"state": "Stopped"}}})
    lab.post("/clock", {"advance": 11 * 86400})
    lab.patch("/servers/nam-hr-02", {"services": {"WAPCSvc": {"state": "Running"}}})
    lab.patch("/servers/nam-web-02", {"connector": {"registered": False}})
    lab.patch("/servers/nam-web-02", {"connector": {"clone_of": "nam-web-01"}})
    found = {("cloned", "nam-web-01, nam-web-02"), ("not_in_tenant", "nam-hr-02")}

    def verified() -> set[tuple[str, str]]:
        operations.run("verify_connectors", verify_result_file=str(file), verify_fail_on="never").succeeded()
        return {(one["code"], one["subject"]) for one in validated(file)["findings"]}

    assert verified() >= found
    for host in ("nam-web-02", "nam-hr-02"):
        operations.run("deploy_connectors", "--limit", f"{host},localhost", "-e", f"connector_i_accept_a_new_registration_of={host}")
    assert not found & verified()
    assert set(operations.members()["Web"]) == {"NAM-HR-01", "NAM-HR-02", "NAM-WEB-01", "NAM-WEB-02"}


@dataclasses.dataclass(frozen=True)
class Worst:
    """A fleet that has no finding but this one, and what is chosen that lets it pass: a severity above it, or none."""

    arrange: t.Callable[[Operations], object]
    finding: str
    evidence: str
    passes: t.Mapping[str, str]


def _renewal_overdue(operations: Operations) -> None:
    """The certificates live long enough for nothing else to be wrong with them."""
    operations.fleet({"Web": WEB[:2]}, version=NEW, registration={"age_days": 200, "valid_days": 365})


def _inactive_stranger(operations: Operations) -> None:
    operations.fleet({"Web": WEB[:2]}, version=NEW)
    operations.lab.post("/connectors", {"machine_name": "STRANGER", "group": "Web", "status": "inactive"})


WORST = {
    "warning": Worst(
        _renewal_overdue,
        "renewal_overdue: nam-web-01",
        "the certificate is 200 days old, renewal comes after 180",
        {},
    ),
    "info": Worst(
        _inactive_stranger,
        "undeclared: STRANGER",
        "in connector group Web, inactive, is on no declared host",
        {"verify_fail_on": "warning"},
    ),
}


@pytest.mark.parametrize("severity", WORST)
def test_findings_fail_the_run_from_the_chosen_severity_on(operations: Operations, severity: str) -> None:
    worst = WORST[severity]
    worst.arrange(operations)
    file = operations.directory / "verify.json"
    operations.run("verify_connectors", verify_result_file=str(file), **worst.passes).succeeded()
    assert (validated(file)["worst"], validated(file)["fail_on"]) == (severity, worst.passes.get("verify_fail_on", "critical"))
    run = operations.run("verify_connectors", verify_result_file=str(file), verify_fail_on=severity)
    assert run.rc == FAILED
    said = run.stdout.partition(f"findings of severity {severity} or worse:")[2]
    assert f"{worst.finding}: " in said
    assert worst.evidence in said


def test_the_summary_of_a_large_sick_fleet_keeps_to_one_screen_and_says_how_much_it_leaves_out(operations: Operations) -> None:
    groups = {f"Site {number}": (f"site-{number}-a", f"site-{number}-b") for number in range(1, 11)}
    operations.declare(groups)
    file = operations.directory / "verify.json"
    nowhere = {"ansible_host": "127.0.0.1", "ansible_port": 1, "connector_machine_name": "{{ inventory_hostname }}"}
    run = operations.run("verify_connectors", "--forks", "20", verify_result_file=str(file), **nowhere)
    assert run.rc == FAILED
    validated(file)
    # Groups that are missing, servers that cannot be asked, and applications: all of them use Default, which has no connector.
    warnings = len(operations.lab.get("/tenant")["applications"])
    critical = len(groups) + sum(len(hosts) for hosts in groups.values()) + warnings
    left_out = critical + warnings - SHOWN
    assert "10 groups, 10 below the minimum (2 of them not shown)" in run.stdout
    assert f"findings: {critical} critical, {warnings} warning, 0 info ({left_out} of them not shown)" in run.stdout
    assert f"and {critical - SHOWN} more" in run.stdout

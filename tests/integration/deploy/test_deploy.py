# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job: from the lab inventory to highly available connector groups, told by the tenant's own state and the journal."""

from __future__ import annotations

import re

from tests.integration.deploy.conftest import Deployment
from tests.support.playbook import Run

MEMBERS = {
    "NAM Web": ["NAM-WEB-01", "NAM-WEB-02"],
    "NAM HR": ["NAM-HR-01", "NAM-HR-02"],
    "EUR Web": ["EUR-WEB-01", "EUR-WEB-02"],
}
REGIONS = {"NAM Web": "nam", "NAM HR": "nam", "EUR Web": "eur"}
APPLICATIONS = {"NAM Web": ["Intranet"], "NAM HR": ["Payroll"], "EUR Web": []}


def plan_lines(run: Run) -> list[str]:
    """The lines of the host and tenant plans as the playbook prints them, in their order per plan, sorted over all."""
    return sorted(
        set(
            re.findall(
                r"[+~-] \w+ (?:connector_group|connector|registration|service|application) .*?(?=[\"']?,?$)", run.stdout, re.MULTILINE
            )
        )
    )


def test_check_mode_writes_nothing_and_prints_the_plan_that_the_real_run_carries_out(deployment: Deployment) -> None:
    start = deployment.lab.last_seq()
    checked = deployment.run("--check", "--diff").succeeded()
    assert deployment.since(start, "write") == []
    assert deployment.registration_tokens(start) == []
    assert "NAM Web" not in deployment.groups()

    done = deployment.run("--diff").succeeded()
    assert plan_lines(checked) == plan_lines(done)
    assert len(plan_lines(done)) >= 6 + 6 + 3 + 6 + 2  # install, register, create, move, assign
    assert_everything_stands(deployment)


def test_a_second_run_changes_nothing_writes_nothing_opens_no_shell_and_uses_no_token(deployment: Deployment) -> None:
    first = deployment.run().succeeded()
    assert first.total("changed") > 0
    assert_everything_stands(deployment)

    start = deployment.lab.last_seq()
    second = deployment.run().succeeded()
    assert {host: counts["changed"] for host, counts in second.recap.items() if counts["changed"]} == {}
    assert deployment.since(start, "write", "shell") == []
    assert deployment.registration_tokens(start) == []
    assert deployment.since(start, "read") != []


def test_an_unreachable_server_costs_its_own_group_only_and_a_run_after_its_return_completes_the_fleet(deployment: Deployment) -> None:
    deployment.lab.patch("/servers/nam-hr-02", {"reachable": False})
    run = deployment.run()
    assert run.rc != 0
    assert run.recap["nam-hr-02"]["unreachable"] == 1
    assert "NAM HR" in run.output
    assert "nam-hr-02" in run.output.lower()

    groups = deployment.groups()
    assert sorted(groups["NAM Web"]["members"]) == MEMBERS["NAM Web"]
    assert sorted(groups["EUR Web"]["members"]) == MEMBERS["EUR Web"]
    assert groups["NAM Web"]["applications"] == ["Intranet"]
    assert groups["NAM HR"]["members"] == ["NAM-HR-01"]
    assert groups["NAM HR"]["applications"] == []
    assert {member["name"]: member["ok"] for member in _verdicts(run)} == {"NAM Web": True, "NAM HR": False, "EUR Web": True}

    deployment.lab.patch("/servers/nam-hr-02", {"reachable": True})
    deployment.run().succeeded()
    assert_everything_stands(deployment)


def assert_everything_stands(deployment: Deployment) -> None:
    """Every group has its region, exactly its members, all active, and its application."""
    tenant = deployment.lab.get("/tenant")
    groups = {group["name"]: group for group in tenant["groups"]}
    assert {name: sorted(groups[name]["members"]) for name in MEMBERS} == {name: sorted(members) for name, members in MEMBERS.items()}
    assert {name: groups[name]["region"] for name in REGIONS} == REGIONS
    assert {name: groups[name]["applications"] for name in APPLICATIONS} == APPLICATIONS
    assert {connector["status"] for connector in tenant["connectors"]} == {"active"}
    assert len(tenant["connectors"]) == 6
    assert [group["name"] for group in tenant["groups"] if group["name"] in MEMBERS] != []
    for name in ("nam-web-01", "eur-web-02"):
        services = deployment.lab.get(f"/servers/{name}")["services"]
        assert {service["state"] for service in services.values() if service} >= {"Running"}


def _verdicts(run: Run) -> list[dict[str, object]]:
    """The final table: a line a group, which ends in its verdict."""
    rows = []
    for group in MEMBERS:
        lines = [line for line in run.stdout.splitlines() if group in line and re.search(r"\b(yes|NO|ok|NOT HA)\b", line)]
        assert lines, f"the final table has no row for {group}"
        rows.append({"name": group, "ok": not re.search(r"\b(NO|NOT HA)\b", lines[-1])})
    return rows

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook for bug reports: it only reads, its report holds no secret, and it asks every assumption that it can settle."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import yaml

from ansible_collections.entra.app_proxy.plugins.module_utils.host.probes import PROBES
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.tenant_probes import PROBES as TENANT_PROBES
from tests.support.lab_process import ROOT, Lab
from tests.support.playbook import Ansible

PLAYBOOK = ROOT / "playbooks" / "smoke_readonly.yml"
FIDELITY = ROOT / "docs" / "fidelity.md"
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def test_it_only_reads_and_its_report_holds_no_secret(lab: Lab, ansible: Ansible, tmp_path: pathlib.Path) -> None:
    lab.patch("/servers/nam-web-01", {"connector": {"registered": True}})
    renewed = {"registered": True, "generation": "legacy", "in_user_store": True, "age_days": 20, "first_certificate_days": 190}
    lab.patch("/servers/nam-hr-01", {"connector": renewed})
    lab.patch("/servers/eur-web-02", {"reachable": False})
    before = {name: lab.get(f"/servers/{name}") for name in lab.state["servers"]}
    report = tmp_path / "report.json"
    start = lab.last_seq()
    ansible.playbook(PLAYBOOK, variables={"smoke_report": str(report), "smoke_mask": ["lab.example"]})

    assert [entry for entry in lab.journal(since=start) if entry["kind"] in ("write", "unknown")] == []
    assert {name: lab.get(f"/servers/{name}") for name in lab.state["servers"]} == before
    found = json.loads(report.read_text())
    assert (found["asked"], found["answered"]) == (6, 5)
    assert [server["failed_probes"] for server in found["servers"]] == [[]] * 5
    seen = {name for server in found["servers"] for name, finding in server["findings"].items() if finding["outcome"] == "holds"}
    assert seen | {"installer_logs"} == set(PROBES)
    told = found["tenant"]
    assert (told["token_kind"], told["refusal"], set(told["findings"])) == ("user", {}, set(TENANT_PROBES))
    assert told["failed_probes"] == ["expand_applications", "expand_member_of"], "the lab refuses these unless it is told otherwise"
    names = [one[key] for table, key in (("groups", "name"), ("applications", "display_name")) for one in lab.get("/tenant")[table]]
    assert [name for name in names if name in json.dumps(told) and name != "Default"] == []
    secrets = [lab.state["password"], lab.state["user"], lab.state["tenant_id"], "nam-web-01", "lab.example"]
    text = report.read_text()
    assert [secret for secret in secrets if secret.lower() in text.lower()] == []
    assert GUID.findall(text) == []
    assert report.stat().st_mode & 0o777 == 0o600


def test_every_inferred_line_of_the_host_half_says_what_settles_it() -> None:
    host = FIDELITY.read_text().partition("## The tenant")[0].partition("## A second Windows")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in host.splitlines() if line.startswith("| ")]
    open_ones = [row for row in rows if "inferred" in row[1] or "unverified" in row[1]]
    assert len(open_ones) > 30
    assert [row[0] for row in open_ones if not row[3]] == []


def test_every_probe_has_its_line_and_every_line_its_place_in_the_fidelity_table() -> None:
    task: dict[str, t.Any] = yaml.safe_load(PLAYBOOK.read_text())[0]["tasks"][0]
    assert task["entra.app_proxy.connector_probe"]["probes"] == list(PROBES)
    named = set(re.findall(r"smoke: ((?:`\w+`(?:, )?)+)", FIDELITY.read_text()))
    modules = {name.rpartition(".")[2] for play in yaml.safe_load(PLAYBOOK.read_text()) for task in play["tasks"] for name in task}
    assert {name for group in named for name in re.findall(r"`(\w+)`", group)} - modules == {*PROBES, *TENANT_PROBES}


def test_a_refused_sign_in_is_part_of_the_report(lab: Lab, ansible: Ansible, tmp_path: pathlib.Path) -> None:
    lab.patch("/tenant", {"user_is_administrator": False})
    for name in lab.state["servers"]:
        lab.patch(f"/servers/{name}", {"reachable": False})
    report = tmp_path / "report.json"
    ansible.playbook(PLAYBOOK, variables={"smoke_report": str(report)})
    told = json.loads(report.read_text())["tenant"]
    assert told["findings"]["user_reads"]["outcome"] == "fails"
    assert told["findings"]["user_reads"]["evidence"]["status"] == 403
    assert lab.state["tenant_id"] not in report.read_text()

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook for bug reports: it only reads, its report holds no secret, and it asks every assumption that it can settle."""

from __future__ import annotations

import importlib.metadata
import json
import pathlib
import re
import typing as t

import pytest
import yaml

from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import ENTRA
from ansible_collections.entra.app_proxy.plugins.module_utils.host.probe_job import OBSERVE, OF_THE_CONNECTOR, PROBES
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.tenant_probes import PROBES as TENANT_PROBES
from tests.integration.host.module_run import SERVER, module, patch
from tests.support.lab_process import ROOT, Lab
from tests.support.playbook import Ansible

PLAYBOOK = ROOT / "playbooks" / "smoke_readonly.yml"
FIDELITY = ROOT / "docs" / "fidelity.md"
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
MODULES = ("connector_probe", "connector_health", "connector_prerequisites", "connector_proxy")
LIBRARIES = ("ansible-core", "pywinrm", "pypsrp")
# What the tests put on a server, and what is nobody's business.
SECRETS = ("contoso", "svc-proxy", "squid", "Changed-meanwhile-1")
THROUGH_A_PROXY = (
    '<configuration><system.net><defaultProxy><proxy proxyaddress="http://squid.contoso.com:8080" /></defaultProxy></system.net>'
    "</configuration>"
)
# Something that is read, or something that must be done: a look back at what was done before is neither.
SETTLED = re.compile(r"(?:(?:smoke: `\w+`(?:, `\w+`)*|first [^;]+|(?:any|a) smoke run [^;]+)(?:; )?)+")

Document = dict[str, t.Any]


def smoke(lab: Lab, ansible: Ansible, directory: pathlib.Path, **variables: t.Any) -> Document:
    """The report, after looking that it names nobody."""
    report = directory / "report.json"
    ansible.playbook(PLAYBOOK, variables={"smoke_report": str(report), "smoke_mask": ["lab.example"], **variables})
    text = report.read_text()
    hosts = {server["host"] for server in lab.state["servers"].values()}
    secrets = [lab.state["password"], lab.state["user"], lab.state["tenant_id"], "lab.example", *SECRETS, *lab.state["servers"], *hosts]
    assert [secret for secret in secrets if secret.lower() in text.lower()] == []
    assert GUID.findall(text) == []
    assert report.stat().st_mode & 0o777 == 0o600
    return t.cast("Document", json.loads(text))


def only(lab: Lab, *names: str) -> None:
    """Every other server is switched off, which ends the look at it sooner."""
    for name in set(lab.state["servers"]) - set(names):
        lab.patch(f"/servers/{name}", {"reachable": False})


def test_it_only_reads_and_its_report_holds_no_secret(lab: Lab, ansible: Ansible, tmp_path: pathlib.Path) -> None:
    lab.patch("/servers/nam-web-01", {"connector": {"registered": True}})
    renewed = {"registered": True, "generation": "legacy", "in_user_store": True, "age_days": 20, "first_certificate_days": 190}
    lab.patch("/servers/nam-hr-01", {"connector": renewed})
    lab.patch("/servers/eur-web-02", {"reachable": False})
    before = {name: lab.get(f"/servers/{name}") for name in lab.state["servers"]}
    start = lab.last_seq()
    found = smoke(lab, ansible, tmp_path)

    assert [entry for entry in lab.journal(since=start) if entry["kind"] in ("write", "unknown")] == []
    assert {name: lab.get(f"/servers/{name}") for name in lab.state["servers"]} == before
    assert (found["asked"], found["answered"]) == (6, 5)
    assert [server["failed_probes"] for server in found["servers"]] == [[]] * 5
    assert [server["failures"] for server in found["servers"]] == [dict.fromkeys(MODULES, {})] * 5
    seen = {name for server in found["servers"] for name, finding in server["findings"].items() if finding["outcome"] == "holds"}
    assert seen | {"installer_logs"} == {OBSERVE, *PROBES}
    told = found["tenant"]
    assert (told["token_kind"], told["refusal"], set(told["findings"])) == ("user", {}, set(TENANT_PROBES))
    assert told["failed_probes"] == ["expand_applications", "expand_member_of"], "the lab refuses these unless it is told otherwise"
    names = [one[key] for table, key in (("groups", "name"), ("applications", "display_name")) for one in lab.get("/tenant")[table]]
    assert [name for name in names if name in json.dumps(told) and name != "Default"] == []


def test_a_server_that_lets_nobody_in_is_in_the_report_and_is_asked_once(lab: Lab, ansible: Ansible, tmp_path: pathlib.Path) -> None:
    only(lab, SERVER)
    patch(lab, password="Changed-meanwhile-1")
    start = lab.last_seq()
    module(ansible, "connector_info")
    once = refusals(lab, start)
    start = lab.last_seq()
    (server,) = smoke(lab, ansible, tmp_path)["servers"]
    assert refusals(lab, start) == once > 0
    failure = server["failures"].pop("connector_probe")
    assert failure.keys() == {"operation"}
    assert re.search(r"^asking SELECT .+ FROM Win32_OperatingSystem on https://\(host\):\d+/wsman$", failure["operation"])
    assert server["failures"] == dict.fromkeys(MODULES[1:], {})
    assert server["connection"] == {"plugin": "winrm", "scheme": "https", "authentication": ["ntlm"], "message_encryption": None}
    assert (server["findings"], server["prerequisites"]) == ({}, {})


def refusals(lab: Lab, since: int) -> int:
    return sum(entry["kind"] == "auth" for entry in lab.journal(since=since) if entry["target"] == SERVER)


def test_accounts_and_files_of_its_own_are_told_without_their_names(lab: Lab, ansible: Ansible, tmp_path: pathlib.Path) -> None:
    only(lab, SERVER)
    patch(lab, connector={"registered": True}, services={"WAPCSvc": {"account": r"CONTOSO\svc-proxy"}})
    patch(lab, files=[{"path": f"{ENTRA.service_path('C:')}.config", "text": THROUGH_A_PROXY}])
    (server,) = smoke(lab, ansible, tmp_path)["servers"]
    assert server["failed_probes"] == ["service_accounts"]
    accounts = server["findings"]["service_accounts"]["evidence"]
    assert accounts == {"WAPCSvc": "(another account)", "WAPCUpdaterSvc": "LocalSystem"}
    assert server["checks"]["account WAPCSvc"] == "warning"
    assert server["proxy"] == {"connector": "proxy", "updater": "default", "use_for_backend": False}


def test_what_a_server_does_otherwise_than_assumed_does_not_end_the_report(lab: Lab, ansible: Ansible, tmp_path: pathlib.Path) -> None:
    only(lab, SERVER)
    patch(lab, connector={"registered": True})
    lab.post(
        "/faults",
        {"kind": "status", "plane": "wsman", "target": SERVER, "resource": "^CIM_DataFile$", "status": 500, "body": "?", "count": 0},
    )
    (server,) = smoke(lab, ansible, tmp_path)["servers"]
    assert server["failed_probes"] == ["datafile_query", OBSERVE]
    observed = server["findings"][OBSERVE]["evidence"]
    assert (observed["error"], observed["http_status"]) == ("HttpError", 500)
    assert {name for name, finding in server["findings"].items() if finding["outcome"] == "not_seen"} == set(OF_THE_CONNECTOR) | {
        "installer_logs"
    }
    statuses = {name: failure.get("http_status") for name, failure in server["failures"].items()}
    assert statuses == {"connector_probe": None, "connector_health": 500, "connector_prerequisites": 500, "connector_proxy": 500}


@pytest.mark.parametrize(("connection", "scheme", "encrypted"), [("winrm", "http", True), ("psrp", "https", False), ("psrp", "http", True)])
def test_the_report_says_over_which_connection_and_with_which_software(
    lab: Lab, ansible: Ansible, tmp_path: pathlib.Path, connection: str, scheme: str, encrypted: bool
) -> None:
    only(lab, SERVER)
    ansible.connection, ansible.scheme = connection, scheme
    found = smoke(lab, ansible, tmp_path)
    (server,) = found["servers"]
    assert server["connection"] == {"plugin": connection, "scheme": scheme, "authentication": ["ntlm"], "message_encryption": encrypted}
    assert found["versions"]["entra.app_proxy"] == yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    assert {name: found["versions"][name] for name in LIBRARIES} == {name: importlib.metadata.version(name) for name in LIBRARIES}
    assert server["prerequisites_seen"]["ie_enhanced_security"].count("IsInstalled") == 2
    assert server["prerequisites_seen"].keys() == server["prerequisites"].keys()


def test_every_inferred_line_of_the_host_half_says_what_settles_it() -> None:
    host = FIDELITY.read_text().partition("## The tenant")[0].partition("## A second Windows")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in host.splitlines() if line.startswith("| ")]
    open_ones = [row for row in rows if "inferred" in row[1] or "unverified" in row[1]]
    assert len(open_ones) > 30
    assert [row[0] for row in open_ones if not SETTLED.fullmatch(row[3])] == []


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

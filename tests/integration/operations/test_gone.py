# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that will not come back, one that was rebuilt, and a group that gets another name: as docs/operations.md has it."""

from __future__ import annotations

import json

from tests.integration.operations.conftest import NEW, WEB, Operations

GONE = WEB[2]


def _findings(operations: Operations) -> set[tuple[str, str, str]]:
    file = operations.directory / "verify.json"
    operations.run("verify_connectors", verify_result_file=str(file), verify_fail_on="never").succeeded()
    return {(one["severity"], one["code"], one["subject"]) for one in json.loads(file.read_text())["findings"]}


def test_a_dead_server_is_told_by_each_playbook_and_out_of_the_inventory_it_holds_up_none(operations: Operations) -> None:
    operations.fleet({"Web": WEB}, version=NEW)
    operations.lab.patch(f"/servers/{GONE}", {"connector": {"running": False}})
    operations.lab.patch(f"/servers/{GONE}", {"reachable": False})
    operations.lab.post("/clock", {"advance": 3600})
    seq = operations.lab.last_seq()
    assert _findings(operations) >= {("critical", "not_checked", GONE), ("critical", "inactive", GONE)}
    deployed = operations.run("deploy_connectors", connector_groups_wait_timeout=1)
    assert deployed.rc == 4
    assert "NAM-HR-01 (inactive), NAM-WEB-01, NAM-WEB-02  nam-hr-01" in deployed.output
    upgraded = operations.upgrade("--limit", f"{GONE},localhost")
    assert upgraded.rc == 2
    assert "nam-hr-01: Task failed: no connection to" in upgraded.output
    operations.declare({"Web": WEB[:2]})
    assert ("info", "undeclared", "NAM-HR-01") in _findings(operations)
    operations.run("deploy_connectors").succeeded()
    assert operations.changes(seq) == []
    operations.lab.post("/clock", {"advance": 11 * 86400})
    assert "undeclared" not in {code for _severity, code, _subject in _findings(operations)}


def test_a_rebuilt_server_is_registered_anew_and_its_former_connector_is_left_to_the_service(operations: Operations) -> None:
    operations.fleet({"Web": WEB}, version=NEW)
    former = operations.ids([GONE])[GONE]
    operations.lab.patch(f"/servers/{GONE}", {"connector": {"registered": False}})
    operations.lab.patch(f"/servers/{GONE}", {"connector": {"installed": False}})
    operations.lab.post("/clock", {"advance": 3600})
    operations.run("deploy_connectors").succeeded()
    shown = {one["id"]: one for one in operations.lab.get("/tenant")["connectors"] if one["machine_name"] == "NAM-HR-01"}
    new = operations.ids([GONE])[GONE]
    assert {key: (one["status"], one["group"]) for key, one in shown.items()} == {former: ("inactive", "Web"), new: ("active", "Web")}
    assert ("info", "same_machine", "NAM-HR-01") in _findings(operations)
    operations.lab.post("/clock", {"advance": 11 * 86400})
    assert [one["id"] for one in operations.lab.get("/tenant")["connectors"] if one["machine_name"] == "NAM-HR-01"] == [new]


def test_a_group_that_is_renamed_in_the_tenant_first_and_then_in_the_inventory_stays_the_same_group(operations: Operations) -> None:
    operations.fleet({"Web": WEB}, version=NEW)
    group = next(one["id"] for one in operations.lab.get("/tenant")["groups"] if one["name"] == "Web")
    names = ("tenant_id", "auth_source", "graph_endpoint", "authority", "ca_file")
    connection = {name: f"{{{{ app_proxy_{name} }}}}" for name in names}
    rename = {
        "entra.app_proxy.connector_group": {"id": group, "name": "Web Portal", **connection},
        "environment": "{{ app_proxy_environment }}",
    }
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [rename]}
    operations.ansible.playbook([play], inventory=operations.inventory).succeeded()
    seq = operations.lab.last_seq()
    operations.declare({"Web Portal": WEB})
    operations.run("deploy_connectors").succeeded()
    assert operations.changes(seq) == []
    assert [one["id"] for one in operations.lab.get("/tenant")["groups"] if one["name"] == "Web Portal"] == [group]
    assert operations.members()["Web Portal"] == sorted(host.upper() for host in WEB)

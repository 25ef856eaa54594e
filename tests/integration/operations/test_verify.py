# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verification: what only the join of servers and tenant can tell, in a file and on one screen; it changes nothing."""

from __future__ import annotations

import json

from tests.integration.operations.conftest import NEW, OLD, PAIRS, Operations


def test_a_sound_fleet_has_no_findings_and_a_sick_one_has_each_of_them(operations: Operations) -> None:
    operations.fleet(PAIRS, version=NEW)
    seq = operations.lab.last_seq()
    file = operations.directory / "verify.json"
    run = operations.run("verify_connectors", verify_result_file=str(file), verify_fail_on="info").succeeded()
    assert "2 groups, 0 below the minimum; findings: 0 critical, 0 warning, 0 info" in run.stdout
    assert json.loads(file.read_text())["worst"] is None
    assert run.total("changed") == 0

    operations.lab.patch("/servers/nam-web-01", {"reachable": False})
    operations.lab.patch("/servers/nam-web-02", {"connector": {"version": OLD}, "services": {"WAPCUpdaterSvc": {"state": "Stopped"}}})
    operations.lab.patch("/servers/nam-hr-01", {"connector": {"registered": True, "tenant_id": "99999999-8888-4777-8666-555555555555"}})
    operations.lab.post("/connectors", {"machine_name": "STRANGER", "group": "Web"})
    operations.lab.post("/applications", {"display_name": "Forgotten"})
    sick = operations.run("verify_connectors", verify_result_file=str(file), verify_fail_on="critical")
    assert sick.rc != 0
    found = {(one["code"], one["subject"]) for one in json.loads(file.read_text())["findings"]}
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

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removal for good: a group never falls below its minimum by it, and what is refused is refused before anything is touched."""

from __future__ import annotations

import datetime
import json

from tests.integration.operations.conftest import NEW, WEB, Operations

ONE = {"Web": WEB}


def test_a_spare_server_leaves_its_group_before_it_loses_its_connector_and_a_second_run_does_nothing(operations: Operations) -> None:
    operations.fleet(ONE, version=NEW)
    seq = operations.lab.last_seq()
    result = operations.directory / "result.json"
    run = operations.decommission("nam-hr-01", decommission_result_file=str(result)).succeeded()
    assert operations.members()["Web"] == ["NAM-WEB-01", "NAM-WEB-02"]
    assert not operations.lab.get("/servers/nam-hr-01")["connector"]["installed"]
    written = operations.writes(seq)
    moved = next(one["seq"] for one in written if one["plane"] == "graph")
    removed = next(one["seq"] for one in written if one["action"] == "process")
    assert moved < removed
    assert "The tenant forgets its connector ten days after" in run.stdout
    (host,) = json.loads(result.read_text())["hosts"]
    assert host["status"] == "removed"
    seq = operations.lab.last_seq()
    again = operations.decommission("nam-hr-01").succeeded()
    assert again.total("changed") == 0
    assert operations.writes(seq) == []


def test_what_would_take_a_group_below_its_minimum_is_refused_and_nothing_is_written(operations: Operations) -> None:
    operations.fleet(ONE, version=NEW)
    seq = operations.lab.last_seq()
    checked = operations.decommission("nam-web-01", "nam-web-02", check=True).succeeded()
    assert "nam-web-01: may go" in checked.stdout
    assert "nam-web-02: MUST STAY" in checked.stdout
    run = operations.decommission("nam-web-01", "nam-web-02")
    assert run.rc != 0
    refusal = "connector NAM-WEB-02 may not leave connector group Web now: 1 active connector(s) would stay of the 2 it needs."
    assert f"{refusal} First add 1 active connector(s) to Web" in run.stdout
    assert operations.writes(seq) == []
    unknown = operations.decommission("nam-web-99")
    assert unknown.rc != 0
    assert "not below the inventory group connectors: nam-web-99" in unknown.stdout
    assert operations.writes(seq) == []


def test_a_whole_site_retires_once_no_application_uses_it_and_an_accepted_outage_is_written_down(operations: Operations) -> None:
    operations.fleet({"Web": WEB[:2], "HR": ("nam-hr-01", "nam-hr-02")}, version=NEW)
    web, hr = operations.lab.get("/tenant")["applications"]
    operations.assign(web, "HR")
    operations.decommission(*WEB[:2]).succeeded()
    assert operations.members()["Web"] == []
    result = operations.directory / "result.json"
    operations.decommission("nam-hr-01", connector_i_accept_an_outage_of=["HR"], decommission_result_file=str(result)).succeeded()
    report = json.loads(result.read_text())
    assert report["accepted"]["connector_i_accept_an_outage_of"] == ["HR"]
    assert report["hosts"][0]["accepted"] == ["an outage of connector group HR"]
    assert hr["display_name"]


def test_a_server_is_restarted_after_its_removal_when_that_is_wanted(operations: Operations) -> None:
    operations.fleet(ONE, version=NEW)
    boot = operations.lab.get("/servers/nam-hr-01")["boot"]
    result = operations.directory / "result.json"
    operations.decommission("nam-hr-01", decommission_restart="always", decommission_result_file=str(result)).succeeded()
    assert operations.lab.get("/servers/nam-hr-01")["boot"] > boot
    (host,) = json.loads(result.read_text())["hosts"]
    assert (host["status"], host["restart_pending"]) == ("removed", False)
    days = datetime.date.fromisoformat(host["forgotten_on"]) - datetime.datetime.now(datetime.timezone.utc).date()
    assert days.days in (9, 10)


def test_a_server_that_will_not_come_back_is_told_apart_from_one_that_does_not_answer(operations: Operations) -> None:
    operations.fleet(ONE, version=NEW)
    operations.lab.patch("/servers/nam-hr-01", {"reachable": False})
    seq = operations.lab.last_seq()
    away = operations.decommission("nam-hr-01")
    assert away.rc != 0
    assert "take it out of the inventory" not in away.output
    operations.lab.patch("/servers/nam-hr-01", {"connector": {"running": False}})
    operations.lab.post("/clock", {"advance": 86400})
    advice = "If the server will not come back, take it out of the inventory: "
    inactive = "its connector is not active, and the service forgets a connector ten days after it was last active (documented)"
    for mode in (True, False):
        run = operations.decommission("nam-hr-01", check=mode)
        assert (run.rc == 0) is mode, run.output
        assert advice + inactive in " ".join(run.output.split())
    operations.lab.post("/clock", {"advance": 11 * 86400})
    forgotten = operations.decommission("nam-hr-01")
    assert forgotten.rc != 0
    assert advice + "the tenant does not know its connector" in " ".join(forgotten.output.split())
    assert operations.writes(seq) == []

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rolling upgrade: whatever happens, no connector group has fewer active connectors than it needs, at any instant."""

from __future__ import annotations

import concurrent.futures
import json
import pathlib

from tests.integration.operations.conftest import FAST, HR, NEW, OLD, PAIRS, THREES, WEB, Operations
from tests.integration.operations.witness import watching
from tests.support.waiting import wait_until

ONE = {"Web": WEB}
OUT_OF_ITS_GROUP = 3
"""Writes: a key, the claim in it, the move."""


def test_every_server_is_upgraded_and_back_in_its_group_and_a_second_run_does_nothing(operations: Operations) -> None:
    operations.fleet(ONE)
    before = operations.members()
    with watching(operations.lab, ["Web"]) as witness:
        run = operations.upgrade().succeeded()
    assert witness.worst() == {"Web": 2}
    assert "wave 1 of 3 begins: nam-web-01" in run.stdout
    assert set(operations.versions().values()) == {NEW}
    assert operations.members() == before
    seq = operations.lab.last_seq()
    again = operations.upgrade().succeeded()
    assert again.total("changed") == 0
    assert operations.writes(seq) == []


def test_no_server_is_registered_anew_by_an_upgrade(operations: Operations) -> None:
    operations.fleet({"Web": WEB})
    before = operations.ids(WEB)
    operations.upgrade(connector_i_accept_a_new_registration_of=list(WEB)).succeeded()
    assert set(operations.versions().values()) == {NEW}
    assert operations.ids(WEB) == before
    assert sorted(one["id"] for one in operations.lab.get("/tenant")["connectors"]) == sorted(before.values())


def test_a_group_with_none_to_spare_is_refused_and_nothing_is_written_unless_someone_accepts_it(operations: Operations) -> None:
    operations.fleet(PAIRS)
    seq = operations.lab.last_seq()
    run = operations.upgrade()
    assert run.rc != 0
    refusal = "connector NAM-WEB-01 may not leave connector group Web now: 1 active connector(s) would stay of the 2 it needs."
    assert f"{refusal} First add 1 active connector(s) to Web" in run.stdout
    assert "nam-web-02: nam-web-01 of the same group did not come to its end" in run.stdout
    assert operations.writes(seq) == []
    checked = operations.upgrade("--check", connector_i_accept_a_shortfall_of=1).succeeded()
    assert "would be upgraded" in checked.stdout
    assert operations.writes(seq) == []
    result = operations.directory / "result.json"
    limit = ["--limit", "nam-web-01,localhost"]
    operations.upgrade(*limit, connector_i_accept_a_shortfall_of=1, upgrade_result_file=str(result)).succeeded()
    report = json.loads(result.read_text())
    assert report["accepted"]["connector_i_accept_a_shortfall_of"] == 1
    assert report["hosts"][0]["accepted"] == ["connector group Web with 1 active connector(s) instead of 2"]
    assert operations.versions()["nam-web-02"] == OLD


def test_applications_on_default_stop_it_before_anything_is_written(operations: Operations) -> None:
    operations.fleet(ONE)
    operations.lab.post("/applications", {"display_name": "Forgotten"})
    seq = operations.lab.last_seq()
    run = operations.upgrade("--limit", "nam-web-01,localhost", upgrade_wait_timeout=0)
    assert run.rc != 0
    assert "may not move to the Default group now: application(s) Forgotten use it" in run.stdout
    assert operations.writes(seq) == []


def test_a_server_that_fails_stops_its_group_and_not_the_others(operations: Operations) -> None:
    operations.fleet(THREES)
    operations.lab.patch(f"/servers/{WEB[0]}", {"installer_exit_code": 1603})
    run = operations.upgrade("--limit", f"{','.join([*WEB[:2], *HR[:2]])},localhost")
    assert run.rc != 0
    assert "1603" in run.stdout
    assert "nam-web-01 of the same group did not come to its end" in run.stdout
    versions = operations.versions()
    assert {versions[host] for host in WEB} == {OLD}
    assert {versions[host] for host in HR[:2]} == {NEW}
    assert "NAM-WEB-01" in operations.members()["Web"]


def test_a_run_that_was_killed_is_simply_run_again(operations: Operations) -> None:
    """At one point; test_kill_matrix.py has all of them."""
    operations.fleet(ONE)
    before = operations.members()
    limit = ["--limit", "nam-web-01,localhost"]
    with watching(operations.lab, ["Web"]) as witness:
        assert operations.kill_after(OUT_OF_ITS_GROUP, "upgrade_connectors", *limit, connector_version=NEW, **FAST)
        assert operations.members()["Default"] == ["NAM-WEB-01"]
        operations.upgrade(*limit).succeeded()
    assert witness.worst() == {"Web": 2}
    assert operations.members() == before
    assert operations.versions()["nam-web-01"] == NEW


def test_the_hook_and_the_restart_run_while_the_server_is_out_of_its_group(operations: Operations, tmp_path: pathlib.Path) -> None:
    operations.fleet(ONE, version=NEW)
    hook = tmp_path / "patch.yml"
    hook.write_text(
        """
- name: Patch
  ansible.builtin.debug:
    msg: "patching {{ inventory_hostname }}"
- name: Say that a restart is needed
  ansible.builtin.set_fact:
    upgrade_restart_required: true
"""
    )
    boot = operations.lab.get("/servers/nam-web-01")["boot"]
    with watching(operations.lab, ["Web"]) as witness:
        run = operations.upgrade(
            "--limit", "nam-web-01,localhost", upgrade_tasks_file=str(hook), upgrade_restart="when_required"
        ).succeeded()
    assert "patching nam-web-01" in run.stdout
    assert operations.lab.get("/servers/nam-web-01")["boot"] > boot
    assert witness.worst() == {"Web": 2}


def test_without_draining_servers_restart_in_their_group_one_at_a_time(operations: Operations) -> None:
    operations.fleet(ONE, version=NEW)
    boots = {host: operations.lab.get(f"/servers/{host}")["boot"] for host in WEB}
    seq = operations.lab.last_seq()
    with watching(operations.lab, ["Web"]) as witness:
        operations.upgrade(upgrade_drain=False, upgrade_restart="always").succeeded()
    assert witness.worst() == {"Web": 2}
    assert all(operations.lab.get(f"/servers/{host}")["boot"] > boots[host] for host in WEB)
    assert [one for one in operations.changes(seq) if one["plane"] == "graph"] == []
    assert operations.claims() == {}


def test_a_server_that_its_group_needs_since_it_was_asked_is_not_restarted_where_it_is(
    operations: Operations, tmp_path: pathlib.Path
) -> None:
    """While the tasks of the user run, another connector of the group goes down."""
    operations.fleet(ONE, version=NEW)
    hook = tmp_path / "long.yml"
    stop = {"url": operations.lab.state["admin"] + f"/servers/{WEB[1]}", "method": "PATCH", "body_format": "json"}
    body = {"services": {"WAPCSvc": {"state": "Stopped"}}}
    tasks = [
        {"name": "Take long", "ansible.builtin.uri": {**stop, "body": body}, "delegate_to": "localhost"},
        {"name": "Until the tenant has seen it", "ansible.builtin.pause": {"seconds": 3}},
    ]
    hook.write_text(json.dumps(tasks))
    boot = operations.lab.get(f"/servers/{WEB[0]}")["boot"]
    run = operations.upgrade(upgrade_drain=False, upgrade_restart="always", upgrade_tasks_file=str(hook), upgrade_wait_timeout=2)
    assert run.rc != 0
    assert (
        "it was not restarted: connector NAM-WEB-01 may not leave connector group Web now: 1 active connector(s) would stay" in run.stdout
    )
    assert operations.lab.get(f"/servers/{WEB[0]}")["boot"] == boot


def test_an_upgrade_waits_until_no_application_uses_default_any_more(operations: Operations) -> None:
    operations.fleet(ONE)
    forgotten = operations.lab.post("/applications", {"display_name": "Forgotten"})
    seq = operations.lab.last_seq()
    with concurrent.futures.ThreadPoolExecutor() as workers:
        run = workers.submit(operations.upgrade, "--limit", "nam-web-01,localhost", upgrade_wait_timeout=120)
        wait_until(
            "two looks at the tenant",
            lambda: sum("connectorGroups" in one["path"] for one in operations.lab.journal(since=seq, plane="graph")) >= 6,
            alive=lambda: not run.done(),
        )
        assert operations.changes(seq) == []
        operations.assign({**forgotten, "display_name": "Forgotten"}, "Web")
        run.result().succeeded()
    assert operations.versions()["nam-web-01"] == NEW


def test_traffic_of_default_that_someone_accepts_is_written_down(operations: Operations) -> None:
    operations.fleet(ONE)
    operations.lab.post("/applications", {"display_name": "Forgotten"})
    result = operations.directory / "result.json"
    accepted = {"connector_i_accept_traffic_of_default": True, "upgrade_result_file": str(result)}
    operations.upgrade("--limit", "nam-web-01,localhost", upgrade_wait_timeout=0, **accepted).succeeded()
    report = json.loads(result.read_text())
    assert report["accepted"]["connector_i_accept_traffic_of_default"] is True
    assert report["hosts"][0]["accepted"] == ["that it serves the applications of the Default group"]

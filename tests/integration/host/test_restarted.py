# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that restarts in the middle of a module: the run says so, and the next one completes what is still to do."""

from __future__ import annotations

import concurrent.futures
import typing as t

import pytest

from tests.integration.host.module_run import SERVER, module, patch, server
from tests.integration.host.test_killed import CASES, NEVER, Case, given, state
from tests.support.lab_process import Lab
from tests.support.playbook import Ansible, Run
from tests.support.waiting import wait_until

# Long enough for the run to notice, and shorter than what it waits for by itself.
AWAY_SECONDS = 4.0


def registered_once(lab: Lab) -> bool:
    """One connector of this machine in the tenant: the one whose certificate the server has."""
    name = server(lab)["machine_name"]
    there = [one["id"] for one in lab.get("/tenant")["connectors"] if one["machine_name"] == name]
    return there == [server(lab)["connector"]["connector_id"]] and state(lab, "WAPCSvc") == "Running"


INSTALLED = {"connector": {"installed": True}}
RESTARTED = [
    *(case for case in CASES if case.module == "connector_proxy"),
    Case("registration: before it was asked for", "connector_registration", {}, ("shell/Send", 1), INSTALLED, registered_once),
    Case("registration: carried out unseen", "connector_registration", {}, ("shell/Receive", 1), INSTALLED, registered_once),
    Case("registration: service not started", "connector_registration", {}, ("StartService", 1), INSTALLED, registered_once),
]


def restart_at(lab: Lab, ansible: Ansible, case: Case, options: t.Mapping[str, t.Any]) -> Run:
    """Run a module until a certain exchange, whose answer never comes because the server restarts; returns when it is up again."""
    action, nth = case.stop_at
    fault = {"kind": "delay", "plane": "wsman", "target": SERVER, "action": action, "nth": nth, "seconds": NEVER}
    number = lab.post("/faults", fault)["id"]

    def is_there() -> bool:
        return bool(next(one["hits"] for one in lab.get("/faults") if one["id"] == number))

    play = {"hosts": SERVER, "gather_facts": False, "tasks": [{f"entra.app_proxy.{case.module}": dict(options)}]}
    with concurrent.futures.ThreadPoolExecutor() as workers:
        running = workers.submit(ansible.playbook, [play])
        wait_until(f"{action} number {nth}", is_there, alive=lambda: not running.done())
        patch(lab, reboot_seconds=AWAY_SECONDS, reboot=0)
        run = running.result()
    lab.delete(f"/faults?id={number}")
    wait_until("a server that is up", lambda: server(lab)["powered"])
    return run


@pytest.mark.parametrize("case", RESTARTED, ids=lambda case: case.name)
def test_the_next_run_completes_what_the_restart_has_interrupted(lab: Lab, ansible: Ansible, case: Case) -> None:
    patch(lab, **case.before)
    options = given(lab, case)
    boot = server(lab)["boot"]
    broken = restart_at(lab, ansible, case, options)
    assert server(lab)["boot"] > boot
    assert (broken.recap[SERVER]["unreachable"], broken.recap[SERVER]["failed"]) in ((1, 0), (0, 1))
    assert "no connection to" in broken.output or "broke" in broken.output
    done = module(ansible, case.module, **options)
    assert not done.result.get("failed"), done.result["msg"]
    assert case.holds(lab)
    last = module(ansible, case.module, **options)
    assert (last.result["changed"], last.writes) == (False, [])

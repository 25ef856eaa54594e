# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever broke in the middle of an upgrade, it is simply run again. That a run was killed is the matter of test_kill_matrix.py."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import os
import pathlib
import re
import socket
import time
import typing as t

import pytest

from tests.integration.operations.conftest import FAST, HR, LEASE, NEW, OLD, THREES, WEB, Operations
from tests.integration.operations.witness import watching
from tests.support.lab_process import ROOT
from tests.support.playbook import Run

ONE = {"Web": WEB}
FIRST = WEB[0]
LIMIT = ("--limit", f"{FIRST},localhost")
CLAIMED, OUT_OF_ITS_GROUP, INSTALLED = 2, 3, 5
"""Writes: a key and the claim in it; the move; the download and the installation."""
MOVED = 6
"""Of two servers: two keys, two claims, two moves."""
UNINSTALLED = 6
"""After the move: a note of the step, in two writes, and the first of the products."""
MACHINE_ID = pathlib.Path("/etc/machine-id")
DEPLOYED, REGISTERED = 4, 9
"""The download, a note of the step, the installation; clearing up, another note, the registration."""
GROUP_CREATED, IN_IT = 1, 2
"""Of a deployment whose servers have nothing left to do: the group, and the first of those that move there."""


@pytest.mark.skipif(not MACHINE_ID.exists(), reason="this machine has no machine-id(5), so that its restart cannot be told")
def test_after_a_restart_of_the_controller_the_claim_of_the_run_that_it_ended_is_known_to_be_dead_at_once(operations: Operations) -> None:
    operations.fleet(ONE)
    # The number of a process that lives, now: only the start of the controller tells that it is another one.
    operations.claimed_by(
        FIRST, controller=socket.gethostname(), boot="the one before", machine=MACHINE_ID.read_text().strip(), pid=os.getpid()
    )
    operations.upgrade(*LIMIT, upgrade_claim_timeout=0).succeeded()
    assert operations.versions()[FIRST] == NEW
    assert operations.claims() == {}


def test_the_claim_of_another_controller_holds_until_it_expires_or_someone_says_that_its_run_is_dead(operations: Operations) -> None:
    operations.fleet(ONE)
    operations.claimed_by(FIRST, controller="another-controller", pid=4711)
    before = operations.claims()
    seq = operations.lab.last_seq()
    refused = operations.upgrade(*LIMIT, upgrade_claim_timeout=0)
    assert refused.rc != 0
    assert "NAM-WEB-01 is being worked on by process 4711 on another-controller" in refused.stdout
    assert operations.changes(seq) == []
    assert operations.claims() == before
    operations.lab.post("/clock", {"advance": LEASE + 1})
    operations.upgrade(*LIMIT, upgrade_claim_timeout=0).succeeded()
    assert operations.versions()[FIRST] == NEW
    operations.claimed_by(FIRST, controller="another-controller", pid=4711)
    operations.decommission(FIRST, connector_i_know_that_no_other_run_is_alive=True).succeeded()
    assert operations.claims() == {}


@pytest.mark.parametrize("writes", [CLAIMED, OUT_OF_ITS_GROUP, INSTALLED], ids=["claimed", "out of its group", "installing"])
def test_a_server_that_restarts_in_the_middle_of_its_upgrade(operations: Operations, writes: int) -> None:
    operations.fleet(ONE)
    before = operations.members()
    operations.lab.patch(f"/servers/{FIRST}", {"reboot_seconds": 3.0})
    with watching(operations.lab, ("Web",)) as witness:
        with _interrupted(operations, writes) as run:
            operations.lab.patch(f"/servers/{FIRST}", {"reboot": 0})
        first = run.result()
        operations.upgrade(*LIMIT).succeeded()
    assert witness.worst() == {"Web": 2}
    _assert_as_before(operations, before)
    assert first.rc == 0 or "nam-web-01: " in first.stdout.rpartition("not every server was upgraded")[2]


def test_an_upgrade_killed_between_two_products_is_carried_on_where_servers_go_down_in_their_group(operations: Operations) -> None:
    """Each server registers anew there, so the tenant has its former connector beside it."""
    operations.fleet(ONE, generation="legacy")
    before = operations.members()
    operations.lab.patch("/timing", {"files_appear": 5})
    given = {"connector_upgrade_strategy": "reinstall", "upgrade_drain": False}
    with watching(operations.lab, ("Web",)) as witness:
        assert operations.ansible.killed(
            ROOT / "playbooks" / "upgrade_connectors.yml",
            inventory=operations.inventory,
            variables={"connector_version": NEW, **FAST, **given},
            when=lambda: not operations.lab.get(f"/servers/{FIRST}")["connector"]["installed"],
        )
        operations.quicken()
        operations.upgrade(**given).succeeded()
    assert witness.worst() == {"Web": 2}
    assert {name: sorted(set(machines)) for name, machines in operations.members().items()} == before
    assert {server["connector"]["generation"] for name, server in operations.lab.get("/servers").items() if name in WEB} == {"entra"}
    assert operations.claims() == {}


def test_a_tenant_that_is_away_in_the_middle_of_an_upgrade_and_back_for_the_next_run(operations: Operations) -> None:
    operations.fleet(ONE)
    before = operations.members()
    with watching(operations.lab, ("Web",)) as witness:
        with _interrupted(operations, INSTALLED, upgrade_return_timeout=5) as run:
            operations.lab.post("/faults", {"kind": "drop_before", "plane": "graph", "count": 0})
        first = run.result()
        assert first.rc != 0
        assert operations.members()["Default"] == ["NAM-WEB-01"]
        operations.lab.delete("/faults")
        again = operations.upgrade(*LIMIT).succeeded()
    assert "returned" in again.stdout
    assert witness.worst() == {"Web": 2}
    _assert_as_before(operations, before)


def test_a_tenant_that_is_away_for_a_few_requests_is_waited_for(operations: Operations) -> None:
    operations.fleet(ONE)
    before = operations.members()
    operations.lab.post("/faults", {"kind": "drop_before", "plane": "graph", "nth": 8, "count": 2})
    with watching(operations.lab, ("Web",)) as witness:
        operations.upgrade(*LIMIT).succeeded()
    (fault,) = operations.lab.get("/faults")
    assert fault["hits"] == 2
    assert witness.worst() == {"Web": 2}
    _assert_as_before(operations, before)


def _left_in_default(operations: Operations, *hosts: str) -> None:
    """As a run that was killed leaves them."""
    ids = {one["machine_name"]: one["id"] for one in operations.lab.get("/tenant")["connectors"]}
    for host in hosts:
        operations.move(ids[host.upper()], operations.default_group())


def _hook(directory: pathlib.Path, text: str = "{name: Patch, ansible.builtin.debug: {msg: 'patching {{ inventory_hostname }}'}}") -> str:
    file = directory / "patch.yml"
    file.write_text(f"- {text}\n")
    return str(file)


def test_a_patch_that_was_killed_in_its_second_wave_is_simply_run_again_although_the_first_has_work_again(
    operations: Operations, tmp_path: pathlib.Path
) -> None:
    operations.fleet(ONE, version=NEW)
    before = operations.members()
    _left_in_default(operations, WEB[1])
    with watching(operations.lab, ("Web",)) as witness:
        run = operations.upgrade(upgrade_tasks_file=_hook(tmp_path)).succeeded()
    assert re.findall(r"patching (\S+?)\"", run.stdout) == [WEB[1], WEB[0], WEB[2]]
    assert witness.worst() == {"Web": 2}
    assert operations.members() == before
    assert operations.claims() == {}


def test_a_patch_killed_in_its_second_wave_is_run_again(operations: Operations, tmp_path: pathlib.Path) -> None:
    operations.fleet(ONE, version=NEW)
    before = operations.members()
    given = {**FAST, "upgrade_tasks_file": _hook(tmp_path), "upgrade_restart": "always"}
    with watching(operations.lab, ("Web",)) as witness:
        run = operations.ansible.killed(
            ROOT / "playbooks" / "upgrade_connectors.yml",
            inventory=operations.inventory,
            variables=given,
            when=lambda: operations.members()["Default"] == [WEB[1].upper()],
        )
        assert run
        operations.run("upgrade_connectors", **given).succeeded()
    assert witness.worst() == {"Web": 2}
    assert operations.members() == before


def test_one_left_in_default_comes_back_although_the_one_before_it_does_not_come_to_its_end(
    operations: Operations, tmp_path: pathlib.Path
) -> None:
    operations.fleet({"Web": (*WEB, HR[0])}, version=NEW)
    before = operations.members()
    _left_in_default(operations, WEB[1], WEB[2])
    run = operations.upgrade(upgrade_tasks_file=_hook(tmp_path, "{name: Refuse, ansible.builtin.fail: {msg: the update service says no}}"))
    assert run.rc != 0
    assert f"{WEB[2]}: {WEB[1]} of the same group did not come to its end; connector {WEB[2].upper()} is active" in run.stdout
    assert operations.members() == before
    assert operations.claims() == {}


@pytest.mark.parametrize("requests", [1, 0], ids=["once", "until the end"])
def test_a_tenant_that_is_away_right_after_the_servers_have_left_their_groups(operations: Operations, requests: int) -> None:
    """What the move did is not known any more: the servers are given back, and where that fails as well, the next run does it."""
    operations.fleet(THREES)
    before = operations.members()
    limit = ("--limit", f"{WEB[0]},{HR[0]},localhost")
    with watching(operations.lab, ("Web", "HR")) as witness:
        with _interrupted(operations, MOVED, limit=limit) as run:
            assert len(operations.members()["Default"]) == 2
            operations.lab.post("/faults", {"kind": "forbidden", "plane": "graph", "count": requests})
        first = run.result()
        assert first.rc != 0
        assert (operations.members() == before) is bool(requests)
        operations.lab.delete("/faults")
        operations.upgrade(*limit).succeeded()
    assert witness.worst() == {"Web": 2, "HR": 2}
    assert operations.members() == before
    assert operations.claims() == {}


def test_a_tenant_that_is_away_right_after_a_server_has_left_for_good_and_back_for_the_next_run(operations: Operations) -> None:
    operations.fleet(ONE, version=NEW)
    with watching(operations.lab, ("Web",)) as witness:
        with _interrupted(operations, OUT_OF_ITS_GROUP, job=lambda: operations.decommission(FIRST)) as run:
            assert operations.members()["Default"] == [FIRST.upper()]
            operations.lab.post("/faults", {"kind": "forbidden", "plane": "graph", "count": 0})
        first = run.result()
        assert first.rc != 0
        assert "its connector may be in the Default group: run again" in first.stdout
        assert operations.lab.get(f"/servers/{FIRST}")["connector"]["installed"]
        operations.lab.delete("/faults")
        operations.decommission(FIRST).succeeded()
    assert not operations.lab.get(f"/servers/{FIRST}")["connector"]["installed"]
    assert witness.worst() == {"Web": 2}
    assert operations.claims() == {}


@dataclasses.dataclass(frozen=True)
class Job:
    """A playbook on a fleet that it is to change.

    :param writes: after how many of its writes something breaks in.
    :param members: the machines of every group in the end. Who is in Default then has no connector any more.
    :param says: how its error ends when it does not come to a good end; a regular expression.
    """

    prepare: t.Callable[[Operations], None]
    run: t.Callable[[Operations], Run]
    writes: int
    members: t.Mapping[str, t.Sequence[str]]
    says: str


def _decommission(operations: Operations) -> Run:
    return operations.decommission(FIRST)


def _to_decommission(operations: Operations) -> None:
    operations.fleet(ONE, version=NEW)


def _deploy_first(operations: Operations) -> Run:
    return operations.run("deploy_connectors", *LIMIT)


def _to_deploy_first(operations: Operations) -> None:
    """It joins a group that serves already."""
    operations.fleet({"Web": WEB[1:]}, version=NEW)
    operations.declare(ONE)


def _to_deploy_groups(operations: Operations) -> None:
    """The servers are registered, and in Default; there is no group yet."""
    operations.quicken()
    for host in WEB:
        operations.lab.patch(f"/servers/{host}", {"connector": {"version": NEW, "registered": True, "running": True}})
    operations.wait_until_active(len(WEB))
    operations.declare(ONE, applications={"Web": ["Intranet", "Payroll"]})


BRANCH = {"Web": WEB[:2], "HR": HR[:2], "Branch": (WEB[2], HR[2])}


def _to_move(operations: Operations) -> None:
    operations.fleet(THREES, version=NEW)
    operations.declare(BRANCH, applications={"Web": ["Intranet"], "HR": [], "Branch": ["Payroll"]})


WITHOUT_FIRST = {"Web": WEB[1:], "Default": (FIRST,)}
STAYS = rf"- {FIRST} +failed +\S.*; its connector is in the Default group: run again"
RESTARTS = {
    "decommission, out of its group": Job(_to_decommission, _decommission, OUT_OF_ITS_GROUP, WITHOUT_FIRST, STAYS),
    "decommission, uninstalling": Job(_to_decommission, _decommission, UNINSTALLED, WITHOUT_FIRST, STAYS),
    "deploy, installing": Job(_to_deploy_first, _deploy_first, DEPLOYED, ONE, "Run again when it is back"),
    "deploy, registered": Job(_to_deploy_first, _deploy_first, REGISTERED, ONE, "Run again when it is back"),
}


@pytest.mark.parametrize("name", RESTARTS)
def test_a_server_that_restarts_in_the_middle_of_its_removal_or_its_installation(operations: Operations, name: str) -> None:
    job = RESTARTS[name]
    job.prepare(operations)
    operations.lab.patch(f"/servers/{FIRST}", {"reboot_seconds": 3.0})
    with watching(operations.lab, ("Web",)) as witness:
        with _interrupted(operations, job.writes, job=lambda: job.run(operations)) as run:
            operations.lab.patch(f"/servers/{FIRST}", {"reboot": 0})
        first = run.result()
        job.run(operations).succeeded()
    assert witness.worst() == {"Web": 2}
    # It may wait until the server is back.
    assert first.rc == 0 or re.search(job.says, first.stdout.rpartition("fatal: ")[2]), first.output
    _assert_done(operations, job)


AWAY = {
    "decommission": Job(_to_decommission, _decommission, CLAIMED, WITHOUT_FIRST, "no answer: .*: run again"),
    "move": Job(_to_move, lambda operations: operations.run("move_connectors"), IN_IT, BRANCH, "no answer: "),
    "deploy": Job(_to_deploy_groups, lambda operations: operations.run("deploy_connectors"), GROUP_CREATED, ONE, "no answer: "),
}


@pytest.mark.parametrize("name", AWAY)
def test_a_tenant_that_is_away_in_the_middle_of_it_and_back_for_the_next_run(operations: Operations, name: str) -> None:
    job = AWAY[name]
    job.prepare(operations)
    with watching(operations.lab, [group for group in job.members if group != "Default"]) as witness:
        with _interrupted(operations, job.writes, job=lambda: job.run(operations)) as run:
            operations.lab.post("/faults", {"kind": "drop_before", "plane": "graph", "count": 0})
        first = run.result()
        assert first.rc != 0
        assert re.search(job.says, first.stdout.rpartition("fatal: ")[2]), first.output
        operations.lab.delete("/faults")
        job.run(operations).succeeded()
    assert set(witness.worst(since=2).values()) == {2}
    _assert_done(operations, job)


def _assert_done(operations: Operations, job: Job) -> None:
    """By the lab's own state: nothing is lost, and no connector is there twice."""
    members = {group: sorted(host.upper() for host in hosts) for group, hosts in job.members.items()}
    assert {group: found for group, found in operations.members().items() if found} == members
    gone = job.members.get("Default", ())
    servers, connectors = operations.lab.get("/servers"), operations.lab.get("/tenant")["connectors"]
    for host in (host for hosts in job.members.values() for host in hosts):
        stays = host not in gone
        assert (servers[host]["connector"]["installed"], servers[host]["connector"]["registered"]) == (stays, stays)
        statuses = [one["status"] for one in connectors if one["machine_name"] == host.upper()]
        assert statuses == ["active" if stays else "inactive"]
    assert operations.claims() == {}


def _assert_as_before(operations: Operations, members: t.Mapping[str, t.Sequence[str]]) -> None:
    assert operations.members() == members
    assert operations.versions()[FIRST] == NEW
    assert operations.versions()[WEB[1]] == OLD
    assert operations.claims() == {}
    assert [one["status"] for one in operations.lab.get("/tenant")["connectors"]] == ["active"] * 3


@contextlib.contextmanager
def _interrupted(
    operations: Operations,
    writes: int,
    *,
    limit: t.Sequence[str] = LIMIT,
    job: t.Callable[[], Run] | None = None,
    **variables: t.Any,
) -> t.Iterator[concurrent.futures.Future[Run]]:
    """A run, the upgrade of the first server unless said otherwise, that stands still after its n-th write, as long as the block takes."""
    operations.lab.post("/halt", {"after": writes})
    with concurrent.futures.ThreadPoolExecutor() as workers:
        run = workers.submit(job or (lambda: operations.upgrade(*limit, **variables)))
        try:
            while not operations.lab.get("/halt")["reached"]:
                assert not run.done(), run.result().output
                time.sleep(0.02)
            yield run
        finally:
            operations.lab.delete("/halt")

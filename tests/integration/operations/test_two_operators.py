# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two operators at once, at one controller: no group falls below its minimum, one of them gets on, and the other is told why not."""

from __future__ import annotations

import concurrent.futures
import re
import socket
import time
import typing as t

import pytest

from tests.integration.operations.conftest import HR, NEW, OLD, THREES, WEB, Operations
from tests.integration.operations.witness import watching
from tests.support.lab_process import ROOT
from tests.support.playbook import Run

PAGE = ROOT / "docs" / "operations.md"
ONE = {"Web": WEB}
REFUSALS = (
    "may not leave connector group Web now",
    "is being worked on by process",
    "nothing was done, because a connector group would fall",
)


def test_two_upgrades_of_the_same_servers(operations: Operations) -> None:
    operations.fleet(THREES)
    before = operations.members()
    others = operations.another_operator()
    with watching(operations.lab, list(THREES)) as witness:
        runs = _side_by_side(
            *(lambda one=one: one.upgrade(upgrade_wait_timeout=120, upgrade_claim_timeout=120) for one in (operations, others))
        )
    for run in runs:
        run.succeeded()
    assert witness.worst() == dict.fromkeys(THREES, 2)
    assert operations.claims() == {}
    assert operations.members() == before
    assert set(operations.versions().values()) == {NEW}


def test_an_upgrade_beside_the_removal_of_one_of_the_group(operations: Operations) -> None:
    """There is one to spare: as soon as it is gone for good, the upgrade of the others has none."""
    operations.fleet(ONE)
    others = operations.another_operator()
    with watching(operations.lab, ["Web"]) as witness:
        upgrade, removal = _side_by_side(
            lambda: operations.upgrade(upgrade_wait_timeout=10), lambda: others.decommission(WEB[2], decommission_wait_timeout=10)
        )
    assert witness.worst() == {"Web": 2}
    is_gone = not operations.lab.get(f"/servers/{WEB[2]}")["connector"]["installed"]
    upgraded = [host for host, version in operations.versions().items() if version == NEW]
    assert is_gone or upgraded
    assert removal.rc == 0 or not is_gone
    for run in (upgrade, removal):
        assert run.rc == 0 or any(text in run.stdout for text in REFUSALS), run.output
    assert operations.members()["Web"] == sorted(host.upper() for host in WEB if host != WEB[2] or not is_gone)
    assert operations.claims() == {}


def test_a_deployment_leaves_a_server_alone_that_another_run_works_on(operations: Operations) -> None:
    """Its connector is down, as in the middle of an upgrade: a deployment would start it, and one without a claim starts."""
    operations.fleet(ONE, version=NEW)
    operations.claimed_by(WEB[0], controller="another-controller", pid=4711)
    for host in WEB[:2]:
        operations.lab.patch(f"/servers/{host}", {"services": {"WAPCSvc": {"state": "Stopped"}}})
    seq = operations.lab.last_seq()
    deployed = operations.run("deploy_connectors", "--tags", "connectors")
    assert deployed.rc != 0
    assert "NAM-WEB-01 is being worked on by process 4711 on another-controller" in deployed.output
    assert {one["target"] for one in operations.changes(seq)} == {WEB[1]}
    assert operations.lab.get(f"/servers/{WEB[1]}")["services"]["WAPCSvc"]["state"] == "Running"


def test_a_deployment_goes_on_after_the_command_that_its_refusal_and_the_page_name(operations: Operations) -> None:
    """The variable that lets an upgrade take a server over does nothing for it."""
    operations.fleet(ONE, version=NEW)
    operations.claimed_by(WEB[0], controller="another-controller", pid=4711)
    operations.lab.patch(f"/servers/{WEB[0]}", {"services": {"WAPCSvc": {"state": "Stopped"}}})
    claims, seq = operations.claims(), operations.lab.last_seq()
    refused = operations.run("deploy_connectors", connector_i_know_that_no_other_run_is_alive=True)
    assert refused.rc != 0
    assert operations.changes(seq) == []
    assert operations.claims() == claims
    told = re.search(r"take the claim away with (ansible .*? lease=1')", " ".join(refused.output.split()))
    assert told, refused.output
    command = told[1].replace("HOST", WEB[0])
    assert f"$ {command.replace('INVENTORY', 'inventory')}\n" in PAGE.read_text()
    operations.ansible.typed(command.replace("INVENTORY", str(operations.inventory))).succeeded()
    assert operations.claims()[WEB[0]]["controller"] == socket.gethostname()
    operations.run("deploy_connectors").succeeded()
    assert operations.lab.get(f"/servers/{WEB[0]}")["services"]["WAPCSvc"]["state"] == "Running"


@pytest.mark.parametrize("works", ["nothing to do there", "something to do there"])
def test_a_deployment_leaves_a_connector_where_it_is_while_another_run_works_on_its_server(operations: Operations, works: str) -> None:
    operations.fleet(ONE, version=NEW)
    (drained,) = [one["id"] for one in operations.lab.get("/tenant")["connectors"] if one["machine_name"] == WEB[0].upper()]
    operations.move(drained, operations.default_group())
    operations.claimed_by(WEB[0], controller="another-controller", pid=4711)
    if works == "something to do there":
        operations.lab.patch(f"/servers/{WEB[0]}", {"services": {"WAPCUpdaterSvc": {"state": "Stopped"}}})
    seq = operations.lab.last_seq()
    deployed = operations.run("deploy_connectors")
    assert deployed.rc != 0
    stays = "connector NAM-WEB-01 stays in connector group Default: its server is being worked on by process 4711 on another-controller"
    assert stays in " ".join(deployed.output.split())
    assert operations.changes(seq) == []
    operations.let_go(WEB[0])
    operations.run("deploy_connectors").succeeded()
    assert operations.members()["Web"] == sorted(host.upper() for host in WEB)


def test_a_deployment_counts_on_no_server_that_does_not_answer(operations: Operations) -> None:
    """It may be restarting for another run, while the tenant still shows its connector active."""
    operations.fleet({"Web": WEB, "HR": HR[:2]}, version=NEW)
    before = operations.members()
    operations.declare({"Web": WEB[:2], "HR": (*HR[:2], WEB[2])})
    operations.lab.patch(f"/servers/{WEB[0]}", {"reachable": False})
    seq = operations.lab.last_seq()
    deployed = operations.run("deploy_connectors")
    assert deployed.rc != 0
    refused = (
        "connector NAM-HR-01 stays in connector group Web: that group has 3 active connector(s), 1 of them on servers that another run"
        " works on, or may, needs 2 and would keep 1"
    )
    assert refused in " ".join(deployed.output.split())
    assert operations.changes(seq) == []
    assert operations.members() == before
    operations.lab.patch(f"/servers/{WEB[0]}", {"reachable": True})
    operations.run("deploy_connectors").succeeded()
    assert operations.members()["HR"] == sorted(host.upper() for host in (*HR[:2], WEB[2]))


def test_a_server_goes_down_in_its_group_only_while_no_other_run_works_on_the_group(operations: Operations) -> None:
    """Nothing in the tenant shows that it is about to go down, so its run holds the whole group."""
    operations.fleet(ONE)
    operations.claimed_by(WEB[2], controller="another-controller", pid=4711)
    seq = operations.lab.last_seq()
    refused = operations.upgrade(upgrade_drain=False)
    assert refused.rc != 0
    said = "another run could take nam-hr-01 of the same group down at the same time: NAM-HR-01 is being worked on by process 4711"
    assert said in " ".join(refused.output.split())
    assert {one["resource"] for one in operations.changes(seq)} == {"StdRegProv"}
    assert set(operations.claims()) == {WEB[2]}


def test_two_upgrades_that_take_servers_down_in_one_group(operations: Operations) -> None:
    operations.fleet(ONE)
    others = operations.another_operator()
    down = {"upgrade_drain": False, "upgrade_restart": "always"}
    with watching(operations.lab, ["Web"]) as witness:
        runs = _side_by_side(*(lambda one=one: one.upgrade(**down) for one in (operations, others)))
        for run in runs:
            assert run.rc == 0 or "of the same group down at the same time" in run.stdout, run.output
        assert operations.claims() == {}
        operations.upgrade(**down).succeeded()
    assert witness.worst() == {"Web": 2}
    assert set(operations.versions().values()) == {NEW}


@pytest.mark.parametrize(("claimed", "other"), [(WEB[0], HR[0]), (HR[0], WEB[0])], ids=["first of its wave", "last of its wave"])
def test_an_upgrade_holds_no_server_while_it_waits_for_another_run(operations: Operations, claimed: str, other: str) -> None:
    """Two runs that each hold a server the other waits for would otherwise wait for each other until their time is over."""
    operations.fleet(THREES)
    before = operations.members()
    operations.claimed_by(claimed, controller="another-controller", pid=4711)
    with concurrent.futures.ThreadPoolExecutor() as workers, watching(operations.lab, list(THREES)) as witness:
        upgrade = workers.submit(operations.upgrade, upgrade_claim_timeout=240)
        while operations.versions()[other] != NEW or other in operations.claims():
            assert not upgrade.done(), upgrade.result().output
            time.sleep(0.1)
        assert set(operations.claims()) == {claimed}
        assert operations.members() == before
        operations.let_go(claimed)
        run = upgrade.result().succeeded()
    assert f"{claimed} waits for another run, at most 240 s: {claimed.upper()} is being worked on by process 4711" in run.stdout
    assert set(operations.versions().values()) == {NEW}
    assert min(witness.worst().values()) == 2
    assert operations.claims() == {}


def test_two_removals_of_different_members_of_one_group(operations: Operations) -> None:
    operations.fleet(ONE, version=NEW)
    others = operations.another_operator()
    with watching(operations.lab, ["Web"]) as witness:
        runs = _side_by_side(*(lambda one=one, host=host: one.decommission(host) for one, host in ((operations, WEB[0]), (others, WEB[1]))))
    assert witness.worst() == {"Web": 2}
    assert sorted(run.rc == 0 for run in runs) == [False, True]
    (refused,) = [run for run in runs if run.rc]
    assert "1 active connector(s) would stay of the 2 it needs. First add 1 active connector(s) to Web" in refused.stdout
    installed = [host for host in WEB if operations.lab.get(f"/servers/{host}")["connector"]["installed"]]
    assert len(installed) == 2
    assert operations.members()["Web"] == sorted(host.upper() for host in installed)
    assert operations.claims() == {}


def test_two_removals_of_the_same_server(operations: Operations) -> None:
    operations.fleet(ONE, version=NEW)
    others = operations.another_operator()
    with watching(operations.lab, ["Web"]) as witness:
        runs = _side_by_side(*(lambda one=one: one.decommission(WEB[0], decommission_claim_timeout=240) for one in (operations, others)))
    assert witness.worst() == {"Web": 2}
    for run in runs:
        run.succeeded()
    assert not operations.lab.get(f"/servers/{WEB[0]}")["connector"]["installed"]
    assert operations.claims() == {}


@pytest.mark.parametrize("found", [OLD, NEW], ids=["to be upgraded", "to be given back"])
def test_an_upgrade_that_waited_for_the_removal_of_its_server_does_not_bring_it_back(operations: Operations, found: str) -> None:
    operations.fleet(ONE, version=found)
    host = WEB[0]
    if found == NEW:
        (connector,) = [one["id"] for one in operations.lab.get("/tenant")["connectors"] if one["machine_name"] == host.upper()]
        operations.move(connector, operations.default_group())
    operations.claimed_by(host, controller="another-controller", pid=4711)
    seq = operations.lab.last_seq()
    with concurrent.futures.ThreadPoolExecutor() as workers:
        upgrade = workers.submit(operations.upgrade, "--limit", f"{host},localhost")
        while not any(one["action"] == "GetStringValue" for one in operations.lab.journal(since=seq, target=host)):
            assert not upgrade.done(), upgrade.result().output
            time.sleep(0.1)
        operations.lab.patch(f"/servers/{host}", {"connector": {"installed": False}})
        operations.let_go(host)
        run = upgrade.result()
    assert run.rc != 0
    assert "no connector is installed: run the playbook deploy_connectors" in run.stdout
    assert not operations.lab.get(f"/servers/{host}")["connector"]["installed"]
    assert operations.claims() == {}
    assert {one["resource"] for one in operations.changes(seq)} == {"StdRegProv"}


def _side_by_side(*jobs: t.Callable[[], Run]) -> list[Run]:
    with concurrent.futures.ThreadPoolExecutor() as workers:
        return [run.result() for run in [workers.submit(job) for job in jobs]]

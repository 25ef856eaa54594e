# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever broke in the middle of an upgrade, it is simply run again. That a run was killed is the matter of test_kill_matrix.py."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import socket
import time
import typing as t

import pytest

from tests.integration.operations.conftest import LEASE, NEW, OLD, WEB, Operations
from tests.integration.operations.witness import watching
from tests.support.playbook import Run

ONE = {"Web": WEB}
FIRST = WEB[0]
LIMIT = ("--limit", f"{FIRST},localhost")
CLAIMED, OUT_OF_ITS_GROUP, INSTALLED = 2, 3, 5
"""Writes: a key and the claim in it; the move; the download and the installation."""


def test_after_a_restart_of_the_controller_the_claim_of_the_run_that_it_ended_is_known_to_be_dead_at_once(operations: Operations) -> None:
    operations.fleet(ONE)
    # The number of a process that lives, now: only the start of the controller tells that it is another one.
    operations.claimed_by(FIRST, controller=socket.gethostname(), boot="the one before", pid=os.getpid())
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


def _assert_as_before(operations: Operations, members: t.Mapping[str, t.Sequence[str]]) -> None:
    assert operations.members() == members
    assert operations.versions()[FIRST] == NEW
    assert operations.versions()[WEB[1]] == OLD
    assert operations.claims() == {}
    assert [one["status"] for one in operations.lab.get("/tenant")["connectors"]] == ["active"] * 3


@contextlib.contextmanager
def _interrupted(operations: Operations, writes: int, **variables: t.Any) -> t.Iterator[concurrent.futures.Future[Run]]:
    """An upgrade of the first server that stands still after its n-th write, as long as the block takes."""
    operations.lab.post("/halt", {"after": writes})
    with concurrent.futures.ThreadPoolExecutor() as workers:
        run = workers.submit(operations.upgrade, *LIMIT, **variables)
        try:
            while not operations.lab.get("/halt")["reached"]:
                assert not run.done(), run.result().output
                time.sleep(0.02)
            yield run
        finally:
            operations.lab.delete("/halt")

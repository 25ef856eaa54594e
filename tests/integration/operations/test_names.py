# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tenant may call a machine by another name than the inventory and the server do: its full one, or one that nobody would guess."""

from __future__ import annotations

import json

import pytest

from tests.integration.operations.conftest import NEW, PAIRS, WEB, Operations
from tests.integration.operations.witness import watching

NAMES = pytest.mark.parametrize("known_as", ["{}.contoso.com", "SRV-{}"], ids=["full", "unlike"])


@NAMES
def test_a_server_that_its_group_cannot_spare_is_not_removed(operations: Operations, known_as: str) -> None:
    operations.fleet(PAIRS, version=NEW, known_as=known_as)
    seq = operations.lab.last_seq()
    run = operations.decommission("nam-web-01")
    assert run.rc != 0
    assert "may not leave connector group Web now: 1 active connector(s) would stay of the 2 it needs" in run.stdout
    assert operations.changes(seq) == []
    assert operations.lab.get("/servers/nam-web-01")["connector"]["installed"]


@NAMES
def test_one_that_can_be_spared_leaves_its_group_before_it_is_removed(operations: Operations, known_as: str) -> None:
    operations.fleet({"Web": WEB}, version=NEW, known_as=known_as)
    name = known_as.format("NAM-HR-01")
    seq = operations.lab.last_seq()
    operations.decommission("nam-hr-01").succeeded()
    assert operations.members()["Default"] == [name]
    written = operations.changes(seq)
    moved = next(one["seq"] for one in written if one["plane"] == "graph")
    removed = next(one["seq"] for one in written if one["action"] == "process")
    assert moved < removed


def test_a_connector_that_runs_and_that_the_tenant_does_not_have_is_not_removed_until_its_service_is_stopped(
    operations: Operations,
) -> None:
    operations.fleet({"Web": WEB}, version=NEW)
    server = f"/servers/{WEB[0]}"
    operations.lab.patch(server, {"connector": {"registered": False}})
    operations.lab.patch(server, {"connector": {"registered": True, "tenant_id": "99999999-8888-4777-8666-555555555555"}})
    seq = operations.lab.last_seq()
    run = operations.decommission(WEB[0])
    assert run.rc != 0
    assert "its server says that it runs and is registered as connector" in run.stdout
    assert "stop its service WAPCSvc" in run.stdout
    assert operations.changes(seq) == []
    operations.lab.patch(server, {"services": {"WAPCSvc": {"state": "Stopped"}}})
    operations.decommission(WEB[0]).succeeded()
    assert not operations.lab.get(server)["connector"]["installed"]


@NAMES
def test_an_upgrade_gives_back_a_server_that_an_interrupted_one_left_in_default(operations: Operations, known_as: str) -> None:
    operations.fleet({"Web": WEB}, version=NEW, known_as=known_as)
    before = operations.members()
    name = known_as.format(WEB[1].upper())
    (connector,) = [one["id"] for one in operations.lab.get("/tenant")["connectors"] if one["machine_name"] == name]
    operations.move(connector, operations.default_group())
    run = operations.upgrade().succeeded()
    assert "returned" in run.stdout
    assert operations.members() == before


@NAMES
def test_an_upgrade_keeps_the_minimum_and_verify_and_deploy_find_nothing_missing(operations: Operations, known_as: str) -> None:
    operations.fleet({"Web": WEB}, known_as=known_as)
    before = operations.members()
    with watching(operations.lab, ["Web"]) as witness:
        operations.upgrade().succeeded()
    assert witness.worst() == {"Web": 2}
    assert operations.members() == before
    file = operations.directory / "verify.json"
    operations.run("verify_connectors", verify_result_file=str(file), verify_fail_on="info").succeeded()
    (row,) = json.loads(file.read_text())["verdict"]["rows"]
    assert (row["active"], row["missing"]) == (3, [])
    assert operations.run("deploy_connectors").succeeded().total("changed") == 0

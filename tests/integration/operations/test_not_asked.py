# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that this run could not ask, or did not: another run may work on it, so its connector stays where it is."""

from __future__ import annotations

import typing as t

import pytest
import yaml

from tests.integration.operations.conftest import NEW, WEB, Operations
from tests.support.playbook import Run

ONE = {"Web": WEB}
FIRST = WEB[0]


def drained_by_another_controller(operations: Operations) -> None:
    """In Default, in the middle of that run's work."""
    operations.fleet(ONE, version=NEW)
    operations.move(operations.ids([FIRST])[FIRST], operations.default_group())
    operations.claimed_by(FIRST, controller="another-controller", pid=4711)


def starting(status: int) -> t.Callable[[Operations], Run]:
    def run(operations: Operations) -> Run:
        operations.lab.post("/faults", {"kind": "status", "plane": "wsman", "target": FIRST, "status": status, "count": 0})
        return operations.run("deploy_connectors")

    return run


def away_with_a_token(operations: Operations) -> Run:
    operations.lab.patch(f"/servers/{FIRST}", {"reachable": False})
    return operations.run("deploy_connectors", connector_registration_token=operations.lab.token())


def left_out(operations: Operations) -> Run:
    return operations.run("deploy_connectors", "--limit", f"{WEB[1]},localhost")


@pytest.mark.parametrize(
    "deploy",
    [starting(401), starting(503), away_with_a_token, left_out],
    ids=["401", "503", "away, with a given token", "left out by --limit"],
)
def test_its_connector_is_not_moved_back_while_another_controller_works_on_it(
    operations: Operations, deploy: t.Callable[[Operations], Run]
) -> None:
    drained_by_another_controller(operations)
    run = deploy(operations)
    assert run.rc != 0
    assert "stays in connector group Default: its server is being worked on by another run, perhaps" in " ".join(run.output.split())
    assert operations.members()["Default"] == [FIRST.upper()]


def test_a_limited_deployment_with_nothing_to_move_elsewhere_ends_well(operations: Operations) -> None:
    operations.fleet(ONE, version=NEW)
    operations.run("deploy_connectors", "--limit", f"{WEB[1]},localhost").succeeded()


def test_a_server_whose_installation_failed_is_not_taken_for_another_runs(operations: Operations) -> None:
    """It was asked: nobody works on it."""
    operations.fleet(ONE)
    operations.move(operations.ids([FIRST])[FIRST], operations.default_group())
    operations.lab.patch(f"/servers/{FIRST}", {"connector": {"running": False}, "installer_exit_code": 1603})
    run = operations.run("deploy_connectors", connector_version=NEW, connector_deferred_upgrades="report")
    assert run.rc != 0
    assert "1603" in run.output
    assert "this one could not look" not in run.output
    assert operations.members()["Default"] == []


@pytest.mark.parametrize("own", WEB[:2], ids=["the first has its own", "the second has its own"])
def test_servers_without_credentials_share_a_token_whoever_has_one_of_its_own(operations: Operations, own: str) -> None:
    operations.quicken()
    operations.declare({"Web": WEB[:2]})
    with (operations.inventory / "host_vars" / f"{own}.yml").open("a") as variables:
        yaml.safe_dump({"connector_registration_token": operations.lab.token()}, variables)
    operations.run("deploy_connectors", "--tags", "connectors").succeeded()
    assert all(operations.ids(WEB[:2]).values())

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The deployment of a fleet that serves: what would interrupt it is left to the rolling upgrade, and everything else is done."""

from __future__ import annotations

import re
import typing as t

import pytest

from tests.integration.operations.conftest import NEW, OLD, THREES, WEB, Operations
from tests.integration.operations.witness import watching
from tests.support.playbook import Run

PROXY = "http://proxy.example.com:8080"
LEFT = "these servers wait for the playbook entra.app_proxy.upgrade_connectors"


def left(run: Run) -> set[str]:
    """The servers that a run told to be waiting, with their versions."""
    return set(re.findall(r"[\w-]+: ~ upgrade connector .*? declared minimum", run.stdout))


def waiting(hosts: t.Iterable[str]) -> set[str]:
    change = f"(version: {OLD} -> at least {NEW}): the installed version is below the declared minimum"
    return {f"{host}: ~ upgrade connector {host.upper()} {change}" for host in hosts}


def test_a_raised_version_leaves_connectors_that_serve_to_the_rolling_upgrade_which_completes_it(operations: Operations) -> None:
    operations.fleet(THREES)
    running = sorted(host for hosts in THREES.values() for host in hosts)
    seq = operations.lab.last_seq()
    with watching(operations.lab, THREES) as witness:
        checked = operations.run("deploy_connectors", "--check", connector_version=NEW).succeeded()
        deployed = operations.run("deploy_connectors", connector_version=NEW)
        again = operations.run("deploy_connectors", connector_version=NEW, connector_deferred_upgrades="report").succeeded()
    assert deployed.rc != 0
    assert LEFT in deployed.stdout
    assert left(checked) == left(deployed) == left(again) == waiting(running)
    assert [run.total("changed") for run in (checked, deployed, again)] == [0, 0, 0]
    assert operations.writes(seq) == []
    assert set(operations.versions().values()) == {OLD}
    assert witness.worst() == {"Web": 3, "HR": 3}

    with watching(operations.lab, THREES) as witness:
        upgraded = operations.upgrade().succeeded()
    assert "wave 1 of 3 begins: nam-web-01, nam-hr-02" in upgraded.stdout
    assert re.search(rf"wave 2 of 3, nam-web-02 \(Web\): upgraded, {OLD} -> {NEW}, \d+ s\. connector NAM-WEB-02 is active", upgraded.stdout)
    assert witness.worst() == {"Web": 2, "HR": 2}
    assert set(operations.versions().values()) == {NEW}
    last = operations.run("deploy_connectors", connector_version=NEW).succeeded()
    assert last.total("changed") == 0
    assert LEFT not in last.stdout


def test_what_does_not_serve_gets_the_raised_version_at_once_and_what_serves_is_mended_around_it(operations: Operations) -> None:
    operations.fleet({"Web": WEB})
    new, stopped, disabled = "nam-hr-02", WEB[0], WEB[1]
    operations.declare({"Web": (*WEB, new)})
    operations.lab.patch(f"/servers/{stopped}", {"services": {"WAPCSvc": {"state": "Stopped"}}})
    operations.lab.patch(f"/servers/{disabled}", {"services": {"WAPCUpdaterSvc": {"state": "Stopped"}}})
    run = operations.run("deploy_connectors", connector_version=NEW)
    assert run.rc != 0
    assert left(run) == waiting(WEB[1:])
    versions = operations.versions()
    assert {host: versions[host] for host in (*WEB, new)} == {stopped: NEW, WEB[1]: OLD, WEB[2]: OLD, new: NEW}
    assert operations.lab.get(f"/servers/{disabled}")["services"]["WAPCUpdaterSvc"]["state"] == "Running"
    assert operations.members()["Web"] == sorted(host.upper() for host in (*WEB, new))


@pytest.mark.parametrize(
    ("generation", "variables"),
    [
        pytest.param("entra", {"connector_upgrade_strategy": "reinstall", "connector_version": NEW}, id="reinstall"),
        pytest.param("legacy", {"connector_version": NEW}, id="the renamed generation"),
        pytest.param("entra", {"connector_state": "latest"}, id="latest"),
    ],
)
def test_every_way_to_a_newer_version_is_left_to_the_rolling_upgrade(
    operations: Operations, generation: str, variables: dict[str, t.Any]
) -> None:
    operations.fleet({"Web": WEB}, generation=generation)
    with watching(operations.lab, ["Web"]) as witness:
        run = operations.run("deploy_connectors", **variables)
    assert run.rc != 0
    assert LEFT in run.stdout
    assert run.total("changed") == 0
    assert witness.worst() == {"Web": 3}
    assert set(operations.versions().values()) == {OLD}


def test_the_rolling_upgrade_brings_the_latest_too(operations: Operations) -> None:
    operations.fleet({"Web": WEB})
    with watching(operations.lab, ["Web"]) as witness:
        operations.upgrade(connector_version=OLD, connector_state="latest").succeeded()
    assert witness.worst() == {"Web": 2}
    assert set(operations.versions().values()) == {NEW}


def proxied(operations: Operations) -> dict[str, bool]:
    """Which installed servers have the proxy in the configurations of both services."""
    servers = {host: operations.lab.get(f"/servers/{host}") for host in operations.versions()}
    files = {
        host: [text for path, text in server["configs"].items() if path.endswith("Service.exe.config")] for host, server in servers.items()
    }
    return {host: len(texts) == 2 and all(PROXY in text for text in texts) for host, texts in files.items()}


def test_a_new_server_gets_its_proxy_at_once_and_those_that_serve_by_the_rolling_upgrade(operations: Operations) -> None:
    operations.fleet({"Web": WEB})
    new = "nam-hr-02"
    operations.declare({"Web": (*WEB, new)})
    proxy = {"connector_proxy_mode": "proxy", "connector_proxy_address": PROXY}
    with watching(operations.lab, ["Web"]) as witness:
        run = operations.run("deploy_connectors", **proxy)
    assert run.rc != 0
    assert LEFT in run.stdout
    assert "configure outbound_proxy WAPCSvc" in run.stdout
    assert proxied(operations) == {**dict.fromkeys(WEB, False), new: True}
    assert operations.members()["Web"] == sorted(host.upper() for host in (*WEB, new))
    assert witness.worst() == {"Web": 3}

    with watching(operations.lab, ["Web"]) as witness:
        operations.upgrade(connector_version=OLD, **proxy).succeeded()
    assert witness.worst() == {"Web": 3}
    assert proxied(operations) == dict.fromkeys((*WEB, new), True)
    last = operations.run("deploy_connectors", **proxy).succeeded()
    assert last.total("changed") == 0


def test_a_server_that_lacks_what_the_connector_needs_is_not_changed(operations: Operations) -> None:
    new = "nam-hr-02"
    operations.fleet({"Web": WEB})
    operations.declare({"Web": (*WEB, new)})
    old = {"caption": "Microsoft Windows Server 2012 R2 Standard", "version": "6.3.9600", "net_release": 394802}
    operations.lab.patch(f"/servers/{new}", {"os": old})
    run = operations.run("deploy_connectors", connector_prerequisites="checked")
    assert run.rc != 0
    assert "Windows Server 2016" in run.stdout
    assert new not in operations.versions()

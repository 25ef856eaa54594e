# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tenant as it is before anyone makes connector groups: connectors and applications are all in Default, and serve there."""

from __future__ import annotations

import pytest

from tests.integration.operations.conftest import NEW, WEB, Operations
from tests.support.playbook import Run

APPLICATIONS = ("Intranet", "Payroll")


def put_in_default(operations: Operations, servers: tuple[str, ...] = WEB) -> None:
    """Servers that run, with their connectors in Default, where both applications are as well."""
    operations.fleet({"Web": servers}, version=NEW)
    default = operations.default_group()
    for connector in operations.ids(servers).values():
        operations.move(connector, default)
    applications = operations.lab.get("/tenant")["applications"]
    assert [one["display_name"] for one in applications] == list(APPLICATIONS)
    for application in applications:
        operations.assign(application, "Default")


def flat(run: Run) -> str:
    return " ".join(run.output.split())


def users_of(operations: Operations, group: str) -> list[str]:
    return next(one["applications"] for one in operations.lab.get("/tenant")["groups"] if one["name"] == group)


@pytest.mark.parametrize("servers", [WEB, WEB[:2]], ids=["three servers", "two servers"])
def test_a_deployment_takes_everything_over_and_no_application_is_ever_without_a_connector(
    operations: Operations, servers: tuple[str, ...]
) -> None:
    put_in_default(operations, servers)
    operations.declare({"Web": servers}, applications={"Web": APPLICATIONS}, connector_version=NEW)
    operations.lab.patch("/timeline", {"on": True})
    seq = operations.lab.last_seq()
    operations.run("deploy_connectors").succeeded()
    assert set(operations.members()["Web"]) == {name.upper() for name in servers}
    assert users_of(operations, "Web") == list(APPLICATIONS)
    assigned = [one["seq"] for one in operations.changes(seq) if one["path"].endswith("/connectorGroup/$ref")]
    assert len(assigned) == len(APPLICATIONS)
    changes = operations.lab.get("/timeline")
    emptied = [one["write"] for one in changes if one["group"] == "Default" and one["active"] == 0]
    reached = [one["write"] for one in changes if one["group"] == "Web" and one["active"] >= 1]
    assert reached[0] < min(assigned)
    assert max(assigned) < emptied[0]
    seq = operations.lab.last_seq()
    operations.run("deploy_connectors").succeeded()
    assert operations.writes(seq) == []


def test_connectors_stay_with_an_application_that_the_inventory_does_not_declare_unless_someone_accepts_its_outage(
    operations: Operations,
) -> None:
    put_in_default(operations)
    operations.declare({"Web": WEB}, applications={"Web": ["Intranet"]}, connector_version=NEW)
    refused = operations.run("deploy_connectors")
    assert refused.rc != 0
    assert "stays in connector group Default: application(s) Intranet, Payroll use that group" in flat(refused)
    assert len(operations.members()["Default"]) == 2
    assert users_of(operations, "Default") == list(APPLICATIONS)
    accepted = operations.run("deploy_connectors", connector_i_accept_an_outage_of="Default").succeeded()
    assert "accepted beyond the two-connector rule: connector_i_accept_an_outage_of=Default" in accepted.stdout
    assert len(operations.members()["Web"]) == len(WEB)
    assert (users_of(operations, "Web"), users_of(operations, "Default")) == (["Intranet"], ["Payroll"])


def test_the_last_connectors_of_an_application_on_default_are_not_removed(operations: Operations) -> None:
    put_in_default(operations)
    seq = operations.lab.last_seq()
    refused = operations.decommission(*WEB)
    assert refused.rc != 0
    assert "may not leave connector group Default now: 1 active connector(s) would stay of the 2 it needs" in flat(refused)
    assert "or assign application(s) Intranet, Payroll, which use it, to a connector group of their own" in flat(refused)
    assert operations.writes(seq) == []


def test_what_is_verified_tells_that_nothing_serves_the_applications_on_default(operations: Operations) -> None:
    operations.fleet({"Web": WEB}, version=NEW)
    for application in operations.lab.get("/tenant")["applications"]:
        operations.assign(application, "Default")
    run = operations.run("verify_connectors")
    assert run.rc != 0
    assert (
        "CRITICAL application_below_minimum: Payroll: it uses connector group Default: 0 active connector(s) of the 2 it needs"
        in run.stdout
    )

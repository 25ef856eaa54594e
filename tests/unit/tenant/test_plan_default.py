# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tenant in which everything is in the Default group: how connectors and applications get out of it without an outage."""

from __future__ import annotations

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredConnector, DesiredGroup
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.plan import propose
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import resolve
from tests.unit.tenant.builders import on_default, proposal, steps, tenant, want


@pytest.mark.parametrize(
    ("connectors", "expected"),
    [
        pytest.param(
            ["WEB1", "WEB2"],
            ["move WEB1: Default -> Web", "assign Intranet: Default -> Web", "move WEB2: Default -> Web"],
            id="two: served by one while it changes",
        ),
        pytest.param(
            ["WEB1", "WEB2", "WEB3"],
            ["move WEB1: Default -> Web", "move WEB2: Default -> Web", "assign Intranet: Default -> Web", "move WEB3: Default -> Web"],
            id="three: served by two from the moment it changes",
        ),
    ],
)
def test_an_application_is_handed_over_while_a_connector_is_left_on_either_side(connectors: list[str], expected: list[str]) -> None:
    state = on_default(tenant({"Web": []}, default=connectors, applications={"Intranet": None}))
    made = proposal(state, want("Web", connectors, ["Intranet"]))
    assert (steps(made), made.blocked) == (expected, ())


def test_groups_are_handed_over_side_by_side() -> None:
    state = on_default(tenant({}, default=["A1", "B1", "A2", "B2"], applications={"Intranet": None, "Payroll": None}))
    made = proposal(state, want("Web", ["A1", "A2"], ["Intranet"]), want("HR", ["B1", "B2"], ["Payroll"]))
    assert made.blocked == ()
    assert steps(made) == [
        "create HR",
        "create Web",
        "move A1: Default -> Web",
        "move A2: Default -> Web",
        "move B1: Default -> HR",
        "assign Intranet: Default -> Web",
        "assign Payroll: Default -> HR",
        "move B2: Default -> HR",
    ]


def test_connectors_stay_with_an_application_that_nobody_declares() -> None:
    state = on_default(tenant({"Web": []}, default=["WEB1", "WEB2", "WEB3"], applications={"Intranet": None, "Payroll": None}))
    made = proposal(state, want("Web", ["WEB1", "WEB2", "WEB3"], ["Intranet"]))
    assert steps(made) == ["move WEB1: Default -> Web"]
    departures = [one for one in made.blocked if one.action == "move"]
    assert [(one.name, one.shortfall, one.active, one.required) for one in departures] == [("WEB2", False, 2, 2), ("WEB3", False, 2, 2)]
    assert departures[0].reason == (
        "connector WEB2 stays in connector group Default: application(s) Intranet, Payroll use that group, so of its 2 active connector(s)"
        " it needs 2. Safe way: assign them to a connector group (in the inventory: connector_group_applications), then run again, and it"
        " moves to Web. Or say that Default needs fewer (default_min_connectors, in the inventory connector_groups_default_min_connectors),"
        " or that they may be down (accepted_outages, in the playbooks connector_i_accept_an_outage_of)"
    )


@pytest.mark.parametrize(("minimum", "outages", "moved"), [(2, (), 1), (1, (), 2), (0, (), 3), (2, ("default",), 3)])
def test_what_someone_accepts_for_default_lets_its_connectors_go(minimum: int, outages: tuple[str, ...], moved: int) -> None:
    state = on_default(tenant({"Web": []}, default=["WEB1", "WEB2", "WEB3"], applications={"Payroll": None}))
    made = propose(resolve([want("Web", ["WEB1", "WEB2", "WEB3"])], state), state, default_minimum=minimum, outages=outages)
    assert len(made.plan.changes) == moved


@pytest.mark.parametrize(
    "fleet",
    [
        pytest.param(want("Web", ["WEB1", "WEB2"], ["Intranet"]), id="its other server has no connector yet"),
        pytest.param(
            want("Web", ["WEB1", DesiredConnector(machine_name="WEB3", claimed="process 4711 on another-controller")], ["Intranet"]),
            id="another run works on its other server",
        ),
    ],
)
def test_connectors_stay_with_an_application_whose_group_does_not_come_to_its_minimum(fleet: DesiredGroup) -> None:
    state = on_default(tenant({"Web": []}, default=["WEB1", "WEB3"], applications={"Intranet": None}))
    made = proposal(state, fleet)
    assert steps(made) == []
    waiting = [one for one in made.blocked if one.name == "WEB1"]
    assert [one.shortfall for one in waiting] == [True]
    assert waiting[0].reason == (
        "connector WEB1 stays in connector group Default, one of 2 active connector(s) there: application(s) Intranet use that group until"
        " those that they are declared for have their active connectors"
    )


def test_an_inactive_connector_takes_nothing_from_default() -> None:
    state = on_default(tenant({"Web": []}, default=["WEB1!"], applications={"Payroll": None}))
    assert steps(proposal(state, want("Web", ["WEB1"]))) == ["move WEB1: Default -> Web"]


def test_a_refusal_names_some_of_many_applications() -> None:
    names: dict[str, str | None] = {f"App {number}": None for number in range(9)}
    state = on_default(tenant({"Web": []}, default=["WEB1"], applications=names))
    (blocked,) = proposal(state, want("Web", ["WEB1"])).blocked
    assert "application(s) App 0, App 1, App 2, App 3, App 4 and 4 more use that group" in blocked.reason


@pytest.mark.parametrize("mark", ["arrived", "pending"])
def test_connectors_that_this_run_registers_pass_through_default_although_applications_use_it(mark: str) -> None:
    """Nothing has counted on them; whoever was there before stays as it is."""
    state = on_default(tenant({"Web": []}, default=["OLD", "WEB1", "WEB2"], applications={"Payroll": None}))
    web1, web2 = (DesiredConnector(machine_name=name, arrived=mark == "arrived", pending=mark == "pending") for name in ("WEB1", "WEB2"))
    made = proposal(state, want("Web", [web1, web2]))
    assert (steps(made), made.blocked) == (["move WEB1: Default -> Web", "move WEB2: Default -> Web"], ())
    made = proposal(state, want("Web", [web1, "OLD"]))
    assert steps(made) == ["move WEB1: Default -> Web"]
    assert [(one.name, one.active) for one in made.blocked] == [("OLD", 2)]

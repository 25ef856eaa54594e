# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans of the tenant: tables of what is planned, and properties that hold for any tenant and fleet."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Plan
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredConnector, DesiredGroup
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.plan import propose, requirements
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.predict import predict
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import resolve, with_pending
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import TenantState
from tests.unit.tenant.builders import DEFAULT, abandoned_applications, fallen_groups, proposal, running, steps, tenant, want
from tests.unit.tenant.strategies import fleets, possible, settle, tenants


def test_a_new_fleet_is_created_filled_and_assigned_in_this_order() -> None:
    state = tenant({}, default=["WEB1", "WEB2"], applications={"Intranet": None})
    made = proposal(state, want("Web", ["web1", "web2"], ["Intranet"], region="nam"))
    assert steps(made) == ["create Web", "move web1: Default -> Web", "move web2: Default -> Web", "assign Intranet: None -> Web"]
    assert made.blocked == ()


def test_check_mode_of_hosts_to_be_registered_plans_the_same_lines() -> None:
    real = tenant({}, default=["WEB1", "WEB2"], applications={"Intranet": None})
    after = [want("Web", [DesiredConnector("c-WEB1", "WEB1"), DesiredConnector("c-WEB2", "WEB2")], ["Intranet"])]
    before = [want("Web", [DesiredConnector(None, "WEB1", pending=True), DesiredConnector(None, "WEB2", pending=True)], ["Intranet"])]
    empty = with_pending(tenant({}, applications={"Intranet": None}), before)
    plan = propose(resolve(before, empty), empty).plan
    assert plan.as_dict() == propose(resolve(after, real), real).plan.as_dict()
    assert plan.summary() == "1 assign, 1 create, 2 move"


def test_what_is_as_declared_needs_nothing() -> None:
    state = tenant({"Web": ["WEB1", "WEB2"]}, applications={"Intranet": "Web"})
    assert not proposal(state, want("WEB", ["web1", "web2"], ["intranet"], region="NAM")).plan


def test_what_is_not_declared_is_left_alone() -> None:
    state = tenant({"Web": ["WEB1", "WEB2", "OTHER"], "HR": ["HR1"]}, applications={"Intranet": "Web", "Wiki": "Web"})
    assert not proposal(state, want("Web", ["WEB1"], ["Intranet"]), want("HR")).plan


def test_an_application_waits_for_the_active_connectors_of_its_group() -> None:
    state = tenant({"Web": ["WEB1", "WEB2!"]}, applications={"Intranet": None})
    made = proposal(state, want("Web", ["WEB1", "WEB2", "WEB3"], ["Intranet"]))
    assert steps(made) == []
    (blocked,) = made.blocked
    assert (blocked.shortfall, blocked.group) == (True, "Web")
    assert blocked.reason == "application Intranet is not assigned: connector group Web has 1 active connector(s) of the 2 it needs"


def test_a_group_that_falls_short_keeps_what_it_has() -> None:
    state = tenant({"Web": ["WEB1!"]}, applications={"Intranet": "Web"})
    made = proposal(state, want("Web", ["WEB1", "WEB2"], ["Intranet"]))
    assert (steps(made), made.blocked) == ([], ())


def test_taking_a_connector_from_a_group_at_its_minimum_is_refused_with_numbers_and_a_way() -> None:
    state = tenant({"Old": ["WEB1", "WEB2"], "New": []})
    made = proposal(state, want("New", ["WEB1"]))
    assert steps(made) == []
    (blocked,) = made.blocked
    assert not blocked.shortfall
    assert "Old: that group has 2 active connector(s), needs 2 and would keep 1. Safe way:" in blocked.reason


def test_a_declared_minimum_of_the_other_group_counts() -> None:
    state = tenant({"Old": ["WEB1", "WEB2"], "New": []})
    assert steps(proposal(state, want("New", ["WEB1"]), want("Old", ["WEB2"], minimum=1))) == ["move WEB1: Old -> New"]


def test_a_replacement_makes_the_move_possible_in_the_same_plan() -> None:
    state = tenant({"Old": ["WEB1", "WEB2"], "New": []}, default=["WEB3"])
    made = proposal(state, want("New", ["WEB1"]), want("Old", ["WEB2", "WEB3"]))
    assert steps(made) == ["move WEB3: Default -> Old", "move WEB1: Old -> New"]


@pytest.mark.parametrize(
    ("members", "applications", "expected", "blocked"),
    [
        ([], {}, ["update Web"], 0),
        (["WEB1"], {}, [], 1),
        ([], {"Intranet": "Web"}, [], 1),
    ],
)
def test_a_region_changes_only_on_an_empty_group(
    members: list[str], applications: dict[str, str | None], expected: list[str], blocked: int
) -> None:
    made = proposal(tenant({"Web": members}, applications=applications), want("Web", region="eur"))
    assert (steps(made), len(made.blocked)) == (expected, blocked)


def test_the_region_of_default_is_not_ours() -> None:
    (blocked,) = proposal(tenant({}), want("Default", region="eur")).blocked
    assert "service's own" in blocked.reason


def test_between_regions_a_connector_goes_through_default_and_only_if_allowed() -> None:
    state = tenant({"EUR": ["E1", "E2", "E3"], "ASIA": []}, regions={"EUR": "eur", "ASIA": "asia"})
    refused = proposal(state, want("ASIA", ["E1"]))
    assert (steps(refused), "allow_disruptive=true" in refused.blocked[0].reason) == ([], True)
    assert "connector_i_accept_traffic_of_default=true" in refused.blocked[0].reason
    made = proposal(state, want("ASIA", ["E1"]), allow_disruptive=True)
    assert steps(made) == ["move E1: EUR -> Default", "move E1: Default -> ASIA"]


def test_out_of_a_group_of_the_default_region_a_connector_goes_straight() -> None:
    state = tenant({"NAM": ["N1", "N2", "N3"], "EUR": []}, regions={"EUR": "eur"})
    assert steps(proposal(state, want("EUR", ["N1"]))) == ["move N1: NAM -> EUR"]


def test_a_plan_shows_names_and_never_ids() -> None:
    state = tenant({"Web": ["WEB1"]}, default=["WEB2"], applications={"Intranet": None})
    text = "\n".join(proposal(state, want("Web", ["WEB2"], ["a-Intranet"], minimum=1), want("New")).plan.lines())
    assert not [identifier for identifier in ("c-WEB2", "g-Web", "a-Intranet", "new:") if identifier in text]


@given(tenants(), fleets(), st.booleans())
def test_any_plan_once_carried_out_leaves_nothing_to_plan(state: TenantState, fleet: list[DesiredGroup], disruptive: bool) -> None:
    fleet = possible(fleet, state)
    first = propose(resolve(fleet, state), state, allow_disruptive=disruptive)
    after = settle(predict(state, first.plan))
    again = propose(resolve(fleet, after), after, allow_disruptive=disruptive)
    assert again.plan.lines() == []
    assert [one.name for one in again.blocked] == [one.name for one in first.blocked]


@given(tenants(), fleets(), st.booleans())
def test_no_step_of_any_plan_takes_a_group_below_its_minimum(state: TenantState, fleet: list[DesiredGroup], disruptive: bool) -> None:
    fleet = possible(fleet, state)
    resolution = resolve(fleet, state)
    plan = propose(resolution, state, allow_disruptive=disruptive).plan
    required, end = requirements(resolution, state), predict(state, plan)
    minimums = {target.key: target.desired.min_connectors for target in resolution.targets}
    minimum, stay = minimums.get(DEFAULT.id, 2), bool(end.applications_of(DEFAULT.id))
    before = state
    for change in plan.changes:
        after = predict(before, Plan.of([change]))
        assert fallen_groups(before, after, required) == []
        assert abandoned_applications(before, after, minimum, stay=stay) == []
        if change.action == "assign" and change.data["source"] != DEFAULT.id:
            assert running(after, change.data["group"]) >= minimums[change.data["group"]]
        elif change.action == "assign":
            # It has one at least where it was, or comes to a group that has its minimum.
            assert running(after, change.data["group"]) >= min(minimums[change.data["group"]], 1)
            assert running(end, change.data["group"]) >= minimums[change.data["group"]]
        before = after


@given(tenants(), fleets(), st.booleans(), st.data())
def test_what_another_run_works_on_stays_and_is_counted_on_by_no_step(
    state: TenantState, fleet: list[DesiredGroup], disruptive: bool, data: st.DataObject
) -> None:
    """Its servers may go down at any moment: also then no group falls that was at its minimum without them."""
    fleet = [_claimed(group, data) for group in possible(fleet, state)]
    resolution = resolve(fleet, state)
    claimed = {one.id for target in resolution.targets for desired, one in target.connectors if one is not None and desired.claimed}
    plan = propose(resolution, state, allow_disruptive=disruptive).plan
    assert claimed.isdisjoint(change.data.get("connector") for change in plan.changes)
    required = requirements(resolution, state)
    before = state
    for change in plan.changes:
        after = predict(before, Plan.of([change]))
        assert fallen_groups(before, after, required) == []
        assert fallen_groups(_down(before, claimed), _down(after, claimed), required) == []
        before = after


def _claimed(group: DesiredGroup, data: st.DataObject) -> DesiredGroup:
    owner = st.sampled_from([None, "process 4711 on another-controller"])
    return dataclasses.replace(
        group, connectors=tuple(dataclasses.replace(one, claimed=data.draw(owner)) for one in group.connectors or ())
    )


def _down(state: TenantState, connectors: set[str]) -> TenantState:
    return state.with_connectors(dataclasses.replace(one, status="inactive") if one.id in connectors else one for one in state.connectors)


def test_a_connector_whose_server_another_run_works_on_is_left_where_it_is() -> None:
    state = tenant({"Web": ["WEB2", "WEB3"]}, default=["WEB1"])
    claimed = DesiredConnector(machine_name="WEB1", claimed="process 4711 on another-controller (playbook upgrade_connectors)")
    made = proposal(state, want("Web", [claimed, "WEB2", "WEB3"]))
    assert steps(made) == []
    (blocked,) = made.blocked
    assert blocked.reason == (
        "connector WEB1 stays in connector group Default: its server is being worked on by process 4711 on another-controller"
        " (playbook upgrade_connectors). Wait until that run has ended, and run again"
    )


def test_no_connector_leaves_a_group_that_would_then_depend_on_one_that_another_run_works_on() -> None:
    state = tenant({"Web": ["WEB1", "WEB2", "WEB3"], "HR": []})
    claimed = DesiredConnector(machine_name="WEB1", claimed="process 4711 on another-controller")
    made = proposal(state, want("Web", [claimed, "WEB2"]), want("HR", ["WEB3"], minimum=1))
    assert steps(made) == []
    doubtful = "1 of them on servers that another run works on, or may"
    assert f"has 3 active connector(s), {doubtful}, needs 2 and would keep 1" in made.blocked[0].reason


@given(tenants(), fleets())
def test_a_plan_touches_only_what_is_declared(state: TenantState, fleet: list[DesiredGroup]) -> None:
    fleet = possible(fleet, state)
    after = predict(state, propose(resolve(fleet, state), state, allow_disruptive=True).plan)
    machines = {connector.machine_name for group in fleet for connector in group.connectors or ()}
    applications = {one for group in fleet for one in group.applications or ()}
    names = {group.name for group in fleet}
    assert [one for one in state.connectors if one.machine_name not in machines] == [
        one for one in after.connectors if one.machine_name not in machines
    ]
    assert [one for one in state.applications if one.id not in applications] == [
        one for one in after.applications if one.id not in applications
    ]
    assert [one for one in state.groups if one.name not in names] == [one for one in after.groups if one.name not in names]


@given(tenants(), fleets())
def test_what_is_not_refused_ends_as_declared(state: TenantState, fleet: list[DesiredGroup]) -> None:
    fleet = possible(fleet, state)
    made = propose(resolve(fleet, state), state, allow_disruptive=True)
    after = predict(state, made.plan)
    refused = {one.name for one in made.blocked}
    for target in resolve(fleet, after).targets:
        for desired, connector in target.connectors:
            assert connector is None or desired.label in refused or connector.group_id == target.key
        for application in target.applications:
            assert application.label in refused or application.group_id == target.key

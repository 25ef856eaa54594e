# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What leaves a group: connectors to Default, applications back to Default, groups for good. In which order, and what is refused."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Plan
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredConnector, DesiredGroup, read_group
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import DesiredError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.plan import propose, requirements
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.predict import predict
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import resolve
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import Application, TenantState
from tests.unit.tenant.builders import fallen_groups, proposal, steps, tenant, want
from tests.unit.tenant.strategies import departures, possible, settle, tenants


def one(**options: t.Any) -> DesiredGroup:
    """A declaration as the module connector_group reads it."""
    return read_group({"name": "Web", "state": "present", "min_connectors": 2, **options})


def test_a_removed_connector_goes_to_default() -> None:
    state = tenant({"Web": ["WEB1", "WEB2", "WEB3"]})
    made = proposal(state, one(connectors={"remove": ["web3", "elsewhere"]}))
    assert steps(made) == ["move WEB3: Web -> Default"]
    assert "Default is where removed connectors go" in made.plan.lines()[0]


def test_set_takes_in_what_is_named_and_lets_go_of_the_rest() -> None:
    state = tenant({"Web": ["WEB1", "WEB2"]}, default=["WEB3", "WEB4"])
    made = proposal(state, one(connectors={"set": ["WEB3", "WEB4"]}))
    assert steps(made)[:2] == ["move WEB3: Default -> Web", "move WEB4: Default -> Web"]
    assert sorted(steps(made)[2:]) == ["move WEB1: Web -> Default", "move WEB2: Web -> Default"]


def test_a_group_is_not_taken_below_its_minimum_and_the_safe_steps_are_named() -> None:
    state = tenant({"Web": ["WEB1", "WEB2"]}, default=["SPARE"])
    made = proposal(state, one(connectors={"remove": ["WEB1"]}))
    assert steps(made) == []
    (blocked,) = made.blocked
    assert (blocked.active, blocked.required, blocked.group) == (2, 2, "Default")
    assert blocked.safe_steps == (
        "move connector SPARE into connector group Web",
        "run again: connector WEB1 then moves from Web to Default",
    )


def test_without_a_spare_connector_the_safe_way_is_to_register_one() -> None:
    (blocked,) = proposal(tenant({"Web": ["WEB1", "WEB2"]}), one(connectors={"remove": ["WEB1"]})).blocked
    assert blocked.safe_steps[0] == "register 1 more connector(s), and declare them in connector group Web"


def test_a_minimum_of_none_says_that_a_group_may_be_emptied() -> None:
    state = tenant({"Web": ["WEB1", "WEB2"]})
    assert len(steps(proposal(state, one(connectors={"set": []}, min_connectors=0)))) == 2


def test_a_connector_declared_in_another_group_moves_there_and_not_to_default() -> None:
    state = tenant({"Web": ["WEB1", "WEB2", "WEB3"], "HR": []})
    other = DesiredGroup("HR", connectors=(DesiredConnector(machine_name="WEB3"),))
    assert steps(proposal(state, one(connectors={"set": ["WEB1", "WEB2"]}), other)) == ["move WEB3: Web -> HR"]


@pytest.mark.parametrize(("active", "minimum", "falls"), [(2, 2, True), (1, 2, False), (0, 0, True), (1, 1, True)])
def test_an_application_falls_back_only_to_a_default_that_can_serve_it(active: int, minimum: int, falls: bool) -> None:
    state = tenant({"Web": ["WEB1", "WEB2"]}, default=[f"D{number}" for number in range(active)], applications={"Intranet": "Web"})
    desired = one(applications={"remove": ["Intranet"]})
    made = propose(resolve([desired], state), state, default_minimum=minimum)
    assert steps(made) == (["unassign Intranet: Web -> Default"] if falls else [])
    if not falls:
        (blocked,) = made.blocked
        assert (blocked.active, blocked.required, blocked.shortfall) == (active, minimum, False)
        assert f"it would fall back to Default, and connector group Default has {active} active connector(s) of the 2" in blocked.reason


def test_an_application_that_is_gone_or_elsewhere_needs_not_be_removed() -> None:
    state = tenant({"Web": ["WEB1", "WEB2"], "HR": []}, applications={"Payroll": "HR"})
    assert not proposal(state, one(applications={"remove": ["Payroll", "Gone"]})).plan


def test_a_group_is_emptied_and_then_deleted_in_a_safe_order() -> None:
    state = tenant({"Web": ["WEB1", "WEB2"]}, default=["D1", "D2"], applications={"Intranet": "Web"})
    made = proposal(state, one(state="absent", connectors={"set": []}, applications={"set": []}))
    assert steps(made)[0] == "unassign Intranet: Web -> Default"
    assert steps(made)[-1] == "delete Web"
    assert len(steps(made)) == 4


@pytest.mark.parametrize(
    ("members", "applications", "numbers"),
    [(["WEB1"], {}, "1 connector(s) and 0 application(s)"), ([], {"Intranet": "Web"}, "0 connector(s) and 1 application(s)")],
)
def test_a_group_that_is_not_empty_is_not_deleted(members: list[str], applications: dict[str, str | None], numbers: str) -> None:
    made = proposal(tenant({"Web": members}, applications=applications), one(state="absent"))
    assert steps(made) == []
    (blocked,) = made.blocked
    assert blocked.reason == f"connector group Web is not deleted: it still has {numbers}"
    assert len(blocked.safe_steps) == 3


def test_a_group_that_keeps_its_applications_keeps_its_connectors() -> None:
    state = tenant({"Web": ["WEB1", "WEB2"]}, applications={"Intranet": "Web"})
    made = proposal(state, one(state="absent", connectors={"set": []}))
    assert (steps(made), len(made.blocked)) == ([], 1)


def test_a_group_that_cannot_be_emptied_keeps_its_minimum() -> None:
    """One of its connectors has to stay, since it may not go through Default into another region."""
    state = tenant({"Web": ["WEB1", "WEB2", "WEB3"], "ASIA": []}, regions={"Web": "eur", "ASIA": "asia"})
    goes = DesiredGroup("Web", absent=True, only_connectors=True)
    made = proposal(state, goes, want("ASIA", ["WEB1"], minimum=0))
    assert steps(made) == ["move WEB2: Web -> Default"]
    assert [(one.name, one.required) for one in made.blocked if one.kind == "connector"] == [("WEB1", None), ("WEB3", 2)]


def test_what_does_not_exist_needs_not_be_deleted() -> None:
    assert not proposal(tenant({}), one(state="absent")).plan


@pytest.mark.parametrize(
    "options",
    [
        {"state": "absent"},
        {"connectors": {"remove": ["D1"]}},
        {"connectors": {"set": []}},
        {"applications": {"set": []}},
    ],
)
def test_nothing_is_taken_from_default(options: dict[str, t.Any]) -> None:
    state = tenant({}, default=["D1"], applications={"Intranet": "Default"})
    state = TenantState(state.groups, state.connectors, tuple(_on_default(state)), state.read_groups)
    with pytest.raises(DesiredError, match="Default"):
        proposal(state, one(name="Default", **options))


def _on_default(state: TenantState) -> t.Iterator[Application]:
    for application in state.applications:
        yield dataclasses.replace(application, group_id="g-default")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"connectors": {"set": ["A"], "add": ["B"]}}, "connectors: set says everything already"),
        ({"applications": {"set": [], "remove": ["B"]}}, "applications: set says everything already"),
        ({"connectors": {"add": ["A"], "remove": ["a"]}}, "connector A is declared 2 times"),
        ({"state": "absent", "connectors": {"add": ["A"]}}, "state=absent: of connectors and applications only an empty set"),
        ({"min_connectors": -1}, "min_connectors is -1"),
    ],
)
def test_contradictions_are_refused(options: dict[str, t.Any], said: str) -> None:
    with pytest.raises(DesiredError, match=said):
        one(**options)


def test_a_group_declared_by_its_id_is_renamed_and_never_created() -> None:
    state = tenant({"Web": ["WEB1"], "HR": []})
    made = proposal(state, one(name="Web NAM", id="g-Web", min_connectors=1))
    assert [change.as_dict()["after"] for change in made.plan.changes] == [{"name": "Web NAM"}]
    taken = proposal(state, one(name="HR", id="g-Web"))
    assert (steps(taken), "has a connector group HR already" in taken.blocked[0].reason) == ([], True)
    with pytest.raises(DesiredError, match="no connector group with id g-gone"):
        proposal(state, one(id="g-gone"))


@given(tenants(), departures(), st.booleans(), st.integers(0, 3))
def test_no_step_of_any_plan_takes_a_group_below_its_minimum_or_an_application_to_one_below(
    state: TenantState, fleet: list[DesiredGroup], disruptive: bool, fallback: int
) -> None:
    fleet = possible(fleet, state)
    resolution = resolve(fleet, state)
    plan = propose(resolution, state, allow_disruptive=disruptive, default_minimum=fallback).plan
    before = state
    for change in plan.changes:
        after = predict(before, Plan.of([change]))
        required = requirements(resolve(fleet, before), before)
        if change.action == "delete":
            assert before.is_empty(change.data["group"])
        else:
            assert fallen_groups(before, after, required) == []
        if change.action == "unassign":
            assert after.active_members(change.data["group"]) >= fallback
        before = after


@given(tenants(), departures(), st.booleans())
def test_any_plan_once_carried_out_leaves_nothing_to_plan(state: TenantState, fleet: list[DesiredGroup], disruptive: bool) -> None:
    fleet = possible(fleet, state)
    first = propose(resolve(fleet, state), state, allow_disruptive=disruptive)
    after = settle(predict(state, first.plan))
    again = propose(resolve(fleet, after), after, allow_disruptive=disruptive)
    assert again.plan.lines() == []
    assert sorted(one.name for one in again.blocked) == sorted(one.name for one in first.blocked)


@given(tenants(), departures())
def test_groups_that_are_not_declared_keep_their_applications_and_default_stays(state: TenantState, fleet: list[DesiredGroup]) -> None:
    fleet = possible(fleet, state)
    after = predict(state, propose(resolve(fleet, state), state, allow_disruptive=True).plan)
    assert after.default_group == state.default_group
    going = {group.name for group in fleet if group.absent}
    assert {one.name for one in state.groups} - {one.name for one in after.groups} <= going

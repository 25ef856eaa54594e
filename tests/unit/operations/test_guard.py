# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard: who may leave, with which numbers, and what an operator has to accept; and that drain and return follow it."""

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import drain, guard
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredConnector
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import DesiredError, TenantError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.guard import Accepted, Question, Verdict
from tests.unit.tenant.builders import on_default, tenant, want
from tests.unit.tenant.graph_server import LabTenant, Time

WEB = want("Web", ["w1", "w2", "w3"])


def ask(state: t.Any, *hosts: str, groups: t.Any = (WEB,), **options: t.Any) -> list[Verdict]:
    return guard.judge(Question(tuple(groups), hosts, **options), state)


@pytest.mark.parametrize(
    ("members", "host", "allowed", "remaining", "may_improve"),
    [
        (["w1", "w2", "w3"], "w1", True, 2, False),
        (["w1", "w2"], "w1", False, 1, False),
        (["w1", "w2", "w3!"], "w1", False, 1, True),
        (["w1!", "w2"], "w1", True, 1, False),
        (["w1", "w2!", "w3!"], "w1", False, 0, True),
        ([], "w1", True, 0, False),
    ],
    ids=["one to spare", "none to spare", "one is down", "it is down itself", "it is the last", "not known to the tenant"],
)
def test_a_connector_may_leave_when_those_that_stay_are_enough(
    members: list[str], host: str, allowed: bool, remaining: int, may_improve: bool
) -> None:
    (verdict,) = ask(tenant({"Web": members}), host)
    assert (verdict.allowed, verdict.remaining, verdict.may_improve) == (allowed, remaining, may_improve)


def test_a_refusal_names_connector_group_numbers_and_what_to_add() -> None:
    (verdict,) = ask(tenant({"Web": ["w1", "w2"]}), "w1")
    assert verdict.reason == (
        "connector w1 may not leave connector group Web now: 1 active connector(s) would stay of the 2 it needs."
        " First add 1 active connector(s) to Web"
    )


def test_one_that_is_away_in_default_may_come_back_and_make_room() -> None:
    (verdict,) = ask(tenant({"Web": ["w1", "w2"]}, default=["w3"]), "w1")
    assert (verdict.allowed, verdict.may_improve) == (False, True)
    (verdict,) = ask(tenant({"Web": ["w1", "w2"]}, default=["w3"]), "w3")
    assert (verdict.allowed, verdict.in_default) == (True, True)


def test_several_are_judged_by_what_those_before_leave_behind() -> None:
    verdicts = ask(tenant({"Web": ["w1", "w2", "w3"]}), "w1", "w2")
    assert [verdict.allowed for verdict in verdicts] == [True, False]


def test_nobody_moves_to_default_while_an_application_uses_it_unless_that_is_accepted() -> None:
    state = on_default(tenant({"Web": ["w1", "w2", "w3"]}, applications={"Forgotten": None}))
    (verdict,) = ask(state, "w1")
    assert not verdict.allowed
    assert "application(s) Forgotten use it" in verdict.reason
    (verdict,) = ask(state, "w1", accepted=Accepted(default_in_use=True))
    assert verdict.allowed
    assert verdict.accepted == ("that it serves the applications of the Default group",)
    (verdict,) = ask(state, "w1", step=guard.DOWN)
    assert verdict.allowed


@pytest.mark.parametrize("retiring", [False, True])
@pytest.mark.parametrize("step", [guard.LEAVE, guard.DOWN])
def test_connectors_in_default_are_needed_there_as_long_as_applications_use_it(step: str, retiring: bool) -> None:
    """Nothing else serves them, wherever the servers are declared."""
    unused = tenant({"Web": []}, default=["w1", "w2", "w3"])
    assert [one.allowed for one in ask(unused, "w1", "w2", "w3", step=step, retiring=retiring)] == [True, True, True]
    state = on_default(tenant({"Web": []}, default=["w1", "w2", "w3"], applications={"Payroll": None}))
    verdicts = ask(state, "w1", "w2", "w3", step=step, retiring=retiring)
    assert [one.allowed for one in verdicts] == [True, False, False]
    assert verdicts[1].reason == (
        "connector w2 may not leave connector group Default now: 1 active connector(s) would stay of the 2 it needs. First add 1 active"
        " connector(s) to Default, or assign application(s) Payroll, which use it, to a connector group of their own"
    )


@pytest.mark.parametrize(
    ("accepted", "group", "allowed", "named"),
    [
        (Accepted(outage_of=("default",)), WEB, True, ("an outage of connector group Default",)),
        (Accepted(default_in_use=True), WEB, True, ("that it serves the applications of the Default group",)),
        (Accepted(default_in_use=True), want("Default", ["w1"]), False, ()),
        (Accepted(shortfall=1), WEB, False, ()),
    ],
    ids=["an outage", "it only passes through", "Default is where it belongs", "never the last one"],
)
def test_what_is_accepted_of_default_is_named(accepted: Accepted, group: t.Any, allowed: bool, named: tuple[str, ...]) -> None:
    state = on_default(tenant({"Web": []}, default=["w1"], applications={"Payroll": None}))
    (verdict,) = ask(state, "w1", groups=(group,), accepted=accepted)
    assert (verdict.allowed, verdict.accepted) == (allowed, named)


@pytest.mark.parametrize(
    ("accepted", "members", "allowed", "named"),
    [
        (Accepted(shortfall=1), ["w1", "w2"], True, ("connector group Web with 1 active connector(s) instead of 2",)),
        (Accepted(shortfall=5), ["w1"], False, ()),
        (Accepted(outage_of=("web",)), ["w1"], True, ("an outage of connector group Web",)),
        (Accepted(outage_of=("Other",)), ["w1"], False, ()),
        (Accepted(shortfall=1), ["w1", "w2", "w3"], True, ()),
    ],
    ids=["a shortfall", "never the last one", "an outage", "of another group", "not needed, so not named"],
)
def test_what_is_accepted_is_named_where_it_made_a_difference(
    accepted: Accepted, members: list[str], allowed: bool, named: tuple[str, ...]
) -> None:
    (verdict,) = ask(tenant({"Web": members}), "w1", accepted=accepted)
    assert (verdict.allowed, verdict.accepted) == (allowed, named)


def test_a_group_that_retires_as_a_whole_needs_none_once_no_application_uses_it() -> None:
    assert all(one.allowed for one in ask(tenant({"Web": ["w1", "w2"]}), "w1", "w2", retiring=True))
    assert not all(one.allowed for one in ask(tenant({"Web": ["w1", "w2"]}, applications={"A": "Web"}), "w1", "w2", retiring=True))
    assert not all(one.allowed for one in ask(tenant({"Web": ["w1", "w2", "x"]}), "w1", "w2", retiring=True))
    assert all(one.allowed for one in ask(tenant({"Web": ["w1", "w2", "x!"]}), "w1", "w2", retiring=True))


def test_where_only_applications_keep_a_group_that_all_leave_the_refusal_names_them() -> None:
    used = tenant({"Web": ["w1", "w2"]}, applications={"Wiki": "Web", "Intranet": "Web"})
    assert ask(used, "w1", "w2", retiring=True)[1].reason == (
        "connector w2 may not leave connector group Web now: 1 active connector(s) would stay of the 2 it needs. First add 1 active"
        " connector(s) to Web, or assign its application(s) Intranet, Wiki to another connector group: a group that all leave and none uses"
        " may go"
    )
    (one,) = ask(used, "w1", retiring=True)
    assert "Intranet" not in one.reason
    assert "Intranet" not in ask(used, "w1", "w2")[1].reason


def test_a_connector_that_is_in_another_group_is_judged_by_that_group() -> None:
    (verdict,) = ask(tenant({"Web": ["w2", "w3"], "HR": ["w1", "h1"]}), "w1")
    assert (verdict.group, verdict.allowed) == ("HR", False)


def test_the_minimum_of_a_group_that_is_declared_by_its_id_counts_under_its_old_name_too() -> None:
    renamed = dataclasses.replace(want("Web portal", ["w1"], minimum=3), id="g-Web")
    (verdict,) = ask(tenant({"Web": ["w1", "w2", "w3"]}), "w1", groups=[renamed])
    assert (verdict.allowed, verdict.required, verdict.remaining) == (False, 3, 2)


def test_a_host_that_nobody_declared_is_an_error() -> None:
    with pytest.raises(DesiredError, match="host x is in none of the declared groups"):
        ask(tenant({"Web": ["w1"]}), "x")


@given(st.lists(st.booleans(), min_size=1, max_size=6), st.integers(0, 4), st.data())
def test_however_many_are_asked_about_the_group_never_falls_from_its_minimum_below_it(
    active: list[bool], minimum: int, data: st.DataObject
) -> None:
    names = [f"w{number}" for number in range(len(active))]
    state = tenant({"Web": [name if up else f"{name}!" for name, up in zip(names, active, strict=True)]})
    asked = data.draw(st.permutations(names))
    verdicts = ask(state, *asked, groups=[want("Web", names, minimum=minimum)])
    gone = {verdict.host for verdict in verdicts if verdict.allowed}
    left = sum(up and name not in gone for name, up in zip(names, active, strict=True))
    assert left >= min(minimum, sum(active))


@pytest.fixture
def lab() -> t.Iterator[LabTenant]:
    made = LabTenant(
        groups=[{"name": "Web"}],
        connectors=[{"machine_name": name, "group": "Web"} for name in ("w1", "w2", "w3")],
        applications=[{"display_name": "Intranet", "group": "Web"}],
    )
    yield made
    made.close()
    assert made.unknown() == []


def test_drained_and_returned(lab: LabTenant) -> None:
    client = lab.client()
    out = drain.drain(client, Question((WEB,), ("w1", "w2")), drain.Waiting(), check_mode=False)
    assert [(item.host, item.status) for item in out.items] == [("w1", "drained"), ("w2", "refused")]
    assert lab.members("Web") == {"w2", "w3"}
    back = drain.give_back(client, Question((WEB,), ("w1", "w2")), drain.Waiting(), check_mode=False)
    assert [(item.host, item.ok) for item in back.items] == [("w1", True), ("w2", True)]
    assert lab.members("Web") == {"w1", "w2", "w3"}
    again = drain.give_back(client, Question((WEB,), ("w1",)), drain.Waiting(), check_mode=False)
    assert not again.changed
    client.close()


def test_check_mode_and_a_refusal_write_nothing(lab: LabTenant) -> None:
    client = lab.client()
    checked = drain.drain(client, Question((WEB,), ("w1",)), drain.Waiting(), check_mode=True)
    assert checked.plan.lines() == ["~ move connector w1 (connector_group: Web -> Default): its server is about to be worked on"]
    refused = drain.drain(client, Question((want("Web", ["w1"], minimum=3),), ("w1",)), drain.Waiting(60), check_mode=False)
    assert [item.status for item in refused.items] == ["refused"]
    assert lab.writes() == []
    assert lab.time.slept == []
    client.close()


def take_w2_out_meanwhile(lab: LabTenant, monkeypatch: pytest.MonkeyPatch, then: t.Callable[[], object] = lambda: None) -> None:
    """Two controllers: between our look and our move someone else takes w2 out."""
    real = drain._move

    def move(*arguments: t.Any) -> dict[str, str]:
        if lab.members("Web") == {"w1", "w2", "w3"}:
            state = lab.tenant.now_state
            other = next(one for one in state.connectors.values() if one.machine_name == "w2")
            lab.tenant.move(other.id, state.default.id)
            then()
        return real(*arguments)

    monkeypatch.setattr(drain, "_move", move)


def test_one_that_left_at_the_same_moment_as_another_goes_back(lab: LabTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    client = lab.client()
    take_w2_out_meanwhile(lab, monkeypatch)
    out = drain.drain(client, Question((WEB,), ("w1",)), drain.Waiting(), check_mode=False)
    assert [item.status for item in out.items] == ["failed"]
    assert "another one left it at the same moment" in out.items[0].reason
    assert lab.members("Web") == {"w1", "w3"}
    client.close()


def test_one_that_cannot_go_back_is_told_for_its_host(lab: LabTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    client = lab.client()
    refused = {"kind": "status", "status": 403, "plane": "graph", "path": "members", "method": "POST", "nth": 2, "count": 0}
    take_w2_out_meanwhile(lab, monkeypatch, then=lambda: lab.faults.add(refused))
    out = drain.drain(client, Question((WEB,), ("w1",)), drain.Waiting(), check_mode=False)
    assert [item.status for item in out.items] == ["failed"]
    assert re.search("must go back into connector group Web: another one left it .* But .*HTTP 403", out.items[0].reason)
    assert out.changed
    client.close()


def test_an_inactive_connector_is_waited_for_and_otherwise_stays_in_default(lab: LabTenant) -> None:
    client = lab.client()
    state = lab.tenant.now_state
    one = next(one for one in state.connectors.values() if one.machine_name == "w1")
    lab.tenant.put_connector(dataclasses.replace(one, group_id=state.default.id, pinned_status="inactive"))
    back = drain.give_back(client, Question((WEB,), ("w1",)), drain.Waiting(20, 5), check_mode=False)
    assert not back.items[0].ok
    assert "inactive in the tenant; it is in connector group Default" in back.items[0].reason
    assert sum(lab.time.slept) == 20
    assert lab.writes() == []
    client.close()


def test_a_connector_that_runs_and_that_the_tenant_does_not_have_may_not_be_removed_but_may_be_upgraded() -> None:
    runs = want("Web", [DesiredConnector(machine_name="w9", id="c-w9", serving=True), "w1"])
    stopped = want("Web", [DesiredConnector(machine_name="w9", id="c-w9"), "w1"])
    state = tenant({"Web": ["w1", "w2"]})
    (verdict,) = ask(state, "w9", groups=[runs], retiring=True)
    assert not verdict.allowed
    assert not verdict.may_improve
    assert "registered as connector c-w9, which this tenant does not have" in verdict.reason
    assert all(one.allowed for one in [*ask(state, "w9", groups=[runs]), *ask(state, "w9", groups=[stopped], retiring=True)])


@pytest.mark.parametrize("machine", ["w1.contoso.com", "W1"])
def test_a_connector_is_found_by_either_form_of_its_machines_name(machine: str) -> None:
    (verdict,) = ask(tenant({"Web": [machine, "w2"]}), "w1", retiring=True)
    assert (verdict.group, verdict.allowed, verdict.remaining) == ("Web", False, 1)


class _Away(Time):
    """The tenant refuses everything from the first wait on."""

    def __init__(self, lab: LabTenant) -> None:
        super().__init__(lab.lab_clock)
        self._faults = lab.faults

    def _sleep(self, seconds: float) -> None:
        super()._sleep(seconds)
        self._faults.add({"kind": "forbidden", "plane": "graph", "count": 0})


def test_a_later_look_that_fails_does_not_forget_those_that_have_left(lab: LabTenant) -> None:
    """w2 waits until w1 is back, which it never is, and then the tenant is away."""
    lab.time = _Away(lab)
    client = lab.client()
    out = drain.drain(client, Question((WEB,), ("w1", "w2")), drain.Waiting(60, 5), check_mode=False)
    assert lab.time.slept == [5]
    assert [(item.host, item.status, item.ok) for item in out.items] == [("w1", "drained", True), ("w2", "failed", False)]
    assert out.changed
    client.close()


def test_a_later_look_that_fails_does_not_forget_those_that_have_come_back(lab: LabTenant) -> None:
    """w2 is not active yet, and then the tenant is away."""
    state = lab.tenant.now_state
    for one in state.connectors.values():
        if one.machine_name in ("w1", "w2"):
            lab.tenant.put_connector(
                dataclasses.replace(one, group_id=state.default.id, pinned_status="active" if one.machine_name == "w1" else "inactive")
            )
    lab.time = _Away(lab)
    client = lab.client()
    back = drain.give_back(client, Question((WEB,), ("w1", "w2")), drain.Waiting(60, 5), check_mode=False)
    assert lab.time.slept == [5]
    assert [(item.host, item.status, item.ok) for item in back.items] == [("w1", "returned", True), ("w2", "failed", False)]
    assert (back.changed, [change.name for change in back.plan.changes]) == (True, ["w1"])
    assert "w1" in lab.members("Web")
    client.close()


def test_one_that_cannot_go_back_is_told_to_be_stuck_and_is_not_taken_for_spared(lab: LabTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    client = lab.client()
    real = drain._move
    calls = []

    def move(*arguments: t.Any) -> dict[str, str]:
        calls.append(arguments)
        if len(calls) > 1:
            raise TenantError("the service is away")
        state = lab.tenant.now_state
        other = next(one for one in state.connectors.values() if one.machine_name == "w2")
        lab.tenant.move(other.id, state.default.id)
        return real(*arguments)

    monkeypatch.setattr(drain, "_move", move)
    (item,) = drain.drain(client, Question((WEB,), ("w1",)), drain.Waiting(60, 5), check_mode=False).items
    assert (item.status, item.ok) == ("failed", False)
    assert "connector w1 must go back into connector group Web" in item.reason
    assert "the service is away" in item.reason
    assert len(calls) == 2
    client.close()

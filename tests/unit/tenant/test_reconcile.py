# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole reconciles over HTTP against the lab's tenant: the good way, every fault at every request, and what must never happen."""

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.apply import SETTLE
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import read_groups
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import DesiredError, GraphError, TenantError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.observe import observe_desired, observe_groups
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.reconcile import Reconciled, Rules, reconcile
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.report import as_desired
from tests.lab.tenant.state import Group
from tests.unit.tenant.graph_server import LabTenant

WORLD: dict[str, t.Any] = {
    "groups": [{"name": "HR"}, {"name": "Sync", "type": "syncFabric", "region": None}],
    "connectors": [
        *({"machine_name": name} for name in ("WEB1", "WEB2", "WEB3", "EUR1", "EUR2")),
        {"machine_name": "HR1", "group": "HR"},
        {"machine_name": "HR2", "group": "HR"},
    ],
    "applications": [{"display_name": "Intranet"}, {"display_name": "Payroll", "group": "HR"}, {"display_name": "Raw", "published": False}],
}
FLEET: tuple[dict[str, t.Any], ...] = (
    {"name": "NAM Web", "region": "nam", "connectors": ["web1", "WEB2"], "applications": ["Intranet"]},
    {"name": "EUR Web", "region": "eur", "connectors": ["EUR1", "EUR2"]},
    {"name": "HR", "connectors": ["HR1", "HR2", "WEB3"], "applications": ["Payroll"]},
)


@pytest.fixture
def make_lab() -> t.Iterator[t.Callable[..., LabTenant]]:
    labs: list[LabTenant] = []

    def make(**changes: t.Any) -> LabTenant:
        labs.append(LabTenant(**{**WORLD, **changes}))
        return labs[-1]

    yield make
    for lab in labs:
        lab.close()
        assert lab.unknown() == []


@pytest.fixture
def tenant(make_lab: t.Callable[..., LabTenant]) -> LabTenant:
    return make_lab()


def run(tenant: LabTenant, fleet: t.Sequence[dict[str, t.Any]] = FLEET, **rules: t.Any) -> Reconciled:
    client = tenant.client()
    try:
        return reconcile(client, read_groups(fleet), Rules(**rules))
    finally:
        client.close()


def is_as_declared(tenant: LabTenant) -> bool:
    return (
        tenant.groups() == ["Default", "EUR Web", "HR", "NAM Web", "Sync"]
        and tenant.members("NAM Web") == {"WEB1", "WEB2"}
        and tenant.members("EUR Web") == {"EUR1", "EUR2"}
        and tenant.members("HR") == {"HR1", "HR2", "WEB3"}
        and (tenant.group_of("Intranet"), tenant.group_of("Payroll")) == ("NAM Web", "HR")
    )


@pytest.mark.parametrize("mode", ["observed", "documented"])
def test_a_fleet_is_brought_about_and_then_nothing_is_left_to_do(make_lab: t.Callable[..., LabTenant], mode: str) -> None:
    tenant = make_lab(settings={"default_region": "nam", "mode": mode})
    done = run(tenant)
    assert (done.errors, done.shortfalls, done.outcome.changed) == ([], [], True)
    assert is_as_declared(tenant)
    assert [(group["name"], group["active"], group["ok"]) for group in done.groups] == [
        ("NAM Web", 2, True),
        ("EUR Web", 2, True),
        ("HR", 3, True),
    ]
    assert [one["name"] for one in done.groups[0]["applications"]] == ["Intranet"]
    written = len(tenant.writes())
    again = run(tenant)
    assert (again.plan.summary(), again.outcome.changed) == ("nothing to do", False)
    assert (len(tenant.writes()), again.groups) == (written, done.groups)


def test_doing_nothing_takes_two_lists_and_one_batch(tenant: LabTenant) -> None:
    run(tenant)
    before = len(tenant.requests)
    run(tenant)
    # groups, connectors, members and applications of four groups in one batch, the applications' names in another
    assert len(tenant.requests) - before <= 4


def test_check_mode_writes_nothing_and_plans_what_is_then_done(tenant: LabTenant) -> None:
    predicted = run(tenant, check_mode=True)
    assert tenant.writes() == []
    real = run(tenant)
    assert predicted.plan.as_dict() == real.plan.as_dict()
    for group in predicted.groups:
        group["id"] = None
    for group in real.groups:
        group["id"] = None
    assert predicted.groups == real.groups


def test_pages_of_one_are_followed_also_inside_a_batch(make_lab: t.Callable[..., LabTenant]) -> None:
    tenant = make_lab(settings={"default_region": "nam", "page_size": 1})
    assert run(tenant).errors == []
    assert is_as_declared(tenant)


def test_stale_reads_are_waited_out(make_lab: t.Callable[..., LabTenant]) -> None:
    tenant = make_lab(settings={"default_region": "nam", "stale_seconds": 20.0})
    tenant.lab_clock.advance(60)
    assert run(tenant).errors == []
    assert is_as_declared(tenant)
    assert tenant.writes().count("create_group") == 2


def test_a_connector_that_is_about_to_run_is_waited_for(make_lab: t.Callable[..., LabTenant]) -> None:
    tenant = make_lab(connectors=[{"machine_name": "WEB1"}])
    late = tenant.tenant._register("WEB2", "1.5")
    started = tenant.lab_clock.now()
    tenant.tenant.liveness = lambda: {late.connector_id: started}
    tenant.tenant.timing.becomes_active = 30.0
    done = run(tenant, FLEET[:1])
    assert (done.errors, done.shortfalls, tenant.group_of("Intranet")) == ([], [], "NAM Web")
    assert sum(tenant.time.slept) >= 30


def test_a_replacement_is_waited_for_while_those_that_it_replaces_still_run(make_lab: t.Callable[..., LabTenant]) -> None:
    tenant = make_lab(connectors=[{"machine_name": name, "group": "HR"} for name in ("HR1", "HR2")], applications=[])
    late = [tenant.tenant._register(name, "1.5") for name in ("NEW1", "NEW2")]
    started = tenant.lab_clock.now()
    tenant.tenant.liveness = lambda: {one.connector_id: started for one in late}
    tenant.tenant.timing.becomes_active = 30.0
    done = run(tenant, [{"name": "HR", "connectors": ["NEW1", "NEW2"]}, {"name": "Site", "connectors": ["HR1", "HR2"]}])
    assert done.errors == []
    assert (tenant.members("HR"), tenant.members("Site")) == ({"NEW1", "NEW2"}, {"HR1", "HR2"})


def test_connectors_that_leave_default_although_applications_keep_it_are_told_of(make_lab: t.Callable[..., LabTenant]) -> None:
    """The usual first run on a tenant whose applications all use Default."""
    tenant = make_lab(applications=[{"display_name": "Intranet"}, {"display_name": "Forgotten"}])
    told = "1 application(s) keep the Default group, and 1 of its 5 active connector(s) are left to serve them."
    fleet = [
        {"name": "Web", "connectors": ["WEB1", "WEB2"], "applications": ["Intranet"]},
        {"name": "EUR", "connectors": ["WEB3", "EUR1"]},
    ]
    kept = run(tenant, fleet)
    assert [one.name for one in kept.outcome.blocked] == ["WEB3"]
    assert (len(tenant.members("Default")), tenant.group_of("Intranet")) == (2, "Web")
    tenant = make_lab(applications=[{"display_name": "Intranet"}, {"display_name": "Forgotten"}])
    checked, done = run(tenant, fleet, check_mode=True, outages=("Default",)), run(tenant, fleet, outages=("Default",))
    assert [text for text in done.warnings if text.startswith(told)] != []
    assert checked.warnings == done.warnings
    assert not any("keep the Default group" in text for text in run(tenant, fleet).warnings)


def test_a_connector_that_is_not_there_is_not_waited_for(make_lab: t.Callable[..., LabTenant]) -> None:
    tenant = make_lab(connectors=[{"machine_name": "WEB1"}])
    done = run(tenant, FLEET[:1])
    assert sum(tenant.time.slept) < 5
    assert tenant.group_of("Intranet") is None
    assert done.shortfalls == [
        "connector group NAM Web has 0 active connector(s) of the 2 it needs",
        "declared connectors that are not in connector group NAM Web: web1, WEB2",
    ]
    assert [one.shortfall for one in done.outcome.blocked] == [True, True]
    assert tenant.members("Default") == {"WEB1"}
    tenant.tenant.put_connector(
        type(next(iter(tenant.tenant.now_state.connectors.values())))(
            "c-late", "WEB2", "1.5", tenant.tenant.now_state.default.id, tenant.lab_clock.now(), pinned_status="active"
        )
    )
    assert run(tenant, FLEET[:1]).shortfalls == []
    assert tenant.group_of("Intranet") == "NAM Web"


def test_an_inactive_connector_is_given_up_at_the_deadline(make_lab: t.Callable[..., LabTenant]) -> None:
    tenant = make_lab(connectors=[{"machine_name": "WEB1"}, {"machine_name": "WEB2", "status": "inactive"}])
    done = run(tenant, FLEET[:1], wait_timeout=60)
    assert 50 <= sum(tenant.time.slept) <= 65
    assert done.groups[0]["inactive"] == ["WEB2"]
    assert (tenant.members("NAM Web"), tenant.members("Default")) == ({"WEB2"}, {"WEB1"})
    assert tenant.group_of("Intranet") is None


def test_check_mode_does_not_wait(make_lab: t.Callable[..., LabTenant]) -> None:
    tenant = make_lab(connectors=[{"machine_name": "WEB1"}, {"machine_name": "WEB2", "status": "inactive"}])
    run(tenant, FLEET[:1], check_mode=True)
    assert tenant.time.slept == []


def test_a_tenant_without_any_connector_yet_can_be_planned_for(make_lab: t.Callable[..., LabTenant]) -> None:
    tenant = make_lab(connectors=[], groups=[], applications=[], settings={"default_region": "nam", "publishing_enabled": False})
    pending = [{"machine_name": name, "pending": True} for name in ("WEB1", "WEB2")]
    done = run(tenant, [{"name": "NAM Web", "connectors": pending}], check_mode=True)
    assert done.plan.summary() == "1 create, 2 move"


def test_what_cannot_be_meant_is_refused_before_anything_is_written(tenant: LabTenant) -> None:
    with pytest.raises(DesiredError) as caught:
        run(tenant, [{"name": "New", "applications": ["Raw", "Nobody's"]}])
    assert len(caught.value.reasons) == 2
    assert tenant.writes() == []


def test_an_application_goes_by_object_id_and_application_id(tenant: LabTenant) -> None:
    found = next(one for one in tenant.tenant.now_state.applications.values() if one.display_name == "Intranet")
    for reference in (found.id, found.app_id, found.id.upper()):
        done = run(tenant, [{**FLEET[0], "applications": [reference]}], check_mode=True)
        assert done.plan.changes[-1].name == "Intranet"


def test_app_only_is_refused_with_the_way_out(tenant: LabTenant) -> None:
    client = tenant.client(app_only=True)
    with pytest.raises(GraphError, match=r"The token is app-only.*az login --allow-no-subscriptions") as caught:
        reconcile(client, read_groups(FLEET), Rules())
    client.close()
    assert caught.value.code == "NotAdminRoleNoEnoughCustomPermission_UnauthorizedAccess"


def test_a_refused_group_does_not_stop_the_others(tenant: LabTenant) -> None:
    bad = {"name": "Bad", "region": "nowhere", "connectors": ["WEB3"]}
    done = run(tenant, [bad, *FLEET[:2]])
    assert tenant.members("NAM Web") == {"WEB1", "WEB2"}
    assert tenant.group_of("Intranet") == "NAM Web"
    assert any("Invalid value 'nowhere'" in error for error in done.errors)
    assert any("could not be created" in error for error in done.errors)
    assert (done.outcome.changed, tenant.members("Default")) == (True, {"WEB3"})


def test_an_undeclared_group_is_looked_into_before_a_connector_leaves_it(tenant: LabTenant) -> None:
    done = run(tenant, [{"name": "NAM Web", "connectors": ["HR1", "WEB1", "WEB2"]}])
    assert tenant.members("HR") == {"HR1", "HR2"}
    assert tenant.members("NAM Web") == {"WEB1", "WEB2"}
    assert len(done.errors) == 1
    assert "HR: that group has 2 active connector(s), needs 2 and would keep 1" in done.errors[0]


def test_the_service_takes_the_way_between_regions_that_is_planned(make_lab: t.Callable[..., LabTenant]) -> None:
    machines = [{"machine_name": f"EUR{number}", "group": "EUR"} for number in range(3)]
    tenant = make_lab(groups=[{"name": "EUR", "region": "eur"}], connectors=machines, applications=[])
    fleet = [{"name": "ASIA", "region": "asia", "connectors": ["EUR0"], "min_connectors": 1}]
    assert "allow_disruptive=true" in run(tenant, fleet).errors[0]
    done = run(tenant, fleet, allow_disruptive=True)
    assert done.errors == []
    assert done.plan.diff()["before"]["connector EUR0"] == {"connector_group": "EUR"}
    assert done.plan.diff()["after"]["connector EUR0"] == {"connector_group": "ASIA"}
    assert tenant.members("ASIA") == {"EUR0"}
    assert tenant.writes().count("add_member") == 2


def test_a_region_is_changed_once_the_plan_itself_has_emptied_the_group(make_lab: t.Callable[..., LabTenant]) -> None:
    tenant = make_lab(groups=[{"name": "Old"}], connectors=[{"machine_name": "WEB1", "group": "Old"}], applications=[])
    fleet = [{"name": "Old", "region": "eur", "min_connectors": 0}, {"name": "New", "connectors": ["WEB1"], "min_connectors": 1}]
    done = run(tenant, fleet)
    assert (done.errors, [change.action for change in done.plan.changes]) == ([], ["create", "move", "update"])
    assert run(tenant, fleet).plan.summary() == "nothing to do"


def test_what_connector_group_info_tells_can_be_given_back(tenant: LabTenant) -> None:
    run(tenant)
    client = tenant.client()
    state = observe_groups(client)
    client.close()
    desired = [as_desired(group, state, 2) for group in state.groups if not group.is_default]
    assert sorted(group["name"] for group in desired) == ["EUR Web", "HR", "NAM Web"]
    assert run(tenant, desired).plan.summary() == "nothing to do"


def test_a_create_whose_answer_was_lost_makes_no_second_group(tenant: LabTenant) -> None:
    tenant.faults.add({"kind": "drop_after", "plane": "graph", "path": "connectorGroups$", "method": "POST"})
    done = run(tenant, FLEET[:1])
    assert (done.errors, tenant.writes().count("create_group"), done.outcome.changed) == ([], 1, True)
    assert tenant.groups().count("NAM Web") == 1


def test_a_create_whose_answer_was_lost_while_reads_are_stale_makes_no_second_group(make_lab: t.Callable[..., LabTenant]) -> None:
    tenant = make_lab(settings={"default_region": "nam", "stale_seconds": 120.0})
    tenant.lab_clock.advance(300)
    tenant.faults.add({"kind": "drop_after", "plane": "graph", "path": "connectorGroups$", "method": "POST"})
    assert run(tenant, [{"name": "NAM Web", "min_connectors": 0}]).errors == []
    assert (tenant.writes().count("create_group"), tenant.groups().count("NAM Web")) == (1, 1)


def test_a_create_that_was_lost_on_the_way_is_sent_again_when_it_would_have_shown(tenant: LabTenant) -> None:
    tenant.faults.add({"kind": "drop_before", "plane": "graph", "path": "connectorGroups$", "method": "POST"})
    assert run(tenant, FLEET[:1]).errors == []
    assert tenant.groups().count("NAM Web") == 1
    assert sum(tenant.time.slept) > SETTLE - 10


def test_a_create_is_not_sent_again_when_there_is_no_time_to_look_for_it(tenant: LabTenant) -> None:
    tenant.faults.add({"kind": "drop_before", "plane": "graph", "path": "connectorGroups$", "method": "POST"})
    client = tenant.client(seconds=SETTLE - 1)
    done = reconcile(client, read_groups(FLEET[:1]), Rules())
    client.close()
    assert "could not create the connector group (NAM Web): the service still does not show it. Run again" in done.errors[0]
    assert "create_group" not in tenant.writes()


def test_a_write_that_is_refused_the_second_time_because_it_was_done_the_first_time_is_no_failure(
    make_lab: t.Callable[..., LabTenant],
) -> None:
    tenant = make_lab(settings={"default_region": "nam", "stale_seconds": 60.0})
    tenant.lab_clock.advance(300)
    tenant.faults.add({"kind": "drop_after", "plane": "graph", "method": "DELETE"})
    (group,) = read_groups([{"name": "HR", "applications": []}])
    client = tenant.client()
    done = reconcile(client, [dataclasses.replace(group, only_applications=True)], Rules())
    client.close()
    assert (done.errors, tenant.group_of("Payroll")) == ([], None)
    assert tenant.writes().count("unassign") > 1


def outcome_of(tenant: LabTenant) -> list[str]:
    try:
        return run(tenant).errors
    except TenantError as error:
        return [str(error)]


FAULTS: list[dict[str, t.Any]] = [
    {"kind": "drop_before"},
    {"kind": "drop_after"},
    {"kind": "malformed"},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "3"}},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 401},
    {"kind": "status", "status": 403},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: f"{one['kind']}-{one.get('status', '')}{'-wait' if 'headers' in one else ''}")
def test_any_fault_at_any_request_ends_well_or_clearly_and_the_next_run_converges(
    make_lab: t.Callable[..., LabTenant], fault: dict[str, t.Any]
) -> None:
    cases = 0
    for number in range(1, 60):
        tenant = make_lab()
        ordered = tenant.faults.add({**fault, "plane": "graph", "nth": number})
        errors = outcome_of(tenant)
        refused = (" was left out: ", " stays in connector group Default: ")
        assert all(error.startswith("could not ") or any(text in error for text in refused) for error in errors), errors
        if not ordered.hits:
            break
        cases += 1
        assert tenant.members("HR") >= {"HR1", "HR2"}
        tenant.faults.clear()
        again = run(tenant)
        assert again.errors == []
        assert errors or again.plan.summary() == "nothing to do"
        assert is_as_declared(tenant), number
        tenant.close()
    assert cases > 10


def test_groups_that_another_run_has_created_since_the_look_are_not_created_again(tenant: LabTenant) -> None:
    client = tenant.client()
    try:
        old = observe_desired(client, read_groups(FLEET))
        assert run(tenant).outcome.done
        reconciled = reconcile(client, read_groups(FLEET), Rules(), old)
    finally:
        client.close()
    assert not reconciled.plan
    assert is_as_declared(tenant)


@pytest.mark.parametrize("theirs", ["00000000-0000-4000-8000-000000000000", "ffffffff-ffff-4fff-bfff-ffffffffffff"])
@pytest.mark.parametrize("behind", [0.0, 20.0], ids=["fresh reads", "stale reads"])
def test_two_runs_that_create_a_group_at_the_same_moment_end_with_one(
    make_lab: t.Callable[..., LabTenant], monkeypatch: pytest.MonkeyPatch, theirs: str, behind: float
) -> None:
    """The other run's group gets its connector some seconds later."""
    tenant = make_lab(settings={"default_region": "nam", "stale_seconds": behind})
    tenant.lab_clock.advance(300)
    create, world = tenant.tenant.create_group, tenant.tenant

    def create_both(name: str, region: str | None) -> Group:
        made = create(name, region)
        if name == "NAM Web":
            world.put_group(dataclasses.replace(made, id=theirs))
        return made

    def later(slept: float) -> None:
        rest(slept)
        if sum(tenant.time.slept) > 5 and theirs in world.now_state.groups and not tenant.members("NAM Web"):
            world.move(connector_id(tenant, "WEB1"), theirs)

    rest = tenant.time._sleep
    monkeypatch.setattr(world, "create_group", create_both)
    monkeypatch.setattr(tenant.time, "_sleep", later)
    done = run(tenant)
    assert done.errors == []
    assert any(f"another run created connector group NAM Web at the same moment ({theirs})" in text for text in done.warnings)
    assert is_as_declared(tenant)
    assert theirs in world.now_state.groups
    assert run(tenant).plan.summary() == "nothing to do"


def test_a_group_that_somebody_made_by_hand_at_the_same_moment_is_told_of(
    make_lab: t.Callable[..., LabTenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = make_lab()
    create = tenant.tenant.create_group

    def create_both(name: str, region: str | None) -> Group:
        made = create(name, region)
        tenant.tenant.put_group(dataclasses.replace(made, id="ffffffff-ffff-4fff-bfff-ffffffffffff"))
        return made

    monkeypatch.setattr(tenant.tenant, "create_group", create_both)
    (error, *others) = run(tenant, FLEET[:1]).errors
    assert re.fullmatch(
        r"connector group NAM Web exists more than once \([0-9a-f-]{36} of this run, ffffffff-[0-9a-f-]*\): delete the empty one, .*", error
    )
    assert all("was left out" in one for one in others)
    assert tenant.members("NAM Web") == set()


def connector_id(tenant: LabTenant, machine: str) -> str:
    return next(one.id for one in tenant.tenant.now_state.connectors.values() if one.machine_name == machine)


@pytest.mark.parametrize("happening", ["another left", "another went down"])
def test_a_connector_that_its_group_needs_since_the_look_stays(tenant: LabTenant, happening: str) -> None:
    """HR has its two and one to spare when the run looks, and not when it moves."""
    assert run(tenant).errors == []
    away = [{"name": "NAM Web", "connectors": ["web1", "WEB2", "WEB3"]}, {"name": "HR", "connectors": ["HR1", "HR2"]}]
    client = tenant.client()
    old = observe_desired(client, read_groups(away))
    state = tenant.tenant.now_state
    if happening == "another left":
        tenant.tenant.move(connector_id(tenant, "HR1"), state.default.id)
        # What the run saw: it would put this one back first, and must not count on it.
        away[1]["connectors"] = ["HR2"]
    else:
        tenant.tenant.put_connector(dataclasses.replace(state.connectors[connector_id(tenant, "HR1")], pinned_status="inactive"))
    done = reconcile(client, read_groups(away), Rules(wait_timeout=0), old)
    client.close()
    assert done.errors[0].startswith("connector WEB3 stays in connector group HR: that group has 2 active connector(s), needs 2")
    assert "WEB3" in tenant.members("HR")
    assert [one["status"] for one in done.items] == ["refused", "unchanged"]


def test_a_connector_stays_that_its_group_needs_should_one_go_down_that_another_run_works_on(tenant: LabTenant) -> None:
    """HR has four when the run looks, of which another run works on one; and three when it moves."""
    hr = ["HR1", "HR2", "WEB3", "WEB2"]
    assert run(tenant, [{"name": "HR", "connectors": hr}], outages=("Default",)).errors == []
    claimed = {"machine_name": "HR1", "claimed": "process 4711 on another-controller"}
    away = [{"name": "HR", "connectors": [claimed, "HR2", "WEB2"]}, {"name": "Site", "connectors": ["WEB3"], "min_connectors": 1}]
    client = tenant.client()
    old = observe_desired(client, read_groups(away))
    tenant.tenant.move(connector_id(tenant, "WEB2"), tenant.tenant.now_state.default.id)
    away[0]["connectors"] = [claimed, "HR2"]
    done = reconcile(client, read_groups(away), Rules(wait_timeout=0), old)
    client.close()
    assert "has 3 active connector(s), 1 of them on servers that another run works on, or may, needs 2 and would keep 1" in done.errors[0]
    assert "WEB3" in tenant.members("HR")


def test_an_item_whose_step_was_never_reached_is_not_called_unchanged(tenant: LabTenant) -> None:
    tenant.faults.add({"kind": "status", "status": 403, "plane": "graph", "path": "batch$", "method": "POST", "nth": 3, "count": 0})
    done = run(tenant)
    assert [one["status"] for one in done.items] == ["failed", "failed", "failed"]
    assert all(any("HTTP 403" in reason for reason in one["reasons"]) for one in done.items)


def test_a_group_so_new_that_reads_of_it_find_nothing_is_waited_for(tenant: LabTenant) -> None:
    """Created and its members moved, and its own list of members answers 404 for a while."""
    body = '{"error": {"code": "ConnectorGroup_NotFound", "message": "Not found."}}'
    gone = {"kind": "status", "status": 404, "body": body, "plane": "graph", "method": "GET", "scope": "any"}
    created = tenant.tenant.create_group

    def create(name: str, region: str | None) -> Group:
        group = created(name, region)
        tenant.faults.add({**gone, "path": f"{group.id}/members", "count": 3})
        return group

    tenant.tenant.create_group = create  # type: ignore[method-assign]
    done = run(tenant, FLEET[:1])
    assert (done.errors, tenant.members("NAM Web"), tenant.group_of("Intranet")) == ([], {"WEB1", "WEB2"}, "NAM Web")


def test_two_groups_of_one_name_are_told_apart_by_id_and_can_be_given_back(tenant: LabTenant) -> None:
    assert run(tenant).errors == []
    web = next(one for one in tenant.tenant.now_state.groups.values() if one.name == "NAM Web")
    twin = dataclasses.replace(web, id="00000000-0000-4000-8000-000000000000")
    tenant.tenant.put_group(twin)
    with pytest.raises(DesiredError, match="connector group NAM Web is ambiguous"):
        run(tenant)
    client = tenant.client()
    state = observe_groups(client, [twin.id, "HR"])
    client.close()
    assert sorted(one.name for one in state.groups if one.id in state.read_groups) == ["HR", "NAM Web"]
    client = tenant.client()
    state = observe_groups(client)
    client.close()
    desired = [as_desired(group, state, 0) for group in state.groups if not group.is_default]
    assert run(tenant, desired).plan.summary() == "nothing to do"
    both = [{"name": "NAM Web", "id": web.id}, {"name": "NAM Web", "id": twin.id, "connectors": ["WEB1"]}]
    assert run(tenant, [{**one, "min_connectors": 0} for one in both]).errors == []
    assert tenant.tenant.connector(connector_id(tenant, "WEB1")).group_id == twin.id


def test_a_group_is_not_declared_by_its_id_and_without(tenant: LabTenant) -> None:
    with pytest.raises(DesiredError, match="connector group HR is declared by its id .* and once more without one: give each its id"):
        run(tenant, [{"name": "HR", "id": "00000000-0000-4000-8000-000000000000"}, {"name": "hr"}])

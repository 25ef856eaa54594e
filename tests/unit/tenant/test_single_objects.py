# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One group and one application at a time, over HTTP against the lab's tenant: the same engine, other options."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.assignment import Kept, keep_assignment
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.audit import audit, observe_uses
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import read_group, read_groups
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import DesiredError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.observe import observe_desired, observe_groups
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.purge import Limit, Purge
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.reconcile import Reconciled, Rules, reconcile
from tests.unit.tenant.graph_server import LabTenant

WORLD: dict[str, t.Any] = {
    "groups": [{"name": "Web"}, {"name": "HR"}, {"name": "Sync", "type": "syncFabric", "region": None}],
    "connectors": [
        {"machine_name": "D1"},
        {"machine_name": "D2"},
        *({"machine_name": name, "group": "Web"} for name in ("WEB1", "WEB2", "WEB3")),
        {"machine_name": "HR1", "group": "HR"},
    ],
    "applications": [
        {"display_name": "Intranet", "group": "Web"},
        {"display_name": "Wiki"},
        {"display_name": "Raw", "published": False},
    ],
}


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


def keep(tenant: LabTenant, rules: dict[str, t.Any] | None = None, **options: t.Any) -> Reconciled:
    """One run of the module connector_group."""
    client = tenant.client()
    try:
        return reconcile(client, [read_group({"state": "present", "min_connectors": 2, **options})], Rules(**(rules or {})))
    finally:
        client.close()


def assign(tenant: LabTenant, application: str, group: str | None = None, **options: t.Any) -> Kept:
    client = tenant.client()
    try:
        return keep_assignment(client, application, group, **{"absent": False, "minimum": 2, "check_mode": False, **options})
    finally:
        client.close()


def id_of(tenant: LabTenant, group: str) -> str:
    return next(one.id for one in tenant.tenant.now_state.groups.values() if one.name == group)


@pytest.mark.parametrize("mode", ["observed", "documented"])
def test_a_group_is_emptied_and_deleted_and_then_nothing_is_left_to_do(make_lab: t.Callable[..., LabTenant], mode: str) -> None:
    tenant = make_lab(settings={"default_region": "nam", "mode": mode})
    options: dict[str, t.Any] = {"name": "Web", "state": "absent", "connectors": {"set": []}, "applications": {"set": []}}
    predicted = keep(tenant, {"check_mode": True}, **options)
    assert tenant.writes() == []
    done = keep(tenant, **options)
    assert (done.errors, predicted.plan.as_dict()) == ([], done.plan.as_dict())
    assert "Web" not in tenant.groups()
    assert tenant.members("Default") == {"D1", "D2", "WEB1", "WEB2", "WEB3"}
    assert tenant.group_of("Intranet") is None
    again = keep(tenant, **options)
    assert (again.plan.summary(), again.outcome.changed, again.errors) == ("nothing to do", False, [])


def test_a_group_by_id_gets_another_name_and_keeps_everything(tenant: LabTenant) -> None:
    identifier = id_of(tenant, "Web")
    done = keep(tenant, name="Web NAM", id=identifier)
    assert (done.errors, done.groups[0]["name"], done.groups[0]["id"]) == ([], "Web NAM", identifier)
    assert tenant.members("Web NAM") == {"WEB1", "WEB2", "WEB3"}
    assert not keep(tenant, id=identifier).outcome.changed


def test_an_application_that_joins_at_the_last_moment_keeps_the_group(tenant: LabTenant) -> None:
    """Between the plan and the deletion: the group is looked at once more."""
    tenant.tenant.unassign(next(one.id for one in tenant.tenant.now_state.applications.values() if one.display_name == "Intranet"))
    desired = [read_group({"name": "HR", "state": "absent", "min_connectors": 0, "connectors": {"set": []}})]
    client = tenant.client()
    state = observe_desired(client, desired)
    wiki = next(one.id for one in tenant.tenant.now_state.applications.values() if one.display_name == "Wiki")
    tenant.tenant.assign(wiki, id_of(tenant, "HR"))
    done = reconcile(client, desired, Rules(), state)
    client.close()
    assert "HR" in tenant.groups()
    assert any("step delete connector_group HR was left out: it still has" in error for error in done.errors)


@pytest.mark.parametrize("kind", ["drop_after", "drop_before"])
@pytest.mark.parametrize(("method", "path"), [("DELETE", r"connectorGroups/[^/]+$"), ("DELETE", r"connectorGroup/\$ref$")])
def test_a_lost_answer_to_a_deletion_is_looked_for(make_lab: t.Callable[..., LabTenant], kind: str, method: str, path: str) -> None:
    tenant = make_lab(connectors=[{"machine_name": "D1"}, {"machine_name": "D2"}])
    ordered = tenant.faults.add({"kind": kind, "plane": "graph", "path": path, "method": method})
    done = keep(tenant, name="Web", state="absent", applications={"set": []})
    assert (done.errors, "Web" in tenant.groups(), ordered.hits) == ([], False, 1)


def test_a_failed_release_keeps_connectors_and_group(tenant: LabTenant) -> None:
    tenant.faults.add({"kind": "status", "status": 403, "plane": "graph", "path": r"connectorGroup/\$ref$", "method": "DELETE"})
    done = keep(tenant, name="Web", state="absent", connectors={"set": []}, applications={"set": []})
    assert tenant.members("Web") == {"WEB1", "WEB2", "WEB3"}
    assert any("could not be emptied" in error for error in done.errors)
    assert not keep(tenant, name="Web", state="absent", connectors={"set": []}, applications={"set": []}).errors


def test_an_application_is_assigned_by_names_or_ids_and_falls_back_again(make_lab: t.Callable[..., LabTenant]) -> None:
    tenant = make_lab()
    done = assign(tenant, "wiki", id_of(tenant, "Web"))
    assert (done.done.outcome.changed, done.connector_group and done.connector_group["name"]) == (True, "Web")
    assert tenant.group_of("Wiki") == "Web"
    assert not assign(tenant, "Wiki", "web").done.outcome.changed
    elsewhere = assign(tenant, "Wiki", "HR", absent=True)
    assert (elsewhere.done.outcome.changed, tenant.group_of("Wiki")) == (False, "Web")
    back = assign(tenant, "Wiki", absent=True)
    assert (back.done.outcome.changed, tenant.group_of("Wiki")) == (True, None)
    assert back.connector_group == {"id": id_of(tenant, "Default"), "name": "Default", "region": "nam", "is_default": True}
    assert not assign(tenant, "Wiki", absent=True).done.outcome.changed


def test_an_application_is_not_assigned_to_a_group_below_its_minimum(tenant: LabTenant) -> None:
    done = assign(tenant, "Wiki", "HR").done
    (blocked,) = done.outcome.blocked
    assert (blocked.active, blocked.required, tenant.group_of("Wiki")) == (1, 2, None)
    assert assign(tenant, "Wiki", "HR", minimum=1).done.outcome.changed


@pytest.mark.parametrize(
    ("application", "group", "said"),
    [("Wiki", "Gone", "no connector group Gone"), ("Gone", "Web", "no application Gone"), ("Raw", "Web", "not published")],
)
def test_an_assignment_that_cannot_be_meant_is_refused(tenant: LabTenant, application: str, group: str, said: str) -> None:
    with pytest.raises(DesiredError, match=said):
        assign(tenant, application, group)
    assert tenant.writes() == []


@pytest.mark.parametrize("group", [None, "Web"])
def test_an_application_that_is_not_published_any_more_uses_no_group(tenant: LabTenant, group: str | None) -> None:
    assert not assign(tenant, "Raw", group, absent=True).done.outcome.changed
    done = keep(tenant, name="Web", applications={"remove": ["Raw"]})
    assert (done.errors, done.plan.summary(), tenant.writes()) == ([], "nothing to do", [])


def test_one_assignment_looks_at_the_tenant_once(tenant: LabTenant) -> None:
    assign(tenant, "Intranet", "Web")
    asked = [one.path.partition("?")[0] for one in tenant.requests if one.method == "GET"]
    lists = [path for path in asked if path.endswith(("/connectorGroups", "/connectors"))]
    assert len(lists) == 2


def test_the_audit_tells_which_application_runs_on_what(tenant: LabTenant) -> None:
    client = tenant.client()
    state, found = observe_uses(client, None, None)
    entries = {entry["name"]: entry for entry in audit(found, state, 2, {"web1": "east", "WEB2": "east", "WEB3": "east"})}
    client.close()
    assert sorted(entries) == ["Intranet", "Wiki"]
    intranet, wiki = entries["Intranet"], entries["Wiki"]
    assert [one["machine_name"] for one in intranet["connectors"]] == ["WEB1", "WEB2", "WEB3"]
    assert (intranet["on_default"], intranet["below_minimum"], intranet["single_zone"], intranet["ok"]) == (False, False, "east", False)
    assert (wiki["on_default"], wiki["connector_group"]["name"], wiki["active"]) == (True, "Default", 2)


def test_the_audit_of_some_reads_only_their_groups(tenant: LabTenant) -> None:
    client = tenant.client()
    state, found = observe_uses(client, ["intranet"], ["Web"])
    assert [one.name for one in found] == ["Intranet"]
    assert audit(found, state, 4, {})[0]["below_minimum"]
    assert observe_uses(client, ["intranet"], ["HR"])[1] == []
    for references, groups in ((["Gone"], None), (None, ["Gone"])):
        with pytest.raises(DesiredError, match="Gone"):
            observe_uses(client, references, groups)
    client.close()


def test_the_audit_does_not_take_two_groups_of_one_name_for_one(make_lab: t.Callable[..., LabTenant]) -> None:
    tenant = make_lab()
    other = dataclasses.replace(tenant.tenant.group(id_of(tenant, "Web")), id="00000000-0000-4000-8000-000000000000")
    tenant.tenant.put_group(other)
    client = tenant.client()
    with pytest.raises(DesiredError, match=r"connector group web is ambiguous, give one of these ids instead: 00000000-[0-9a-f-]*, "):
        observe_uses(client, None, ["web"])
    assert observe_uses(client, None, [other.id])[1] == []
    client.close()


def purge_run(tenant: LabTenant, *, in_use: bool, check_mode: bool = False) -> Reconciled:
    client = tenant.client()
    how = Rules(check_mode=check_mode, purge=Purge(Limit(100, percent=True), in_use))
    done = reconcile(client, read_groups([{"name": "HR"}]), how)
    client.close()
    return done


def test_purge_deletes_what_is_not_declared_never_foreign_groups(tenant: LabTenant) -> None:
    kept = purge_run(tenant, in_use=False)
    assert ([one["status"] for one in kept.items], tenant.groups()) == (["unchanged", "kept"], ["Default", "HR", "Sync", "Web"])
    assert any("not declared and not purged" in warning for warning in kept.warnings)
    predicted = purge_run(tenant, in_use=True, check_mode=True)
    done = purge_run(tenant, in_use=True)
    assert done.plan.as_dict() == predicted.plan.as_dict()
    assert predicted.warnings == done.warnings
    assert "application Intranet" in done.plan.lines()[0]
    assert (done.errors, [one["status"] for one in done.items]) == ([], ["unchanged", "deleted"])
    assert tenant.groups() == ["Default", "HR", "Sync"]
    assert not purge_run(tenant, in_use=True).outcome.changed


FLEET_OF_TWELVE = [{"name": f"G{number:02}", "connectors": [f"M{number:02}A", f"M{number:02}B"]} for number in range(12)]
BIG = {
    "groups": [{"name": group["name"]} for group in FLEET_OF_TWELVE],
    "connectors": [{"machine_name": machine, "group": group["name"]} for group in FLEET_OF_TWELVE for machine in group["connectors"]],
    "applications": [],
}


@pytest.mark.parametrize(("expand", "requests"), [("allowed", 2), ("ignored", 4), ("refused", 6)])
def test_members_come_with_the_list_where_the_service_allows_it(make_lab: t.Callable[..., LabTenant], expand: str, requests: int) -> None:
    """Ignored: two batches for members and applications. Refused: one attempt at each list as well. The state is the same."""
    tenant = make_lab(**BIG, settings={"default_region": "nam", "expand": expand})
    client = tenant.client()
    state = observe_desired(client, read_groups(FLEET_OF_TWELVE))
    assert len(tenant.requests) == requests
    assert {group.name: len(state.members(group.id)) for group in state.groups if not group.is_default} == {
        str(group["name"]): 2 for group in FLEET_OF_TWELVE
    }
    assert reconcile(client, read_groups(FLEET_OF_TWELVE), Rules()).plan.summary() == "nothing to do"
    client.close()


def test_both_ways_of_reading_give_the_same_state(make_lab: t.Callable[..., LabTenant]) -> None:
    states = []
    for expand in ("allowed", "refused"):
        tenant = make_lab(**{**WORLD, "settings": {"default_region": "nam", "expand": expand}})
        client = tenant.client()
        state = observe_groups(client)
        client.close()
        names = {group.id: group.name for group in state.groups}
        read = sorted(names[group] for group in state.read_groups)
        states.append((sorted((one.machine_name, names[one.group_id or ""]) for one in state.connectors), read))
    assert states[0] == states[1]


def test_few_groups_are_not_worth_an_attempt(tenant: LabTenant) -> None:
    client = tenant.client()
    observe_desired(client, read_groups([{"name": "Web"}]))
    client.close()
    assert not [one for one in tenant.requests if "expand" in one.path]

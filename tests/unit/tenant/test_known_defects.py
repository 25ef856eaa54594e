# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Defects that others had, each as a test that passes here.

The first twelve are those of the diff routine of Venafi/ansible-collection-venafi, as its pull request #85 tells them ("12 defects");
those which that text leaves unnamed are taken from its successors #86, #87 and #88. Then those of the nearest peers: zscaler.zpacloud,
cisco.meraki, microsoft.ad and zscaler.ziacloud.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import options
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredConnector, DesiredGroup, read_group, read_groups
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import DesiredError, GraphError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.observe import observe_groups
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.reconcile import Reconciled, Rules, reconcile
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.report import group_result
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.result import task_result
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import TenantState, application_of, connector_of, group_of
from tests.unit.tenant.builders import proposal, steps, tenant, want
from tests.unit.tenant.graph_server import LabTenant, Reply, scripted, serving

WORLD: dict[str, t.Any] = {
    "groups": [{"name": "Web", "region": "eur"}],
    "connectors": [{"machine_name": "WEB1", "group": "Web"}, {"machine_name": "WEB2", "group": "Web"}, {"machine_name": "WEB3"}],
    "applications": [{"display_name": "Intranet", "group": "Web"}],
}
FLEET: list[dict[str, t.Any]] = [
    {"name": "Web", "connectors": ["WEB1", "WEB2"], "applications": ["Intranet"]},
    {"name": "New", "region": "nam", "min_connectors": 1, "connectors": ["WEB3"]},
]


@contextlib.contextmanager
def lab(**changes: t.Any) -> t.Iterator[LabTenant]:
    made = LabTenant(**{**WORLD, **changes})
    try:
        yield made
        assert made.unknown() == []
    finally:
        made.close()


def run(world: LabTenant, fleet: t.Sequence[DesiredGroup] | None = None, **rules: t.Any) -> Reconciled:
    client = world.client()
    try:
        return reconcile(client, read_groups(FLEET) if fleet is None else fleet, Rules(**rules))
    finally:
        client.close()


def one(**values: t.Any) -> DesiredGroup:
    return read_group({"name": "Web", **values})


# Venafi/ansible-collection-venafi


def test_01_the_second_run_is_not_changed() -> None:
    """state=present said changed at every run."""
    with lab() as world:
        assert run(world).outcome.changed
        written = len(world.writes())
        again = run(world)
        assert (again.outcome.changed, again.plan.as_dict()["changes"], len(world.writes())) == (False, [], written)


def everything() -> t.Any:
    """A plan with a step of each kind, and one that is refused."""
    state = tenant(
        {"Web": ["WEB1", "WEB2", "WEB3"], "Old": [], "HR": []},
        default=["D1", "D2", "D3"],
        applications={"Intranet": "Web", "Payroll": None, "Wiki": None},
    )
    return proposal(
        state,
        one(region="eur", connectors={"remove": ["WEB3"]}, applications={"remove": ["Intranet"]}),
        want("New", ["D1", "D2"], ["Payroll"]),
        want("HR", [], ["Wiki"], region="asia"),
        DesiredGroup("Old", absent=True),
    )


def test_02_every_difference_can_be_told() -> None:
    """The routine that told differences had never run, and crashed when it did (msgs.append(msgs.append(...)))."""
    made = everything()
    assert {change.action for change in made.plan.changes} == {"create", "update", "move", "assign", "unassign", "delete"}
    assert len(made.plan.lines()) == len(made.plan.changes)
    assert all(isinstance(line, str) and ": " in line for line in made.plan.lines())
    assert made.plan.diff()["before"] != made.plan.diff()["after"]


def test_03_every_difference_has_the_shape_that_its_readers_expect() -> None:
    """A pair was queued where a triple was read."""
    made = everything()
    assert made.blocked
    shapes = {frozenset(change.as_dict()) for change in made.plan.changes}
    assert shapes == {frozenset({"action", "kind", "name", "before", "after", "reason"})}
    assert {frozenset(blocked.as_dict()) for blocked in made.blocked} == {
        frozenset({"action", "kind", "name", "group", "reason", "shortfall", "active", "required", "safe_steps"})
    }


def test_04_nothing_given_and_nothing_there_is_no_crash() -> None:
    """key_type.upper() of None."""
    group = group_of({"id": "g-1", "name": None, "region": None})
    machine = connector_of({"id": "c-1", "machineName": None, "status": None, "version": None, "externalIp": None}, "g-1")
    app = application_of({"id": "a-1", "appId": None, "displayName": None}, "g-1")
    state = TenantState((group,), (machine,), (app,), frozenset({"g-1"}))
    assert group_result(group, state, 2)["members"][0]["status"] == ""
    assert steps(proposal(state, DesiredGroup("", id="g-1", min_connectors=0))) == []


@pytest.mark.parametrize(
    "fleet",
    [
        [want("WEB", ["web1", "Web2"], ["INTRANET"], region="NAM")],
        [want(" web ", [DesiredConnector(id="C-WEB1")], ["A-Intranet"], region="Nam")],
    ],
)
def test_05_case_is_no_difference(fleet: list[DesiredGroup]) -> None:
    """P256 of the service was not p256 of the user."""
    state = tenant({"Web": ["WEB1", "WEB2"]}, applications={"Intranet": "Web"})
    assert proposal(state, *fleet).plan.lines() == []


def test_06_what_is_not_given_is_neither_compared_nor_reset() -> None:
    """The library put its own default for what the user had left out, so that it never matched, and was then sent."""
    with lab() as world:
        done = run(world, read_groups([{"name": "Web"}]))
        assert (done.plan.lines(), world.writes()) == ([], [])
        assert done.groups[0]["region"] == "eur"
    assert options.payload(options.GROUP, {"name": "Web", "region": None, "min_connectors": 5}) == {"name": "Web"}


def test_07_sets_are_compared_by_what_is_in_them() -> None:
    """ "Same length and a subset" took [a, a] for [a, b]."""
    state = tenant({"Web": ["A", "B", "C"]}, default=["D"])
    made = proposal(state, one(connectors={"set": ["A", "B", "D"]}))
    assert sorted(steps(made)) == ["move C: Web -> Default", "move D: Default -> Web"]
    with pytest.raises(DesiredError, match="declared 2 times"):
        one(connectors={"set": ["A", "A", "B"]})


def test_08_before_is_the_tenant_and_after_is_what_was_declared() -> None:
    """Local and Remote were swapped in the messages."""
    changes = {change.action: change.as_dict() for change in everything().plan.changes if change.name not in ("D2", "WEB3")}
    assert (changes["move"]["before"], changes["move"]["after"]) == ({"connector_group": "Default"}, {"connector_group": "New"})
    assert (changes["assign"]["before"], changes["assign"]["after"]) == ({"connector_group": None}, {"connector_group": "New"})
    assert (changes["unassign"]["before"], changes["unassign"]["after"]) == ({"connector_group": "Web"}, {"connector_group": "Default"})
    assert (changes["update"]["before"], changes["update"]["after"]) == ({"region": "nam"}, {"region": "asia"})
    assert (changes["create"]["before"], changes["delete"]["after"]) == (None, None)


def test_09_what_is_absent_already_is_not_changed() -> None:
    """state=absent said changed whatever was there."""
    with lab() as world:
        done = run(world, [one(name="Gone", state="absent")])
        assert (done.outcome.changed, world.writes(), done.errors) == (False, [], [])


def test_10_absent_needs_nothing_but_the_name() -> None:
    """state=absent asked for the options of state=present (KeyError)."""
    with lab(groups=[{"name": "Old"}], connectors=[], applications=[]) as world:
        assert run(world, [read_group({"name": "Old", "state": "absent"})]).outcome.changed
        assert world.groups() == ["Default"]


@pytest.mark.parametrize("status", [401, 403, 400, 404])
def test_11_an_error_is_not_taken_for_absence(status: int) -> None:
    """Errors of the connection, the login and the service were read as "there is none", and led to a creation."""
    with serving(scripted(Reply(status, {"error": {"code": "Some", "message": "No."}}))) as (server, client, _time):
        with pytest.raises(GraphError, match="list the connector groups"):
            reconcile(client, read_groups(FLEET), Rules())
        assert {request.method for request in server.requests} == {"GET"}


def test_12_a_null_of_the_service_is_a_difference_and_no_crash() -> None:
    """While the message of a difference was built, None was iterated over."""
    state = tenant({"Web": []})
    state = dataclasses.replace(state, groups=tuple(dataclasses.replace(group, region=None) for group in state.groups))
    (line,) = proposal(state, want("Web", region="eur")).plan.lines()
    assert "region: none -> eur" in line


# zscaler.zpacloud


def test_zpacloud_check_mode_deletes_nothing() -> None:
    """zpa_app_connector_controller: the bulk delete ran before check_mode was looked at, and with state=present as well."""
    absent = one(state="absent", connectors={"set": []}, applications={"set": []})
    with lab(connectors=[*WORLD["connectors"], {"machine_name": "WEB4"}]) as world:
        done = run(world, [absent], check_mode=True)
        assert done.plan.summary() == "1 delete, 2 move, 1 unassign"
        assert (world.writes(), "Web" in world.groups()) == ([], True)
        run(world, [one(state="present")])
        assert "Web" in world.groups()


def test_zpacloud_two_options_do_not_reset_the_others() -> None:
    """Every option had a default, so that a task with two of them reset the other twenty-two."""
    with lab() as world:
        run(world, [one(connectors={"add": ["WEB3"]})])
        assert (world.members("Web"), world.group_of("Intranet")) == ({"WEB1", "WEB2", "WEB3"}, "Web")
    managed = [
        field for field in (*options.GROUP, *options.CONNECTOR_GROUP) if field.graph or field.option in ("connectors", "applications")
    ]
    assert [field.option for field in managed if field.default is not None] == []


def test_zpacloud_a_key_that_the_service_left_out_is_a_difference() -> None:
    """Keys that the service did not return were skipped in the comparison."""
    group = group_of({"id": "g-1", "name": "Web"})
    state = TenantState((group,), read_groups=frozenset({"g-1"}))
    assert steps(proposal(state, want("Web", region="eur"))) == ["update Web"]


def test_zpacloud_one_list_and_one_login_serve_any_number_of_groups() -> None:
    """Each task listed everything, and read one more time by name."""
    fleet = read_groups([{"name": f"G{number}"} for number in range(30)])
    with lab(groups=[{"name": group.name} for group in fleet], connectors=[], applications=[]) as world:
        run(world, fleet)
        assert len([request for request in world.requests if "/connectorGroups?" in request.path and "expand" not in request.path]) == 1


def test_zpacloud_all_pages_are_read() -> None:
    """The tests of the peer put a function in the place of paging, so that it was never tried."""
    with lab(settings={"default_region": "nam", "page_size": 1}) as world:
        client = world.client()
        assert len(observe_groups(client).connectors) == 3
        client.close()


def test_zpacloud_a_result_has_no_payload_in_its_warnings() -> None:
    """A warning with the payload was left in the module."""
    with lab() as world:
        assert not [warning for warning in run(world).warnings if "{" in warning]


# cisco.meraki


@pytest.mark.parametrize("value", [0, False])
def test_meraki_zero_and_false_are_values(value: t.Any) -> None:
    """Chains of "x or y" lost them."""
    (group,) = read_groups([{"name": "Web", "min_connectors": 0, "connectors": [{"machine_name": "A", "pending": value}]}])
    assert group.min_connectors == 0
    assert group.connectors is not None
    assert group.connectors[0].pending is False


def test_meraki_a_lost_list_makes_no_duplicate() -> None:
    """ "except Exception: result = None" turned a failure of the list into "does not exist"."""
    with lab() as world:
        world.faults.add({"kind": "malformed", "plane": "graph", "path": "connectorGroups$", "count": 0})
        with pytest.raises(GraphError):
            run(world)
        assert world.writes() == []


# zscaler.ziacloud, microsoft.ad


def test_ziacloud_the_second_run_creates_nothing_again() -> None:
    """ziacloud-ansible#102; Microsoft365DSC looks up by name only if an id was given."""
    with lab() as world:
        for _time in range(2):
            run(world)
        assert (world.groups().count("New"), world.writes().count("create_group")) == (1, 1)


def test_microsoft_ad_an_empty_set_is_not_the_same_as_no_set() -> None:
    """microsoft.ad#229: set: [] was taken for unset."""
    state = tenant({"Web": ["WEB1"]})
    assert steps(proposal(state, one(min_connectors=0, connectors={"set": []}))) == ["move WEB1: Web -> Default"]
    assert steps(proposal(state, one(min_connectors=0, connectors={"set": None}))) == []
    assert steps(proposal(state, one(min_connectors=0))) == []


def test_microsoft_ad_a_list_of_one_stays_a_list() -> None:
    """microsoft.ad#199: it came back as text."""
    with lab(connectors=[{"machine_name": "WEB1", "group": "Web"}]) as world:
        (group,) = run(world, [one(min_connectors=1)]).groups
        assert [isinstance(group[name], list) for name in ("members", "applications", "missing", "inactive", "problems")] == [True] * 5


def test_the_keys_of_a_result_are_the_same_in_check_mode() -> None:
    with lab() as world:
        checked = task_result(run(world, check_mode=True), diff=True)
        done = task_result(run(world), diff=True)
    assert checked.keys() == done.keys()
    assert (checked["plan"], checked["diff"], checked["summary"], checked["changed"]) == (
        done["plan"],
        done["diff"],
        done["summary"],
        done["changed"],
    )

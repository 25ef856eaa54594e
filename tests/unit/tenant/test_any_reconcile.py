# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any fleet carried out on any tenant of the lab, and what the tenant itself then says, at the end and after every single write."""

from __future__ import annotations

import collections
import typing as t

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import read_groups
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import DesiredError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.purge import Limit, Purge
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.reconcile import Reconciled, Rules, reconcile
from tests.lab.tenant.state import Group, Snapshot
from tests.unit.tenant.graph_server import LabTenant

Document = dict[str, t.Any]

NAMES = ("A", "B", "C")
REGIONS = ("nam", "eur", "japan")
MACHINES = [f"M{number}" for number in range(6)]
APPLICATIONS = [f"App {number}" for number in range(4)]
MINIMUM = 2
ALL = Limit(100, percent=True)


@st.composite
def worlds(draw: st.DrawFn) -> Document:
    """A tenant: groups of several regions and of another product, machines with several connectors, applications on Default."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    places = st.sampled_from([*names, "Default"])
    groups: list[Document] = [{"name": name, "region": draw(st.sampled_from(REGIONS))} for name in names]
    if draw(st.booleans()):
        groups.append({"name": "Sync", "type": "syncFabric", "region": None})
    connectors = st.fixed_dictionaries(
        {
            "machine_name": st.sampled_from(MACHINES),
            "group": places,
            "status": st.sampled_from(["active", "active", "inactive"]),
            "version": st.sampled_from(["1.5.9.0", "1.5.10.0"]),
        }
    )
    applications = [{"display_name": name, "group": draw(places)} for name in APPLICATIONS if draw(st.booleans())]
    return {
        "settings": {
            "default_region": draw(st.sampled_from(REGIONS[:2])),
            "mode": draw(st.sampled_from(["observed", "documented"])),
            "expand": draw(st.sampled_from(["refused", "allowed"])),
            "page_size": draw(st.sampled_from([2, 100])),
        },
        "groups": groups,
        "connectors": draw(st.lists(connectors, max_size=8)),
        "applications": applications,
    }


@st.composite
def fleets(draw: st.DrawFn, world: Document) -> list[Document]:
    """A fleet over the applications of this tenant and over machines that it may not have; rarely with one application too many."""
    known = [one["display_name"] for one in world["applications"]]
    machines, applications = draw(st.permutations(MACHINES)), draw(st.permutations(known))
    if draw(st.integers(0, 9)) == 9:
        applications = ["Nobody's", *applications]
    fleet = []
    for name in draw(st.lists(st.sampled_from([*NAMES, "D"]), unique=True, min_size=1)):
        taken, used = draw(st.integers(0, 3)), draw(st.integers(0, 2))
        fleet.append(
            {
                "name": draw(st.sampled_from([name, name.lower()])),
                "region": draw(st.sampled_from([*REGIONS, None])),
                "min_connectors": draw(st.integers(0, 3)),
                "connectors": machines[:taken] or None,
                "applications": applications[:used] or None,
            }
        )
        machines, applications = machines[taken:], applications[used:]
    return fleet


def run(tenant: LabTenant, fleet: list[Document], how: Rules) -> Reconciled:
    client = tenant.client()
    try:
        return reconcile(client, read_groups(fleet), how)
    finally:
        client.close()


def active(tenant: LabTenant, snapshot: Snapshot, group: Group) -> int:
    return sum(tenant.tenant.status(one) == "active" for one in snapshot.members(group.id))


def required(group: Group, fleet: list[Document]) -> int:
    declared = {one["name"].casefold(): one["min_connectors"] for one in fleet}
    return 0 if group.is_default else declared.get(group.name.casefold(), MINIMUM)


def assert_every_step_was_safe(tenant: LabTenant, history: list[Snapshot], fleet: list[Document], purged: set[str]) -> None:
    """After each write, as the service itself has it: one group of each name, and none below its minimum that was at it.

    A group that purge empties in order to delete it needs its connectors for as long as it serves an application.
    """
    for before, after in zip(history, history[1:], strict=False):
        names = collections.Counter(one.name.casefold() for one in after.groups.values())
        assert set(names.values()) == {1}
        assert set(after.connectors) == set(before.connectors)
        for group in before.groups.values():
            serves = before.applications_of(group.id) or after.applications_of(group.id)
            least = 0 if group.id in purged and not serves else required(group, fleet)
            if active(tenant, before, group) >= least and group.id in after.groups:
                assert active(tenant, after, group) >= least, (group.name, least)


def assert_nothing_else_was_touched(before: Snapshot, after: Snapshot, fleet: list[Document]) -> None:
    machines = {name for one in fleet for name in one["connectors"] or ()}
    applications = {name for one in fleet for name in one["applications"] or ()}
    declared = {one["name"].casefold() for one in fleet}
    for was in before.connectors.values():
        assert was.machine_name in machines or after.connectors[was.id].group_id == was.group_id
    for app in before.applications.values():
        assert app.display_name in applications or after.applications[app.id].group_id == app.group_id
    for group in before.groups.values():
        assert group.name.casefold() in declared or after.groups[group.id] == group


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), worlds(), st.booleans(), st.sampled_from([None, Purge(ALL), Purge(ALL, in_use=True)]))
def test_any_fleet_on_any_tenant(data: st.DataObject, world: Document, disruptive: bool, purge: Purge | None) -> None:
    fleet = data.draw(fleets(world))
    tenant = LabTenant(**world)
    try:
        how = {"allow_disruptive": disruptive, "purge": purge, "wait_timeout": 0}
        try:
            checked = run(tenant, fleet, Rules(check_mode=True, **how))
        except DesiredError:
            event("refused before anything was done")
            return
        finally:
            assert tenant.writes() == []
        done = run(tenant, fleet, Rules(**how))
        history = tenant.tenant.history.snapshots()
        assert done.plan.as_dict() == checked.plan.as_dict()
        assert [one.as_dict() for one in done.refused] == [one.as_dict() for one in checked.refused]
        assert not done.outcome.failures
        assert len(done.outcome.done) == len(done.plan.changes)
        event(f"{min(len(done.plan.changes), 6)} steps")
        assert_every_step_was_safe(tenant, history, fleet, set(history[0].groups) - set(history[-1].groups))
        if purge is None:
            assert_nothing_else_was_touched(history[0], history[-1], fleet)
        again = run(tenant, fleet, Rules(**how))
        assert again.plan.lines() == []
        assert tenant.unknown() == []
    finally:
        tenant.close()

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A large tenant: the persistent tables under it, how it is made, and that what it does is not paid by its size."""

from __future__ import annotations

import datetime
import time
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lab.tenant import scale
from tests.lab.tenant.identity import GRAPH
from tests.lab.tenant.state import Connector, History
from tests.lab.tenant.table import SIZE, Table
from tests.unit.lab.tenant_world import P, TenantWorld, make

WRITES = st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=40)


@given(WRITES)
def test_every_version_of_a_table_stays_what_it_was(writes: list[tuple[bool, int]]) -> None:
    table: Table[int] = Table((str(number), -1) for number in range(3))
    kept: list[tuple[Table[int], dict[str, int]]] = [(table, {"0": -1, "1": -1, "2": -1})]
    for step, (adds, number) in enumerate(writes):
        key, plain = str(number), dict(kept[-1][1])
        if adds:
            table, plain[key] = table.put(key, step), step
        elif key in plain:
            table = table.remove(key)
            del plain[key]
        else:
            with pytest.raises(KeyError):
                table.remove(key)
        kept.append((table, plain))
    for version, expected in kept:
        assert dict(version) == expected
        assert (len(version), sorted(version)) == (len(expected), sorted(expected))
        assert sorted(value for _place, value in version.scan()) == sorted(expected.values())


def test_a_large_table_keeps_places_and_order_over_emptied_chunks() -> None:
    count = 3 * SIZE + 5
    table: Table[int] = Table((str(number), number) for number in range(count))
    for number in range(SIZE - 1, 2 * SIZE + 3):
        table = table.remove(str(number))
    table = table.put("new", -1).put("5", -5).put(str(SIZE), -6)
    rest = [-5 if number == 5 else number for number in (*range(SIZE - 1), *range(2 * SIZE + 3, count))]
    assert [value for _place, value in table.scan()] == [*rest, -1, -6]
    place = next(place for place, value in table.scan() if value == 2 * SIZE + 3)
    assert next(table.scan(place)) == (2 * SIZE + 3, 2 * SIZE + 3)
    assert len(table) == len(list(table)) == len(rest) + 2


def large(**fields: t.Any) -> TenantWorld:
    """Return a tenant of the given scale."""
    world = make()
    world.tenant.forget(History(scale.snapshot(scale.read(fields, world.tenant.settings.regions), "nam", world.clock.now())))
    return world


def test_a_scale_places_and_names_everything_by_its_number() -> None:
    world = large(groups=3, connectors_per_group=2, inactive_per_group=1, applications=4, connectors_in_default=2, regions=["nam", "eur"])
    state = world.tenant.now_state
    names = {group.name: [member.machine_name for member in state.members(group.id)] for group in state.groups.values()}
    assert names == {
        "Default": ["HOST-00007", "HOST-00008"],
        "Group 00001": ["HOST-00001", "HOST-00002"],
        "Group 00002": ["HOST-00003", "HOST-00004"],
        "Group 00003": ["HOST-00005", "HOST-00006"],
    }
    assert [group.region for group in state.groups.values()] == ["nam", "nam", "eur", "nam"]
    assert [world.tenant.status(one) for one in state.connectors.values()] == ["active", "inactive"] * 3 + ["active"] * 2
    assert [one.display_name for one in state.applications_of(world.group("Group 00001").id)] == ["Application 00001", "Application 00004"]
    assert scale.identity("group", 1) == world.group("Group 00002").id
    gone = large(groups=3, connectors_per_group=2, missing_groups=1, applications=4)
    assert "Group 00003" not in [group.name for group in gone.tenant.now_state.groups.values()]
    fallen = gone.tenant.now_state.default.id
    assert [one.machine_name for one in gone.tenant.now_state.members(fallen)] == ["HOST-00005", "HOST-00006"]
    assert [one.display_name for one in gone.tenant.now_state.applications_of(fallen)] == ["Application 00003"]
    unplaced = large(groups=3, connectors_in_default=6, applications=4, assigned=False)
    assert [one.machine_name for one in unplaced.tenant.now_state.members(unplaced.group("Default").id)][:2] == ["HOST-00001", "HOST-00002"]
    assert len(unplaced.tenant.now_state.applications_of(unplaced.group("Default").id)) == 4


@pytest.mark.parametrize("fields", [{"colour": 1}, {"groups": -1}, {"groups": True}, {"regions": ["moon"]}, {"assigned": 1}])
def test_a_scale_that_means_nothing_is_refused(fields: dict[str, t.Any]) -> None:
    with pytest.raises(ValueError, match="scale|regions"):
        scale.read(fields, ["nam"])


def test_what_a_request_costs_does_not_grow_with_the_tenant() -> None:
    """Ten thousand groups and fifty thousand connectors: seconds for what takes minutes when each write copies everything."""
    started = time.perf_counter()
    world = large(groups=10_000, connectors_per_group=5, applications=2_000)
    token = world.tenant.identity.delegated_token(GRAPH, "client")
    groups = [scale.identity("group", number) for number in range(10_000)]
    for number in range(1_000):
        world.tenant.move(scale.identity("connector", number), groups[number + 1])
        world.tenant.look()
    pages, query = 0, "$top=999"
    world.tenant.settings.page_size = 999
    while True:
        document = world.call("GET", f"{P}/connectors", query=query, token=token).document
        assert document is not None
        pages += 1
        if "@odata.nextLink" not in document:
            break
        query = document["@odata.nextLink"].partition("?")[2].replace("%3D", "=")
    steps = [{"id": str(number), "method": "GET", "url": f"{P}/connectorGroups/{groups[number]}/members"} for number in range(20)]
    for _unused in range(20):
        assert world.call("POST", "/$batch", {"requests": steps}, token=token).status == 200
    assert pages == 51
    assert len(world.tenant.history.before_last_write().connectors) == 50_000
    assert time.perf_counter() - started < 30


def test_two_connectors_of_one_machine_and_an_upgrade() -> None:
    world = make()
    now, default = world.clock.now(), world.group("Default").id
    stale = Connector("0" * 8, "TWICE", "1.5.1.0", default, now - datetime.timedelta(days=9), pinned_status="inactive")
    world.tenant.put_connector(stale)
    world.tenant.put_connector(Connector("1" * 8, "TWICE", "1.5.2.0", default, now, pinned_status="active"))

    def listed() -> list[tuple[str, str]]:
        document = world.call("GET", f"{P}/connectors", query="$filter=machineName eq 'TWICE'").document
        assert document is not None
        return [(one["status"], one["version"]) for one in document["value"]]

    assert listed() == [("inactive", "1.5.1.0"), ("active", "1.5.2.0")]
    registered = world.tenant.register("TWICE", world.registration_token(), "1.5.2.0")
    world.tenant.put_connector(
        Connector(registered.connector_id, "TWICE", "1.5.3.0", default, world.tenant.connector(registered.connector_id).registered_at)
    )
    world.tenant.timing.becomes_active = 0
    world.running[registered.connector_id] = now
    assert listed() == [("inactive", "1.5.1.0"), ("active", "1.5.2.0"), ("active", "1.5.3.0")]
    world.clock.advance(86400)
    assert listed() == [("active", "1.5.2.0"), ("active", "1.5.3.0")]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=12), st.integers(0, 12))
@settings(max_examples=40)
def test_history_shows_what_was_current_at_each_moment(moves: list[tuple[int, int]], back: int) -> None:
    world = large(groups=4, connectors_per_group=1)
    seen = [_placed(world)]
    for connector, group in moves:
        world.clock.advance(10)
        world.tenant.move(scale.identity("connector", connector), scale.identity("group", group))
        seen.append(_placed(world))
    world.tenant.settings.stale_seconds = 10.0 * back + 5
    old = world.tenant.readable()
    placed = {member.machine_name: group_id for group_id in old.groups for member in old.members(group_id)}
    assert placed == {one.machine_name: one.group_id for one in old.connectors.values()}
    assert placed == seen[max(len(moves) - back - 1, 0)]


def _placed(world: TenantWorld) -> dict[str, str]:
    return {one.machine_name: one.group_id for one in world.tenant.now_state.connectors.values()}

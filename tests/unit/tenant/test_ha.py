# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two-connector rule: the order of moves, the refusals, and the verdict over what was read back."""

from __future__ import annotations

import random
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import ha
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.ha import Move
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import ConnectorGroup
from tests.unit.tenant.builders import DEFAULT


@pytest.mark.parametrize(
    ("group", "declared", "used", "required"),
    [
        (ConnectorGroup("g", "Web"), None, False, 2),
        (ConnectorGroup("g", "Web"), 3, False, 3),
        (ConnectorGroup("g", "Web"), 0, True, 0),
        (None, None, False, 2),
        (DEFAULT, 5, False, 0),
        (DEFAULT, 5, True, 5),
        (DEFAULT, None, True, 2),
    ],
)
def test_a_group_needs_what_is_declared_else_two_and_default_nothing_unless_it_is_used(
    group: ConnectorGroup | None, declared: int | None, used: bool, required: int
) -> None:
    assert ha.required_of(group, declared, used=used) == required


def test_a_move_may_have_to_wait_for_an_arrival() -> None:
    leaves = Move("1", "one", True, "A", "B")
    arrives = Move("2", "two", True, "Default", "A")
    stages, refused = ha.safe_order([leaves, arrives], {"A": 2}, {"Default": 0})
    assert (stages, refused) == ([[arrives], [leaves]], [])


def test_moves_that_do_not_depend_on_each_other_are_one_stage() -> None:
    moves = [Move(str(number), str(number), True, f"from {number // 3}", f"to {number}") for number in range(60)]
    stages, refused = ha.safe_order(moves, {f"from {number}": 5 for number in range(20)}, {})
    assert ([len(stage) for stage in stages], refused) == ([60], [])


def test_a_group_below_its_minimum_does_not_rise_to_it_only_to_fall_again() -> None:
    leaves, arrives = Move("1", "one", True, "A", "B"), Move("2", "two", True, "C", "A")
    stages, refused = ha.safe_order([leaves, arrives], {"A": 1, "C": 3}, {})
    assert (stages, refused) == ([[leaves], [arrives]], [])


def test_a_group_below_its_minimum_that_serves_applications_loses_nothing_more() -> None:
    leaves, sleeper = Move("1", "one", True, "A", "B"), Move("2", "two", False, "A", "B")
    stages, refused = ha.safe_order([leaves, sleeper], {"A": 1, "B": 2}, {}, serving={"A"})
    assert stages == [[sleeper]]
    assert [(one.move.label, one.active, one.required) for one in refused] == [("one", 1, 2)]
    assert ha.safe_order([leaves], {"A": 1, "B": 2}, {"A": 0}, serving={"A"})[1] == []


def test_a_swap_between_two_groups_at_their_minimum_is_refused() -> None:
    moves = [Move("1", "one", True, "A", "B"), Move("2", "two", True, "B", "A")]
    stages, refused = ha.safe_order(moves, {"A": 2, "B": 2}, {})
    assert stages == []
    assert [(one.move.label, one.active, one.required) for one in refused] == [("one", 2, 2), ("two", 2, 2)]


def test_an_inactive_connector_may_always_leave() -> None:
    stages, refused = ha.safe_order([Move("1", "one", False, "A", "B")], {"A": 2}, {})
    assert (len(stages), refused) == (1, [])


GROUPS = ["A", "B", "C", "Default"]
MOVES = st.lists(
    st.tuples(st.booleans(), st.sampled_from([*GROUPS, None]), st.sampled_from(GROUPS)).filter(lambda one: one[1] != one[2]), max_size=12
)


@given(MOVES, st.fixed_dictionaries({name: st.integers(0, 5) for name in GROUPS}), st.integers(0, 3), st.randoms(use_true_random=False))
def test_no_move_takes_a_group_from_its_minimum_below_it(
    wishes: list[tuple[bool, str | None, str]], spare: dict[str, int], minimum: int, chance: random.Random
) -> None:
    moves = [Move(str(number), str(number), active, source, target) for number, (active, source, target) in enumerate(wishes)]
    leaving = [move.source for move in moves if move.active]
    counts = {name: spare[name] + leaving.count(name) for name in GROUPS}
    required = {"A": minimum, "Default": 0}
    stages, refused = ha.safe_order(moves, counts, required)
    assert sorted(move.connector_id for stage in stages for move in stage) == sorted(
        {move.connector_id for move in moves} - {one.move.connector_id for one in refused}
    )
    for stage in stages:
        # Within a stage any order is allowed, and any of them may fail: every beginning of an order is some of the moves.
        for move in chance.sample(stage, len(stage)):
            if move.active and move.source is not None:
                least = required.get(move.source, 2)
                assert not (counts[move.source] >= least > counts[move.source] - 1)
                counts[move.source] -= 1
            if move.active:
                counts[move.target] += 1
    for one in refused:
        assert counts[one.move.source or ""] == required.get(one.move.source or "", 2)


def member(machine: str, status: str = "active") -> dict[str, str]:
    return {"id": f"c-{machine}", "machine_name": machine, "status": status, "version": "1"}


def group(name: str, *members: dict[str, str]) -> dict[str, t.Any]:
    return {"name": name, "region": "nam", "members": list(members)}


def fleet(name: str, *hosts: str, **more: t.Any) -> dict[str, t.Any]:
    return {"name": name, "region": "nam", "hosts": [{"name": host, "machine_name": host.upper()} for host in hosts], **more}


def test_the_verdict_is_good_when_every_group_has_its_active_connectors() -> None:
    verdict = ha.verdict([group("NAM Web", member("WEB1"), member("WEB2"))], [fleet("nam web", "web1", "web2")])
    assert (verdict["ok"], verdict["failures"]) == (True, [])
    assert verdict["table"] == [
        "GROUP    REGION  REQUIRED  ACTIVE  HA   MEMBERS     MISSING",
        "nam web  nam     2         2       yes  WEB1, WEB2  -",
    ]


@pytest.mark.parametrize(
    ("groups", "failure"),
    [
        ([], "connector group Web does not exist; missing: web1, web2"),
        ([group("Web", member("WEB1"))], "connector group Web has 1 active connector(s) of the 2 it needs; missing: web2"),
        (
            [group("Web", member("WEB1"), member("WEB2", "inactive"))],
            "connector group Web has 1 active connector(s) of the 2 it needs; missing: web2",
        ),
    ],
)
def test_the_verdict_names_the_group_and_the_missing_servers(groups: list[dict[str, t.Any]], failure: str) -> None:
    verdict = ha.verdict(groups, [fleet("Web", "web1", "web2")])
    assert (verdict["ok"], verdict["failures"]) == (False, [failure])


def test_a_missing_server_beyond_the_minimum_is_shown_and_fails_nothing() -> None:
    verdict = ha.verdict([group("Web", member("WEB1"), member("WEB2"))], [fleet("Web", "web1", "web2", "web3", min_connectors=2)])
    assert verdict["ok"]
    assert verdict["rows"][0]["missing"] == ["web3"]

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Purge: what is not declared is deleted, only so much of it, and never what is in use unless that was said."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredGroup
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import DesiredError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.plan import Proposal, propose
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.purge import Limit, Purge, judge, read_limit, undeclared
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import resolve
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import TenantState
from tests.unit.tenant.builders import steps, tenant, want
from tests.unit.tenant.strategies import fleets, possible, tenants

ALL = Purge(Limit(100, percent=True))


def purged(state: TenantState, *desired: DesiredGroup, purge: Purge = ALL) -> tuple[Proposal, list[str]]:
    """The plan with purge, and what was kept."""
    extra = undeclared(resolve(desired, state), state, purge)
    made = propose(resolve([*desired, *extra.groups], state), state)
    judge(made.plan, state, purge)
    return made, [reason for _group, reason in extra.kept]


def test_an_empty_undeclared_group_is_deleted() -> None:
    made, kept = purged(tenant({"Web": [], "Old": []}), want("Web"))
    assert (steps(made), kept) == (["delete Old"], [])


def test_its_connectors_go_to_default_before() -> None:
    made, _kept = purged(tenant({"Old": ["OLD1", "OLD2"]}))
    assert steps(made) == ["move OLD1: Old -> Default", "move OLD2: Old -> Default", "delete Old"]


def test_a_connector_that_is_declared_elsewhere_goes_there() -> None:
    made, _kept = purged(tenant({"Old": ["WEB1"], "Web": ["WEB2"]}), want("Web", ["WEB1"]))
    assert steps(made) == ["move WEB1: Old -> Web", "delete Old"]


def test_a_group_in_use_is_kept_and_told() -> None:
    made, kept = purged(tenant({"Old": ["OLD1"]}, applications={"Intranet": "Old"}))
    assert steps(made) == []
    assert kept == ["connector group Old is not purged: 1 application(s) use it, and purge_in_use is false"]


def test_an_application_that_moves_to_a_declared_group_does_not_keep_its_old_one() -> None:
    state = tenant({"Old": ["OLD1"], "Web": ["WEB1", "WEB2"]}, applications={"Intranet": "Old"})
    made, kept = purged(state, want("Web", applications=["Intranet"]))
    assert (steps(made), kept) == (["assign Intranet: Old -> Web", "move OLD1: Old -> Default", "delete Old"], [])


def test_a_group_in_use_is_deleted_if_that_is_said_and_default_can_serve() -> None:
    state = tenant({"Old": ["OLD1"]}, default=["D1", "D2"], applications={"Intranet": "Old"})
    made, _kept = purged(state, purge=dataclasses.replace(ALL, in_use=True))
    assert steps(made) == ["unassign Intranet: Old -> Default", "move OLD1: Old -> Default", "delete Old"]
    made, _kept = purged(tenant({"Old": ["OLD1"]}, applications={"Intranet": "Old"}), purge=dataclasses.replace(ALL, in_use=True))
    assert (steps(made), [one.action for one in made.blocked]) == ([], ["unassign", "delete"])


@pytest.mark.parametrize(
    ("text", "deletes", "total", "allowed"),
    [
        ("1", 1, 1, True),
        ("1", 2, 100, False),
        ("0", 1, 5, False),
        ("10%", 1, 10, True),
        ("10%", 1, 9, False),
        ("10 %", 2, 20, True),
        ("100%", 20, 20, True),
        ("0%", 0, 0, True),
    ],
)
def test_the_limit_is_a_number_or_a_share_rounded_down(text: str, deletes: int, total: int, allowed: bool) -> None:
    assert read_limit(text).allows(deletes, total) is allowed


@pytest.mark.parametrize("text", ["", "-1", "all", "10.5%", "101%", "%"])
def test_a_limit_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(DesiredError, match="max_delete must be a number"):
        read_limit(text)


def test_too_many_deletes_are_refused_with_the_numbers_and_the_names() -> None:
    state = tenant({"A": [], "B": [], "C": [], "Web": []})
    with pytest.raises(DesiredError) as caught:
        purged(state, want("Web"), purge=Purge(Limit(1)))
    text = str(caught.value)
    assert text.startswith("Too many deletes, 3 of 4 connector group(s) (75 %) are over max_delete=1, force required: nothing was changed")
    assert "Would be deleted: A, B, C" in text


@given(tenants(), fleets(), st.booleans())
def test_purge_never_deletes_default_a_declared_group_or_one_that_still_serves(
    state: TenantState, fleet: list[DesiredGroup], in_use: bool
) -> None:
    fleet = possible(fleet, state)
    made, _kept = purged(state, *fleet, purge=dataclasses.replace(ALL, in_use=in_use))
    deleted = {change.name for change in made.plan.changes if change.action == "delete"}
    moved = {change.data["application"] for change in made.plan.changes if change.action in ("assign", "unassign")}
    assert not deleted & {"Default", *(group.name for group in fleet)}
    for group in state.groups:
        if group.name in deleted:
            assert {one.id for one in state.applications_of(group.id)} <= moved
    if not in_use:
        assert not [change for change in made.plan.changes if change.action == "unassign"]


def test_the_limit_says_itself_as_it_was_given() -> None:
    limits: t.Iterable[str] = (str(read_limit("3")), str(read_limit("10%")))
    assert list(limits) == ["3", "10%"]

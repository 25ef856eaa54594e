# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists in few pages: what the service may make of $expand and $top, that nothing is lost by it, and what each way costs."""

from __future__ import annotations

import itertools
import math
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredGroup, read_groups
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import DesiredError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.listing import CUT, TOP, whole_navigations
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.observe import FEW, INSIDES, observe_desired, observe_lists
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.reconcile import Rules, reconcile
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import resolve
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import TenantState
from tests.lab.tenant import scale
from tests.lab.tenant.settings import CHOICES
from tests.lab.tenant.state import History
from tests.unit.tenant.graph_server import LabTenant

GROUPS, CONNECTORS, APPLICATIONS = 2 * FEW + 3, 3, 2
PAGE = 16
"""More than the names of one lookup, as everywhere."""
BUSY = 25
"""Further applications of the first group: more than an expanded list holds."""


@pytest.fixture
def make_large() -> t.Iterator[t.Callable[..., LabTenant]]:
    made: list[LabTenant] = []

    def make(*, busy: int = 0, connectors: int = 0, **settings: t.Any) -> LabTenant:
        """:param busy: further applications of the first group, unassigned ones of all. :param connectors: further ones, in Default."""
        tenant = LabTenant(settings={"default_region": "nam", "page_size": PAGE, **settings})
        made.append(tenant)
        size = {"groups": GROUPS, "connectors_per_group": CONNECTORS, "connectors_in_default": connectors}
        whole = scale.read({**size, "applications": GROUPS * APPLICATIONS + busy}, tenant.tenant.settings.regions)
        tenant.tenant.forget(History(scale.snapshot(whole, "nam", tenant.lab_clock.now())))
        for number in range(busy):
            tenant.tenant.assign(scale.identity("application", GROUPS * APPLICATIONS + number), scale.identity("group", 0))
        return tenant

    yield make
    for tenant in made:
        assert tenant.unknown() == []
        tenant.close()


def fleet(busy: int = 0) -> list[DesiredGroup]:
    """Everything that the tenant has."""
    groups: list[dict[str, t.Any]] = [
        {
            "name": f"Group {number + 1:05}",
            "connectors": [f"HOST-{number * CONNECTORS + member + 1:05}" for member in range(CONNECTORS)],
            "applications": [f"Application {number + GROUPS * turn + 1:05}" for turn in range(APPLICATIONS)],
        }
        for number in range(GROUPS)
    ]
    groups[0]["applications"] += [f"Application {GROUPS * APPLICATIONS + number + 1:05}" for number in range(busy)]
    return read_groups(groups)


def observed(tenant: LabTenant, desired: t.Sequence[DesiredGroup]) -> tuple[TenantState, int]:
    """The state, and how many requests it took."""
    client = tenant.client()
    before = len(tenant.requests)
    state = observe_desired(client, desired)
    client.close()
    return state, len(tenant.requests) - before


def inside(state: TenantState) -> dict[str, tuple[list[str], list[str]]]:
    """Connectors and applications by group."""
    return {
        group.name: (sorted(one.id for one in state.members(group.id)), sorted(one.id for one in state.applications_of(group.id)))
        for group in state.groups
    }


WAYS = [
    {"expand": expand, "top": top, "expand_names": names, "expand_link": link}
    for expand, top, names, link in itertools.product(
        ("refused", "ignored", "allowed"), CHOICES["top"], (False, True), CHOICES["expand_link"]
    )
    if expand == "allowed" or not (names or link == "given")
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(str(value) for value in way.values()))
def test_whatever_the_service_makes_of_it_the_state_is_the_same_and_costs_what_the_formula_says(
    make_large: t.Callable[..., LabTenant], way: dict[str, t.Any]
) -> None:
    tenant = make_large(busy=BUSY, **way)
    state, requests = observed(tenant, fleet(BUSY))
    truth = tenant.tenant.now_state
    assert inside(state) == {
        group.name: (sorted(one.id for one in truth.members(group.id)), sorted(one.id for one in truth.applications_of(group.id)))
        for group in truth.groups.values()
    }
    assert resolve(fleet(BUSY), state).targets
    assert len(state.read_groups) == GROUPS + 1

    expands, refuses, large = way["expand"] == "allowed", way["expand"] == "refused", way["top"] in ("honoured", "limit")
    page = TOP if large else PAGE
    lists = math.ceil((GROUPS + 1) / page) + math.ceil(GROUPS * CONNECTORS / page)
    top_refused = way["top"] == "refused"
    in_vain = {(False, False): 0, (True, False): 2, (False, True): 2, (True, True): 4}[(refuses, top_refused)]
    cut = math.ceil(1 / 20) if expands else math.ceil(2 * (GROUPS + 1) / 20)
    further = math.ceil((BUSY + APPLICATIONS) / PAGE) - 1
    # A list of a group of its own tells no names, so that nobody knows whether the others have one of them, too.
    untold = GROUPS * APPLICATIONS + BUSY
    names = math.ceil(math.ceil(untold / 15) / 20)
    assert requests == lists + in_vain + cut + further + names


@pytest.mark.parametrize(("names", "lookups"), [(True, 0), (False, math.ceil(math.ceil(GROUPS * APPLICATIONS / 15) / 20))])
def test_names_that_the_list_of_groups_told_are_not_looked_up(make_large: t.Callable[..., LabTenant], names: bool, lookups: int) -> None:
    state, requests = observed(make_large(expand="allowed", top="honoured", expand_names=names), fleet())
    assert requests == 2 + lookups
    assert {one.name for one in state.applications} == {f"Application {number + 1:05}" for number in range(GROUPS * APPLICATIONS)}


@pytest.mark.parametrize("names", [True, False])
def test_two_published_applications_of_one_name_are_ambiguous_however_they_were_read(
    make_large: t.Callable[..., LabTenant], names: bool
) -> None:
    tenant = make_large(expand="allowed", expand_names=names)
    one, other = (tenant.tenant.application(scale.identity("application", number)) for number in (0, 1))
    assert other.publishing is not None
    for number, publishing in ((900, other.publishing), (901, None)):
        new = {"id": scale.identity("application", number), "app_id": scale.identity("app", number)}
        renamed = type(one)(display_name=one.display_name if publishing else other.display_name, publishing=publishing, **new)
        tenant.tenant.put_application(renamed)
    state, _requests = observed(tenant, fleet())
    with pytest.raises(DesiredError, match="application Application 00001 is ambiguous") as caught:
        resolve(fleet(), state)
    assert len(caught.value.reasons) == 1, "of the two of the second name one is not published"


@pytest.mark.parametrize("top", ["honoured", "clamped"])
def test_a_list_that_expand_cut_short_is_not_taken_for_whole(make_large: t.Callable[..., LabTenant], top: str) -> None:
    """An expanded list ended after 100 objects, without a next link."""
    tenant = make_large(connectors=150, expand="cut", top=top, page_size=100)
    state, _requests = observed(tenant, fleet())
    truth = tenant.tenant.now_state
    assert len(state.connectors) == len(truth.connectors) == 150 + GROUPS * CONNECTORS
    assert {group: members for group, (members, _users) in inside(state).items()} == {
        group.name: sorted(one.id for one in truth.members(group.id)) for group in truth.groups.values()
    }


@pytest.mark.parametrize("length", [100, TOP])
def test_a_list_that_just_has_that_length_is_read_twice_and_keeps_what_it_tells(
    make_large: t.Callable[..., LabTenant], length: int
) -> None:
    tenant = make_large(connectors=length - GROUPS * CONNECTORS, expand="allowed", top="honoured", page_size=TOP)
    client = tenant.client()
    state = observe_lists(client, expand=INSIDES)
    assert all(one.group_id for one in state.connectors)
    assert (len(state.connectors), len(tenant.requests), client.unsupported) == (length, 3, set())
    client.close()


def test_a_list_that_top_cut_short_is_read_again(make_large: t.Callable[..., LabTenant]) -> None:
    """As OData has it, $top is a limit: 999 connectors came, and no next link."""
    tenant = make_large(connectors=TOP, top="limit", page_size=500)
    client = tenant.client()
    state = observe_lists(client, expand=INSIDES)
    assert len(state.connectors) == TOP + GROUPS * CONNECTORS
    seen = len(tenant.requests)
    observe_lists(client)
    client.close()
    assert not [one for one in tenant.requests[seen:] if "top" in one.path], "the task has learnt that"


def test_a_refusal_is_remembered_for_the_rest_of_the_task(make_large: t.Callable[..., LabTenant]) -> None:
    tenant = make_large(expand="refused", top="refused", page_size=100)
    client = tenant.client()
    observe_lists(client, expand=INSIDES)
    before = len(tenant.requests)
    observe_lists(client, expand=INSIDES)
    client.close()
    assert before == 2 + 4
    assert len(tenant.requests) - before == 2


def test_a_page_that_is_refused_for_another_reason_is_no_refusal_of_an_option(make_large: t.Callable[..., LabTenant]) -> None:
    tenant = make_large(expand="allowed", top="honoured")
    tenant.faults.add({"kind": "status", "plane": "graph", "path": "/connectors$", "status": 503, "headers": {"Retry-After": "1"}})
    client = tenant.client()
    assert len(observe_lists(client, expand=INSIDES).connectors) == GROUPS * CONNECTORS
    assert client.unsupported == set()
    client.close()


@pytest.mark.parametrize("expand", CHOICES["expand"])
def test_nothing_to_do_stays_nothing_to_do(make_large: t.Callable[..., LabTenant], expand: str) -> None:
    tenant = make_large(busy=BUSY, expand=expand)
    client = tenant.client()
    done = reconcile(client, fleet(BUSY), Rules())
    client.close()
    assert (done.plan.summary(), done.errors, tenant.writes()) == ("nothing to do", [], [])


@given(st.lists(st.integers(0, 60), max_size=12), st.integers(CUT, 70), st.booleans())
def test_a_navigation_that_was_cut_is_never_taken_for_whole(sizes: list[int], limit: int, linked: bool) -> None:
    bodies: list[dict[str, t.Any]] = []
    for number, size in enumerate(sizes):
        body: dict[str, t.Any] = {"id": str(number), "applications": [{"id": str(one)} for one in range(min(size, limit))]}
        if linked and size > limit:
            body["applications@odata.nextLink"] = "https://graph.microsoft.com/next"
        bodies.append(body)
    whole = whole_navigations(bodies, "applications")
    assert {key: len(items) for key, items in whole.items()} == {key: sizes[int(key)] for key in whole}
    assert set(whole) >= {str(number) for number, size in enumerate(sizes) if size < CUT}


def test_an_answer_without_the_navigation_tells_nothing() -> None:
    assert whole_navigations([{"id": "1"}, {"id": "2", "applications": None}, {"id": "3", "applications": []}], "applications") == {"3": []}

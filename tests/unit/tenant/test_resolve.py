# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What declared names stand for in a tenant."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredConnector
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import DesiredError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import is_new, resolve, with_pending
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import Application, Connector, ConnectorGroup, TenantState
from tests.unit.tenant.builders import DEFAULT, tenant, want


def test_names_are_compared_without_case() -> None:
    state = tenant({"NAM Web": ["WEB1"]}, applications={"Intranet": None})
    (target,) = resolve([want("nam web", ["web1"], ["INTRANET"])], state).targets
    assert target.group == state.groups[1]
    assert [one.id for one in target.found()] == ["c-WEB1"]
    assert [one.id for one in target.applications] == ["a-Intranet"]


@pytest.mark.parametrize("reference", ["a-Intranet", "app-Intranet", "Intranet"])
def test_applications_go_by_each_of_their_names(reference: str) -> None:
    (target,) = resolve([want("Web", [], [reference])], tenant({}, applications={"Intranet": None})).targets
    assert target.applications[0].id == "a-Intranet"


def test_a_group_that_exists_twice_is_refused_with_the_ids() -> None:
    state = tenant({"Web": []})
    state = dataclasses.replace(state, groups=(*state.groups, ConnectorGroup("g-other", "WEB")))
    with pytest.raises(DesiredError, match=r"Web is ambiguous.*g-Web, g-other"):
        resolve([want("Web")], state)


def test_an_application_that_exists_twice_is_refused_with_the_ids() -> None:
    state = tenant({}, applications={"Intranet": None})
    state = dataclasses.replace(state, applications=(*state.applications, Application("a-2", "app-2", "intranet")))
    with pytest.raises(DesiredError, match=r"Intranet is ambiguous.*a-2 \(application id app-2\), a-Intranet"):
        resolve([want("Web", [], ["Intranet"])], state)


def test_a_namesake_that_is_not_published_is_not_meant() -> None:
    state = tenant({}, applications={"Intranet": None})
    state = dataclasses.replace(state, applications=(*state.applications, Application("a-2", "app-2", "intranet", published=False)))
    (target,) = resolve([want("Web", [], ["Intranet"])], state).targets
    assert [one.id for one in target.applications] == ["a-Intranet"]


def test_unknown_and_unpublished_applications_are_refused_together() -> None:
    state = tenant({})
    state = dataclasses.replace(state, applications=(Application("a-1", "app-1", "Raw", published=False),))
    with pytest.raises(DesiredError) as caught:
        resolve([want("Web", [], ["Raw", "Gone"])], state)
    assert ["not published" in one for one in caught.value.reasons] == [True, False]
    assert "no application Gone" in caught.value.reasons[1]


@pytest.mark.parametrize(
    ("connectors", "chosen"),
    [
        ([("old", "inactive", "1.5.9"), ("new", "active", "1.5.1")], "new"),
        ([("a", "active", "1.5.99.0"), ("b", "active", "1.5.100.0")], "b"),
        ([("a", "inactive", "1.5.2"), ("b", "inactive", "1.5.1")], "a"),
    ],
)
def test_of_several_connectors_of_a_machine_the_newest_active_one_is_meant(connectors: list[tuple[str, str, str]], chosen: str) -> None:
    listed = tuple(Connector(one, "WEB1", status, version, group_id=DEFAULT.id) for one, status, version in connectors)
    resolution = resolve([want("Web", ["web1"])], TenantState((DEFAULT,), listed))
    assert [one.id for one in resolution.targets[0].found()] == [chosen]
    assert "1 more connector(s)" in resolution.warnings[0]


def test_an_id_decides_over_a_machine_name() -> None:
    state = tenant({}, default=["WEB1", "WEB2"])
    (target,) = resolve([want("Web", [DesiredConnector("C-WEB2", "WEB1"), DesiredConnector("c-gone", "WEB1")])], state).targets
    assert [one.id if one else None for _desired, one in target.connectors] == ["c-WEB2", None]


def test_one_connector_declared_under_two_names_is_refused() -> None:
    state = tenant({}, default=["WEB1"])
    with pytest.raises(DesiredError, match="WEB1 is declared twice: in A and in B"):
        resolve([want("A", ["WEB1"]), want("B", [DesiredConnector(id="c-WEB1")])], state)


def test_a_pending_connector_is_an_active_one_in_default() -> None:
    desired = [want("Web", [DesiredConnector(machine_name="WEB9", pending=True)])]
    state = with_pending(tenant({}), desired)
    (found,) = resolve(desired, state).targets[0].found()
    assert (found.active, found.group_id, is_new(found.id)) == (True, DEFAULT.id, True)


def test_a_pending_connector_of_an_empty_tenant_joins_the_default_to_come() -> None:
    desired = [want("Web", [DesiredConnector(machine_name="WEB9", pending=True)])]
    state = with_pending(TenantState(), desired)
    assert state.default_group is not None
    assert state.default_group.name == "Default"


@pytest.mark.parametrize(
    ("members", "meant"),
    [
        (["web-01.contoso.com", "WEB-01"], "WEB-01"),
        (["web-01.contoso.com", "WEB-01!"], "web-01.contoso.com"),
        (["web-01.contoso.com!"], "web-01.contoso.com"),
        (["web-01.contoso.com", "web-01.fabrikam.com"], None),
    ],
    ids=["named just so", "what serves", "the full name", "of two domains"],
)
def test_a_short_name_also_means_the_full_one_of_that_machine(members: list[str], meant: str | None) -> None:
    (target,) = resolve([want("Web", ["web-01"])], tenant({"Web": members})).targets
    assert [one.machine_name for one in target.found()] == ([meant] if meant else [])

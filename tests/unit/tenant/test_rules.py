# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the service, as tables; where they come from stands with the rules."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import ha, rules
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import read_groups
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import (
    Application,
    Connector,
    ConnectorGroup,
    TenantState,
    is_ours,
)
from tests.unit.tenant.builders import DEFAULT, tenant

GROUPS = {
    "nam": ConnectorGroup("nam", "NAM", "nam"),
    "eur": ConnectorGroup("eur", "EUR", "eur"),
    "asia": ConnectorGroup("asia", "ASIA", "asia"),
    "default": DEFAULT,
}


@pytest.mark.parametrize(
    ("source", "target", "region", "detour"),
    [
        ("eur", "asia", "asia", True),
        ("eur", "eur", "eur", False),
        ("eur", "nam", "nam", True),
        ("nam", "eur", "eur", False),  # out of a group of the default region
        ("default", "eur", "eur", False),
        ("eur", DEFAULT.id, "nam", False),
    ],
)
def test_a_connector_moves_between_regions_only_through_default(source: str, target: str, region: str, detour: bool) -> None:
    assert rules.needs_detour(GROUPS[source], target, region, DEFAULT) is detour


def test_an_unknown_region_is_sent_with_a_warning() -> None:
    assert rules.region_warning("JAPAN") == ""
    assert rules.region_warning(None) == ""
    assert "region mars is none of those known so far" in rules.region_warning("mars")


def test_an_unknown_status_counts_as_not_active() -> None:
    strange = Connector("c", "WEB1", status="updating")
    assert not strange.active
    assert "unknown status 'updating'" in rules.status_warning(strange)
    assert rules.status_warning(Connector("c", "WEB1", status="Inactive")) == ""


@pytest.mark.parametrize("kind", [None, "applicationProxy", "APPLICATIONPROXY"])
def test_groups_of_application_proxy_are_ours(kind: str | None) -> None:
    assert is_ours({"connectorGroupType": kind})


@pytest.mark.parametrize("kind", ["syncFabric", "unknownFutureValue"])
def test_groups_of_any_other_type_are_not_ours(kind: str) -> None:
    assert not is_ours({"connectorGroupType": kind})


def test_what_only_the_service_sets_says_nothing_in_a_declaration() -> None:
    member = {"id": "c-1", "machine_name": "WEB1", "status": "inactive", "version": "1.5", "external_ip": None, "active": False}
    (group,) = read_groups([{"name": "Web", "connectors": [member]}])
    assert group.connectors is not None
    assert (group.connectors[0].id, group.connectors[0].machine_name) == ("c-1", "WEB1")


@pytest.mark.parametrize(
    ("members", "applications", "warned"),
    [
        (["D1"], {"Intranet": "Default"}, True),
        (["D1!"], {"Intranet": "Default"}, False),
        ([], {"Intranet": "Default"}, False),
        (["D1"], {}, False),
    ],
)
def test_connectors_in_a_default_that_is_in_use_deserve_a_warning(
    members: list[str], applications: dict[str, str | None], warned: bool
) -> None:
    state = tenant({}, default=members, applications=applications)
    state = dataclasses.replace(state, applications=tuple(_in_default(state)))
    assert bool(rules.default_in_use_warning(state)) is warned
    if warned:
        assert "Every new connector joins Default and serves them at once" in rules.default_in_use_warning(state)


def _in_default(state: TenantState) -> list[Application]:
    return [dataclasses.replace(one, group_id=DEFAULT.id) for one in state.applications]


def test_the_newest_active_connector_of_a_machine_is_the_one_in_use() -> None:
    connectors = [
        Connector("a", "WEB1", "inactive", "1.5.4000.0"),
        Connector("b", "web1", "active", "1.5.1000.0"),
        Connector("c", "WEB1", "active", "1.5.900.0"),
        Connector("d", "WEB2", "active", "1.5.1.0"),
    ]
    assert {name: [one.id for one in same] for name, same in rules.stale_connectors(connectors).items()} == {"web1": ["b", "c", "a"]}


@pytest.mark.parametrize(
    ("zones", "shared"),
    [
        (["east", "east"], "east"),
        (["East", "EAST"], "East"),
        (["east", "west"], None),
        (["east", None], None),
        ([None, None], None),
        (["east"], None),
        ([], None),
    ],
)
def test_members_share_a_zone_only_if_that_is_known_of_each(zones: list[str | None], shared: str | None) -> None:
    assert ha.shared_zone(zones) == shared

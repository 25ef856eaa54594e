# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a tenant to inventory data, and the copy of a tenant that a cache keeps."""

from __future__ import annotations

import dataclasses
import datetime
import json
import typing as t

import pytest
import yaml
from ansible.plugins.inventory import to_safe_group_name
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.inventory import connectors as plugin
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import options
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.connection import Connection
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import DesiredError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.inventory import (
    GROUPINGS,
    GroupNames,
    Machine,
    Selection,
    machines_of,
    select,
    variables_of,
    warnings_of,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.snapshot import FORMAT, Snapshot, from_data, tenant_key, to_data
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import Connector, ConnectorGroup, TenantState
from ansible_collections.entra.app_proxy.plugins.plugin_utils.connector_inventory import TEMPLATED
from tests.unit.tenant.builders import DEFAULT, connector, tenant
from tests.unit.tenant.strategies import tenants

NOW = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.timezone.utc)
FLEET = tenant(
    {"NAM Web": ["W1", "W2!"], "EUR Web": ["E1"]},
    default=["D1"],
    applications={"Intranet": "NAM Web", "Payroll": None},
    regions={"EUR Web": "eur"},
)


def safe(name: str) -> str:
    return t.cast(str, to_safe_group_name(name))


def chosen(selection: Selection, state: TenantState = FLEET) -> list[str]:
    return [one.name for one in select(machines_of(state), selection, state)]


@pytest.mark.parametrize(
    ("registered", "used"),
    [
        ([("c1", "inactive", "1.5.9"), ("c2", "active", "1.5.1")], "c2"),  # active before newer
        ([("c1", "active", "1.5.9"), ("c2", "active", "1.5.10")], "c2"),  # a version is no text
        ([("c1", "inactive", "1.5.9"), ("c2", "inactive", "1.6")], "c2"),
        ([("c1", "updating", "1.6"), ("c2", "active", "1.5")], "c2"),
    ],
)
def test_of_several_connectors_of_a_machine_the_newest_active_one_is_used(registered: list[tuple[str, str, str]], used: str) -> None:
    state = TenantState((DEFAULT,), tuple(Connector(one, "Web1", status, version) for one, status, version in registered))
    (machine,) = machines_of(state)
    assert machine.connector.id == used
    assert {one.id for one in machine.others} == {one for one, _status, _version in registered} - {used}
    assert f"{used} is used" in warnings_of([machine])[0]


def test_a_machine_is_one_whatever_its_case_and_nameless_connectors_are_apart() -> None:
    state = TenantState((DEFAULT,), (Connector("a", "WEB1"), Connector("b", "web1"), Connector("c", ""), Connector("d", "")))
    assert [(one.name, len(one.others)) for one in machines_of(state)] == [("c", 0), ("d", 0), ("web1", 1)]


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (Selection(), ["D1", "E1", "W1", "W2"]),
        (Selection(include_inactive=False), ["D1", "E1", "W1"]),
        (Selection(groups=["nam web", "default"]), ["D1", "W1", "W2"]),
        (Selection(groups=["G-EUR WEB"]), ["E1"]),  # by id
        (Selection(regions=["EUR"]), ["E1"]),
        (Selection(groups=["NAM Web"], regions=["eur"]), []),
        (Selection(groups=["NAM Web"], regions=["nam"], include_inactive=False), ["W1"]),
    ],
)
def test_a_selection(selection: Selection, names: list[str]) -> None:
    assert chosen(selection) == names


def test_a_connector_left_behind_puts_its_machine_into_no_group() -> None:
    state = dataclasses.replace(FLEET, connectors=(connector("W1", "g-EUR Web"), Connector("old", "W1", "inactive", group_id="g-NAM Web")))
    assert chosen(Selection(groups=["NAM Web"]), state) == []
    assert chosen(Selection(groups=["EUR Web"]), state) == ["W1"]


def test_what_the_tenant_does_not_have_is_an_error_that_names_all_of_it() -> None:
    with pytest.raises(DesiredError) as caught:
        chosen(Selection(groups=["NAM Web", "NAM Wep"], regions=["nan"]))
    assert caught.value.reasons == [
        "connector_groups: the tenant has no connector group NAM Wep",
        "regions: the tenant has no connector group of region nan, only of eur, nam",
    ]


def test_the_variables_of_a_host() -> None:
    machine = machines_of(FLEET)[2]
    variables = variables_of(machine, FLEET, applications=True)
    assert variables == {
        "tenant_connector_id": "c-W1",
        "tenant_connector_machine_name": "W1",
        "tenant_connector_status": "active",
        "tenant_connector_active": True,
        "tenant_connector_version": "1.5.4892.0",
        "tenant_connector_external_ip": None,
        "tenant_connector_group": "NAM Web",
        "tenant_connector_group_id": "g-NAM Web",
        "tenant_connector_group_is_default": False,
        "tenant_connector_region": "nam",
        "tenant_connector_others": [],
        "tenant_connector_applications": ["Intranet"],
    }
    text = "".join(yaml.safe_load(plugin.DOCUMENTATION)["description"])
    assert [name for name in variables if f"C({name})" not in text] == []
    # What was not read is not known, and so not set.
    assert set(variables) - set(variables_of(machine, FLEET, applications=False)) == {"tenant_connector_applications"}


def test_a_connector_group_is_below_its_region() -> None:
    names = GroupNames(FLEET.groups, "tenant_", safe)
    machine = machines_of(FLEET)[1]
    inner = ["tenant_region_eur", "tenant_group_eur_web"]
    assert names.everything == "tenant_connectors"
    assert names.of(machine, GROUPINGS) == [inner, ["tenant_status_active"], ["tenant_version_1_5_4892_0"]]
    assert names.of(machine, ["group"]) == [["tenant_group_eur_web"]]
    assert names.of(machine, []) == []


def test_what_is_not_known_makes_no_group() -> None:
    names = GroupNames((), "tenant_", safe)
    assert names.of(Machine(Connector("c", "W1", status="", version=""), None), GROUPINGS) == []
    assert names.of(Machine(Connector("c", "W1", status="", version=""), ConnectorGroup("g", "G")), GROUPINGS) == [["tenant_group_g"]]


def test_connector_groups_that_would_be_one_inventory_group_are_told_apart() -> None:
    groups = [ConnectorGroup("g-1", "NAM Web"), ConnectorGroup("g-2", "NAM-Web"), ConnectorGroup("g-3", "HR")]
    names = GroupNames(groups, "", safe)
    assert [names.of(Machine(Connector("c", "W1"), one), ["group"]) for one in groups] == [
        [["group_nam_web_g_1"]],
        [["group_nam_web_g_2"]],
        [["group_hr"]],
    ]
    assert names.warnings() == ["connector groups 'NAM Web' and 'NAM-Web' would both be inventory group group_nam_web: their ids are added"]


@given(tenants(), st.booleans())
def test_every_machine_is_there_once_and_in_the_groups_of_its_connector(state: TenantState, include_inactive: bool) -> None:
    machines = select(machines_of(state), Selection(include_inactive), state)
    names = GroupNames(state.groups, "tenant_", safe)
    wanted = {one.machine_name for one in state.connectors if include_inactive or one.active}
    assert [one.name for one in machines] == sorted(wanted)
    for one in machines:
        variables = variables_of(one, state, applications=True)
        group = state.group(one.connector.group_id)
        assert group is not None
        assert variables["tenant_connector_group"] == group.name
        (place, *_rest) = names.of(one, GROUPINGS)
        assert place == [safe(f"tenant_region_{group.region}"), safe(f"tenant_group_{group.name.lower()}")]


@given(tenants(), st.booleans())
def test_a_copy_survives_being_kept(state: TenantState, applications: bool) -> None:
    kept = from_data(json.loads(json.dumps(to_data(Snapshot("t@g", applications, NOW, state)))))
    assert kept is not None
    assert (kept.tenant, kept.applications, kept.taken) == ("t@g", applications, NOW)
    assert (kept.state.groups, kept.state.connectors, kept.state.applications) == (state.groups, state.connectors, state.applications)


GOOD = to_data(Snapshot("t@g", False, NOW, FLEET))


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "text",
        {},
        {**GOOD, "format": FORMAT + 1},
        {**GOOD, "taken": "yesterday"},
        {**GOOD, "connectors": [{"id": "c"}]},
        {**GOOD, "connectors": None},
        {**GOOD, "groups": [{"id": "g", "name": "G", "unknown": 1}]},
        {name: value for name, value in GOOD.items() if name != "tenant"},
    ],
)
def test_what_is_no_copy_of_a_tenant_is_not_taken_for_one(data: t.Any) -> None:
    assert from_data(data) is None


@pytest.mark.parametrize(
    ("has_applications", "tenant_asked", "wants_applications", "serves"),
    [(False, "a", False, True), (False, "a", True, False), (True, "a", False, True), (True, "b", False, False)],
)
def test_a_copy_serves_only_what_it_holds(has_applications: bool, tenant_asked: str, wants_applications: bool, serves: bool) -> None:
    assert Snapshot("a", has_applications, NOW, FLEET).serves(tenant_asked, wants_applications) is serves


def test_tenants_are_told_apart_by_their_id_and_their_cloud() -> None:
    connections = [Connection(tenant_id="A"), Connection(tenant_id="b"), Connection(), Connection(tenant_id="a", cloud="china")]
    assert len({tenant_key(one) for one in connections}) == len(connections)
    assert tenant_key(Connection(tenant_id="A")) == tenant_key(Connection(tenant_id="a", client_secret="s"))


def test_templates_are_the_texts_among_the_connection_options() -> None:
    texts = [field.option for field in options.CONNECTION if field.type in ("str", "path") and not field.choices]
    assert list(TEMPLATED) == texts
    note = yaml.safe_load(plugin.DOCUMENTATION)["notes"][0]
    assert [name for name in TEMPLATED if f"O({name})" not in note] == []


def test_the_documented_groupings_are_those_there_are() -> None:
    assert tuple(yaml.safe_load(plugin.DOCUMENTATION)["options"]["group_by"]["choices"]) == GROUPINGS

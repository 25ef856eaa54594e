# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The declared fleet: what is read from an inventory, and every mistake in it."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ansible_collections.entra.app_proxy.plugins.module_utils.fleet import fleet, model, schema
from tests.unit.fleet.declarations import read, tree

WEB = {"nam": {"nam_web": ["web-01", "web-02"]}}


def test_defaults_come_from_the_names_of_the_inventory() -> None:
    found = read(tree(WEB))

    assert found["errors"] == []
    assert found["warnings"] == []
    assert found["groups"] == [
        {
            "inventory_group": "nam_web",
            "name": "nam_web",
            "region": "nam",
            "min_connectors": 2,
            "applications": [],
            "hosts": [
                {"name": "web-01", "machine_name": "WEB-01", "zone": None},
                {"name": "web-02", "machine_name": "WEB-02", "zone": None},
            ],
        }
    ]


def test_variables_win_over_the_names() -> None:
    own = {
        "connector_group_name": "NAM Web",
        "connector_group_region": "eur",
        "connector_group_min_connectors": "2",
        "connector_group_applications": ["Intranet"],
    }
    found = read(tree(WEB, nam_web=own), web_01={"connector_machine_name": "SRV1", "connector_zone": 1})
    (group,) = found["groups"]

    assert found["errors"] == []
    assert (group["name"], group["region"], group["min_connectors"], group["applications"]) == ("NAM Web", "eur", 2, ["Intranet"])
    assert group["hosts"][0] == {"name": "web-01", "machine_name": "SRV1", "zone": "1"}
    assert found["summary"] == ["NAM Web (eur): web-01, web-02; applications: Intranet"]


def test_a_region_group_may_have_a_name_of_its_own() -> None:
    nodes = tree({"americas": {"web": ["a", "b"]}}, americas={"connector_region": "nam"})
    assert read(nodes)["groups"][0]["region"] == "nam"


def test_hosts_of_groups_below_a_connector_group_belong_to_it() -> None:
    nodes = tree({"nam": {"web": []}})
    nodes["web"]["children"] = ["dc1", "dc2"]
    for name, host in (("dc1", "a"), ("dc2", "b")):
        nodes[name] = {"children": [], "parents": ["web"], "hosts": [host], "vars": {"connector_zone": name}}
    found = read(nodes)

    assert found["errors"] == found["warnings"] == []
    assert [(host["name"], host["zone"]) for host in found["groups"][0]["hosts"]] == [("a", "dc1"), ("b", "dc2")]


def test_a_host_that_told_its_name_is_known_by_it() -> None:
    found = read(tree(WEB), web_01={"connector_member": {"machine_name": "REAL", "id": None}, "connector_machine_name": "SRV1"})

    assert found["groups"][0]["hosts"][0]["machine_name"] == "REAL"
    assert found["warnings"] == ["host 'web-01': connector_machine_name is 'SRV1', but the server calls itself 'REAL'"]


def one(nodes: t.Mapping[str, model.Node], **host_values: t.Mapping[str, t.Any]) -> str:
    """The only mistake of a fleet."""
    (error,) = read(nodes, **host_values)["errors"]
    return error


def test_too_few_hosts() -> None:
    nodes = tree({"nam": {"nam_web": ["web-01"]}})
    assert one(nodes) == "inventory group 'nam_web' has 1 host (web-01), and 2 are needed: add 1 host, or remove the group"


def test_too_few_hosts_for_a_minimum_of_its_own() -> None:
    error = one(tree(WEB, nam_web={"connector_group_min_connectors": 4}))
    assert error.startswith("inventory group 'nam_web' has 2 hosts (web-01, web-02), and 4 are needed: add 2 hosts, lower")


def test_a_group_without_hosts_is_read_from_its_own_variables() -> None:
    found = read(tree({"nam": {"nam_web": []}}, nam_web={"connector_group_name": "NAM Web"}))
    assert found["groups"][0]["name"] == "NAM Web"
    assert found["errors"] == ["inventory group 'nam_web' has 0 hosts, and 2 are needed: add 2 hosts, or remove the group"]


def test_a_host_in_two_groups() -> None:
    error = one(tree({"nam": {"web": ["a", "b", "c"], "hr": ["b", "c", "d"][1:]}}))
    assert error == "host 'c' is in the connector groups 'web' and 'hr'; a connector is always in exactly one group: leave it in one"


def test_a_group_in_two_regions() -> None:
    error = one(tree({"nam": {"web": ["a", "b"]}, "eur": {"web": ["a", "b"]}}))
    assert error.startswith("inventory group 'web' stands under the region groups 'nam' and 'eur';")


@pytest.mark.parametrize("parent", ["connectors", "nam"])
def test_a_host_in_no_connector_group(parent: str) -> None:
    nodes = tree(WEB)
    nodes[parent]["hosts"].append("stray")
    assert one(nodes).startswith(f"host 'stray' is in inventory group '{parent}' but in no connector group: move it into a group below")


def test_no_fleet_at_all() -> None:
    assert fleet.read({}, {})["errors"][0].startswith("inventory group 'connectors' does not exist; the fleet is declared as groups of")
    assert fleet.read(tree({}), {})["errors"][0].startswith("inventory group 'connectors' holds no connector group; ")


@pytest.mark.parametrize(
    ("variable", "value", "shown"),
    [
        ("connector_group_name", "", "''"),
        ("connector_group_name", None, "null"),
        ("connector_group_name", " NAM", "' NAM'"),
        ("connector_group_name", 7, "7"),
        ("connector_group_name", "Default", "'Default'"),
        ("connector_group_name", "DEFAULT", "'DEFAULT'"),
        ("connector_group_region", "", "''"),
        ("connector_group_region", ["nam"], "['nam']"),
        ("connector_group_min_connectors", "two", "'two'"),
        ("connector_group_min_connectors", 2.5, "2.5"),
        ("connector_group_min_connectors", True, "True"),
        ("connector_group_min_connectors", 1, "1"),
        ("connector_group_min_connectors", None, "null"),
        ("connector_group_applications", "Intranet", "'Intranet'"),
        ("connector_group_applications", None, "null"),
        ("connector_group_applications", ["Intranet", "Intranet"], "['Intranet', 'Intranet']"),
        ("connector_group_applications", [365], "365"),
        ("connector_group_applications", [""], "''"),
    ],
)
def test_a_value_that_cannot_be(variable: str, value: t.Any, shown: str) -> None:
    error = one(tree(WEB, nam_web={variable: value}))
    assert error.startswith("inventory group 'nam_web': ")
    assert f"{variable} is {shown}" in error
    assert "; it must be " in error


@pytest.mark.parametrize(("variable", "value"), [("connector_machine_name", ""), ("connector_machine_name", 5), ("connector_zone", ["x"])])
def test_a_value_of_a_host_that_cannot_be(variable: str, value: t.Any) -> None:
    assert one(tree(WEB), web_02={variable: value}).startswith(f"host 'web-02': {variable} is ")


def test_a_variable_that_cannot_be_templated() -> None:
    error = one(tree(WEB, nam_web={"connector_group_name": model.Unreadable("'site' is undefined")}))
    assert error == "inventory group 'nam_web': variable connector_group_name cannot be read: 'site' is undefined"


def test_a_group_variable_that_a_host_overrides() -> None:
    error = one(tree(WEB, nam_web={"connector_group_name": "NAM Web"}), web_02={"connector_group_name": "other"})
    assert error.startswith("inventory group 'nam_web': connector_group_name is not the same for hosts 'web-01' and 'web-02';")


@pytest.mark.parametrize(("other", "said"), [("nam web", "differs only in case ('NAM Web' and 'nam web')"), ("NAM Web", "is 'NAM Web'")])
def test_the_same_group_name_twice(other: str, said: str) -> None:
    nodes = tree(
        {"nam": {"web": ["a", "b"], "web2": ["c", "d"]}}, web={"connector_group_name": "NAM Web"}, web2={"connector_group_name": other}
    )
    assert one(nodes).startswith(f"inventory groups 'web' and 'web2': connector_group_name {said};")


def test_an_application_of_two_groups() -> None:
    nodes = tree(
        {"nam": {"web": ["a", "b"], "hr": ["c", "d"]}},
        web={"connector_group_applications": ["Intranet"]},
        hr={"connector_group_applications": ["intranet", "Payroll"]},
    )
    assert one(nodes).startswith("inventory groups 'web' and 'hr' both assign application 'Intranet';")


def test_the_same_computer_name_twice() -> None:
    error = one(tree({"nam": {"web": ["a.x.example", "A.y.example"]}}))
    assert error.startswith("hosts 'a.x.example' and 'A.y.example' have the same computer name 'A':")


@pytest.mark.parametrize("address", ["10.0.0.1", "fe80::1"])
def test_a_host_named_by_its_address(address: str) -> None:
    assert one(tree({"nam": {"web": [address, "b"]}})).startswith(f"host '{address}' is named by its address,")


def test_an_unknown_region_is_a_warning() -> None:
    found = read(tree({"mars": {"web": ["a", "b"]}}))
    assert found["errors"] == []
    assert found["warnings"][0].startswith("inventory group 'web': region 'mars' is not one of the known ones (nam, eur,")


def test_one_zone_is_a_warning() -> None:
    found = read(tree(WEB, nam_web={"connector_zone": "dc1"}))
    assert found["errors"] == []
    assert found["warnings"][0].startswith("inventory group 'nam_web': all 2 hosts are in zone 'dc1';")


def test_every_mistake_is_reported_at_once() -> None:
    nodes = tree(
        {"nam": {"web": ["a"], "hr": ["b", "c"]}, "eur": {"default": ["d", "e"]}},
        hr={"connector_group_name": "", "connector_group_applications": "Payroll"},
    )
    nodes["connectors"]["hosts"].append("stray")
    assert len(read(nodes)["errors"]) == 5


def test_desired_takes_what_the_servers_said() -> None:
    declared = read(tree(WEB, nam_web={"connector_group_applications": ["Intranet"]}))
    learnt = {"web-01": {"connector_member": {"machine_name": "REAL", "id": "1", "pending": False}}}

    assert fleet.desired(declared, learnt) == [
        {
            "name": "nam_web",
            "region": "nam",
            "min_connectors": 2,
            "applications": ["Intranet"],
            "connectors": [{"name": "web-01", "machine_name": "REAL", "id": "1"}, {"name": "web-02", "machine_name": "WEB-02"}],
        }
    ]


def test_desired_of_check_mode_is_pending() -> None:
    learnt = {"web-01": {"connector_member": {"machine_name": "WEB-01", "id": None, "pending": True}}}
    (group,) = fleet.desired(read(tree(WEB)), learnt)
    assert group["connectors"][0] == {"name": "web-01", "machine_name": "WEB-01", "pending": True}


@pytest.mark.parametrize(
    ("facts", "claims"),
    [
        ({}, [None, None]),
        ({"web-01": ""}, [None, fleet.NOT_ASKED]),
        ({"web-01": "", "web-02": ""}, [None, None]),
        ({"web-01": "ada"}, ["ada", fleet.NOT_ASKED]),
    ],
    ids=["no server was asked", "one was left out", "both are free", "one is claimed, one was left out"],
)
def test_a_server_that_was_left_out_may_be_another_runs(facts: dict[str, str], claims: list[str | None]) -> None:
    values = {host: {model.CLAIMED_BY: by} for host, by in facts.items()}
    (group,) = fleet.desired(read(tree(WEB)), values)
    assert [connector.get("claimed") for connector in group["connectors"]] == claims


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json.loads(schema.SCHEMA.read_text()))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 5) | st.floats(allow_nan=False) | st.sampled_from(["", " ", "a", "A", "Default", "nam"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(
    group=st.dictionaries(st.sampled_from(model.GROUP_VARIABLES), VALUES),
    host=st.dictionaries(st.sampled_from((model.MACHINE_NAME, model.ZONE, model.MEMBER)), VALUES),
)
def test_no_value_breaks_the_reading(group: dict[str, t.Any], host: dict[str, t.Any]) -> None:
    found = read(tree(WEB, nam_web=group), web_01=host)
    assert found["errors"] or schema.violations({"groups": found["groups"]}) == []


@given(
    groups=st.dictionaries(st.sampled_from("pqrs"), st.lists(st.sampled_from("abcdef"), unique=True, max_size=4), min_size=1, max_size=4)
)
def test_a_fleet_without_mistakes_keeps_the_rule(groups: dict[str, list[str]]) -> None:
    found = read(tree({"nam": groups}))
    hosts = [host for members in groups.values() for host in members]
    sound = all(len(members) >= 2 for members in groups.values()) and len(hosts) == len(set(hosts))
    assert (found["errors"] == []) == sound

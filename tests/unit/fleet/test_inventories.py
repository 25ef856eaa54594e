# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters over real inventories, through the installed ansible-core."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from ansible_collections.entra.app_proxy.plugins.filter.fleet import fleet
from ansible_collections.entra.app_proxy.plugins.filter.fleet_desired import fleet_desired
from ansible_collections.entra.app_proxy.plugins.filter.ha_verdict import ha_verdict
from ansible_collections.entra.app_proxy.plugins.plugin_utils import inventory_tree

INVENTORIES = pathlib.Path(__file__).resolve().parents[3] / "playbooks" / "inventory"

INVENTORY = """
connectors:
  children:
    nam:
      vars: {site: NAM}
      children:
        nam_web:
          hosts: {web-01: , web-02: }
          vars:
            connector_group_name: "{{ site }} Web"
            connector_group_applications: ["{{ site | lower }}-intranet"]
"""


@pytest.fixture
def hostvars(tmp_path: pathlib.Path) -> t.Callable[[str], HostVars]:
    def load(text: str, suffix: str = "yml") -> HostVars:
        path = tmp_path / f"hosts.{suffix}"
        path.write_text(text)
        return hostvars_of(path)

    return load


def hostvars_of(path: pathlib.Path) -> HostVars:
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(path)])
    return HostVars(inventory, VariableManager(loader=loader, inventory=inventory), loader)


def test_templates_are_resolved(hostvars: t.Callable[[str], HostVars]) -> None:
    found = fleet(hostvars(INVENTORY))
    assert found["errors"] == []
    assert found["summary"] == ["NAM Web (nam): web-01, web-02; applications: nam-intranet"]


def test_a_template_that_cannot_be_resolved_is_a_mistake(hostvars: t.Callable[[str], HostVars]) -> None:
    found = fleet(hostvars(INVENTORY.replace("site }}", "nowhere }}")))
    (error,) = (error for error in found["errors"] if "cannot be read" in error)
    assert error.startswith("inventory group 'nam_web': variable connector_group_name cannot be read:")
    assert "nowhere" in error


def test_ini_inventories_know_only_text(hostvars: t.Callable[[str, str], HostVars]) -> None:
    text = "[connectors:children]\nnam\n[nam:children]\nweb\n[web]\na\nb\nc\n[web:vars]\nconnector_group_min_connectors=3\n"
    found = fleet(hostvars(text, "ini"))
    assert found["errors"] == []
    assert found["groups"][0]["min_connectors"] == 3


def test_values_are_plain(hostvars: t.Callable[[str], HostVars]) -> None:
    (group,) = fleet(hostvars(INVENTORY))["groups"]
    values = [group["name"], *group["applications"], group["hosts"][0]["name"]]
    assert {value.__class__ for value in values} == {str}


def test_another_root(hostvars: t.Callable[[str], HostVars]) -> None:
    assert fleet(hostvars(INVENTORY), root="elsewhere")["errors"][0].startswith("inventory group 'elsewhere' does not exist")


def test_desired_of_an_inventory(hostvars: t.Callable[[str], HostVars]) -> None:
    variables = hostvars(INVENTORY)
    (group,) = fleet_desired(fleet(variables), variables)
    assert [connector["machine_name"] for connector in group["connectors"]] == ["WEB-01", "WEB-02"]


@pytest.mark.parametrize("value", [{}, {"web-01": {}}, "text", None])
def test_something_else_than_hostvars_is_refused(value: t.Any) -> None:
    with pytest.raises(AnsibleError, match="needs Ansible's own variable hostvars"):
        inventory_tree.tree(value)


def test_the_verdict_names_who_is_missing(hostvars: t.Callable[[str], HostVars]) -> None:
    member = {"id": "1", "machine_name": "WEB-01", "status": "active", "version": "1.5.4892.0"}
    found = [{"name": "NAM Web", "region": "nam", "members": [member]}]
    verdict = ha_verdict(found, fleet(hostvars(INVENTORY)))

    assert verdict["ok"] is False
    assert verdict["rows"][0]["missing"] == ["web-02"]
    assert len(verdict["table"]) == 2
    assert "NAM Web" in verdict["failures"][0]


@pytest.mark.parametrize(("groups", "declared"), [("text", {"groups": []}), ([], "text"), ([], {})])
def test_a_verdict_over_something_else_is_refused(groups: t.Any, declared: t.Any) -> None:
    with pytest.raises(AnsibleError, match="ha_verdict needs"):
        ha_verdict(groups, declared)


def test_the_example_is_sound() -> None:
    found = fleet(hostvars_of(INVENTORIES / "example"))
    assert found["errors"] == found["warnings"] == []
    assert [group["name"] for group in found["groups"]] == ["NAM Web", "NAM HR", "EUR Web"]


def test_each_group_of_the_example_has_a_server_to_spare_so_that_it_can_be_patched() -> None:
    groups = fleet(hostvars_of(INVENTORIES / "example"))["groups"]
    assert [group["name"] for group in groups if len(group["hosts"]) <= group["min_connectors"]] == []

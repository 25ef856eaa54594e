# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guides of the documentation site hold: every page is in the contents, every YAML block is what it looks like, and runs."""

from __future__ import annotations

import pathlib
import re
import textwrap
import typing as t

import pytest
import yaml

from tests.docs.variables import environment, fill_tenant, variables
from tests.support.lab_process import ROOT, Lab
from tests.support.playbook import Ansible, Listing

FOLDER = ROOT / "docs" / "docsite"
PAGES = sorted(FOLDER.glob("rst/*.rst"))
CODE = re.compile(r"^\.\. code-block:: yaml\n\n((?:    .*\n|\n)+)", re.MULTILINE)
FILE = "guide.app_proxy_connectors.yml"

Block = t.Any


def _blocks(page: pathlib.Path) -> list[Block]:
    return [yaml.safe_load(textwrap.dedent(block)) for block in CODE.findall(page.read_text())]


def _is_inventory_plugin(block: Block) -> bool:
    return isinstance(block, dict) and "plugin" in block


def _is_playbook(block: Block) -> bool:
    return isinstance(block, list) and "hosts" in block[0]


def _is_tasks(block: Block) -> bool:
    return isinstance(block, list) and any(key.startswith("entra.app_proxy.") for key in block[0])


def _with(kind: t.Callable[[Block], bool]) -> list[pathlib.Path]:
    return [page for page in PAGES if any(kind(block) for block in _blocks(page))]


def _title(page: pathlib.Path) -> str:
    return page.stem


@pytest.fixture
def tenant(lab: Lab) -> Lab:
    """A tenant with an active connector of every server, and one that no inventory declares."""
    fill_tenant(lab)
    lab.post("/connectors", {"machine_name": "STRAY-01"})
    lab.patch("/tenant", {"app_only": True})
    return lab


def _surroundings(lab: Lab, ansible: Ansible) -> dict[str, str]:
    # A folder of the test in place of the user's own.
    return {**environment(lab), "GRAPH_TOKEN": lab.token("graph"), "HOME": str(ansible.home)}


def test_every_guide_is_in_the_contents() -> None:
    listed = [page for section in yaml.safe_load((FOLDER / "extra-docs.yml").read_text())["sections"] for page in section["toctree"]]
    assert sorted(listed) == [page.stem for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=_title)
def test_yaml_can_be_read(page: pathlib.Path) -> None:
    assert all(isinstance(block, (dict, list)) for block in _blocks(page))


@pytest.mark.parametrize("page", _with(_is_inventory_plugin), ids=_title)
def test_inventories_list_hosts(page: pathlib.Path, ansible: Ansible, tenant: Lab) -> None:
    for block in filter(_is_inventory_plugin, _blocks(page)):
        run = ansible.list_inventory(ansible.source(FILE, block), environment=_surroundings(tenant, ansible)).succeeded()
        assert len(Listing.of(run).variables) == len(tenant.get("/tenant")["connectors"])


@pytest.mark.parametrize("page", _with(_is_playbook), ids=_title)
def test_playbooks_run(page: pathlib.Path, ansible: Ansible, tenant: Lab) -> None:
    """With the lab's inventory, and the first one of the plugin that the page shows."""
    plugin = next(filter(_is_inventory_plugin, _blocks(page)), None)
    arguments = ["-i", str(ansible.source(FILE, plugin))] if plugin else []
    for block in filter(_is_playbook, _blocks(page)):
        run = ansible.playbook(block, *arguments, variables=variables(tenant), environment=_surroundings(tenant, ansible)).succeeded()
        assert run.recap


@pytest.mark.parametrize("page", _with(_is_tasks), ids=_title)
def test_tasks_run(page: pathlib.Path, ansible: Ansible, tenant: Lab) -> None:
    """One after the other on one tenant, in the order of the page."""
    for block in filter(_is_tasks, _blocks(page)):
        play = {"hosts": "localhost", "gather_facts": False, "tasks": block}
        ansible.playbook([play], variables=variables(tenant), environment=_surroundings(tenant, ansible)).succeeded()

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the pages for people say holds: their links lead somewhere, their YAML can be read, their playbooks run."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
import yaml

from tests.docs.variables import fill_tenant
from tests.support.lab_process import ROOT, Lab
from tests.support.playbook import Ansible

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("roles/*/README.md")])
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
CODE = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _blocks(page: pathlib.Path) -> list[t.Any]:
    return [yaml.safe_load(block) for block in CODE.findall(page.read_text())]


def _is_playbook(block: t.Any) -> bool:
    return isinstance(block, list) and all("hosts" in play or "ansible.builtin.import_playbook" in play for play in block)


def _title(page: pathlib.Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=_title)
def test_links_to_files_lead_somewhere(page: pathlib.Path) -> None:
    targets = [target for target in LINK.findall(page.read_text()) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=_title)
def test_yaml_can_be_read(page: pathlib.Path) -> None:
    assert all(block is not None for block in _blocks(page))


@pytest.mark.parametrize("page", [page for page in PAGES if any(_is_playbook(block) for block in _blocks(page))], ids=_title)
def test_playbooks_run_on_the_lab(page: pathlib.Path, ansible: Ansible, lab: Lab) -> None:
    """One after the other, on one lab: a page that shows several shows them in the order in which a user needs them."""
    if page.parent.name == "connector_groups":
        fill_tenant(lab)
    for block in filter(_is_playbook, _blocks(page)):
        # In place of the tenant that the page invents. The rest comes from the lab's inventory, as it would from a user's.
        ansible.playbook(block, variables={"app_proxy_tenant_id": lab.state["tenant_id"]}).succeeded()

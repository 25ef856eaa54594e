# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guides of the documentation site hold: each is in the contents, its YAML runs, and what it shows of an output is what comes out."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import textwrap
import typing as t

import pytest
import yaml

from tests.docs.shown import lacking
from tests.docs.variables import environment, fill_tenant, variables
from tests.support.lab_process import ROOT, Lab
from tests.support.playbook import Ansible, Listing

FOLDER = ROOT / "docs" / "docsite"
PAGES = sorted(FOLDER.glob("rst/*.rst"))
CODE = re.compile(r"^\.\. code-block:: (yaml|text)\n\n((?:    .*\n|\n)+)", re.MULTILINE)
FILE = "guide.app_proxy_connectors.yml"
REFUSED = "fatal: "
"""How an output begins where a page shows what is refused."""


@dataclasses.dataclass(frozen=True)
class Block:
    """A block of YAML, and the output that the page shows after it; in place of what it leaves out are three dots."""

    content: t.Any
    output: str = ""

    @property
    def is_inventory_plugin(self) -> bool:
        return isinstance(self.content, dict) and "plugin" in self.content

    @property
    def is_playbook(self) -> bool:
        return isinstance(self.content, list) and "hosts" in self.content[0]

    @property
    def is_tasks(self) -> bool:
        return isinstance(self.content, list) and any(key.startswith("entra.app_proxy.") for key in self.content[0])

    @property
    def runs(self) -> bool:
        return self.is_inventory_plugin or self.is_playbook or self.is_tasks

    @property
    def plays(self) -> list[dict[str, t.Any]]:
        return self.content if self.is_playbook else [{"hosts": "localhost", "gather_facts": False, "tasks": self.content}]


def _blocks(page: pathlib.Path) -> list[Block]:
    blocks: list[Block] = []
    for language, indented in CODE.findall(page.read_text()):
        text = textwrap.dedent(indented)
        if language == "yaml":
            blocks.append(Block(yaml.safe_load(text)))
        elif blocks and not blocks[-1].output:
            blocks[-1] = Block(blocks[-1].content, text)
    return blocks


def _title(page: pathlib.Path) -> str:
    return page.stem


def test_every_guide_is_in_the_contents() -> None:
    listed = [page for section in yaml.safe_load((FOLDER / "extra-docs.yml").read_text())["sections"] for page in section["toctree"]]
    assert sorted(listed) == [page.stem for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=_title)
def test_yaml_can_be_read(page: pathlib.Path) -> None:
    assert all(isinstance(block.content, (dict, list)) for block in _blocks(page))


@pytest.mark.parametrize("page", [page for page in PAGES if any(block.runs for block in _blocks(page))], ids=_title)
def test_what_is_shown_runs(page: pathlib.Path, ansible: Ansible, lab: Lab) -> None:
    """One after the other on one tenant, which has a connector of every server, and one that no inventory declares."""
    fill_tenant(lab)
    lab.post("/connectors", {"machine_name": "STRAY-01"})
    # A folder of the test in place of the user's own.
    surroundings = {**environment(lab), "GRAPH_TOKEN": lab.token("graph"), "HOME": str(ansible.home)}
    sources: list[str] = []
    for block in (block for block in _blocks(page) if block.runs):
        if block.is_inventory_plugin:
            source = ansible.source(f"{len(sources)}.{FILE}", block.content)
            listing = Listing.of(ansible.list_inventory(source, environment=surroundings).succeeded())
            assert len(listing.variables) == len(lab.get("/tenant")["connectors"])
            sources = sources or ["-i", str(source)]
            continue
        run = ansible.playbook(block.plays, *sources, variables=variables(lab), environment=surroundings)
        assert bool(run.rc) == block.output.startswith(REFUSED), run.output
        assert lacking(block.output, run.output) == [], run.output

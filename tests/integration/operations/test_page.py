# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/operations.md: the commands that it shows are run, word for word, and print what it shows."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import shlex

import pytest

from tests.docs.shown import lacking
from tests.integration.operations.conftest import FAST, NEW, WEB, Operations
from tests.support.lab_process import ROOT

TEXT = (ROOT / "docs" / "operations.md").read_text()
BLOCK = re.compile(r"^```(console|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PLAYBOOK = "entra.app_proxy."
FLEET = {"NAM Web": WEB, "NAM HR": ("nam-hr-02", "eur-web-01")}
"""As the page has it: one group has a server to spare, the other has not."""
BEFORE = {"NAM Web": WEB[:2], "NAM HR": ("nam-hr-01", "nam-hr-02")}
EXCHANGED = {"NAM Web": ("nam-web-01", "nam-hr-02"), "NAM HR": ("nam-hr-01", "nam-web-02")}


@dataclasses.dataclass(frozen=True)
class Shown:
    """An output of the page, and the last command before it."""

    command: str
    output: str

    def playbook(self) -> str:
        return next(word for word in shlex.split(self.command) if word.startswith(PLAYBOOK)).removeprefix(PLAYBOOK)

    def arguments(self, directory: pathlib.Path) -> list[str]:
        words = shlex.split(self.command.replace("$PWD", str(directory)))
        return words[words.index(PLAYBOOK + self.playbook()) + 1 :]


def _sections() -> dict[str, list[Shown]]:
    """By heading; of the page's sections those that show an output."""
    found = {}
    for section in TEXT.split("\n## ")[1:]:
        command, shown = "", []
        for kind, content in BLOCK.findall(section):
            if kind == "text":
                shown.append(Shown(command, content))
            else:
                command = content.splitlines()[-1].removeprefix("$ ")
        if shown:
            found[section.splitlines()[0]] = shown
    return found


SECTIONS = _sections()


def test_the_page_shows_outputs_of_each_playbook() -> None:
    shown = {one.playbook() for section in SECTIONS.values() for one in section}
    assert shown == {f"{verb}_connectors" for verb in ("deploy", "verify", "upgrade", "move", "decommission")}


@pytest.mark.parametrize("title", SECTIONS)
def test_what_the_page_shows_is_what_its_commands_print(title: str, operations: Operations) -> None:
    operations.fleet(BEFORE if title.startswith("Moving") else FLEET, connector_version=NEW)
    if title.startswith("Moving"):
        operations.declare(EXCHANGED, connector_version=NEW)
    given = {**FAST, "decommission_drain_seconds": 0, "verify_result_file": str(operations.directory / "verify_connectors.json")}
    for one in SECTIONS[title]:
        run = operations.run(one.playbook(), *one.arguments(operations.directory), **given)
        assert lacking(one.output, run.output) == [], run.output

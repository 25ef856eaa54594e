# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the main playbook share: how to run it, and how to read back what it did."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest
import yaml

from tests.support.lab_process import ROOT, Lab
from tests.support.playbook import Ansible, Run

PLAYBOOK = ROOT / "playbooks" / "deploy_connectors.yml"
Tree = t.Mapping[str, t.Mapping[str, t.Mapping[str, t.Any]]]


@dataclasses.dataclass
class Deployment:
    """The main playbook on one lab, and the lab's own view of what came of it."""

    lab: Lab
    ansible: Ansible
    directory: pathlib.Path

    def run(self, *arguments: str, inventory: pathlib.Path | None = None, **options: t.Any) -> Run:
        return self.ansible.playbook(PLAYBOOK, *arguments, inventory=inventory, **options)

    def inventory(self, regions: Tree) -> pathlib.Path:
        """A fleet of its own with the lab's group variables: region -> inventory group -> group of an inventory."""
        path = self.ansible.lab_inventory(self.directory / "inventory")
        children = {region: {"children": dict(groups)} for region, groups in regions.items()}
        (path / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": {"connectors": {"children": children}}}}))
        return path

    def since(self, seq: int, *kinds: str) -> list[dict[str, t.Any]]:
        """The journal entries of these kinds after number C(seq); the admin API's own are not among them."""
        return [entry for entry in self.lab.journal(since=seq) if entry["kind"] in kinds and entry["plane"] != "admin"]

    def server_writes(self, seq: int) -> list[dict[str, t.Any]]:
        """What was changed on a server after number C(seq)."""
        return [entry for entry in self.since(seq, "write") if entry["plane"] == "wsman"]

    def registration_tokens(self, seq: int) -> list[dict[str, t.Any]]:
        """The requests after number C(seq) in which a registration token was issued."""
        return [entry for entry in self.lab.journal(since=seq, plane="login") if "registerapp" in str(entry)]

    def groups(self) -> dict[str, dict[str, t.Any]]:
        """The tenant's own state: group name -> region, machine names of its members, names of its applications."""
        tenant = self.lab.get("/tenant")
        return {group["name"]: group for group in tenant["groups"]}


@pytest.fixture
def deployment(lab: Lab, ansible: Ansible, tmp_path: pathlib.Path) -> Deployment:
    return Deployment(lab, ansible, tmp_path)

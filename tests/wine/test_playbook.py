# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real ansible-playbook, its real connections and the modules of the collection, from a controller file to Wine and back."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import CONNECTOR_SERVICE, ENTRA
from tests.support.playbook import Ansible
from tests.wine.backend import WineLab
from tests.wine.build import VERSION, Built
from tests.wine.prefix import Wine
from tests.wine.witness import products_by_reg, state_by_sc

TASK = "entra.app_proxy.connector"


@pytest.mark.parametrize(("kind", "scheme", "authentication"), [("winrm", "http", "ntlm"), ("psrp", "https", "negotiate")])
def test_from_the_controllers_file_to_a_running_service_and_back(
    uninstalled: None, lab: WineLab, wine: Wine, built: Built, tmp_path: pathlib.Path, kind: str, scheme: str, authentication: str
) -> None:
    inventory = tmp_path / "inventory.json"
    variables = {"ansible_connection": kind, **lab.variables(kind, scheme, authentication)}
    inventory.write_text(json.dumps({"all": {"hosts": {"wine": variables}}}))
    installer = {"installer_file": str(built.installer), "verify_publisher": False, "poll_interval": 0.2}

    def play(*tasks: dict[str, t.Any]) -> dict[str, int]:
        plays = [{"hosts": "wine", "gather_facts": False, "tasks": list(tasks)}]
        return Ansible(tmp_path / "ansible").playbook(plays, inventory=inventory).succeeded().recap["wine"]

    facts = f"found.connector.generation == 'entra' and found.connector.version is version('{VERSION}.0', '==')"
    installing = play(
        {TASK: installer},
        {TASK: installer},
        {"entra.app_proxy.connector_info": {}, "register": "found"},
        {"ansible.builtin.assert": {"that": facts}},
    )
    assert installing["changed"] == 1
    assert state_by_sc(wine, CONNECTOR_SERVICE) == "RUNNING"
    assert products_by_reg(wine) == [ENTRA.product, ENTRA.updater_product]
    assert play({TASK: {**installer, "state": "absent"}})["changed"] == 1
    assert state_by_sc(wine, CONNECTOR_SERVICE) is None
    assert products_by_reg(wine) == []
    # What was brought to the server has gone again.
    assert list(wine.path(r"C:\windows\Temp").glob("entra.app_proxy-*")) == []

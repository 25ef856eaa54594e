# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An installer on a share takes a second hop: which set-ups of the guide lead there, and what the others are told."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.integration.connections.conftest import SERVER, Reach
from tests.integration.connections.guide import Setup, setups
from tests.support import kdc as kdcs
from tests.support.playbook import Ansible

OLD, NEW = "1.5.4287.0", "1.5.4892.0"
SHARE = r"\\files.contoso.example\software\MicrosoftEntraPrivateNetworkConnectorInstaller.exe"
DELEGATION = {"winrm": {"ansible_winrm_kerberos_delegation": True}, "psrp": {"ansible_psrp_negotiate_delegate": True}}
"""As the guide has it."""


@pytest.fixture
def share(reach: Reach) -> Reach:
    """A server with an older connector, and a newer installer on a share."""
    reach.allow(Certificate=True, CredSSP=True)
    reach.lab.patch(f"/servers/{SERVER}", {"connector": {"version": OLD}, "files": [{"path": SHARE, "installer": {"version": NEW}}]})
    return reach


def installing(share: Reach, ansible: Ansible, hosts: t.Mapping[str, t.Any], environment: dict[str, str], *arguments: str) -> t.Any:
    """The module's result on each of these names of the one server."""
    inventory = ansible.inventory({"all": {"hosts": dict(hosts)}})
    result = {
        "content": "{{ outcome | to_json }}",
        "dest": f"{share.directory}/{{{{ inventory_hostname }}}}.json",
        "mode": "0600",
    }
    tasks = [
        {
            "entra.app_proxy.connector": {"state": "latest", "installer_path": SHARE, "poll_interval": 0.2},
            "register": "outcome",
            "ignore_errors": True,
        },
        {"ansible.builtin.copy": result, "delegate_to": "localhost", "check_mode": False},
    ]
    ansible.playbook(
        [{"hosts": "all", "gather_facts": False, "tasks": tasks}], *arguments, inventory=inventory, environment=environment
    ).succeeded()
    return {name: json.loads((share.directory / f"{name}.json").read_text()) for name in hosts}


def test_a_share_is_reached_with_credssp_or_with_delegated_kerberos_only(
    share: Reach, ansible: Ansible, monkeypatch: pytest.MonkeyPatch
) -> None:
    usable = [setup for setup in setups() if not (setup.is_kerberos and kdcs.missing())]
    hosts = {setup.name: share.variables(setup) for setup in usable}
    delegating = {f"{setup.name}-delegating": {**hosts[setup.name], **DELEGATION[setup.kind]} for setup in usable if setup.is_kerberos}
    environment = {}
    if share.kdc is not None:
        environment = {**share.kdc.environment, "KRB5CCNAME": f"FILE:{share.ticket(monkeypatch, '-f')}"}
    found = installing(share, ansible, {**hosts, **delegating}, environment, "--check")

    let_in = {name for name, result in found.items() if not result.get("failed")}
    assert let_in == {setup.name for setup in usable if setup.authentication == "credssp"} | set(delegating)
    assert {found[name]["plan"]["changes"][0]["action"] for name in let_in} == {"upgrade"}
    for name in found.keys() - let_in:
        assert f"the installer {SHARE}: Access is denied" in found[name]["msg"]
        assert "a share takes a second hop, so connect with CredSSP, or with Kerberos and delegation" in found[name]["msg"]
    assert share.lab.get(f"/servers/{SERVER}")["connector"]["version"] == OLD


@pytest.mark.parametrize("setup", [setup for setup in setups() if setup.authentication == "credssp"], ids=lambda setup: setup.name)
def test_an_installer_on_a_share_runs_from_there(share: Reach, ansible: Ansible, setup: Setup) -> None:
    done = installing(share, ansible, {setup.name: share.variables(setup)}, {})[setup.name]
    assert done["changed"], done
    state = share.lab.get(f"/servers/{SERVER}")
    assert state["connector"]["version"] == NEW
    assert SHARE in state["files"]
    assert [one["command_line"] for one in share.lab.get("/processes") if one["command_line"].startswith(SHARE)]

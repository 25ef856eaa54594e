# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every set-up of the guide works, with the variables that the guide gives."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import services
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.instances import text
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import Shell
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import AuthenticationError
from tests.integration.connections.conftest import SERVER, SOCKETS_ARE_FORGOTTEN, Reach
from tests.integration.connections.guide import Setup, setups
from tests.support import kdc as kdcs
from tests.support.playbook import Ansible

pytestmark = SOCKETS_ARE_FORGOTTEN

SETUPS = setups()
every_setup = pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
bound = pytest.mark.parametrize(
    "setup",
    [setup for setup in SETUPS if setup.scheme == "https" and setup.authentication in ("ntlm", "kerberos", "negotiate")],
    ids=lambda setup: setup.name,
)


def everything_works(session: Session) -> None:
    """A read, lists of several pages, a write, a program with input that needs several messages."""
    assert session.get("Win32_Service", {"Name": "no such service"}) is None
    rows = session.query("SELECT * FROM Win32_Service")
    assert "WinRM" in [text(row, "Name") for row in rows]
    assert services.set_start_mode(session, "W32Time", "Manual") == services.OK
    with Shell(session) as shell:
        assert shell.run("hostname.exe", stdin=b"x" * 100_000, timeout=20).stdout.strip() == SERVER.upper()


def prepare(reach: Reach, setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    reach.allow(Certificate=True, CredSSP=True)
    if setup.is_kerberos and "ansible_password" not in setup.variables and reach.kdc is not None:
        reach.ticket(monkeypatch)


def test_the_guide_is_read() -> None:
    assert len({setup.name for setup in SETUPS}) == len(SETUPS) == 22
    assert {"https", "http"} == {setup.scheme for setup in SETUPS}


@every_setup
def test_a_setup_of_the_guide(reach: Reach, setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(reach, setup, monkeypatch)
    with reach.opened(setup) as session:
        everything_works(session)


@bound
def test_channel_binding(reach: Reach, setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """A strict server takes the clients that send it, and refuses the others with a word about it."""
    prepare(reach, setup, monkeypatch)
    reach.allow(CbtHardeningLevel="Strict")
    with reach.opened(setup) as session:
        everything_works(session)
    option = {"winrm": "ansible_winrm_send_cbt", "psrp": "ansible_psrp_negotiate_send_cbt"}[setup.kind]
    with reach.opened(setup, **{option: False}) as session, pytest.raises(AuthenticationError, match=f"{option} is off"):
        session.get("Win32_Service", {"Name": "WinRM"})
    assert session.exchanges == 1
    reach.allow(CbtHardeningLevel="Relaxed")
    with reach.opened(setup, **{option: False}) as session:
        assert session.get("Win32_Service", {"Name": "WinRM"})


@every_setup
def test_ipv6(reach: Reach, setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    if reach.place["host_v6"] is None:
        pytest.skip("this machine has no IPv6 on loopback")
    prepare(reach, setup, monkeypatch)
    named = {"ansible_winrm_kerberos_hostname_override": "localhost", "ansible_psrp_negotiate_hostname_override": "localhost"}
    with reach.opened(setup, ansible_host=reach.place["host_v6"], **named) as session:
        assert "[::1]" in session.endpoint_label
        everything_works(session)


def test_the_setups_in_a_playbook(reach: Reach, ansible: Ansible, monkeypatch: pytest.MonkeyPatch) -> None:
    """One server under as many names as there are set-ups, in one run of the real ansible-playbook."""
    reach.allow(Certificate=True, CredSSP=True)
    reach.lab.patch(f"/servers/{SERVER}", {"connector": {"generation": "entra", "registered": True}})
    cache = {"KRB5CCNAME": f"FILE:{reach.ticket(monkeypatch)}"} if reach.kdc else {}
    hosts: dict[str, t.Any] = {}
    for setup in SETUPS:
        if setup.is_kerberos and kdcs.missing():
            continue
        hosts[setup.name] = reach.variables(setup)
    inventory = ansible.inventory({"all": {"hosts": hosts}})
    environment = {**(reach.kdc.environment if reach.kdc else {}), **cache}
    play = {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {"entra.app_proxy.connector_info": {}, "register": "found"},
            {"ansible.builtin.assert": {"that": ["found.connector.registration.state == 'registered'", "not found.changed"]}},
        ],
    }
    run = ansible.playbook([play], inventory=inventory, environment=environment).succeeded()
    assert set(run.recap) == set(hosts)
    assert run.total("ok") == 2 * len(hosts)
    assert "Traceback" not in run.output

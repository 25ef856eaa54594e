# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""put_file of the real connection plugins of the ansible-core that is installed here."""

from __future__ import annotations

import hashlib
import pathlib
import typing as t

import pytest
from ansible.errors import AnsibleError
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from tests.unit.lab.servers.live import NAME, LiveLab
from tests.unit.lab.servers.test_servers_access import WAYS

TARGET = r"C:\Windows\Temp\it's a file.exe"


def connection(live: LiveLab, plugin: str, transport: str, scheme: str) -> t.Any:
    values = {
        "ansible_host": "localhost",
        "ansible_port": live.state["servers"][NAME][f"{scheme}_port"],
        "ansible_user": live.state["user"],
        "ansible_password": live.state["password"],
        "inventory_hostname": NAME,
        "ansible_winrm_scheme": scheme,
        "ansible_winrm_transport": transport,
        "ansible_psrp_protocol": scheme,
        "ansible_psrp_auth": transport,
        "ansible_psrp_ca_cert": live.state["ca_file"],
        "_extras": {"ansible_winrm_ca_trust_path": live.state["ca_file"]} if plugin == "winrm" else {},
    }
    found = connection_loader.get(plugin, PlayContext(), "/dev/null")
    found.set_options(var_options=values)
    return found


@pytest.mark.parametrize("size", [0, 700_000])
@pytest.mark.parametrize(("transport", "scheme"), WAYS)
@pytest.mark.parametrize("plugin", ["winrm", "psrp"])
def test_a_file_arrives(live: LiveLab, tmp_path: pathlib.Path, plugin: str, transport: str, scheme: str, size: int) -> None:
    source = tmp_path / "source"
    source.write_bytes(hashlib.sha512(plugin.encode()).digest() * (size // 64))
    used = connection(live, plugin, transport, scheme)
    try:
        used.put_file(str(source), TARGET)
    finally:
        used.close()
    file = live.server.files.get(TARGET)
    assert file is not None
    assert file.content == source.read_bytes()
    assert [entry["detail"]["what"] for entry in live.journal(kind="write")] == ["put_file"]
    assert not live.world.journal.unknowns()


@pytest.mark.parametrize("plugin", ["winrm", "psrp"])
def test_a_missing_folder_is_an_error(live: LiveLab, tmp_path: pathlib.Path, plugin: str) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x")
    used = connection(live, plugin, "ntlm", "https")
    try:
        with pytest.raises(AnsibleError, match="Could not find a part of the path"):
            used.put_file(str(source), r"C:\none\x.exe")
    finally:
        used.close()


@pytest.mark.parametrize("plugin", ["winrm", "psrp"])
def test_a_powershell_module_is_refused(live: LiveLab, plugin: str) -> None:
    used = connection(live, plugin, "ntlm", "https")
    try:
        assert used.exec_command("Get-Date")[0] == 1
    finally:
        used.close()
    assert live.world.journal.unknowns()

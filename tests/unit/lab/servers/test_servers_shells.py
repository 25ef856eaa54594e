# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WinRS and PSRP shells, by the clients' own classes."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.shell import Process, WinRS
from winrm.exceptions import WinRMOperationTimeoutError, WSManFaultError
from winrm.protocol import Protocol

from tests.lab.servers.programs.powershell import BOOTSTRAP
from tests.unit.lab.servers.live import LiveLab
from tests.unit.lab.servers.test_servers_access import WAYS, wsman

ENCODED = base64.b64encode(BOOTSTRAP.encode("utf-16-le")).decode()
POWERSHELL = ["-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-EncodedCommand", ENCODED]


@pytest.fixture
def protocol(live: LiveLab) -> t.Iterator[Protocol]:
    with live.protocol(read_timeout_sec=30, operation_timeout_sec=20) as found:
        yield found


def run(protocol: Protocol, command: str, *arguments: str) -> tuple[bytes, bytes, int]:
    shell = protocol.open_shell(codepage=65001)
    command_id = protocol.run_command(shell, command, arguments)
    result: tuple[bytes, bytes, int] = protocol.get_command_output(shell, command_id)
    protocol.cleanup_command(shell, command_id)
    protocol.close_shell(shell, close_session=False)
    return result


@pytest.mark.parametrize(("transport", "scheme"), WAYS)
def test_pywinrm_runs_a_command(live: LiveLab, transport: str, scheme: str) -> None:
    with live.protocol(transport, scheme) as protocol:
        assert run(protocol, "hostname") == (b"WEB-01\r\n", b"", 0)
    actions = [entry["action"] for entry in live.journal(kind="shell")]
    assert actions == ["shell/Create", "shell/Command", "shell/Receive", "shell/Signal", "shell/Delete"]
    assert live.world.journal.processes()[-1]["command_line"] == "hostname"


@pytest.mark.parametrize(("transport", "scheme"), WAYS)
def test_pypsrp_runs_a_command(live: LiveLab, transport: str, scheme: str) -> None:
    with wsman(live, transport, scheme) as client, WinRS(client, codepage=65001) as shell:
        process = Process(shell, "echo", ["one", "two"])
        process.invoke()
    assert (process.rc, process.stdout, process.stderr) == (0, b"one two\r\n", b"")


def test_operation_timeout_while_a_process_runs(live: LiveLab) -> None:
    live.patch(process_seconds=3600)
    with live.protocol(operation_timeout_sec=1, read_timeout_sec=30) as protocol:
        shell = protocol.open_shell(codepage=65001)
        command_id = protocol.run_command(shell, "hostname")
        with pytest.raises(WinRMOperationTimeoutError):
            protocol.get_command_output_raw(shell, command_id)
        live.advance(3600)
        assert protocol.get_command_output(shell, command_id) == (b"WEB-01\r\n", b"", 0)
        protocol.close_shell(shell)


def test_a_reader_waits_for_the_end_of_its_input(live: LiveLab) -> None:
    document = json.dumps({"script": "1", "arguments": {}, "secrets": []}).encode()
    with live.protocol(operation_timeout_sec=1, read_timeout_sec=30) as protocol:
        shell = protocol.open_shell(codepage=65001)
        command_id = protocol.run_command(shell, "powershell.exe", POWERSHELL, console_mode_stdin=False)
        protocol.send_command_input(shell, command_id, document)
        with pytest.raises(WinRMOperationTimeoutError):
            protocol.get_command_output_raw(shell, command_id)
        protocol.send_command_input(shell, command_id, b"", end=True)
        _unused, stderr, code = protocol.get_command_output(shell, command_id)
        protocol.close_shell(shell)
    assert code == 1
    assert stderr.startswith(b"#< CLIXML")
    assert live.world.journal.unknowns()


def test_a_long_output_comes_in_parts(live: LiveLab, protocol: Protocol) -> None:
    files = [{"path": rf"C:\many\{number:04d}-{'x' * 100}.txt"} for number in range(3000)]
    live.patch(registry=[{"key": "HKLM\\SOFTWARE\\Many", "name": file["path"], "value": "y" * 50} for file in files])
    stdout, _unused, code = run(protocol, "reg.exe", "query", "HKLM\\SOFTWARE\\Many")
    assert code == 0
    assert stdout.count(b"REG_SZ") == 3000
    assert len(live.journal(action="shell/Receive")) > 3


def test_unknown_ids(protocol: Protocol) -> None:
    with pytest.raises(WSManFaultError) as caught:
        protocol.run_command("11111111-1111-1111-1111-111111111111", "hostname")
    assert caught.value.wsman_fault_code == 2150858843
    shell = protocol.open_shell()
    with pytest.raises(WSManFaultError) as caught:
        protocol.get_command_output_raw(shell, "11111111-1111-1111-1111-111111111111")
    assert caught.value.wsman_fault_code == 2150858843
    protocol.close_shell(shell, close_session=False)


def test_too_many_shells(live: LiveLab, protocol: Protocol) -> None:
    live.patch(max_shells=2)
    shells = [protocol.open_shell(), protocol.open_shell()]
    with pytest.raises(WSManFaultError) as caught:
        protocol.open_shell()
    assert (caught.value.wmierror_code, caught.value.wsman_fault_code) == (2150859173, None)
    protocol.close_shell(shells[0], close_session=False)
    protocol.close_shell(protocol.open_shell(), close_session=False)


def test_skipping_cmd_is_refused(protocol: Protocol) -> None:
    shell = protocol.open_shell()
    with pytest.raises(WSManFaultError) as caught:
        protocol.run_command(shell, r"C:\Windows\System32\hostname.exe", skip_cmd_shell=True)
    assert caught.value.wsman_fault_code == 87
    with pytest.raises(WSManFaultError) as caught:
        protocol.run_command(shell, "echo", ["x" * 9000])
    assert caught.value.wsman_fault_code == 2147942606
    protocol.close_shell(shell, close_session=False)


@pytest.mark.parametrize("command", ["notepad.exe", "ping localhost", "echo a & echo b", "echo a > b", "powershell.exe -File x.ps1"])
def test_unknown_programs_are_refused(live: LiveLab, protocol: Protocol, command: str) -> None:
    _unused, stderr, code = run(protocol, command)
    assert code == 1
    assert stderr
    assert live.world.journal.unknowns()


def test_a_missing_program_is_not_unknown(live: LiveLab, protocol: Protocol) -> None:
    _unused, stderr, code = run(protocol, r'"C:\Temp\none.exe"', "/q")
    assert (code, b"cannot find the path" in stderr) == (1, True)
    assert not live.world.journal.unknowns()


@pytest.mark.parametrize(("transport", "scheme"), WAYS)
def test_psrp_refuses_a_script(live: LiveLab, transport: str, scheme: str) -> None:
    with wsman(live, transport, scheme) as client, RunspacePool(client) as pool:
        shell = PowerShell(pool)
        shell.add_script("Get-Date")
        shell.invoke()
        assert shell.had_errors
        assert "does not know" in str(shell.streams.error[0])
    assert "PSRP script" in live.world.journal.unknowns()[0]["detail"]
    assert live.world.journal.processes()[0]["command_line"].endswith("wsmprovhost.exe -Embedding")


def test_shells_end_with_a_reboot(live: LiveLab, protocol: Protocol) -> None:
    shell = protocol.open_shell()
    live.patch(reboot_seconds=3600)
    live.do(live.server.reboot)
    live.advance(3600)
    with pytest.raises(WSManFaultError) as caught:
        protocol.run_command(shell, "hostname")
    assert caught.value.wsman_fault_code == 2150858843

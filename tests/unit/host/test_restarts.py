# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restarts around an installation and a removal: what the server says meanwhile, and what comes only with them."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.host import jobs, options
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.restart import restart
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.command_line import CommandLineError
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.faults import WSManFault
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import ProcessResult
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import (
    AuthenticationError,
    HttpError,
    ProtocolError,
    TransportError,
)
from tests.unit.host.windows import Windows

INSTALLER = "MicrosoftEntraPrivateNetworkConnectorInstaller.exe"
OLD, NEW = "1.5.4522.0", "1.5.4892.0"
ORDER = {"reason": "patches", "delay": 2, "timeout": 900, "poll_interval": 2.0}

EXCUSES: dict[str, Exception] = {
    "WMI is shutting down": WSManFault(0x80041033, "InternalError", "", "WMI is shutting down"),
    "a shutdown is in progress": WSManFault(0x8007045B, "", "", "A system shutdown is in progress"),
    "another fault": WSManFault(5, "AccessDenied"),
    "HTTP 500 with a body": HttpError(500, b"<html/>"),
    "HTTP 401": AuthenticationError("no logon servers"),
    "no connection": TransportError("no connection", request_may_have_run=True),
    "not WS-Management": ProtocolError("no envelope"),
}


def values(**given: t.Any) -> dict[str, t.Any]:
    defaults = {option.name: option.default for option in options.CONNECTOR.options}
    return {**defaults, "installer_path": rf"C:\software\{INSTALLER}", **given}


def connector(windows: Windows, *, check_mode: bool = False, **given: t.Any) -> dict[str, t.Any]:
    return jobs.connector(windows.server(), values(**given), check_mode)


def registered(version: str = OLD) -> Windows:
    windows = Windows(version=version)
    windows.install("Running")
    windows.register()
    return windows


# What a server says while it goes down and comes up


@pytest.mark.parametrize("excuse", EXCUSES)
def test_whatever_a_server_says_on_its_way_down_is_no_reason_to_give_up(excuse: str) -> None:
    windows = registered()
    # Twice: the session asks some of it again by itself.
    windows.excuses = [EXCUSES[excuse]] * 2
    assert restart(windows.server(), ORDER, False)["last_boot"] == "2026-07-01T12:00:20Z"
    assert windows.excuses == []


def test_wmi_that_has_no_instances_yet_is_waited_for() -> None:
    windows = registered()
    rows = windows._rows_win32_operatingsystem
    windows._rows_win32_operatingsystem = lambda wql: [] if windows.going_down else rows(wql)  # type: ignore[method-assign]
    assert restart(windows.server(), ORDER, False)["last_boot"] == "2026-07-01T12:00:20Z"


def test_the_last_answer_of_a_server_that_does_not_come_back_is_told() -> None:
    windows = registered()
    windows.excuses = [EXCUSES["a shutdown is in progress"]] * 20
    with pytest.raises(HostError, match=r"NAM-WEB-01 did not come up again within 10 seconds .*A system shutdown is in progress"):
        restart(windows.server(), {**ORDER, "timeout": 10}, False)


@pytest.mark.parametrize("code", [0x8007045B, 0x80041033, 1115])
def test_a_server_that_goes_down_already_needs_no_order(code: int) -> None:
    windows = registered()

    def refuse(server: Windows) -> ProcessResult:
        server.restart()
        raise WSManFault(code)

    windows.programs["shutdown.exe"] = refuse
    assert restart(windows.server(), ORDER, False)["last_boot"] == "2026-07-01T12:00:20Z"


def test_any_other_fault_is_not_taken_for_an_order() -> None:
    windows = registered()

    def refuse(_server: Windows) -> ProcessResult:
        raise WSManFault(5, "AccessDenied")

    windows.programs["shutdown.exe"] = refuse
    with pytest.raises(WSManFault, match="AccessDenied"):
        restart(windows.server(), ORDER, False)
    assert windows.seconds == 0


# Names that no command line carries


def test_the_name_of_the_file_on_the_controller_does_not_matter(tmp_path: t.Any) -> None:
    path = tmp_path / "Connector%20Installer.bin"
    path.write_bytes(b"MZ")
    windows = Windows()
    windows.programs[INSTALLER] = lambda server: (server.install(), ProcessResult(0, "", ""))[1]
    assert connector(windows, installer_path=None, installer_file=str(path))["connector"]["installed"]


def test_a_path_that_cannot_be_run_removes_nothing() -> None:
    windows = registered()
    with pytest.raises(CommandLineError, match="cannot be the name of a program"):
        connector(windows, installer_path=r"C:\software\Connector%20Installer.exe", version=NEW, upgrade_strategy="reinstall")
    assert set(windows.services) == {"WAPCSvc", "WAPCUpdaterSvc"}
    assert not [call for call in windows.calls if call.startswith(("run", "SetStringValue"))]

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restarts around an installation and a removal: what the server says meanwhile, and what comes only with them."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.host import jobs, options
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import ENTRA
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
from tests.unit.host.windows import Killed, Windows, exit_code

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


# What comes only with a restart


def putting_off(code: int = 3010) -> Windows:
    """A registered server whose installer cannot replace what is in use before the restart that it asks for."""
    windows = registered()

    def install(server: Windows) -> ProcessResult:
        server.at_boot.append(lambda later: vars(later).update(version=NEW))
        return ProcessResult(code, "", "")

    windows.programs[INSTALLER] = install
    return windows


def ran(windows: Windows, program: str) -> int:
    return sum(call.startswith(f"run {program}") for call in windows.calls)


def assert_nothing_to_do(windows: Windows, **given: t.Any) -> None:
    again = connector(windows, **given)
    assert (again["plan"]["lines"], again["changed"], again["reboot_required"]) == ([], False, False)


def test_an_upgrade_that_only_a_restart_completes_is_complete_after_one_run_that_may_restart() -> None:
    windows = putting_off()
    result = connector(windows, version=NEW, reboot=True)
    assert (result["connector"]["version"], result["rebooted"], result["reboot_required"]) == (NEW, True, False)
    assert result["connector"]["services"]["WAPCSvc"]["state"] == "Running"
    assert (ran(windows, INSTALLER), ran(windows, "shutdown.exe")) == (1, 1)
    assert windows.seconds < 120
    assert_nothing_to_do(windows, version=NEW, reboot=True)


def test_an_upgrade_that_only_a_restart_completes_is_no_failure_where_none_may_be_made() -> None:
    windows = putting_off()
    result = connector(windows, version=NEW)
    assert (result["connector"]["version"], result["rebooted"], result["reboot_required"]) == (OLD, False, True)
    assert "the upgrade is not complete (version 1.5.4522.0), and an installer has asked for a restart" in windows.warnings[0]
    windows.restart()
    windows.sleep(20)
    assert_nothing_to_do(windows, version=NEW)
    assert ran(windows, INSTALLER) == 1


def test_a_restart_that_an_installer_asked_for_comes_before_another_run_of_it() -> None:
    windows = putting_off()
    connector(windows, version=NEW)
    predicted = connector(windows, version=NEW, reboot=True, check_mode=True)
    done = connector(windows, version=NEW, reboot=True)
    assert done["plan"]["lines"] == [
        "~ restart server NAM-WEB-01: since an earlier run an installer of the connector waits for it",
        f"~ upgrade connector NAM-WEB-01 (version: {OLD} -> at least {NEW}): the installed version is below the declared minimum",
    ]
    assert predicted["plan"] == done["plan"]
    assert (done["connector"]["version"], done["rebooted"], done["reboot_required"]) == (NEW, True, False)
    assert (ran(windows, INSTALLER), ran(windows, "shutdown.exe")) == (1, 1)


def test_an_installer_that_may_be_at_work_still_is_not_cut_off_by_a_restart() -> None:
    windows = putting_off()

    def never_seen_ending(_server: Windows) -> ProcessResult:
        raise Killed(INSTALLER)

    windows.programs[INSTALLER], usual = never_seen_ending, windows.programs[INSTALLER]
    with pytest.raises(Killed):
        connector(windows, version=NEW)
    windows.programs[INSTALLER] = usual
    done = connector(windows, version=NEW, reboot=True)
    assert [change["action"] for change in done["plan"]["changes"]] == ["upgrade", "restart"]
    assert "whose end was not seen" in done["plan"]["lines"][1]
    assert (done["connector"]["version"], ran(windows, "shutdown.exe")) == (NEW, 1)


def test_what_the_restart_has_completed_is_not_taken_for_leftovers() -> None:
    windows = Windows(version=NEW)
    windows.folders = set(ENTRA.program_folders("C:"))
    windows.programs[INSTALLER] = lambda server: (server.at_boot.append(Windows.install), ProcessResult(3010, "", ""))[1]
    connector(windows)
    done = connector(windows, remove_leftovers=True, reboot=True)
    assert [change["action"] for change in done["plan"]["changes"]][:2] == ["restart", "remove leftover"]
    assert done["connector"]["installed"]
    assert (ran(windows, INSTALLER), windows.documents[-1].get("paths")) == (1, None)
    assert windows.folders >= set(ENTRA.program_folders("C:"))


@pytest.mark.parametrize("reboot", [True, False])
def test_an_installation_that_somebody_else_has_running_is_neither_cut_off_nor_passed_over(reboot: bool) -> None:
    windows = Windows(listed=dict(LISTED))
    codes = [3010, *[1618] * 1000]
    windows.programs["msiexec.exe"] = lambda server: ProcessResult(codes.pop(0), "", "")
    with pytest.raises(HostError, match="1618: another installation is running"):
        connector(windows, remove_leftovers=True, reboot=reboot)
    assert (ran(windows, "shutdown.exe"), ran(windows, INSTALLER)) == (0, 0)


def test_what_is_not_there_after_the_restart_either_is_an_error() -> None:
    windows = registered()
    windows.programs[INSTALLER] = exit_code(3010)
    with pytest.raises(HostError, match=r"exit code 3010 .*, but after 600 seconds the upgrade is not complete: version 1.5.4522.0"):
        connector(windows, version=NEW, reboot=True)
    assert ran(windows, "shutdown.exe") == 1


@pytest.mark.parametrize("lives", range(14))
def test_a_run_that_was_killed_anywhere_around_the_restart_is_simply_run_again(lives: int) -> None:
    windows = putting_off()
    windows.lives = lives
    with contextlib.suppress(Killed):
        connector(windows, version=NEW, reboot=True)
    windows.lives = None
    assert connector(windows, version=NEW, reboot=True)["connector"]["version"] == NEW
    assert windows.at_boot == []
    assert_nothing_to_do(windows, version=NEW, reboot=True)


# Removals


LISTED = {"{11111111-0000-0000-0000-000000000000}": ENTRA.product, "{22222222-0000-0000-0000-000000000000}": ENTRA.updater_product}
ABSENT = {"state": "absent", "installer_path": None}
EXE = ENTRA.service_path("C:")


def removable(first: int, second: int, *, holds: bool = False) -> Windows:
    """An installed server whose two uninstallers end so. All goes with the second, but for a file that is in use."""
    windows = registered(NEW)
    windows.listed, codes = dict(LISTED), [first, second]

    def uninstall(server: Windows) -> ProcessResult:
        del server.listed[min(server.listed)]
        if not server.listed:
            server.remove()
        if holds:
            server.files.add(EXE)
            server.held = {EXE}
            server.at_boot = [lambda later: later.files.discard(EXE)]
        return ProcessResult(codes.pop(0), "", "")

    windows.programs["msiexec.exe"] = uninstall
    return windows


@pytest.mark.parametrize("folders", [False, True])
def test_a_file_in_use_is_gone_after_one_run_that_may_restart(folders: bool) -> None:
    windows = removable(0, 3010, holds=True)
    predicted = connector(windows, **ABSENT, reboot=True, remove_folders=folders, check_mode=True)
    result = connector(windows, **ABSENT, reboot=True, remove_folders=folders)
    assert predicted["plan"] == result["plan"]
    assert (result["connector"]["installed"], result["rebooted"], result["reboot_required"]) == (False, True, False)
    assert EXE not in windows.files
    assert ran(windows, "shutdown.exe") == 1
    assert not (folders and windows.folders)
    assert_nothing_to_do(windows, **ABSENT, reboot=True, remove_folders=folders)


def test_a_file_in_use_is_no_failure_where_no_restart_may_be_made() -> None:
    windows = removable(0, 3010, holds=True)
    result = connector(windows, **ABSENT, remove_folders=True)
    assert (result["rebooted"], result["reboot_required"]) == (False, True)
    assert any("which reboot=false puts off" in warning and "Access to the path is denied" in warning for warning in windows.warnings)
    done = connector(windows, **ABSENT, remove_folders=True, reboot=True)
    assert (done["rebooted"], done["reboot_required"], windows.files & {EXE}, windows.folders) == (True, False, set(), set())
    assert_nothing_to_do(windows, **ABSENT, remove_folders=True, reboot=True)


def test_a_folder_in_use_is_removed_after_the_restart() -> None:
    windows = removable(0, 0)
    folder = ENTRA.program_folders("C:")[0]
    windows.held = {folder}
    result = connector(windows, **ABSENT, remove_folders=True, reboot=True)
    assert [change["action"] for change in result["plan"]["changes"]][:3] == ["remove", "remove", "restart"]
    assert windows.folders == set()


def test_a_folder_in_use_is_an_error_where_nothing_asks_for_a_restart() -> None:
    windows = removable(0, 0)
    windows.held = {ENTRA.program_folders("C:")[0]}
    with pytest.raises(HostError, match="could not be removed.*Access to the path is denied"):
        connector(windows, **ABSENT, remove_folders=True)


def test_a_service_that_is_marked_for_deletion_goes_with_the_restart() -> None:
    windows = registered(NEW)
    windows.files -= {EXE}

    def mark(server: Windows) -> ProcessResult:
        server.at_boot.append(lambda later: later.services.clear())
        return ProcessResult(1072, "", "")

    windows.programs |= {"reg.exe": exit_code(1), "sc.exe": mark}
    result = connector(windows, **ABSENT, reboot=True)
    assert (windows.services, result["rebooted"], ran(windows, "shutdown.exe")) == ({}, True, 1)


@pytest.mark.parametrize("lives", range(12))
def test_a_removal_that_was_killed_anywhere_around_the_restart_is_simply_run_again(lives: int) -> None:
    wishes = {**ABSENT, "reboot": True, "remove_folders": True}
    windows = removable(3010, 3010, holds=True)
    windows.lives = lives
    with contextlib.suppress(Killed):
        connector(windows, **wishes)
    windows.lives = None
    connector(windows, **wishes)
    assert (windows.services, windows.files & {EXE}, windows.folders) == ({}, set(), set())
    assert_nothing_to_do(windows, **wishes)


def test_a_reinstallation_restarts_between_when_a_file_is_in_use() -> None:
    windows = removable(0, 3010, holds=True)
    windows.version, windows.inspection = OLD, {"file_version": NEW}
    windows.programs[INSTALLER] = lambda server: (server.install(), setattr(server, "version", NEW), ProcessResult(0, "", ""))[2]
    result = connector(windows, version=NEW, upgrade_strategy="reinstall", reboot=True)
    order = [call.split()[1] for call in windows.calls if call.startswith("run") and "reg.exe" not in call]
    assert order == ["msiexec.exe", "msiexec.exe", "shutdown.exe", INSTALLER]
    assert (result["connector"]["version"], result["reboot_required"]) == (NEW, False)


# An installer that restarts the server itself


def vanishing(windows: Windows, exchanges: int) -> None:
    """The server answers so many exchanges more, and is up again half a minute after it has gone."""
    answer, left = windows.send, [exchanges]

    def back(server: Windows) -> None:
        server.boot()
        left[0] = 1000

    def send(envelope: bytes) -> bytes:
        if left[0] == 0:
            left[0] = -1
            windows.later(30, back)
        if left[0] < 0:
            raise TransportError("no connection", request_may_have_run=False)
        left[0] -= 1
        return answer(envelope)

    windows.send = send  # type: ignore[method-assign]


@pytest.mark.parametrize("exchanges", range(0, 30, 3))
@pytest.mark.parametrize("allowed", [True, False])
def test_a_server_that_an_installer_restarts_may_go_at_any_moment(exchanges: int, allowed: bool) -> None:
    windows = registered()

    def install(server: Windows) -> ProcessResult:
        server.version = NEW
        vanishing(server, exchanges)
        return ProcessResult(1641, "", "")

    windows.programs[INSTALLER] = install
    result = connector(windows, version=NEW, reboot=allowed)
    assert (result["connector"]["version"], result["rebooted"], result["reboot_required"]) == (NEW, True, False)
    assert "the installer ran, exit code 1641" in result["outcome"]
    assert len(windows.warnings) == (0 if allowed else 1)


def test_no_uninstaller_is_started_while_the_server_goes_down() -> None:
    windows = removable(1641, 0)
    usual, boots = windows.programs["msiexec.exe"], []

    def uninstall(server: Windows) -> ProcessResult:
        boots.append(server.last_boot)
        result = usual(server)
        if len(boots) == 1:
            server.later(30, Windows.boot)
        return result

    windows.programs["msiexec.exe"] = uninstall
    result = connector(windows, **ABSENT)
    assert len(boots) == 2
    assert boots[1] > boots[0]
    assert (result["connector"]["installed"], result["rebooted"], result["reboot_required"]) == (False, True, False)


def test_a_server_that_does_not_come_back_tells_what_was_done() -> None:
    windows = registered()
    windows.programs[INSTALLER] = exit_code(1641)
    server = windows.server()
    with pytest.raises(HostError, match="did not come up again within 900 seconds after the installer had begun a restart"):
        jobs.connector(server, values(version=NEW), False)
    assert server.done == ["upgrade: the installer ran, exit code 1641 (done, the installer has begun a restart of the server)"]


# What the note says


def test_a_restart_that_was_asked_for_is_owed_whatever_ends_well_after_it() -> None:
    windows = putting_off()
    windows.programs[INSTALLER] = lambda server: (setattr(server, "version", NEW), ProcessResult(3010, "", ""))[1]
    assert connector(windows, version=NEW)["reboot_required"] is True
    windows.files -= {ENTRA.updater_path("C:")}
    windows.programs[INSTALLER] = lambda server: (server.install(), ProcessResult(0, "", ""))[1]
    assert connector(windows)["reboot_required"] is True
    done = connector(windows, reboot=True)
    assert (done["rebooted"], done["reboot_required"]) == (True, False)


def test_the_second_uninstaller_does_not_take_back_what_the_first_asked_for() -> None:
    windows = removable(3010, 0)
    assert connector(windows, **ABSENT)["reboot_required"] is True
    assert connector(windows, **ABSENT)["reboot_required"] is True
    done = connector(windows, **ABSENT, reboot=True)
    assert (done["rebooted"], done["reboot_required"]) == (True, False)
    assert_nothing_to_do(windows, **ABSENT, reboot=True)


def test_what_the_uninstaller_of_a_leftover_asks_for_is_told() -> None:
    windows = Windows(folders={ENTRA.program_folders("C:")[0]})
    windows.services["WAPCSvc"] = {"State": "Stopped", "StartMode": "Auto", "PathName": r'"C:\gone.exe"'}
    windows.listed = dict(LISTED)
    windows.programs |= {
        "msiexec.exe": lambda server: (server.listed.clear(), ProcessResult(3010, "", ""))[1],
        INSTALLER: lambda server: (server.install(), ProcessResult(0, "", ""))[1],
    }
    assert connector(windows, remove_leftovers=True)["reboot_required"] is True


def test_a_question_that_a_killed_run_left_open_is_taken_for_a_yes() -> None:
    windows = registered()

    def die(_server: Windows) -> ProcessResult:
        raise Killed(INSTALLER)

    windows.programs[INSTALLER] = die
    with pytest.raises(Killed):
        connector(windows, version=NEW)
    windows.programs[INSTALLER] = lambda server: (setattr(server, "version", NEW), ProcessResult(0, "", ""))[1]
    assert connector(windows, version=NEW)["reboot_required"] is True
    assert connector(windows, version=NEW, reboot=True)["rebooted"] is True
    assert_nothing_to_do(windows, version=NEW, reboot=True)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installing, from options to result, against a scripted Windows: what is done, in which order, and how failures read."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from tests.unit.host.job_builders import (
    INSTALLER,
    NOTE,
    connector,
    installing,
    listed,
    uninstalling,
    unreachable,
    writes,
)
from tests.unit.host.windows import Windows, exit_code


@pytest.mark.parametrize(("code", "reboot"), [(0, False), (3010, True), (1641, False)])
def test_install_from_the_controller(installer: str, code: int, reboot: bool) -> None:
    windows = installing(code)
    result = connector(windows, installer_file=installer)
    folder = r"C:\Windows\Temp\entra.app_proxy-3d0db95c6e0b"
    steps = writes(windows)
    assert steps[0].startswith(r"run mkdir C:\Windows\Temp\entra.app_proxy-")
    assert steps[1].startswith(f"put {installer} {folder[:-12]}")
    assert steps[1].endswith(INSTALLER)
    assert steps[2:] == ["script inspect", f"run {INSTALLER} REGISTERCONNECTOR=false /q /norestart", "script remove"]
    assert result["changed"]
    assert result["connector"]["installed"]
    assert (result["reboot_required"], result["rebooted"]) == (reboot, code == 1641)
    assert result["registration"] == {"required": True, "reason": "the host is not registered", "state": "unregistered", "kept": None}
    awaited = "the server to come up again" if code == 1641 else "files and services"
    assert any(f"waiting for {awaited}" in line for line in windows.progress)


@pytest.mark.parametrize("allowed", [False, True])
def test_a_restart_that_the_installer_begins_is_waited_for_and_told_when_it_was_not_allowed(installer: str, allowed: bool) -> None:
    windows = installing(1641)
    booted = windows.last_boot
    result = connector(windows, installer_file=installer, reboot=allowed)
    assert windows.last_boot > booted
    assert (result["rebooted"], result["reboot_required"]) == (True, False)
    told = [warning for warning in windows.warnings if "begun a restart of NAM-WEB-01 by itself (exit code 1641)" in warning]
    assert len(told) == (0 if allowed else 1)
    assert not any(call.startswith("run shutdown.exe") for call in windows.calls)


def test_check_mode_shows_the_same_plan_and_does_nothing(installer: str) -> None:
    windows = installing()
    predicted = connector(windows, installer_file=installer, check_mode=True)
    assert writes(windows) == []
    real = connector(windows, installer_file=installer)
    assert predicted["plan"] == real["plan"]
    assert predicted["diff"] == real["diff"]
    assert predicted.keys() == real.keys()
    assert predicted["registration"] == real["registration"]


def test_a_second_run_changes_nothing_and_opens_no_shell(installer: str) -> None:
    windows = installing()
    connector(windows, installer_file=installer)
    windows.calls.clear()
    result = connector(windows, installer_file=installer)
    assert not result["changed"]
    assert writes(windows) == []


def test_nothing_given_downloads_microsofts_installer() -> None:
    windows = installing()
    connector(windows, installer_proxy="http://proxy:8080")
    assert writes(windows)[:2] == ["script download", "script inspect"]
    assert windows.documents[0]["url"].startswith("https://download.msappproxy.net/")
    assert windows.documents[0]["proxy"] == "http://proxy:8080"


def test_an_installer_on_the_server_is_not_removed() -> None:
    windows = installing()
    connector(windows, installer_path=rf"C:\software\{INSTALLER}")
    assert writes(windows) == ["script inspect", f"run {INSTALLER} REGISTERCONNECTOR=false /q /norestart"]


@pytest.mark.parametrize(
    ("given", "inspection", "message"),
    [
        ({"installer_path": r"C:\x.exe"}, {"exists": False}, "may not read it. What to do: correct installer_path"),
        (
            {"installer_path": r"\\files\x.exe"},
            {"exists": False},
            "may not read it. What to do: a share takes a second hop, so connect with",
        ),
        ({"installer_path": r"\\files\x.exe"}, {"error": "Access is denied"}, "Access is denied. What to do: a share takes a second hop"),
        ({}, {"exists": False}, "does not exist on the server.*a virus scanner"),
        ({"installer_sha256": "cd" * 32}, {}, "declared is cdcdcd.*It was not run"),
        ({}, {"signature_status": "NotSigned", "signer_subject": None}, "not signed by Microsoft: signature NotSigned, signer none"),
        ({}, {"signature_status": "HashMismatch"}, "not signed by Microsoft: signature HashMismatch, signer CN=Microsoft Corporation,"),
        ({}, {"signer_subject": "CN=Microsoft Corporation Ltd"}, "not signed by Microsoft"),
        ({"version": "1.5.5000.0"}, {}, "is version 1.5.4892.0, declared is at least 1.5.5000.0"),
        ({}, {"error": "Access is denied"}, "Access is denied"),
    ],
)
def test_an_installer_that_is_not_right_is_not_run(given: dict[str, t.Any], inspection: dict[str, t.Any], message: str) -> None:
    windows = installing()
    windows.inspection = inspection
    with pytest.raises(HostError, match=message):
        connector(windows, **given)
    assert not any(call.startswith(f"run {INSTALLER}") for call in windows.calls)
    if "installer_path" not in given:
        assert windows.calls[-1] == "script remove"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"installer_file": "/does/not/exist.exe"}, "does not exist on the controller"),
        ({"installer_sha256": "cd" * 32}, "declared is cdcd"),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_wrong_controller_file_is_refused_before_the_server_is_changed(
    installer: str, given: dict[str, str], message: str, check_mode: bool
) -> None:
    windows = installing()
    with pytest.raises(HostError, match=message):
        connector(windows, **{"installer_file": installer, **given}, check_mode=check_mode)
    assert writes(windows) == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (1603, "exit code 1603.*leftovers"),
        (1602, "1602.*cancelled"),
        (1638, "1638.*at least as new as what is installed"),
        (77, "77.*not known"),
    ],
)
def test_a_failing_installer_is_explained_and_cleaned_up(installer: str, code: int, message: str) -> None:
    windows = Windows(programs={INSTALLER: exit_code(code)}, log="\r\n  line 2\r\nit broke\r\n")
    with pytest.raises(HostError, match=message) as caught:
        connector(windows, installer_file=installer)
    assert caught.value.details["exit_code"] == code
    assert windows.calls[-1] == "script remove"
    assert "The end of its log: line 2 | it broke" in caught.value.message
    assert caught.value.details["log"] == ["line 2", "it broke"]


def test_an_installer_is_noted_while_it_runs_and_after_it_only_when_it_asks_for_a_restart(installer: str) -> None:
    for code, noted in ((0, False), (1603, False), (1618, False), (3010, True), (1641, True)):
        windows = installing(code)
        seen: list[object] = []
        run = windows.programs[INSTALLER]
        windows.programs[INSTALLER] = lambda server, run=run, seen=seen: seen.append(server.registry[NOTE]) or run(server)  # type: ignore[misc]
        with contextlib.suppress(HostError):
            connector(windows, installer_file=installer, install_timeout=5)
        assert "an installer of the connector" in str(seen[0])
        assert (NOTE in windows.registry) is noted, code


def test_a_restart_that_an_earlier_run_left_open_is_made_when_it_is_allowed(installer: str) -> None:
    windows = installing(3010)
    connector(windows, installer_file=installer)
    assert connector(windows, installer_file=installer)["changed"] is False
    predicted = connector(windows, installer_file=installer, reboot=True, check_mode=True)
    done = connector(windows, installer_file=installer, reboot=True)
    assert done["plan"]["lines"] == [
        "~ restart server NAM-WEB-01: since an earlier run an installer of the connector waits for it",
    ]
    assert [predicted[key] for key in ("plan", "changed", "reboot_required")] == [
        done[key] for key in ("plan", "changed", "reboot_required")
    ]
    assert (done["rebooted"], done["reboot_required"]) == (True, False)
    assert connector(windows, installer_file=installer, reboot=True)["changed"] is False


def test_a_removal_tells_of_a_restart_that_is_open_since_an_earlier_run() -> None:
    windows = listed()
    windows.programs["msiexec.exe"] = uninstalling(3010)
    assert connector(windows, state="absent")["reboot_required"] is True
    again = connector(windows, state="absent")
    assert (again["changed"], again["reboot_required"]) == (False, True)
    windows.sleep(60)
    windows.boot()
    assert connector(windows, state="absent")["reboot_required"] is False


def test_an_installer_that_is_busy_is_tried_again(installer: str) -> None:
    windows = installing()
    run = windows.programs[INSTALLER]
    codes = iter([1618, 1618])
    windows.programs[INSTALLER] = lambda server: exit_code(1618)(server) if next(codes, None) else run(server)
    assert connector(windows, installer_file=installer)["connector"]["installed"]
    assert sum(call.startswith(f"run {INSTALLER}") for call in windows.calls) == 3


def test_files_that_never_come_are_an_error_that_tells_what_is_missing(installer: str) -> None:
    windows = Windows(programs={INSTALLER: exit_code(0)})
    with pytest.raises(HostError, match=r"after 30 seconds the install is not complete: missing: service WAPCSvc"):
        connector(windows, installer_file=installer, install_timeout=30)


def test_files_that_never_come_are_told_with_the_end_of_the_installers_log(installer: str) -> None:
    windows = Windows(programs={INSTALLER: exit_code(0)}, log="line 1\r\nnothing to do\r\n")
    with pytest.raises(HostError, match="The end of the installer's log: line 1 . nothing to do") as caught:
        connector(windows, installer_file=installer, install_timeout=30)
    assert caught.value.details["log"] == ["line 1", "nothing to do"]


def test_an_installer_whose_log_cannot_be_read_fails_as_what_it_is(installer: str) -> None:
    windows = Windows(programs={INSTALLER: exit_code(1603), "logs": unreachable})
    with pytest.raises(HostError, match="exit code 1603") as caught:
        connector(windows, installer_file=installer)
    assert (caught.value.details["log"], "The end of its log" in caught.value.message) == ([], False)
    assert any(line.startswith("the installer's log could not be read") for line in windows.progress)

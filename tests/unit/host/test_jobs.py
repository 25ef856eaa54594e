# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The four jobs, from options to result, against a scripted Windows: what is done, in which order, and how failures read."""

from __future__ import annotations

import contextlib
import itertools
import pathlib
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.host import health_job, jobs, options, uninstall_entries
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import ENTRA
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import TransportError
from tests.unit.host.builders import NOW, OTHER_TENANT, TENANT, blob, days, encoded_certificate
from tests.unit.host.test_registration_token import token
from tests.unit.host.windows import INSTALLED_FILES, Killed, Windows, exit_code

INSTALLER = "MicrosoftEntraPrivateNetworkConnectorInstaller.exe"
NOTE = r"software\entra.app_proxy\restartneeded"
SECRET = "correct horse battery staple"


def values(declared: options.Options, **given: t.Any) -> dict[str, t.Any]:
    defaults = {option.name: option.default for option in declared.options}
    return {**defaults, **given}


def connector(windows: Windows, *, check_mode: bool = False, **given: t.Any) -> dict[str, t.Any]:
    return jobs.connector(windows.server(), values(options.CONNECTOR, **given), check_mode)


def register(windows: Windows, *, check_mode: bool = False, **given: t.Any) -> dict[str, t.Any]:
    return jobs.registration(windows.server(), values(options.REGISTRATION, tenant_id=TENANT, **given), check_mode)


def writes(windows: Windows) -> list[str]:
    notes = ("GetStringValue", "CreateKey", "SetStringValue", "DeleteValue")
    reads = ("query", "EnumKey", "GetBinaryValue", "run reg.exe query")
    return [call for call in windows.calls if not call.startswith((*reads, *notes))]


def installing(code: int = 0, after: float = 3.0) -> Windows:
    """A server whose installer ends with this code; its files come later."""

    def run(windows: Windows) -> t.Any:
        windows.later(after, Windows.install)
        if code == 1641:
            windows.later(after + 10, Windows.boot)
        return exit_code(code)(windows)

    return Windows(programs={INSTALLER: run})


def installed(state: str = "Stopped") -> Windows:
    windows = Windows()
    windows.install(state)
    return windows


def registering(**certificate: t.Any) -> Windows:
    """An installed server on which a registration works, after a while."""
    windows = installed()

    def run(server: Windows) -> dict[str, t.Any]:
        server.later(4.0, lambda later: later.register(**certificate))
        return {"invoked": "script", "ok": True, "error": None}

    windows.programs["register"] = run
    return windows


@pytest.fixture
def installer(tmp_path: pathlib.Path) -> str:
    path = tmp_path / INSTALLER
    path.write_bytes(b"MZ")
    return str(path)


# connector, present


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


def test_services_are_mended_after_an_install(installer: str) -> None:
    windows = installing()
    windows.services["WAPCSvc"] = {"State": "Stopped", "StartMode": "Manual"}
    result = connector(windows, installer_file=installer)
    assert result["connector"]["services"]["WAPCSvc"]["start_mode"] == "Auto"
    assert not connector(windows, installer_file=installer)["changed"]


def test_a_stopped_service_of_a_registered_host_is_started() -> None:
    windows = installed()
    windows.register()
    result = connector(windows)
    assert writes(windows) == ["StartService WAPCSvc", "StartService WAPCUpdaterSvc"]
    assert result["plan"]["summary"] == "2 start"
    assert result["registration"]["required"] is False


@pytest.mark.parametrize("check_mode", [False, True])
def test_services_that_are_starting_are_waited_for_and_are_no_change(check_mode: bool) -> None:
    windows = installed("Start Pending")
    windows.register()
    windows.later(20, lambda server: [service.update(State="Running") for service in server.services.values()])  # type: ignore[func-returns-value]
    result = connector(windows, check_mode=check_mode)
    assert (result["changed"], result["plan"]["lines"], writes(windows)) == (False, [], [])
    assert result["connector"]["services"]["WAPCSvc"]["state"] == "Running"
    assert windows.seconds < 30


@pytest.mark.parametrize(("seconds", "asked"), [(20, 1), (200, 2)], ids=["soon", "later than is waited for it before the work"])
def test_a_service_that_is_stopping_is_started_as_soon_as_it_has_stopped(seconds: float, asked: int) -> None:
    windows = installed("Running")
    windows.register()
    windows.services["WAPCSvc"]["State"] = "Stop Pending"
    windows.later(seconds, lambda server: server.services["WAPCSvc"].update(State="Stopped"))
    result = connector(windows)
    assert writes(windows) == ["StartService WAPCSvc"] * asked
    assert result["connector"]["services"]["WAPCSvc"]["state"] == "Running"


def test_a_paused_service_goes_on() -> None:
    windows = installed("Running")
    windows.register()
    windows.services["WAPCSvc"]["State"] = "Paused"
    assert connector(windows)["connector"]["services"]["WAPCSvc"]["state"] == "Running"
    assert writes(windows) == ["StartService WAPCSvc", "ResumeService WAPCSvc"]


def test_a_service_that_hangs_is_an_error_that_tells_how() -> None:
    windows = installed("Running")
    windows.register()
    windows.services["WAPCSvc"]["State"] = "Start Pending"
    with pytest.raises(HostError, match="within 600 seconds: Start Pending, Auto .StartService returned 10"):
        connector(windows)


def test_a_service_that_will_not_run_is_an_error() -> None:
    windows = installed()
    windows.register()
    windows.services["WAPCSvc"]["after_start"] = "Stopped"
    with pytest.raises(HostError, match="WAPCSvc did not become Running within 600 seconds: Stopped, Auto .StartService returned 0"):
        connector(windows)


# connector, absent


CODE = "{5E1A0A5D-7E9C-4C9B-8E1E-0B6B4F1B2C3D}"


def listed(state: str = "Stopped") -> Windows:
    """An installed server, as Windows lists it."""
    windows = installed(state)
    windows.listed = {CODE: ENTRA.product}
    return windows


def uninstalling(code: int, after: float = 0.0) -> t.Callable[[Windows], t.Any]:
    """An uninstaller that does its work, some time after it has ended."""

    def gone(windows: Windows) -> None:
        windows.remove()
        windows.listed.clear()

    def run(windows: Windows) -> t.Any:
        if after:
            windows.later(after, gone)
        else:
            gone(windows)
        return exit_code(code)(windows)

    return run


def test_remove_by_what_the_registry_knows() -> None:
    windows = listed()
    windows.programs["msiexec.exe"] = uninstalling(3010, after=5.0)
    result = connector(windows, state="absent")
    assert f"run msiexec.exe /x {CODE} /qn /norestart" in windows.calls
    assert (result["changed"], result["reboot_required"], result["connector"]["installed"]) == (True, True, False)
    assert result["registration"]["required"] is False


def test_remove_by_the_installer(installer: str) -> None:
    windows = installed()
    windows.programs[INSTALLER] = uninstalling(0)
    connector(windows, state="absent", installer_file=installer)
    assert f"run {INSTALLER} /uninstall /quiet /norestart" in windows.calls


def test_what_the_installer_leaves_goes_by_the_registry(installer: str) -> None:
    windows = listed()
    windows.programs[INSTALLER] = exit_code(0)
    windows.programs["msiexec.exe"] = uninstalling(0)
    assert not connector(windows, state="absent", installer_file=installer)["connector"]["installed"]
    assert windows.seconds == pytest.approx(60)


def test_absent_on_an_empty_server_does_nothing() -> None:
    windows = Windows()
    assert not connector(windows, state="absent", installer_file="/does/not/exist.exe")["changed"]
    assert writes(windows) == []


def test_what_stays_after_a_removal_is_named() -> None:
    windows = installed()
    windows.programs["sc.exe"] = exit_code(1072)
    with pytest.raises(HostError, match="something is left: service WAPCSvc"):
        connector(windows, state="absent")


@pytest.mark.parametrize("code", [1603, 1612, 1619])
def test_an_uninstaller_that_fails_does_not_keep_the_other_product_nor_what_is_left(code: int) -> None:
    windows = listed()
    other = "{6F2B1B6E-8F0D-4D0C-9F2F-1C7C5F2C3D4E}"
    windows.listed[other] = ENTRA.updater_product
    codes = iter([code, 0])

    def uninstall(server: Windows) -> t.Any:
        server.listed.pop(other, None)
        return exit_code(next(codes))(server)

    windows.programs["msiexec.exe"] = uninstall
    with pytest.raises(HostError) as caught:
        connector(windows, state="absent", remove_folders=True)
    assert [call for call in windows.calls if "msiexec" in call] == [f"run msiexec.exe /x {one} /qn /norestart" for one in (CODE, other)]
    assert (windows.services, windows.files & INSTALLED_FILES, windows.folders) == ({}, set(), set())
    assert f"Windows still lists as installed: {ENTRA.product}. msiexec.exe ended with exit code {code}" in caught.value.message
    assert "Program Install and Uninstall troubleshooter" in caught.value.message
    assert "remove_leftovers" not in caught.value.message
    assert (caught.value.details["exit_code"], caught.value.details["operation"]) == (code, "remove the connector")
    windows.programs["msiexec.exe"] = uninstalling(0)
    result = connector(windows, state="absent")
    assert result["plan"]["lines"] == [f"- remove product {ENTRA.product} (listed: True): it is declared absent"]
    assert connector(windows, state="absent")["changed"] is False


def test_an_uninstaller_that_fails_after_its_work_is_no_failure() -> None:
    windows = listed()
    windows.programs["msiexec.exe"] = uninstalling(1603)
    result = connector(windows, state="absent")
    assert "exit code 1603" in result["outcome"]
    assert connector(windows, state="absent")["changed"] is False


def test_a_failing_installer_that_was_given_leaves_the_removal_to_the_registry(installer: str) -> None:
    windows = listed()
    windows.programs |= {INSTALLER: exit_code(1603), "msiexec.exe": uninstalling(0)}
    assert not connector(windows, state="absent", installer_file=installer)["connector"]["installed"]


def test_nothing_is_removed_by_hand_while_another_installation_runs() -> None:
    windows = listed()
    windows.programs["msiexec.exe"] = exit_code(1618)
    with pytest.raises(HostError, match="1618: another installation"):
        connector(windows, state="absent", install_timeout=20)
    assert not any("sc.exe" in call or "script remove" in call for call in windows.calls)


def test_a_reinstallation_whose_uninstaller_fails_leaves_the_connector_in_place(installer: str) -> None:
    windows = listed("Running")
    windows.version = "1.5.4287.0"
    windows.programs["msiexec.exe"] = exit_code(1603)
    with pytest.raises(HostError, match="exit code 1603.*troubleshooter"):
        connector(windows, installer_file=installer, version="1.5.4892.0", upgrade_strategy="reinstall")
    assert {service["State"] for service in windows.services.values()} == {"Running"}
    assert windows.files >= INSTALLED_FILES


def test_a_registry_that_cannot_be_searched_is_not_taken_for_an_empty_one() -> None:
    windows = installed()
    windows.programs["reg.exe"] = exit_code(1, stderr="ERROR: Registry editing has been disabled by your administrator.\r\n")
    with pytest.raises(HostError, match="exit code 1: ERROR: Registry editing has been disabled.*nothing was removed by hand"):
        connector(windows, state="absent")
    assert set(windows.services) == {"WAPCSvc", "WAPCUpdaterSvc"}
    assert windows.files >= INSTALLED_FILES


def test_the_key_of_32_bit_programs_may_be_missing() -> None:
    windows = listed()
    windows.programs["msiexec.exe"] = uninstalling(0)
    answers = itertools.cycle([None, exit_code(1, stderr="ERROR: The system was unable to find the specified registry key or value.\r\n")])
    search = windows.search

    def query(server: Windows) -> t.Any:
        answer = next(answers)
        return answer(server) if answer else search(uninstall_entries.KEYS[0])

    windows.programs["reg.exe"] = query
    assert connector(windows, state="absent")["changed"]


# products that are only listed


def only_listed() -> Windows:
    """Somebody has deleted services and folders: Windows takes the product for installed."""
    windows = listed()
    windows.remove()
    windows.folders.clear()

    def install(server: Windows) -> t.Any:
        if not server.listed:
            server.later(3.0, Windows.install)
        return exit_code(0)(server)

    windows.programs |= {INSTALLER: install, "msiexec.exe": uninstalling(0)}
    return windows


def test_a_product_that_is_only_listed_hinders_until_it_is_removed_as_a_leftover(installer: str) -> None:
    windows = only_listed()
    with pytest.raises(HostError, match="remove_leftovers=true"):
        connector(windows, installer_file=installer)
    predicted = connector(windows, installer_file=installer, remove_leftovers=True, check_mode=True)
    done = connector(windows, installer_file=installer, remove_leftovers=True)
    assert predicted["plan"] == done["plan"]
    assert done["plan"]["lines"][0] == f"- remove leftover product {ENTRA.product} (present: True): an earlier installation has left it"
    assert done["connector"]["installed"]


def test_a_product_that_is_only_listed_is_not_absent() -> None:
    windows = only_listed()
    assert connector(windows, state="absent", check_mode=True)["changed"]
    assert connector(windows, state="absent")["changed"]
    assert windows.listed == {}
    assert connector(windows, state="absent")["changed"] is False


def test_a_listed_product_that_stays_is_an_error_before_anything_is_removed_by_hand(installer: str) -> None:
    windows = listed()
    windows.services.pop("WAPCUpdaterSvc")
    windows.programs["msiexec.exe"] = exit_code(1603)
    with pytest.raises(HostError, match="Windows still lists as installed.*troubleshooter"):
        connector(windows, installer_file=installer, remove_leftovers=True)
    assert list(windows.services) == ["WAPCSvc"]
    assert windows.files >= INSTALLED_FILES


# connector_registration


def test_register_with_a_token() -> None:
    windows = registering()
    result = register(windows, token=token())
    assert result["changed"]
    assert result["connector"]["registration"]["tenant_id"] == TENANT
    assert result["connector"]["services"]["WAPCSvc"]["state"] == "Running"
    document = windows.documents[0]
    assert (document["mode"], document["tenant_id"], document["environment"]) == ("Token", TENANT, None)
    assert document["module_dir"] == "C:\\Program Files\\Microsoft Entra private network connector\\Modules\\"
    assert not any(token() in text for text in (*windows.calls, *windows.progress, str(result)))


def beginning(seconds: float) -> t.Callable[[Windows], t.Any]:
    """A registration whose run is killed while it goes on, on the server; it ends after so many seconds."""

    def run(server: Windows) -> t.Any:
        server.later(seconds, lambda later: later.register(f"{len(later.certificates):040X}"))
        raise Killed("the registration")

    return run


@pytest.mark.parametrize(("seconds", "scripts"), [(20, 1), (1000, 2)], ids=["comes", "does not come in its time"])
def test_a_registration_that_a_killed_run_has_begun_is_waited_for_and_not_made_twice(seconds: float, scripts: int) -> None:
    windows = registering()
    usual = windows.programs["register"]
    windows.programs["register"] = beginning(seconds)
    with pytest.raises(Killed):
        register(windows, token=token())
    windows.programs["register"] = usual
    result = register(windows, token=token())
    assert result["registration"]["state"] == "registered"
    assert windows.calls.count("script register") == scripts
    assert len(windows.certificates) == 1
    assert ("an earlier run had begun" in result["outcome"]) is (scripts == 1)
    windows.calls.clear()
    assert (register(windows, token=token())["changed"], writes(windows)) == (False, [])


@pytest.mark.parametrize("seconds", [5, 100_000], ids=["in its time", "long after it"])
def test_a_certificate_that_a_killed_run_has_obtained_counts_where_nothing_else_tells_of_it(seconds: float) -> None:
    windows = registering()

    def run(server: Windows) -> t.Any:
        # Trust settings in no folder that is known, and a service that does not run: by itself the certificate could be a leftover.
        server.certificates["EE" * 20] = blob(encoded_certificate())
        raise Killed("the registration")

    usual, windows.programs["register"] = windows.programs["register"], run
    with pytest.raises(Killed):
        register(windows, token=token())
    windows.programs["register"] = usual
    assert windows.server().observe().registration.state == "unregistered"
    windows.sleep(seconds)
    before = windows.seconds
    result = register(windows, token=token())
    assert result["registration"]["state"] == "registered"
    assert (windows.calls.count("script register"), list(windows.certificates)) == (1, ["EE" * 20])
    assert windows.seconds - before < 30


def test_a_host_that_the_tenant_has_forgotten_is_registered_anew_whatever_a_killed_run_has_obtained() -> None:
    windows = registering()
    windows.programs["register"], usual = beginning(20), windows.programs["register"]
    with pytest.raises(Killed):
        register(windows, token=token())
    windows.programs["register"] = usual
    windows.sleep(100_000)
    windows.services["WAPCSvc"]["State"] = "Running"
    others = [{"id": "99999999-6b1c-4e57-8f0d-6d2c1a4a9a11", "status": "active"}]
    assert register(windows, token=token(), known_connectors=others)["changed"]
    assert windows.calls.count("script register") == 2


def test_what_a_killed_run_has_begun_for_another_tenant_or_before_the_server_started_is_not_waited_for() -> None:
    for other, boots in ((OTHER_TENANT, False), (TENANT, True)):
        windows = registering()
        windows.programs["register"], usual = beginning(1000), windows.programs["register"]
        with pytest.raises(Killed):
            jobs.registration(windows.server(), values(options.REGISTRATION, tenant_id=other, token=token(tid=other)), False)
        windows.programs["register"] = usual
        windows.sleep(1)
        if boots:
            windows.boot()
        before = windows.seconds
        assert register(windows, token=token())["registration"]["state"] == "registered"
        assert windows.seconds - before < 30


def test_a_registration_that_fails_leaves_no_note() -> None:
    windows = installed()
    with pytest.raises(HostError):
        register(windows, token=token(), timeout=5)
    assert not [name for name in windows.registry if name.endswith("registration")]


def test_registered_hosts_need_no_token() -> None:
    windows = installed("Running")
    windows.register()
    result = register(windows)
    assert not result["changed"]
    assert writes(windows) == []


def test_a_missing_token_is_an_error_only_when_it_is_needed() -> None:
    windows = installed()
    with pytest.raises(HostError, match="NAM-WEB-01 has to be registered.*entra.app_proxy.registration_token"):
        register(windows)
    assert register(windows, check_mode=True)["plan"]["summary"] == "1 register"
    assert writes(windows) == []


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (token(tid=OTHER_TENANT), f"of tenant {OTHER_TENANT}"),
        (token(exp=int(NOW.timestamp()) - 60), "expired"),
        (token(acct=1), "guest"),
    ],
)
def test_a_bad_token_is_refused_before_anything_is_changed(bad: str, message: str, check_mode: bool) -> None:
    windows = installed()
    with pytest.raises(HostError, match=message) as caught:
        register(windows, token=bad, check_mode=check_mode)
    assert bad not in str(caught.value)
    assert writes(windows) == []


def test_check_mode_without_an_installation_plans_the_registration_that_comes() -> None:
    windows = Windows()
    predicted = register(windows, check_mode=True, token=token())
    windows = registering()
    assert predicted["plan"] == register(windows, token=token())["plan"]


def test_without_an_installation_it_says_what_to_run_first() -> None:
    with pytest.raises(HostError, match="run entra.app_proxy.connector before"):
        register(Windows(), token=token())


def test_a_new_certificate_counts_and_an_old_one_does_not() -> None:
    windows = registering(not_before=NOW)
    windows.certificates["EE" * 20] = b""
    windows.register("DD" * 20, not_before=NOW - days(200), not_after=NOW - days(20))
    result = register(windows, token=token())
    assert result["plan"]["changes"][0]["reason"] == "the trust certificate has expired"
    assert result["connector"]["registration"]["thumbprint"] == "AB" * 20


def test_silence_is_a_failure_after_the_whole_timeout() -> None:
    windows = installed()
    with pytest.raises(HostError, match="multifactor.*180 seconds waited; no new trust certificate.*register with a token") as caught:
        register(windows, user="someone@contoso.example", password=SECRET)
    assert SECRET not in str(caught.value)
    assert windows.documents[0]["tenant_id"] is None


def test_the_reason_comes_from_the_event_log_and_secrets_are_blotted_out() -> None:
    windows = installed()
    windows.programs["register"] = lambda _server: {"invoked": "script", "ok": False, "error": f"it failed with {SECRET}"}
    text = f"Connector registration failed: Error: 'The registration request was denied.' {SECRET}"
    windows.programs["wevtutil.exe"] = exit_code(0, f"<Event><RenderingInfo><Message>{text}</Message></RenderingInfo></Event>")
    with pytest.raises(HostError, match="registration request was denied.*Application Administrator") as caught:
        register(windows, user="someone@contoso.example", password=SECRET)
    assert windows.seconds < 20, "an error that is reported shortens the wait"
    assert SECRET not in str(caught.value)
    assert SECRET not in str(caught.value.details)


def unreachable(_server: Windows) -> t.Any:
    raise TransportError("the connection was lost", request_may_have_run=True)


def test_a_registration_whose_reason_cannot_be_read_fails_as_what_it_is() -> None:
    windows = installed()
    windows.programs["wevtutil.exe"] = unreachable
    with pytest.raises(HostError, match="neither the registration nor the event log gave a reason"):
        register(windows, token=token(), timeout=5)
    assert any(line.startswith("the Application log could not be read") for line in windows.progress)


ADMIN_ERROR = (
    "<Event><System><Provider Name='Microsoft Entra private network connector'/><EventID>12</EventID><Level>2</Level>"
    f"<TimeCreated SystemTime='2026-07-01T12:00:00.000Z'/><Channel>{ENTRA.channels[0]}</Channel></System>"
    "<RenderingInfo><Message>Connector failed to download the configuration.</Message></RenderingInfo></Event>"
)


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (exit_code(0, ADMIN_ERROR), rf"\. The log {ENTRA.channels[0]} says: Connector failed to download the configuration\. See"),
        (exit_code(0), r"returned 0.\. See"),
        (unreachable, r"returned 0.\. See"),
    ],
    ids=["tells why", "tells nothing", "cannot be read"],
)
def test_a_registered_connector_that_does_not_run_is_told_with_the_reason_of_the_event_logs(log: t.Any, reason: str) -> None:
    windows = registering(not_before=NOW)
    windows.services["WAPCSvc"]["after_start"] = "Stopped"
    windows.programs["wevtutil.exe"] = log
    with pytest.raises(HostError, match=f"received its trust certificate, but service WAPCSvc did not become Running.*{reason}") as caught:
        register(windows, token=token(), timeout=5)
    assert caught.value.details["operation"] == "start service WAPCSvc"


def test_a_certificate_that_does_not_make_the_host_a_registered_one_is_told_with_the_reason_of_the_event_logs() -> None:
    windows = registering(not_before=NOW - days(190), not_after=NOW - days(10))
    windows.programs["wevtutil.exe"] = exit_code(0, ADMIN_ERROR)
    with pytest.raises(HostError, match="trust certificate, but waited 180 seconds.*last seen: expired.*failed to download the config"):
        register(windows, token=token())


def test_a_certificate_of_another_tenant_is_not_success() -> None:
    with pytest.raises(HostError, match=f"a certificate of tenant {OTHER_TENANT}"):
        register(registering(subject=OTHER_TENANT), token=token())


def test_another_tenant_is_changed_only_when_allowed() -> None:
    windows = registering(not_before=NOW)
    windows.register("DD" * 20, subject=OTHER_TENANT)
    with pytest.raises(HostError, match="allow_tenant_change=true"):
        register(windows, token=token())
    assert writes(windows) == []
    assert register(windows, token=token(), allow_tenant_change=True)["connector"]["registration"]["tenant_id"] == TENANT


# connector_info, connector_health


def test_info_tells_whether_a_registration_is_required() -> None:
    result = jobs.info(Windows().server(), values(options.INFO, tenant_id=TENANT), False)
    assert (result["changed"], result["registration"]["required"], result["connector"]["installed"]) == (False, True, False)


def test_health_waits_until_it_is_well() -> None:
    windows = installed("Running")
    windows.register()
    windows.services["WAPCSvc"]["State"] = "Start Pending"
    windows.later(10, lambda server: server.services["WAPCSvc"].update(State="Running"))
    result = health_job.connector_health(windows.server(), values(options.HEALTH, wait_timeout=60), False)
    assert (result["healthy"], result["status"]) == (True, "ok")


@pytest.mark.parametrize(("fail_on", "fails"), [("never", False), ("warning", True), ("critical", True)])
def test_health_fails_only_when_that_is_asked_for(fail_on: str, fails: bool) -> None:
    windows = installed("Running")
    given = values(options.HEALTH, fail_on=fail_on)
    if not fails:
        assert health_job.connector_health(windows.server(), given, False)["status"] == "critical"
        return
    with pytest.raises(HostError, match="registration: the host is not registered") as caught:
        health_job.connector_health(windows.server(), given, False)
    assert caught.value.details["result"]["checks"]


def test_the_installed_files_are_those_of_the_newer_generation() -> None:
    assert all("Entra" in path for path in INSTALLED_FILES)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From whatever state a host is in: what the jobs do converges, check mode says it before, and a second run has nothing to do.

The jobs are the real ones; the server is the scripted Windows, in states that hypothesis makes up: absent, half installed, with
leftovers, stopped, unregistered, expired, of another tenant, of either generation, upgraded by itself, waiting for a restart.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import typing as t

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.host import generations, jobs, notes, options, restart_note
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer import ASKED
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import ProcessResult
from tests.unit.host.builders import NOW, OTHER_TENANT, TENANT, days
from tests.unit.host.test_registration_token import token
from tests.unit.host.windows import ACCOUNTS, Killed, Windows, exit_code, product_files, trust_settings

INSTALLER = "MicrosoftEntraPrivateNetworkConnectorInstaller.exe"
CODE = "{5E1A0A5D-7E9C-4C9B-8E1E-0B6B4F1B2C3D}"
STATES = ("Running", "Stopped", "Start Pending", "Stop Pending", "Paused")
ENDS = {"Start Pending": "Running", "Stop Pending": "Stopped"}
MODES = ("Auto", "Manual", "Disabled")
# The last one has come by itself: newer than any installer here.
VERSIONS = ("1.5.1626.0", "1.5.3437.0", "1.5.3829.0", "1.5.4892.0", "1.5.9000.0")
NEWEST = "1.5.4892.0"

EXECUTABLES = {path for one in generations.GENERATIONS for path in (one.service_path("C:"), one.updater_path("C:"))}

Given = dict[str, t.Any]


@st.composite
def hosts(draw: st.DrawFn) -> Windows:
    windows = Windows(version=draw(st.sampled_from(VERSIONS)))
    generation = draw(st.sampled_from(generations.GENERATIONS))
    windows.files |= draw(st.sets(st.sampled_from(sorted(product_files(generation)))))
    exes = {generations.CONNECTOR_SERVICE: generation.service_path("C:"), generations.UPDATER_SERVICE: generation.updater_path("C:")}
    for name in draw(st.sets(st.sampled_from(generations.SERVICES))):
        state, mode = draw(st.sampled_from(STATES)), draw(st.sampled_from(MODES))
        windows.services[name] = {"State": state, "StartMode": mode, "PathName": f'"{exes[name]}"', "StartName": ACCOUNTS[name]}
        if state in ENDS:
            # A stop may take longer than anybody waits for it before the work begins.
            windows.later(draw(st.sampled_from([5, 90])), functools.partial(_arrive, name=name, state=state))
    every = [folder for one in generations.GENERATIONS for folder in [*one.program_folders("C:"), one.data_dir("C:")]]
    windows.folders |= draw(st.sets(st.sampled_from(every)))
    windows.folders |= {file.rpartition("\\")[0] for file in windows.files}
    for age in draw(st.lists(st.integers(min_value=2, max_value=400), max_size=2, unique=True)):
        tenant = draw(st.sampled_from([TENANT, OTHER_TENANT, "no tenant"]))
        windows.register(f"{age:040X}", subject=tenant, not_before=NOW - days(age), not_after=NOW + days(180 - age))
    windows.files -= {trust_settings(generations.ENTRA)}
    windows.files |= draw(st.sets(st.sampled_from([trust_settings(one) for one in generations.GENERATIONS])))
    if draw(st.booleans()):
        windows.user_store["CD" * 20] = NOW - days(draw(st.integers(min_value=1, max_value=300)))
    windows.listed = {CODE: generation.product} if draw(st.booleans()) else {}
    if draw(st.booleans()):
        wait_for_a_restart(windows)
    windows.programs.update(_programs(draw(st.sampled_from([0, 3010, 1641]))))
    return windows


def _arrive(windows: Windows, name: str, state: str) -> None:
    """A service comes to the end of its way, unless something else has become of it."""
    if windows.services.get(name, {}).get("State") == state:
        windows.services[name]["State"] = ENDS[state]


def wait_for_a_restart(windows: Windows) -> None:
    """An installer has asked for it in an earlier run, which could not make it."""
    windows.restart_due = True
    windows.keys.add(notes.KEY.lower())
    note = {"for": [ASKED], "since": NOW.isoformat()}
    windows.registry[rf"{notes.KEY}\{restart_note.VALUE}".lower()] = json.dumps(note)


def only_listed(windows: Windows) -> bool:
    """Windows takes the product for installed, and nothing of it is there."""
    return bool(windows.listed) and not windows.services and not windows.files & EXECUTABLES


def _programs(code: int, *, puts_off: bool = False) -> dict[str, t.Any]:
    """An installer that works after a while, an uninstaller of what is listed, and a registration that works.

    :param puts_off: what is in use, which is every executable, they replace and remove when Windows starts again.
    """

    def install(windows: Windows) -> ProcessResult:
        if only_listed(windows):
            return exit_code(0)(windows)

        def appear(later: Windows) -> None:
            later.install()
            later.listed = {CODE: generations.ENTRA.product}
            later.version = max(later.version, NEWEST) if later.version == VERSIONS[-1] else NEWEST

        if puts_off:
            windows.at_boot.append(appear)
        else:
            windows.later(3, appear)
        windows.restart_due = windows.restart_due or code == 3010
        if code == 1641:
            windows.later(10, Windows.boot)
        return exit_code(code)(windows)

    def uninstall(windows: Windows) -> ProcessResult:
        in_use = windows.files & EXECUTABLES if puts_off else set()
        windows.remove()
        windows.listed.clear()
        if not in_use:
            return exit_code(0)(windows)
        windows.files |= in_use
        windows.held |= in_use
        windows.at_boot.append(lambda later: later.files.difference_update(in_use))
        return exit_code(3010)(windows)

    def register(windows: Windows) -> dict[str, t.Any]:
        windows.later(4, lambda later: later.register("AB" * 20, not_before=NOW))
        return {"invoked": "script", "ok": True, "error": None}

    return {INSTALLER: install, "msiexec.exe": uninstall, "register": register}


WISHES = st.fixed_dictionaries(
    {
        "state": st.sampled_from(["present", "latest"]),
        "version": st.sampled_from([None, "1.5.1526.0", "1.5.3829.0", NEWEST]),
        "upgrade_strategy": st.sampled_from(["in_place", "reinstall"]),
        "remove_leftovers": st.booleans(),
        "reboot": st.booleans(),
        "installer_path": st.just(rf"C:\software\{INSTALLER}"),
    }
)


def connector(windows: Windows, given: Given, *, check_mode: bool = False) -> Given:
    defaults = {option.name: option.default for option in options.CONNECTOR.options}
    return jobs.connector(windows.server(), {**defaults, **given}, check_mode)


def register(windows: Windows, **given: t.Any) -> Given:
    defaults = {option.name: option.default for option in options.REGISTRATION.options}
    wanted = {**defaults, "tenant_id": TENANT, "token": token(), "allow_tenant_change": True, **given}
    return jobs.registration(windows.server(), wanted, False)


def unhindered(windows: Windows, wishes: Given) -> Given:
    """The wishes with which a host can be installed at all."""
    return {**wishes, "remove_leftovers": wishes["remove_leftovers"] or only_listed(windows)}


def writes(windows: Windows) -> list[str]:
    reads = ("query", "EnumKey", "GetBinaryValue", "GetStringValue", "script inspect", "script read", "run reg.exe query")
    return [call for call in windows.calls if not call.startswith(reads)]


@settings(max_examples=80)
@given(windows=hosts(), wishes=WISHES)
def test_every_host_becomes_an_installed_and_registered_one(windows: Windows, wishes: Given) -> None:
    wishes = unhindered(windows, wishes)
    predicted = connector(copy.deepcopy(windows), wishes, check_mode=True)
    done = connector(windows, wishes)
    assert predicted["plan"] == done["plan"]
    assert predicted["changed"] is done["changed"]
    assert done["connector"]["installed"]
    # A service that takes longer than it is waited for may show only later that its host is registered.
    on_its_way = any(service["state"] in ENDS for service in done["connector"]["services"].values())
    registered = register(windows)
    told = registered["changed"] is done["registration"]["required"]
    assert told or on_its_way or done["connector"]["registration"]["tenant_id"] == OTHER_TENANT
    windows.sleep(60)
    if on_its_way:
        # What had to wait until its registration showed, such as the start of the other service, is done by the next run.
        connector(windows, wishes)

    assert_complete(windows, wishes)


def assert_complete(windows: Windows, wishes: Given) -> None:
    """Installed, registered, running, and nothing more to do."""
    windows.calls.clear()
    again = connector(windows, wishes)
    assert again["plan"]["lines"] == []
    assert register(windows)["plan"]["lines"] == []
    assert writes(windows) == []
    assert again["connector"]["registration"]["state"] == "registered"
    assert {service["state"] for service in again["connector"]["services"].values()} == {"Running"}
    assert {service["start_mode"] for service in again["connector"]["services"].values()} == {"Auto"}
    assert again["registration"]["required"] is False


@settings(max_examples=80)
@given(windows=hosts(), wishes=WISHES, lives=st.none() | st.integers(min_value=0, max_value=25))
def test_what_only_a_restart_completes_is_complete_after_a_run_that_may_restart(windows: Windows, wishes: Given, lives: int | None) -> None:
    wishes = {**unhindered(windows, wishes), "reboot": True}
    windows.programs.update(_programs(3010, puts_off=True))
    windows.lives = lives
    with contextlib.suppress(Killed):
        connector(windows, wishes)
    windows.lives = None
    connector(windows, wishes)
    register(windows)
    windows.sleep(60)
    assert_complete(windows, wishes)
    assert (windows.at_boot, windows.held, windows.restart_due) == ([], set(), False)


@settings(max_examples=60)
@given(windows=hosts(), remove_folders=st.booleans(), lives=st.none() | st.integers(min_value=0, max_value=15))
def test_what_only_a_restart_removes_is_gone_after_a_run_that_may_restart(
    windows: Windows, remove_folders: bool, lives: int | None
) -> None:
    wishes = {"state": "absent", "remove_folders": remove_folders, "reboot": True}
    windows.programs.update(_programs(3010, puts_off=True))
    windows.lives = lives
    with contextlib.suppress(Killed):
        connector(windows, wishes)
    windows.lives = None
    connector(windows, wishes)
    assert (windows.services, windows.files & EXECUTABLES, windows.held) == ({}, set(), set())
    assert not (remove_folders and windows.folders)
    windows.calls.clear()
    assert (connector(windows, wishes)["plan"]["lines"], writes(windows)) == ([], [])


@settings(max_examples=25)
@given(windows=hosts(), wishes=WISHES, absent=st.booleans())
def test_what_a_restart_has_yet_to_complete_is_no_failure(windows: Windows, wishes: Given, absent: bool) -> None:
    wishes = {"state": "absent", "remove_folders": True} if absent else {**unhindered(windows, wishes), "reboot": False}
    windows.programs.update(_programs(3010, puts_off=True))
    first = connector(windows, wishes)
    assert first["reboot_required"] or not windows.at_boot
    windows.sleep(60)
    windows.boot()
    again = connector(windows, wishes)
    assert (again["reboot_required"], again["connector"]["installed"]) == (False, not absent)


def test_an_upgrade_from_the_other_generation_leaves_no_folders_to_the_next_run() -> None:
    windows = Windows(version="1.5.3437.0")
    windows.install("Running", generations.LEGACY)
    windows.programs.update(_programs(0))
    wishes = {"version": NEWEST, "remove_leftovers": True, "installer_path": rf"C:\software\{INSTALLER}"}
    connector(windows, wishes)
    assert windows.folders == set(generations.ENTRA.program_folders("C:"))
    assert connector(windows, wishes)["plan"]["lines"] == []


@settings(max_examples=150)
@given(windows=hosts(), wishes=WISHES, lives=st.integers(min_value=0, max_value=25))
def test_a_run_that_was_killed_anywhere_is_simply_run_again(windows: Windows, wishes: Given, lives: int) -> None:
    wishes = unhindered(windows, wishes)
    windows.lives = lives
    with contextlib.suppress(Killed):
        connector(windows, wishes)
        register(windows)
    windows.lives = None
    connector(windows, wishes)
    register(windows)
    windows.sleep(60)
    assert_complete(windows, wishes)
    assert not (wishes["reboot"] and windows.restart_due)


@settings(max_examples=60)
@given(windows=hosts(), reboot=st.booleans(), lives=st.integers(min_value=0, max_value=12))
def test_a_removal_that_was_killed_anywhere_is_simply_run_again(windows: Windows, reboot: bool, lives: int) -> None:
    wishes = {"state": "absent", "remove_folders": True, "reboot": reboot}
    was_there = bool(windows.services or windows.files & EXECUTABLES or windows.listed or windows.restart_due)
    booted = windows.last_boot
    windows.lives = lives
    with contextlib.suppress(Killed):
        connector(windows, wishes)
    windows.lives = None
    connector(windows, wishes)
    assert (windows.services, windows.files & EXECUTABLES, windows.folders, windows.listed) == ({}, set(), set(), {})
    assert (windows.last_boot > booted) is (was_there and reboot)
    windows.calls.clear()
    assert (connector(windows, wishes)["plan"]["lines"], writes(windows)) == ([], [])


@settings(max_examples=60)
@given(windows=hosts(), remove_folders=st.booleans(), reboot=st.booleans())
def test_every_host_becomes_one_without_a_connector(windows: Windows, remove_folders: bool, reboot: bool) -> None:
    wishes = {"state": "absent", "remove_folders": remove_folders, "reboot": reboot}
    predicted = connector(copy.deepcopy(windows), wishes, check_mode=True)
    done = connector(windows, wishes)
    assert predicted["plan"] == done["plan"]
    assert (windows.services, windows.listed) == ({}, {})
    assert not windows.files & {one.service_path("C:") for one in generations.GENERATIONS}
    assert not (remove_folders and windows.folders)

    windows.calls.clear()
    assert connector(windows, wishes)["plan"]["lines"] == []
    assert writes(windows) == []


@settings(max_examples=25)
@given(windows=hosts(), wishes=WISHES)
def test_check_mode_changes_nothing(windows: Windows, wishes: Given) -> None:
    connector(windows, wishes, check_mode=True)
    assert writes(windows) == []

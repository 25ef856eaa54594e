# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing, from options to result, against a scripted Windows: what is done, in which order, and what stays."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.host import uninstall_entries
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import ENTRA
from tests.unit.host.job_builders import (
    CODE,
    INSTALLER,
    connector,
    installed,
    listed,
    uninstalling,
    writes,
)
from tests.unit.host.windows import INSTALLED_FILES, Windows, exit_code


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

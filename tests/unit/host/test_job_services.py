# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services of an installed connector, from options to result, against a scripted Windows."""

from __future__ import annotations

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from tests.unit.host.job_builders import (
    connector,
    installed,
    installing,
    writes,
)


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

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The jobs that only look, from options to result, against a scripted Windows."""

from __future__ import annotations

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.host import health_job, jobs, options
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from tests.unit.host.builders import TENANT
from tests.unit.host.job_builders import (
    installed,
    values,
)
from tests.unit.host.windows import INSTALLED_FILES, Windows


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

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks over a state."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given

from ansible_collections.entra.app_proxy.plugins.module_utils.host import health
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState
from tests.unit.host import builders
from tests.unit.host.builders import NOW, OTHER_TENANT, TENANT, certificate, days, host, service

WELL = host(certificates=(certificate(),))
THRESHOLDS = health.Thresholds(tenant_id=TENANT, version="1.5.3829.0")


def statuses(state: HostState, thresholds: health.Thresholds = THRESHOLDS) -> dict[str, str]:
    """What is not ok."""
    return {check.name: check.status for check in health.checks(state, thresholds, NOW) if check.status != "ok"}


def with_service(state: str, start_mode: str) -> HostState:
    return host(services={**WELL.services, "WAPCSvc": service("WAPCSvc", state, start_mode)}, certificates=(certificate(),))


def run_by(name: str, account: str | None) -> HostState:
    return dataclasses.replace(WELL, services={**WELL.services, name: dataclasses.replace(WELL.services[name], account=account)})


def ending_in(number: float) -> HostState:
    return host(certificates=(certificate(not_after=NOW + days(number)),))


@pytest.mark.parametrize(
    ("state", "thresholds", "expected"),
    [
        (WELL, THRESHOLDS, {}),
        (WELL, health.Thresholds(), {}),
        (
            with_service("Stopped", "Auto"),
            THRESHOLDS,
            {"service WAPCSvc": "critical"},
        ),
        (
            with_service("Running", "Manual"),
            THRESHOLDS,
            {"service WAPCSvc": "warning"},
        ),
        (run_by("WAPCSvc", r"CONTOSO\svc-proxy"), THRESHOLDS, {"account WAPCSvc": "warning"}),
        (run_by("WAPCUpdaterSvc", r"NT AUTHORITY\NetworkService"), THRESHOLDS, {"account WAPCUpdaterSvc": "warning"}),
        (run_by("WAPCSvc", None), THRESHOLDS, {"account WAPCSvc": "unknown"}),
        (run_by("WAPCSvc", r"nt authority\networkservice"), THRESHOLDS, {}),
        (WELL, health.Thresholds(version="1.5.5000.0"), {"version": "warning"}),
        (WELL, health.Thresholds(tenant_id=OTHER_TENANT), {"tenant": "critical"}),
        (ending_in(20), THRESHOLDS, {"certificate": "warning"}),
        (ending_in(3), THRESHOLDS, {"certificate": "critical"}),
        (ending_in(-3), THRESHOLDS, {"certificate": "critical", "registration": "critical"}),
        (host(certificates=(certificate(not_before=NOW - days(190)),)), THRESHOLDS, {"renewal": "warning"}),
        (dataclasses.replace(WELL, os=builders.operating_system(NOW - days(1))), THRESHOLDS, {"clock": "warning"}),
        (dataclasses.replace(WELL, os=builders.operating_system(None)), THRESHOLDS, {"clock": "unknown", "renewal": "unknown"}),
    ],
)
def test_what_each_check_finds(state: HostState, thresholds: health.Thresholds, expected: dict[str, str]) -> None:
    assert statuses(state, thresholds) == expected


def test_an_empty_host_is_critical_and_says_what_to_do() -> None:
    checks = health.checks(builders.absent(), THRESHOLDS, NOW)
    assert health.worst(checks) == "critical"
    assert all(check.remedy for check in checks if health.reaches(check.status, "warning"))


@given(state=builders.host_states())
def test_the_checks_are_always_the_same_ones_and_never_fail(state: HostState) -> None:
    checks = health.checks(state, THRESHOLDS, NOW)
    assert [check.name for check in checks] == [check.name for check in health.checks(WELL, THRESHOLDS, NOW)]
    assert all(check.evidence for check in checks)
    assert all(check.remedy for check in checks if health.reaches(check.status, "warning"))


def test_unknown_is_not_unhealthy() -> None:
    assert not health.reaches("unknown", "warning")
    assert health.worst([]) == "ok"

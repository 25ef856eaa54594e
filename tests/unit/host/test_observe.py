# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observation over the real session and parsers, against scripted replies."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.host import generations
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.powershell import ScriptError
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from tests.unit.host.builders import CONNECTOR, NOW, TENANT, blob, days, encoded_certificate
from tests.unit.host.windows import Windows


def registered() -> Windows:
    windows = Windows()
    windows.install("Running")
    windows.register()
    return windows


def observe(windows: Windows) -> HostState:
    return windows.server().observe()


def test_an_empty_server_costs_three_reads() -> None:
    windows = Windows()
    state = observe(windows)
    assert (state.machine_name, state.absent, state.registration.state) == ("NAM-WEB-01", True, "unregistered")
    assert windows.calls == ["query Win32_OperatingSystem", "query Win32_Service", "query CIM_DataFile"]


def test_a_registered_server_costs_five_reads_and_no_shell() -> None:
    windows = registered()
    facts = observe(windows).as_dict()
    assert (facts["installed"], facts["generation"], facts["version"]) == (True, "entra", "1.5.4892.0")
    assert facts["install_dir"] == r"C:\Program Files\Microsoft Entra private network connector"
    assert facts["registration"] == {
        "state": "registered",
        "connector_id": CONNECTOR,
        "tenant_id": TENANT,
        "thumbprint": "AB" * 20,
        "not_before": "2026-06-21T12:00:00Z",
        "not_after": "2026-12-18T12:00:00Z",
        "days_left": 170,
        "in_user_store": False,
        "subject": TENANT,
        "issuer": "connectorregistrationca.msappproxy.net",
        "estimated": False,
        "renewal_overdue": False,
    }
    assert len(windows.calls) == 5


def test_certificates_of_others_are_read_and_left_out() -> None:
    windows = registered()
    windows.register("CD" * 20, issuer="Contoso CA")
    assert [certificate.thumbprint for certificate in observe(windows).certificates] == ["AB" * 20]


def test_the_store_of_network_service_is_looked_at_when_renewal_was_due() -> None:
    windows = registered()
    windows.register(not_before=NOW - days(190), not_after=NOW - days(10))
    windows.user_store["EF" * 20] = NOW - days(12)
    found = observe(windows).registration
    assert (found.state, found.in_user_store, found.thumbprint, found.connector_id) == ("registered", True, "EF" * 20, CONNECTOR)


def renewed(content: bytes | None) -> Windows:
    """A server whose first certificate ended long ago. The renewed one is 200 days old, so it has ended, too, by the estimate."""
    windows = registered()
    windows.register(not_before=NOW - days(400), not_after=NOW - days(220))
    windows.user_store["EF" * 20] = NOW - days(200)
    if content is not None:
        windows.user_certificates["EF" * 20] = content
    return windows


def test_a_renewed_certificate_that_has_ended_by_the_estimate_is_read_before_it_is_believed() -> None:
    windows = renewed(blob(encoded_certificate(not_before=NOW - days(200), not_after=NOW + days(165))))
    found = observe(windows).registration
    assert (found.state, found.estimated, found.in_user_store, found.days_left) == ("registered", False, True, 165)
    assert windows.calls.count("script read") == 1


def test_a_renewed_certificate_that_cannot_be_read_has_ended_when_the_estimate_says_so() -> None:
    found = observe(renewed(None)).registration
    assert (found.state, found.estimated, found.days_left) == ("expired", True, -20)


def test_a_certificate_of_a_stranger_in_the_store_of_network_service_makes_no_registration() -> None:
    windows = renewed(blob(encoded_certificate(issuer="Contoso CA", not_before=NOW - days(200), not_after=NOW + days(165))))
    found = observe(windows).registration
    assert (found.state, found.estimated, found.in_user_store, found.thumbprint) == ("expired", False, False, "AB" * 20)
    windows.user_store["EE" * 20] = NOW - days(210)
    windows.user_certificates["EE" * 20] = blob(encoded_certificate(not_before=NOW - days(210), not_after=NOW + days(155)))
    found = observe(windows).registration
    assert (found.state, found.estimated, found.thumbprint) == ("registered", False, "EE" * 20)


def test_a_file_of_a_stranger_is_not_taken_for_the_renewal_of_an_expired_certificate() -> None:
    # By its age it would be: the certificate ended 40 days ago, and the file is 20 days old.
    windows = registered()
    windows.register(not_before=NOW - days(220), not_after=NOW - days(40))
    windows.user_store["EF" * 20] = NOW - days(20)
    windows.user_certificates["EF" * 20] = blob(encoded_certificate(issuer="Contoso CA", not_after=NOW + days(345)))
    found = observe(windows).registration
    assert (found.state, found.in_user_store, found.days_left) == ("expired", False, -40)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"no certificate", ("unregistered", None, None)),
        (blob(encoded_certificate(issuer="Contoso CA")), ("unregistered", None, None)),
        (blob(encoded_certificate()), ("registered", CONNECTOR, 170)),
    ],
)
def test_without_a_certificate_in_the_machine_store_only_what_is_in_the_file_tells(
    content: bytes, expected: tuple[str, str | None, int | None]
) -> None:
    windows = registered()
    windows.certificates.clear()
    windows.user_store["EF" * 20] = NOW - days(900)
    windows.user_certificates["EF" * 20] = content
    found = observe(windows).registration
    assert (found.state, found.connector_id, found.days_left) == expected


def test_while_the_certificate_of_the_machine_store_is_valid_no_shell_is_opened() -> None:
    windows = registered()
    windows.register(not_before=NOW - days(190), not_after=NOW + days(10))
    windows.user_store["EF" * 20] = NOW - days(12)
    found = observe(windows).registration
    assert (found.state, found.estimated, found.in_user_store) == ("registered", True, True)
    assert "script read" not in windows.calls


def test_where_scripts_do_not_run_the_age_of_the_file_has_to_do() -> None:
    windows = renewed(None)
    windows.user_store["EF" * 20] = NOW - days(20)

    def forbidden(_windows: Windows) -> t.NoReturn:
        raise ScriptError(1, "failed", "running scripts is disabled")

    windows.programs["read"] = forbidden
    found = observe(windows).registration
    assert (found.state, found.estimated) == ("registered", True)
    (warning,) = windows.warnings
    assert "running scripts is disabled" in warning
    asked = dataclasses.replace(windows.server(), reads_renewed=True)
    with pytest.raises(ScriptError):
        asked.observe()


@pytest.mark.parametrize(
    "path",
    [
        r'"D:\Apps\Connector\MicrosoftEntraPrivateNetworkConnectorService.exe"',
        r"D:\Apps\Connector\MicrosoftEntraPrivateNetworkConnectorService.exe",
        r'"D:\Apps\Connector\MicrosoftEntraPrivateNetworkConnectorService.exe" -service',
        r"D:\Apps\Connector\MicrosoftEntraPrivateNetworkConnectorService.exe -service",
    ],
)
def test_the_service_tells_where_the_product_is(path: str) -> None:
    windows = registered()
    windows.services["WAPCSvc"]["PathName"] = path
    windows.files.add(r"D:\Apps\Connector\MicrosoftEntraPrivateNetworkConnectorService.exe")
    assert observe(windows).installation.install_dir == r"D:\Apps\Connector"


def test_where_both_generations_left_files_the_running_one_counts() -> None:
    windows = registered()
    legacy = generations.LEGACY.service_path("C:")
    windows.files.add(legacy)
    windows.services["WAPCSvc"]["PathName"] = f'"{legacy}"'
    state = observe(windows)
    assert state.installation.generation == "legacy"
    assert len(state.installation.connector_exes) == 2


def test_the_servers_own_clock_judges_its_certificate() -> None:
    windows = registered()
    session: Session = windows.server().session
    assert session.exchanges == 0
    assert observe(windows).registration.days_left == 170

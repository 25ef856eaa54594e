# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registering, from options to result, against a scripted Windows: what is done, in which order, and how failures read."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.host import jobs, options
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import ENTRA
from tests.unit.host.builders import NOW, OTHER_TENANT, TENANT, blob, days, encoded_certificate
from tests.unit.host.job_builders import (
    SECRET,
    installed,
    register,
    registering,
    unreachable,
    values,
    writes,
)
from tests.unit.host.test_registration_token import token
from tests.unit.host.windows import Killed, Windows, exit_code


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

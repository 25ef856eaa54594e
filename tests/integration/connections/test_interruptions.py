# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trouble in the middle of a task: mended where that is safe, and otherwise reported as what it is."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import services
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import session as sessions
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.faults import (
    OPERATION_QUOTA,
    OPERATION_TIMED_OUT,
    SHELL_QUOTA,
    WSManFault,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import ProcessLost, Shell
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import Registry
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import (
    AuthenticationError,
    HttpError,
    ProtocolError,
    TransportError,
)
from tests.integration.connections.conftest import SERVER, SOCKETS_ARE_FORGOTTEN, Reach
from tests.integration.connections.guide import Setup, setups
from tests.lab.servers.protocol import faults

pytestmark = SOCKETS_ARE_FORGOTTEN

SETUPS = setups()
ENCRYPTED = [setup for setup in SETUPS if setup.scheme == "http"]
SERVICE = {"Name": "W32Time"}
BIG = r"SOFTWARE\Big"


def each(found: t.Sequence[Setup]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("setup", found, ids=lambda setup: setup.name)


def either(scheme: str) -> pytest.MarkDecorator:
    """NTLM of each library, where the authentication makes no difference."""
    return each([setup for setup in SETUPS if setup.title == "NTLM" and setup.scheme == scheme])


@pytest.fixture(autouse=True)
def no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "QUOTA_PAUSES", (0.01, 0.01))
    monkeypatch.setattr(sessions, "NOT_READY_PAUSES", (0.01, 0.01))


@pytest.fixture
def ready(reach: Reach, setup: Setup, monkeypatch: pytest.MonkeyPatch) -> Setup:
    """The set-up, and what it needs of the server and of this side."""
    reach.allow(Certificate=True, CredSSP=True)
    if setup.is_kerberos and "ansible_password" not in setup.variables and reach.kdc is not None:
        reach.ticket(monkeypatch)
    return setup


def read(session: Session) -> str:
    found = session.get("Win32_Service", SERVICE)
    return str(found and found["State"])


def stop(session: Session) -> t.Any:
    """A change that is not looked after, to see what alone a lower layer does."""
    return session.invoke("Win32_Service", "StopService", selectors=SERVICE)


def statuses(reach: Reach, since: int, action: str) -> list[int]:
    return [entry["status"] for entry in reach.entries(since) if entry["action"] == action]


@each(SETUPS)
@pytest.mark.parametrize("status", [401, 400])
def test_a_session_that_counts_no_more_is_built_anew_once(reach: Reach, ready: Setup, status: int) -> None:
    """401: the server wants a new authentication. 400: under message encryption, a message of another security context."""
    with reach.opened(ready) as session:
        assert read(session) == "Running"
        reach.fault("status", status=status, action="StopService")
        since = reach.lab.last_seq()
        assert stop(session) == {"ReturnValue": "0"}
        done = statuses(reach, since, "StopService")
        assert done.count(200) == 1
        assert done.count(status) == len(done) - 1 >= 1
        assert read(session) == "Stopped"


@each([setup for setup in SETUPS if "PASSWORD" in setup.variables.values()])
def test_a_password_that_changes_in_the_middle_is_tried_twice_at_most(reach: Reach, ready: Setup) -> None:
    with reach.opened(ready) as session:
        assert read(session) == "Running"
        reach.lab.patch(f"/servers/{SERVER}", {"password": "Changed-meanwhile-1"})
        reach.fault("status", status=401)
        with pytest.raises(AuthenticationError, match="calling Win32_Service.StopService of Name=W32Time on"):
            stop(session)
        assert session.exchanges == 3


@each(SETUPS)
@pytest.mark.parametrize(("kind", "writes"), [("drop_before", 2), ("drop_after", 1)])
def test_a_connection_that_is_cut(reach: Reach, ready: Setup, kind: str, writes: int) -> None:
    with reach.opened(ready) as session:
        assert read(session) == "Running"
        reach.fault(kind, action="Get")
        assert read(session) == "Running"
        reach.fault(kind, action="StopService")
        since = reach.lab.last_seq()
        assert services.stop(session, SERVICE["Name"]) == services.OK
        assert len(statuses(reach, since, "StopService")) == writes
        reach.fault(kind, action="StartService")
        with pytest.raises(TransportError, match="broke") as caught:
            session.invoke("Win32_Service", "StartService", selectors=SERVICE)
        assert caught.value.request_may_have_run is True


@each(SETUPS)
def test_a_server_that_has_been_away(reach: Reach, ready: Setup) -> None:
    with reach.opened(ready) as session:
        assert read(session) == "Running"
        reach.lab.patch(f"/servers/{SERVER}", {"reachable": False})
        with pytest.raises(TransportError, match="no connection to|broke"):
            read(session)
        reach.lab.patch(f"/servers/{SERVER}", {"reachable": True})
        assert stop(session) == {"ReturnValue": "0"}


@each([setup for setup in ENCRYPTED if setup.title in ("NTLM", "CredSSP") or setup.title.endswith("each task")])
def test_after_a_read_timeout_a_new_session_is_built(reach: Reach, ready: Setup) -> None:
    names = {
        "winrm": ("ansible_winrm_operation_timeout_sec", "ansible_winrm_read_timeout_sec"),
        "psrp": ("ansible_psrp_operation_timeout", "ansible_psrp_read_timeout"),
    }[ready.kind]
    with reach.opened(ready, **dict(zip(names, (1, 2), strict=True))) as session:
        assert read(session) == "Running"
        reach.fault("delay", seconds=3, action="StopService")
        since = reach.lab.last_seq()
        with pytest.raises(TransportError, match="did not answer in time"):
            stop(session)
        read(session)
        assert statuses(reach, since, "malformed") == []


@either("https")
@pytest.mark.parametrize("status", [404, 503])
def test_a_service_that_is_not_ready(reach: Reach, ready: Setup, status: int) -> None:
    with reach.opened(ready) as session:
        # The first message, as after a restart of the server.
        reach.fault("status", status=status, count=2)
        assert stop(session) == {"ReturnValue": "0"}
        reach.fault("status", status=status, count=0)
        with pytest.raises(HttpError, match=f"the server answered HTTP {status}"):
            read(session)


@either("http")
def test_clear_text_is_refused(reach: Reach, ready: Setup) -> None:
    with reach.opened(ready, **{f"ansible_{ready.kind}_message_encryption": "never"}) as session:
        with pytest.raises(HttpError, match="its answer to a message in clear: use https"):
            read(session)
        assert session.exchanges == 1


@either("http")
def test_a_quota_of_operations(reach: Reach, ready: Setup) -> None:
    body = faults.operation_quota(1500).render("NAM-WEB-01", "").decode()
    with reach.opened(ready) as session:
        reach.fault("status", status=500, body=body, count=2)
        assert stop(session) == {"ReturnValue": "0"}
        reach.fault("status", status=500, body=body, count=0)
        before = session.exchanges
        with pytest.raises(WSManFault, match="MaxConcurrentOperationsPerUser") as caught:
            read(session)
        assert caught.value.code == OPERATION_QUOTA
        assert session.exchanges == before + 3


@either("http")
def test_a_quota_of_shells(reach: Reach, ready: Setup) -> None:
    reach.lab.patch(f"/servers/{SERVER}", {"max_shells": 0})
    with reach.opened(ready) as session, Shell(session) as shell:
        with pytest.raises(WSManFault, match="Too many open shells for this user") as caught:
            shell.run("hostname.exe", timeout=20)
        assert caught.value.code == SHELL_QUOTA
        assert session.exchanges == 3
        # Reads need no shell.
        assert read(session) == "Running"
        reach.lab.patch(f"/servers/{SERVER}", {"max_shells": 1})
        assert shell.run("hostname.exe", timeout=20).exit_code == 0


@either("http")
def test_an_operation_that_takes_the_server_too_long(reach: Reach, ready: Setup) -> None:
    body = faults.timed_out().render("NAM-WEB-01", "").decode()
    with reach.opened(ready) as session:
        reach.fault("status", status=500, body=body, action="Get|StopService", count=0)
        for ask in (read, stop):
            before = session.exchanges
            with pytest.raises(WSManFault, match="raise the connection's operation timeout") as caught:
                ask(session)
            assert (caught.value.code, session.exchanges - before) == (OPERATION_TIMED_OUT, 1)
        # The service manager goes on with what the server has stopped waiting for, and its state tells.
        assert services.stop(session, SERVICE["Name"]) == services.TIMED_OUT
        # Only a program may be silent for long: its output is asked for again.
        with Shell(session) as shell:
            reach.fault("status", status=500, body=body, action="shell/Receive", count=3)
            assert shell.run("hostname.exe", timeout=20).exit_code == 0


@either("http")
def test_a_shell_that_has_had_its_operations(reach: Reach, ready: Setup) -> None:
    body = faults.operation_quota(1500).render("NAM-WEB-01", "").decode()
    with reach.opened(ready) as session, Shell(session) as shell:
        assert shell.run("hostname.exe", timeout=20).exit_code == 0
        reach.fault("status", status=500, body=body, action="shell/Command")
        since = reach.lab.last_seq()
        assert shell.run("hostname.exe", timeout=20).exit_code == 0
        actions = [entry["action"] for entry in reach.entries(since) if entry["action"].startswith("shell/")]
        assert actions[:4] == ["shell/Command", "shell/Delete", "shell/Create", "shell/Command"]
        assert statuses(reach, since, "shell/Command") == [500, 200]
        reach.fault("status", status=500, body=body, action="shell/Command", count=0)
        with pytest.raises(WSManFault, match="MaxConcurrentOperationsPerUser") as caught:
            shell.run("hostname.exe", timeout=20)
        assert caught.value.code == OPERATION_QUOTA
    assert reach.lab.get(f"/servers/{SERVER}")["shells"] == 0


@each(ENCRYPTED)
def test_replies_larger_than_the_envelope(reach: Reach, ready: Setup) -> None:
    large = "0123456789abcdef" * 20_000
    reach.lab.patch(
        f"/servers/{SERVER}",
        {"registry": [{"key": rf"HKLM\{BIG}", "name": name, "value": value} for name, value in (("Fits", large), ("Not", large * 2))]},
    )
    with reach.opened(ready) as session:
        assert Registry(session).string(BIG, "Fits") == large
        with pytest.raises(WSManFault, match="EncodingLimit.*larger than the largest envelope"):
            Registry(session).string(BIG, "Not")
        with pytest.raises(HttpError, match="larger than the server's MaxEnvelopeSizekb"):
            Registry(session).set_string(BIG, "Not", large * 2)
        small = Session(session.transport, endpoint_label="small envelopes", max_envelope_size=16384)
        assert len(small.query("SELECT * FROM Win32_Service")) == len(session.query("SELECT * FROM Win32_Service"))
        assert small.exchanges > 3


@either("https")
@pytest.mark.parametrize("body", ["<s:Envelope><broken", "<html>A proxy says hello.</html>", "\x00\x01"])
def test_an_answer_that_is_no_answer(reach: Reach, ready: Setup, body: str) -> None:
    with reach.opened(ready) as session:
        reach.fault("malformed", body=body)
        with pytest.raises(ProtocolError, match="the server's reply is not"):
            read(session)
        assert read(session) == "Running"


@each(ENCRYPTED)
@pytest.mark.parametrize("action", ["shell/Command", "shell/Receive"])
def test_a_program_is_never_started_twice(reach: Reach, ready: Setup, action: str) -> None:
    with reach.opened(ready) as session, Shell(session) as shell:
        reach.fault("drop_after", action=action)
        since = reach.lab.last_seq()
        with pytest.raises(ProcessLost, match="Run again when it is back"):
            shell.run("hostname.exe", timeout=20)
    actions = [entry["action"] for entry in reach.entries(since)]
    assert actions.count("shell/Command") == 1
    # It may still be at work: nothing ends it.
    assert not {"shell/Signal", "shell/Delete"} & set(actions)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Authentications that fail: one clear error with the way out, one try, and no password in it."""

from __future__ import annotations

import contextlib
import datetime
import pathlib
import re
import socket
import struct
import threading
import time
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import AuthenticationError, TransportError
from tests.integration.connections.conftest import REALM_PASSWORD, SOCKETS_ARE_FORGOTTEN, Reach
from tests.integration.connections.guide import Setup, setups
from tests.lab.tls import Tls
from tests.support.kdc import REALM, Kdc

pytestmark = SOCKETS_ARE_FORGOTTEN

SETUPS = setups()
WRONG = "Not-the-password-1"
MANUAL = "Kerberos, ticket obtained before with kinit"
MANAGED = "Kerberos, ticket obtained for each task"


def chosen(**wanted: str) -> list[Setup]:
    return [setup for setup in SETUPS if all(getattr(setup, name) == value for name, value in wanted.items())]


def of(found: t.Iterable[Setup]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("setup", list(found), ids=lambda setup: setup.name)


def refused(reach: Reach, setup: Setup, **changes: t.Any) -> str:
    """The error of a first read."""
    with reach.opened(setup, **changes) as session:
        with pytest.raises(AuthenticationError) as caught:
            session.get("Win32_Service", {"Name": "WinRM"})
        assert session.exchanges == 1
    text = str(caught.value)
    assert text.startswith(f"reading Win32_Service Name=WinRM on {session.endpoint_label}: ")
    assert WRONG not in text
    assert REALM_PASSWORD not in text
    return text


@of(setup for setup in SETUPS if "ansible_password" in setup.variables)
def test_a_wrong_password(reach: Reach, setup: Setup) -> None:
    reach.allow(CredSSP=True)
    text = refused(reach, setup, ansible_password=WRONG)
    assert "ansible_user" in text
    assert "ansible_password" in text
    if setup.authentication == "kerberos":
        assert "The domain does not accept the password" in text
    if setup.authentication == "negotiate":
        assert "ansible_psrp_auth=kerberos shows it" in text


@of(setup for setup in SETUPS if setup.is_kerberos and setup.authentication == "kerberos" and setup.title == MANAGED)
@pytest.mark.parametrize(
    ("user", "way_out"),
    [
        ("nobody@" + REALM, "write ansible_user as user@REALM"),
        ("lab-admin@ELSEWHERE.TEST", "No KDC of that realm can be found"),
        ("lab-admin@" + REALM.lower(), "the realm in capital letters"),
    ],
)
def test_an_unknown_user_or_realm(reach: Reach, setup: Setup, user: str, way_out: str) -> None:
    with reach.opened(setup, ansible_user=user) as session, pytest.raises(AuthenticationError, match=way_out):
        session.get("Win32_Service", {"Name": "WinRM"})


@of(setup for setup in SETUPS if setup.authentication == "kerberos" and setup.title == MANAGED)
def test_an_address_has_no_service_principal(reach: Reach, setup: Setup) -> None:
    option = {"winrm": "ansible_winrm_kerberos_hostname_override", "psrp": "ansible_psrp_negotiate_hostname_override"}[setup.kind]
    text = refused(reach, setup, ansible_host="127.0.0.1")
    assert "/127.0.0.1@LAB.TEST not found in Kerberos database" in text
    assert option in text


@of(chosen(kind="winrm", title=MANAGED))
@pytest.mark.parametrize(
    ("changes", "way_out"),
    [
        ({"ansible_winrm_kinit_cmd": "/nowhere/kinit"}, "The program kinit is missing on the controller: install it"),
        ({"ansible_winrm_kinit_env_vars": []}, "only when ansible_winrm_kinit_env_vars names it"),
    ],
)
def test_kinit_cannot_do_it(reach: Reach, setup: Setup, changes: dict[str, t.Any], way_out: str) -> None:
    assert way_out in refused(reach, setup, **changes)


@of(chosen(title=MANUAL))
def test_no_ticket(reach: Reach, setup: Setup) -> None:
    assert "There is no Kerberos ticket of this user: run kinit before" in refused(reach, setup)


@pytest.fixture(scope="module")
def expired_ticket(shared_kdc: Kdc | None, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path | None:
    """A ticket of a second, two seconds later."""
    if shared_kdc is None:
        return None
    cache = tmp_path_factory.mktemp("expired") / "ticket"
    shared_kdc.ticket("lab-admin", REALM_PASSWORD, cache, "-l", "1s")
    time.sleep(2.1)
    return cache


@of(chosen(title=MANUAL))
def test_an_expired_ticket(reach: Reach, setup: Setup, expired_ticket: pathlib.Path | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{expired_ticket}")
    assert "The Kerberos ticket has expired: run kinit again, or set ansible_password" in refused(reach, setup)


@of(chosen(title=MANUAL))
@pytest.mark.parametrize("seconds", [900, -900])
def test_a_wrong_clock(reach: Reach, kdc: Kdc, monkeypatch: pytest.MonkeyPatch, setup: Setup, seconds: int) -> None:
    set_clock_of(reach.ticket(monkeypatch), seconds)
    text = refused(reach, setup)
    assert "Clock skew too great" in text
    assert "The clocks differ by more than the five minutes" in text


@of(chosen(title=MANUAL, scheme="http"))
def test_a_clock_that_only_the_server_finds_wrong(reach: Reach, kdc: Kdc, monkeypatch: pytest.MonkeyPatch, setup: Setup) -> None:
    cache = reach.ticket(monkeypatch)
    with reach.opened(setup) as session:
        session.get("Win32_Service", {"Name": "WinRM"})
    # From here on the ticket for the service is there, and the KDC is not asked any more.
    set_clock_of(cache, 900)
    assert "the server's clock is off by more than five minutes" in refused(reach, setup)


def set_clock_of(cache: pathlib.Path, seconds: int) -> None:
    """Make clients with this ticket believe in another time: the header of a credential cache holds the difference to the KDC's.

    Format 4 (DOC: MIT, credential cache file format): version, length of the header, tag 1 with seconds and microseconds.
    """
    data = cache.read_bytes()
    assert data[:2] == b"\x05\x04"
    header = struct.pack(">HHii", 1, 8, seconds, 0)
    old = struct.unpack(">H", data[2:4])[0]
    cache.write_bytes(data[:2] + struct.pack(">H", len(header)) + header + data[4 + old :])


@of(chosen(title="Client certificate"))
def test_a_certificate_that_is_not_mapped(reach: Reach, setup: Setup) -> None:
    reach.allow(Certificate=True, certificate_subject="someone.else@localhost")
    assert "has to be mapped to an account" in refused(reach, setup)


@of(chosen(title="Client certificate"))
def test_certificates_are_not_allowed(reach: Reach, setup: Setup) -> None:
    assert "Certificate allowed in its WinRM service" in refused(reach, setup)


@of(chosen(title="Client certificate"))
def test_a_certificate_of_another_authority(reach: Reach, setup: Setup) -> None:
    reach.allow(Certificate=True)
    certificate, key = Tls(reach.directory, "foreign").issue_client("foreign-client", "lab-admin@localhost")
    names = {"winrm": ("cert_pem", "cert_key_pem"), "psrp": ("certificate_pem", "certificate_key_pem")}[setup.kind]
    changes = {f"ansible_{setup.kind}_{name}": str(path) for name, path in zip(names, (certificate, key), strict=True)}
    with (
        reach.opened(setup, **changes) as session,
        pytest.raises(TransportError, match="does not trust the authority of a client certificate"),
    ):
        session.get("Win32_Service", {"Name": "WinRM"})


@contextlib.contextmanager
def shows(tls: Tls) -> t.Iterator[int]:
    """A port whose server shows a certificate and says nothing more."""
    context = tls.server_context()

    def handshake(connected: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(connected, server_side=True):
            pass

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                handshake(door.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as door:
        server = threading.Thread(target=serve, daemon=True)
        server.start()
        try:
            yield door.getsockname()[1]
        finally:
            door.shutdown(socket.SHUT_RDWR)
            server.join()


@of(chosen(scheme="https", title="NTLM"))
@pytest.mark.parametrize(
    ("leaf", "trusted", "reason", "way_out"),
    [
        ({}, False, "CERTIFICATE_VERIFY_FAILED", "Give its CA with"),
        ({"hosts": ["nam-web-01.contoso.example"]}, True, "not valid for '127.0.0.1'", "set ansible_host to a name that it holds"),
        ({"ends": datetime.timedelta(days=-1)}, True, "certificate has expired", "have it renewed"),
    ],
    ids=["of an unknown authority", "for another name", "expired"],
)
def test_a_certificate_of_the_server_that_is_refused(
    reach: Reach, setup: Setup, leaf: dict[str, t.Any], trusted: bool, reason: str, way_out: str
) -> None:
    tls = Tls(reach.directory, "shown", **leaf)
    authority = {"winrm": "ansible_winrm_ca_trust_path", "psrp": "ansible_psrp_ca_cert"}[setup.kind]
    changes = {authority: str(tls.ca_file)} if trusted else {}
    with (
        shows(tls) as port,
        reach.opened(setup, ansible_host="127.0.0.1", ansible_port=port, **changes) as session,
        pytest.raises(TransportError) as caught,
    ):
        session.get("Win32_Service", {"Name": "WinRM"})
    assert reason in caught.value.message
    assert way_out in caught.value.message
    assert ("CA" in caught.value.message.partition(reason)[2]) is not trusted
    assert caught.value.request_may_have_run is False


@of(chosen(scheme="https", title="CredSSP"))
def test_credssp_is_not_allowed(reach: Reach, setup: Setup) -> None:
    assert "The server does not offer this authentication" in refused(reach, setup)


@of(setup for setup in SETUPS if setup.authentication == "basic")
def test_basic_is_not_allowed(reach: Reach, setup: Setup) -> None:
    reach.allow(Basic=False)
    assert "what the server's WinRM service allows" in refused(reach, setup)


def test_every_authentication_of_a_list_is_tried_and_told(reach: Reach) -> None:
    (setup,) = chosen(kind="winrm", scheme="https", title="NTLM")
    with reach.opened(setup, ansible_winrm_transport=["credssp", "ntlm"]) as session:
        assert session.get("Win32_Service", {"Name": "WinRM"})
    text = refused(reach, setup, ansible_winrm_transport=["credssp", "ntlm"], ansible_password=WRONG)
    assert re.search(r"credssp: .*does not offer.*; ntlm: .*rejected", text)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a connection plugin to a transport. The plugins are real, and nothing is sent."""

from __future__ import annotations

import types
import typing as t

import pypsrp.exceptions
import pytest
import requests
import spnego.exceptions
import urllib3.exceptions
import winrm.exceptions
from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import (
    AuthenticationError,
    HttpError,
    TransportError,
    WSManError,
)
from ansible_collections.entra.app_proxy.plugins.plugin_utils import connection_adapter
from ansible_collections.entra.app_proxy.plugins.plugin_utils.connection_adapter import AdaptedTransport, open_transport, refuse
from ansible_collections.entra.app_proxy.plugins.plugin_utils.library_errors import Way, translated
from tests.support import connections

PASSWORD = "S3cret-of-the-test"


def connection(kind: str, **variables: t.Any) -> t.Any:
    given = {"ansible_host": "web-01.example", "ansible_user": "admin", "ansible_password": PASSWORD, **variables}
    return connections.connection(kind, given)


@pytest.mark.parametrize(
    ("kind", "variables", "endpoint", "timeout"),
    [
        ("winrm", {}, "https://web-01.example:5986/wsman", 20),
        ("winrm", {"ansible_port": 5985}, "http://web-01.example:5985/wsman", 20),
        ("winrm", {"ansible_host": "fe80::1"}, "https://[fe80::1]:5986/wsman", 20),
        ("winrm", {"ansible_winrm_scheme": "http", "ansible_winrm_path": "/other"}, "http://web-01.example:5986/other", 20),
        ("winrm", {"ansible_winrm_connection_timeout": 40}, "https://web-01.example:5986/wsman", 40),
        (
            "winrm",
            {"ansible_winrm_operation_timeout_sec": 50, "ansible_winrm_read_timeout_sec": 70},
            "https://web-01.example:5986/wsman",
            50,
        ),
        ("psrp", {}, "https://web-01.example:5986/wsman", 20),
        ("psrp", {"ansible_psrp_port": 5985}, "http://web-01.example:5985/wsman", 20),
        ("psrp", {"ansible_host": "fe80::1"}, "https://[fe80::1]:5986/wsman", 20),
        ("psrp", {"ansible_psrp_operation_timeout": 50, "ansible_psrp_read_timeout": 70}, "https://web-01.example:5986/wsman", 50),
    ],
)
def test_endpoint_and_operation_timeout(kind: str, variables: dict[str, t.Any], endpoint: str, timeout: int) -> None:
    transport = open_transport(connection(kind, **variables))
    assert (transport.endpoint, transport.operation_timeout) == (endpoint, timeout)
    session = connection_adapter.open_session(connection(kind, **variables))
    assert (session.endpoint_label, session.operation_timeout) == (endpoint, timeout)
    assert PASSWORD not in repr(vars(session))
    transport.close()


@pytest.mark.parametrize("kind", ["winrm", "psrp"])
def test_nothing_is_connected(kind: str) -> None:
    plugin = connection(kind)
    open_transport(plugin)
    assert plugin.connected is False
    assert getattr(plugin, "shell_id", None) is getattr(plugin, "runspace", None) is None


def test_a_kerberos_ticket_is_asked_for_as_the_plugin_does() -> None:
    plugin = connection("winrm", ansible_winrm_transport=["kerberos"], ansible_winrm_kinit_cmd="/nowhere/kinit", ansible_port=1)
    with pytest.raises(AuthenticationError, match="/nowhere/kinit"):
        open_transport(plugin).send(b"<any/>")


@pytest.mark.parametrize(
    ("kind", "variables"),
    [("winrm", {"ansible_winrm_transport": ["ntlm"], "ansible_winrm_scheme": "http"}), ("psrp", {"ansible_psrp_protocol": "http"})],
)
def test_a_closed_port_is_a_request_that_has_not_run(kind: str, variables: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch) -> None:
    # pywinrm warns when it uses one of the environment.
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    # The discard port of loopback: nobody listens.
    plugin = connection(kind, ansible_host="127.0.0.1", ansible_port=9, ansible_psrp_port=9, **variables)
    with pytest.raises(TransportError, match=r"^no connection to http://127\.0\.0\.1:9/wsman: ") as caught:
        open_transport(plugin).send(b"<any/>")
    assert caught.value.request_may_have_run is False
    assert "0x" not in str(caught.value)


def test_options_that_do_not_fit_are_said_to_be_the_options() -> None:
    with pytest.raises(AnsibleError, match="options of the psrp connection"):
        open_transport(connection("psrp", ansible_psrp_auth="basic", ansible_psrp_protocol="http"))


@pytest.mark.parametrize(
    ("kind", "variables", "named"),
    [
        ("winrm", {"ansible_winrm_operation_timeout_sec": 60}, "ansible_winrm_read_timeout_sec is 30"),
        ("winrm", {"ansible_winrm_read_timeout_sec": 20}, "ansible_winrm_operation_timeout_sec is 20"),
        ("winrm", {"ansible_winrm_operation_timeout_sec": 0}, "at least 1"),
        ("psrp", {"ansible_psrp_operation_timeout": 60}, "set ansible_psrp_read_timeout to 70 or more"),
        ("psrp", {"ansible_psrp_read_timeout": 5}, "ansible_psrp_read_timeout is 5"),
    ],
)
def test_a_read_timeout_below_the_operation_timeout_is_refused_before_anything_is_sent(
    kind: str, variables: dict[str, t.Any], named: str
) -> None:
    with pytest.raises(AnsibleError, match=named):
        open_transport(connection(kind, **variables))


class Door:
    """A library that does what the test says."""

    def __init__(self, name: str, *behaviour: bytes | Exception, preparation: Exception | None = None) -> None:
        self.name = name
        self.endpoint = "https://web-01:5986/wsman"
        self.operation_timeout = 20
        self.advice = "Look at its options."
        self.encrypts = False
        self.behaviour = list(behaviour)
        self.preparation = preparation
        self.prepared = self.sent = self.closed = 0

    def prepare(self) -> None:
        self.prepared += 1
        if self.preparation:
            raise self.preparation

    def send(self, envelope: bytes) -> bytes:
        self.sent += 1
        answer = self.behaviour.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed += 1
        raise OSError("closing is never a problem")


UNAUTHORIZED = winrm.exceptions.InvalidCredentialsError("the specified credentials were rejected by the server")
REFUSED = winrm.exceptions.WinRMTransportError("http", 500, "")
FAULT = winrm.exceptions.WinRMTransportError("http", 500, "<fault/>")
LOST = requests.exceptions.ReadTimeout("Read timed out.")


@pytest.mark.parametrize("first", [UNAUTHORIZED, REFUSED])
def test_the_next_authentication_of_the_list_is_tried_and_kept(first: Exception) -> None:
    doors = [Door("basic", first), Door("ntlm", b"one", b"two"), Door("never")]
    transport = AdaptedTransport("winrm", doors)
    assert [transport.send(b"a"), transport.send(b"b")] == [b"one", b"two"]
    assert [door.sent for door in doors] == [1, 2, 0]


def test_how_it_reaches_the_host_is_told_without_saying_whom() -> None:
    transport = AdaptedTransport("winrm", [Door("basic", UNAUTHORIZED), Door("ntlm", b"one", LOST)])
    assert transport.facts() == {
        "plugin": "winrm",
        "scheme": "https",
        "authentication": ["basic", "ntlm"],
        "message_encryption": None,
    }
    transport.send(b"a")
    worked = {"plugin": "winrm", "scheme": "https", "authentication": ["ntlm"], "message_encryption": False}
    assert transport.facts() == worked
    with pytest.raises(TransportError):
        transport.send(b"b")
    assert transport.facts() == worked


def test_an_authentication_that_cannot_even_start_is_passed_over() -> None:
    doors = [Door("kerberos", preparation=winrm.exceptions.WinRMError("pykerberos is not installed")), Door("ntlm", b"one")]
    assert AdaptedTransport("winrm", doors).send(b"a") == b"one"


@pytest.mark.parametrize(("first", "error"), [(FAULT, HttpError), (LOST, TransportError)])
def test_a_request_that_came_through_is_not_sent_through_another_door(first: Exception, error: type[Exception]) -> None:
    doors = [Door("ntlm", first, b"later"), Door("basic", b"no")]
    transport = AdaptedTransport("winrm", doors)
    with pytest.raises(error):
        transport.send(b"a")
    assert transport.send(b"b") == b"later"
    assert doors[1].sent == 0


def test_when_every_authentication_fails_all_reasons_are_told() -> None:
    doors = [Door("kerberos", preparation=winrm.exceptions.WinRMError("pykerberos is not installed")), Door("basic", UNAUTHORIZED)]
    with pytest.raises(AuthenticationError) as caught:
        AdaptedTransport("winrm", doors).send(b"a")
    assert "kerberos: a library for this authentication is missing: pykerberos is not installed" in str(caught.value)
    assert "basic: no authentication at https://web-01:5986/wsman: the specified credentials" in str(caught.value)
    assert str(caught.value).endswith("Look at its options.")


def test_a_host_that_cannot_be_reached_is_not_a_wrong_password() -> None:
    doors = [Door("kerberos", preparation=UNAUTHORIZED), Door("ntlm", requests.exceptions.ConnectTimeout("too slow"))]
    with pytest.raises(TransportError, match="kerberos: .*; ntlm: ") as caught:
        AdaptedTransport("winrm", doors).send(b"a")
    assert caught.value.request_may_have_run is False


@pytest.mark.parametrize(
    ("trouble", "closed"),
    [(LOST, 1), (UNAUTHORIZED, 1), (winrm.exceptions.WinRMTransportError("http", 400, ""), 1), (FAULT, 0)],
)
def test_the_session_is_built_anew_after_what_can_break_it(trouble: Exception, closed: int) -> None:
    door = Door("ntlm", b"fine", trouble)
    transport = AdaptedTransport("winrm", [door])
    transport.send(b"a")
    with pytest.raises(WSManError):
        transport.send(b"b")
    assert door.closed == closed


def pool_error(reason: Exception) -> urllib3.exceptions.MaxRetryError:
    return urllib3.exceptions.MaxRetryError(t.cast(t.Any, None), "/wsman", reason)


NO_SOCKET = urllib3.exceptions.NewConnectionError(t.cast(t.Any, "<object at 0x7f>"), "Connection refused")


def refused_certificate(why: str) -> requests.exceptions.SSLError:
    return requests.exceptions.SSLError(pool_error(urllib3.exceptions.SSLError(why)))


UNTRUSTED = refused_certificate("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate")
ODD = refused_certificate("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Missing Authority Key Identifier")


@pytest.mark.parametrize(
    ("error", "kind", "expected", "may_have_run", "shown"),
    [
        (requests.exceptions.ConnectTimeout("too slow"), "winrm", TransportError, False, "in time"),
        (LOST, "winrm", TransportError, True, "did not answer in time"),
        (requests.exceptions.ConnectionError(pool_error(NO_SOCKET)), "winrm", TransportError, False, "Connection refused"),
        (requests.exceptions.ConnectionError(("Connection aborted.", OSError("reset"))), "psrp", TransportError, True, "broke"),
        (requests.exceptions.ProxyError("no proxy"), "psrp", TransportError, False, "no proxy"),
        (UNTRUSTED, "winrm", TransportError, False, "ansible_winrm_ca_trust_path"),
        (UNTRUSTED, "psrp", TransportError, False, "ansible_psrp_ca_cert"),
        (refused_certificate("hostname 'a' doesn't match 'b'"), "psrp", TransportError, False, "set ansible_host to a name that it holds"),
        (ODD, "psrp", TransportError, False, "not as OpenSSL wants it"),
        (requests.exceptions.SSLError("EOF occurred in violation of protocol"), "psrp", TransportError, True, "EOF occurred"),
        (UNAUTHORIZED, "winrm", AuthenticationError, False, "ansible_winrm_transport"),
        (pypsrp.exceptions.AuthenticationError("no"), "psrp", AuthenticationError, False, "ansible_psrp_auth"),
        # The reply does not decrypt: the request has come through.
        (spnego.exceptions.BadMICError(context_msg="unwrapping"), "winrm", AuthenticationError, True, "unwrapping"),
        (FAULT, "winrm", HttpError, None, "HTTP 500"),
        (pypsrp.exceptions.WinRMTransportError("http", 503, ""), "psrp", HttpError, None, "HTTP 503"),
        (winrm.exceptions.WinRMError("cannot decrypt"), "winrm", TransportError, True, "WinRMError: cannot decrypt"),
        (ValueError("the auth protocol"), "psrp", TransportError, True, "the auth protocol"),
    ],
)
def test_errors_of_the_libraries(error: Exception, kind: str, expected: type[WSManError], may_have_run: bool | None, shown: str) -> None:
    found = translated(error, Way(kind, "https://web-01:5986/wsman"), sent=True)
    assert isinstance(found, expected)
    assert shown in str(found)
    assert getattr(found, "request_may_have_run", None) is may_have_run
    unsent = translated(error, Way(kind, "https://web-01:5986/wsman"), sent=False)
    assert getattr(unsent, "request_may_have_run", False) is False


def task(**changes: t.Any) -> t.Any:
    return types.SimpleNamespace(**{"action": "entra.app_proxy.connector", "async_val": 0, "environment": [{}], **changes})


WINRM = types.SimpleNamespace(transport="winrm")
PLAIN = types.SimpleNamespace(become=False)


@pytest.mark.parametrize("kind", ["winrm", "psrp"])
@pytest.mark.parametrize("environment", [None, [], [{}], [{}, {}], ""])
def test_what_is_not_refused(kind: str, environment: t.Any) -> None:
    refuse(task(environment=environment), PLAIN, types.SimpleNamespace(transport=kind))


@pytest.mark.parametrize(
    ("changed", "play_context", "plugin", "way_out"),
    [
        ({}, PLAIN, types.SimpleNamespace(transport="ssh"), "Set ansible_connection=winrm"),
        ({}, PLAIN, types.SimpleNamespace(), "Set ansible_connection=winrm"),
        ({}, types.SimpleNamespace(become=True), WINRM, "Set become: false"),
        ({"async_val": 60}, PLAIN, WINRM, "Remove async"),
        ({"environment": [{}, {"http_proxy": "x"}]}, PLAIN, WINRM, "Remove environment"),
    ],
)
def test_what_is_refused_names_the_way_out(changed: dict[str, t.Any], play_context: t.Any, plugin: t.Any, way_out: str) -> None:
    with pytest.raises(AnsibleError, match=way_out) as caught:
        refuse(task(**changed), play_context, plugin)
    assert "entra.app_proxy.connector" in str(caught.value)
    assert not isinstance(caught.value, AnsibleConnectionFailure)

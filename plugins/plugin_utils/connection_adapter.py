# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""From a host's own Ansible connection to a transport. The one file with private names of the winrm and psrp plugins.

The plugins' own sessions are not used: opening one costs a WinRS shell or a runspace. A session of ours is built from the same
options, by the plugins' own functions (SRC: names unchanged from Ansible 2.9 to ansible-core 2.21).
"""

from __future__ import annotations

import contextlib
import importlib
import ipaddress
import os
import typing as t

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import (
    AuthenticationError,
    HttpError,
    TransportError,
    WSManError,
)
from ansible_collections.entra.app_proxy.plugins.plugin_utils.authentication_hints import way_out
from ansible_collections.entra.app_proxy.plugins.plugin_utils.connection_options import CUT, advice, check_timeouts
from ansible_collections.entra.app_proxy.plugins.plugin_utils.library_errors import Way, leaves_session_whole, translated

_SUPPORTED = ("winrm", "psrp")
# The libraries' own (SRC: pywinrm 0.5.0, pypsrp 0.9.1), in seconds.
_WINRM_OPERATION_TIMEOUT, _WINRM_READ_TIMEOUT = 20, 30
_PSRP_READ_TIMEOUT = 30
_CACHE = "KRB5CCNAME"
# Over https requests-credssp sends the message along with each step of the authentication, and takes a fault in answer to the last one
# for a broken authentication (RUN: 2.0.0). With message encryption both libraries authenticate with an empty message first.
_CREDSSP, _FIRST_WITHOUT_MESSAGE = "credssp", "always"


def refuse(task: t.Any, play_context: t.Any, connection: t.Any) -> None:
    """Refuse what native WS-Management cannot do, before anything is sent.

    :raises AnsibleError: another connection than winrm or psrp, become, async, environment.
    """
    kind = getattr(connection, "transport", "unknown")
    if kind not in _SUPPORTED:
        raise AnsibleError(
            f"{task.action} speaks WS-Management and needs the connection winrm or psrp, not {kind}."
            " Set ansible_connection=winrm (or psrp) for this host."
        )
    if getattr(play_context, "become", False):
        raise AnsibleError(
            f"{task.action} runs as the user of the connection; become has no effect on it."
            " Set become: false for this task and connect as an administrator of the server."
        )
    if getattr(task, "async_val", 0):
        raise AnsibleError(
            f"{task.action} does its waiting on the controller and cannot run with async."
            " Remove async and poll from the task; its own timeout options say how long it may take."
        )
    if _has_environment(getattr(task, "environment", None)):
        raise AnsibleError(
            f"{task.action} starts no process that could see environment variables."
            " Remove environment from the task, block or play; use the module's own options."
        )


def open_session(connection: t.Any) -> Session:
    """A session over L(open_transport), named after the host for error messages."""
    transport = open_transport(connection)
    return Session(transport, endpoint_label=transport.endpoint)


def open_transport(connection: t.Any) -> AdaptedTransport:
    """The host's transport. Nothing is sent yet.

    :param connection: the task's winrm or psrp connection; it is not connected and stays so.
    :raises AnsibleError: its options do not make a session.
    """
    if connection.transport == "winrm":
        return AdaptedTransport("winrm", _winrm_doors(connection))
    return AdaptedTransport("psrp", [_PsrpDoor(connection)])


class _Door(t.Protocol):
    """One way of talking to the host: one library, one authentication."""

    name: str
    endpoint: str
    operation_timeout: int
    advice: str
    """What in its options may be why a server refuses the authentication."""

    @property
    def encrypts(self) -> bool: ...

    def prepare(self) -> None:
        """Build what is not there yet. May authenticate, and never sends a message."""

    def send(self, envelope: bytes) -> bytes: ...

    def close(self) -> None: ...


class AdaptedTransport:
    """A transport over a connection's library. It starts afresh after anything that can leave a session behind half alive.

    :ivar endpoint: URL, without credentials.
    :ivar operation_timeout: seconds that the connection's options leave the server for one operation.
    """

    def __init__(self, kind: str, doors: t.Sequence[_Door]) -> None:
        self._kind = kind
        self._doors = list(doors)
        self._settled = False
        self._encrypted: bool | None = None

    @property
    def endpoint(self) -> str:
        return self._doors[0].endpoint

    @property
    def operation_timeout(self) -> int:
        return self._doors[0].operation_timeout

    def facts(self) -> dict[str, t.Any]:
        """How it reaches the host, without saying who that is.

        C(authentication) is what worked; those that would be tried as long as none has. C(message_encryption) is known with it.
        """
        return {
            "plugin": self._kind,
            "scheme": self.endpoint.partition(":")[0],
            "authentication": [door.name for door in self._doors],
            "message_encryption": self._encrypted,
        }

    def send(self, envelope: bytes) -> bytes:
        """Exchange one message; the first one finds out which authentication of the list works."""
        if self._settled:
            return self._send(self._doors[0], envelope)
        problems: list[tuple[_Door, WSManError]] = []
        for door in list(self._doors):
            try:
                reply = self._send(door, envelope)
            except (AuthenticationError, TransportError, HttpError) as error:
                if _came_through(error):
                    self._settle(door)
                    raise
                problems.append((door, error))
            else:
                self._settle(door)
                return reply
        raise self._summary(problems)

    def close(self) -> None:
        for door in self._doors:
            # A socket that cannot be closed is closed.
            with contextlib.suppress(Exception):
                door.close()

    def _settle(self, door: _Door) -> None:
        self._doors = [door]
        self._settled = True
        self._encrypted = door.encrypts

    def _send(self, door: _Door, envelope: bytes) -> bytes:
        sent = False
        try:
            door.prepare()
            sent = True
            return door.send(envelope)
        except Exception as error:
            way = Way(self._kind, door.endpoint, door.encrypts, door.advice, CUT.get(door.name, ""))
            problem = translated(error, way, sent=sent)
            if not leaves_session_whole(problem):
                # After a timeout under message encryption the libraries go on with a new socket and the old security
                # context, which the server answers with HTTP 400 (SRC: comment in the winrm plugin). So start afresh.
                self.close()
            raise problem from error

    def _summary(self, problems: t.Sequence[tuple[_Door, WSManError]]) -> WSManError:
        if len(problems) == 1:
            return problems[0][1]
        message = "; ".join(f"{door.name}: {error.message}" for door, error in problems)
        # The last one is what is left to the user; those before it may have failed on this side already.
        if isinstance(problems[-1][1], AuthenticationError):
            return AuthenticationError(message)
        return TransportError(message, request_may_have_run=False)


class _WinrmDoor:
    """pywinrm's Protocol with one of the connection's transports."""

    def __init__(self, connection: t.Any, transport: str) -> None:
        self.name = transport
        self._connection = connection
        self.endpoint = _winrm_endpoint(connection)
        self._options = _winrm_options(connection, transport)
        self._protocol: t.Any = None
        self._ticket: t.Any = None
        self._former_cache: str | None = None
        self.operation_timeout = int(self._options.get("operation_timeout_sec", _WINRM_OPERATION_TIMEOUT))
        read_timeout = int(self._options.get("read_timeout_sec", _WINRM_READ_TIMEOUT))
        check_timeouts(read_timeout, self.operation_timeout, "ansible_winrm_read_timeout_sec", "ansible_winrm_operation_timeout_sec")
        binds = boolean(self._options.get("send_cbt", True), strict=False)
        self.advice = advice(transport, "ansible_winrm_send_cbt", binds=binds)

    @property
    def encrypts(self) -> bool:
        return self._protocol is not None and self._protocol.transport.encryption is not None

    def prepare(self) -> None:
        if self._protocol is not None:
            return
        protocol = self._build()
        # Under message encryption this authenticates with an empty message, so what fails here has not sent ours.
        protocol.transport.build_session()
        self._protocol = protocol

    def send(self, envelope: bytes) -> bytes:
        reply: bytes = self._protocol.transport.send_message(envelope)
        return reply

    def close(self) -> None:
        protocol, self._protocol = self._protocol, None
        ticket, self._ticket = self._ticket, None
        if ticket is not None:
            if os.environ.get(_CACHE) == f"FILE:{ticket.name}":
                _set_cache(self._former_cache)
            # A temporary file: closed is deleted.
            ticket.close()
        if protocol is not None:
            protocol.transport.close_session()

    def _build(self) -> t.Any:
        from winrm.protocol import Protocol

        if self.name == "kerberos" and getattr(self._connection, "_kerb_managed", False):
            self._get_ticket()
        return Protocol(self.endpoint, transport=self.name, **self._options)

    def _get_ticket(self) -> None:
        # Into a cache of this process; without it there is no client principal (RUN).
        connection = self._connection
        self._former_cache = os.environ.get(_CACHE)
        try:
            connection._kerb_auth(connection._winrm_user, connection._winrm_pass)
        except AnsibleConnectionFailure as error:
            raise AuthenticationError(f"no Kerberos ticket for {self.endpoint}: {error}. {way_out(str(error), 'winrm')}") from error
        finally:
            self._ticket = getattr(connection, "_kerb_ccache", None)


class _PsrpDoor:
    """pypsrp's WSMan, without a runspace."""

    def __init__(self, connection: t.Any) -> None:
        _require("pypsrp")
        connection._build_kwargs()
        self._options: dict[str, t.Any] = dict(connection._psrp_conn_kwargs)
        self.name = str(self._options["auth"])
        if self.name == _CREDSSP and self._options.get("encryption", "auto") == "auto":
            self._options["encryption"] = _FIRST_WITHOUT_MESSAGE
        self._wsman = self._build()
        self.endpoint = str(self._wsman.transport.endpoint)
        self.operation_timeout = int(self._wsman.operation_timeout)
        read_timeout = int(self._options.get("read_timeout", _PSRP_READ_TIMEOUT))
        check_timeouts(read_timeout, self.operation_timeout, "ansible_psrp_read_timeout", "ansible_psrp_operation_timeout")
        binds = boolean(self._options.get("negotiate_send_cbt", True), strict=False)
        self.advice = advice(self.name, "ansible_psrp_negotiate_send_cbt", binds=binds)
        self._closed = False

    @property
    def encrypts(self) -> bool:
        return bool(self._wsman.transport.wrap_required)

    def prepare(self) -> None:
        if self._closed:
            self._wsman = self._build()
            self._closed = False

    def send(self, envelope: bytes) -> bytes:
        reply: bytes = self._wsman.transport.send(envelope)
        return reply

    def close(self) -> None:
        self._closed = True
        self._wsman.close()

    def _build(self) -> t.Any:
        from pypsrp.wsman import WSMan

        try:
            return WSMan(**self._options)
        except ValueError as error:
            raise AnsibleError(f"the options of the psrp connection do not fit together: {error}") from error


def _winrm_doors(connection: t.Any) -> list[_Door]:
    _require("winrm")
    connection._build_winrm_kwargs()
    return [_WinrmDoor(connection, transport) for transport in connection._winrm_transport]


def _winrm_endpoint(connection: t.Any) -> str:
    host = connection._winrm_host
    with contextlib.suppress(ValueError):
        host = f"[{ipaddress.IPv6Address(host)}]"
    path = str(connection._winrm_path or "").lstrip("/")
    return f"{connection._winrm_scheme}://{host}:{connection._winrm_port}/{path}"


def _winrm_options(connection: t.Any, transport: str) -> dict[str, t.Any]:
    options = dict(connection._winrm_kwargs)
    if transport == _CREDSSP and options.get("message_encryption", "auto") == "auto":
        options["message_encryption"] = _FIRST_WITHOUT_MESSAGE
    # As the plugin does it (SRC: _winrm_connect).
    if connection._winrm_connection_timeout:
        options["operation_timeout_sec"] = int(connection._winrm_connection_timeout)
        options["read_timeout_sec"] = int(connection._winrm_connection_timeout) + 10
    return options


def _set_cache(name: str | None) -> None:
    if name is None:
        os.environ.pop(_CACHE, None)
    else:
        os.environ[_CACHE] = name


def _require(module: str) -> None:
    try:
        importlib.import_module(module)
    except ImportError as error:
        package = {"winrm": "pywinrm"}.get(module, module)
        raise AnsibleError(f"the Python package {package} is missing on the controller: {error}. Install it with pip.") from error


def _has_environment(environment: t.Any) -> bool:
    # Ansible keeps a list: the task's own entry and those of block, role and play. An empty mapping changes nothing.
    entries = environment if isinstance(environment, (list, tuple)) else [environment]
    return any(bool(entry) for entry in entries)


def _came_through(error: WSManError) -> bool:
    """The host took the request in, so that another authentication must not send it a second time."""
    if isinstance(error, HttpError):
        # 500 with nothing in it is the refusal of a message in clear.
        return bool(error.body.strip()) or error.status != 500
    return isinstance(error, (TransportError, AuthenticationError)) and error.request_may_have_run

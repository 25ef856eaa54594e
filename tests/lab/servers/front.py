# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The network side of a server: its listeners on loopback, authentication, message encryption, faults that tests ordered."""

from __future__ import annotations

import asyncio
import dataclasses
import ssl
import typing as t
import weakref

from aiohttp import web
from spnego.channel_bindings import GssChannelBindings

from tests.lab.faults import Fault
from tests.lab.servers import shares
from tests.lab.servers.listener import Door
from tests.lab.servers.models import NT_DOMAIN, WindowsServer
from tests.lab.servers.protocol import encryption, soap
from tests.lab.servers.protocol.authentication import Answer, Gate, Peer, Users
from tests.lab.servers.routes.endpoint import Answer as Served
from tests.lab.servers.routes.endpoint import Description, Endpoint
from tests.lab.tls import Tls

if t.TYPE_CHECKING:
    from tests.lab.world import World

PATH = "/wsman"
MAX_ENVELOPE = 500 * 1024
"""MaxEnvelopeSizekb 500: a larger request gets HTTP 413 [DOC; REAL]."""
SOAP_TYPE = "application/soap+xml;charset=UTF-8"
BANNER = "Microsoft-HTTPAPI/2.0"
_FAULTS = ("status", "drop_before", "drop_after", "delay", "malformed")
_NOBODY = Description("auth", "", "auth")


async def start(world: World, server: WindowsServer, tls: Tls, endpoint: Endpoint | None = None) -> tuple[int, int]:
    """Open the listeners of a server on free ports of loopback. Returns (https_port, http_port).

    `endpoint`: who answers, when it is not the model (tests/wine).
    """
    front = Front(world, server, endpoint)
    front.add(tls.server_context(ask_client=True), tls.channel_bindings())
    front.add(None)
    server.listener = front
    server.agenda.waker = front.wake
    front.set_open(server.reachable)
    await asyncio.sleep(0)
    return front.ports


async def stop(server: WindowsServer) -> None:
    """Close the listeners and give the ports back."""
    front = server.listener
    server.listener = None
    if isinstance(front, Front):
        await front.close()


@dataclasses.dataclass
class _Side:
    """What the connections of one listener have in common, and the state of each."""

    tls: bool
    bindings: GssChannelBindings | None
    gates: weakref.WeakKeyDictionary[asyncio.Transport, Gate] = dataclasses.field(default_factory=weakref.WeakKeyDictionary)

    def peer(self, transport: asyncio.Transport) -> Peer:
        """Describe the connection below HTTP."""
        tls = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        return Peer(self.tls, certificate, self.bindings)


def hosts(server: WindowsServer) -> tuple[str, ...]:
    """Return the addresses on which a server listens, IPv4 first."""
    return server.listener.hosts if isinstance(server.listener, Front) else ()


def _cut(request: web.BaseRequest) -> web.Response:
    """Cut the connection. The response returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


class Front:
    """The listeners of one server (models.Listener)."""

    def __init__(self, world: World, server: WindowsServer, endpoint: Endpoint | None = None) -> None:
        self._world = world
        self._server = server
        self._endpoint = endpoint or Endpoint(server)
        self._users = Users(world.directory / f"users-{server.name}", (server.machine_name, NT_DOMAIN, server.system.domain))
        self._doors: list[Door] = []
        self._timers: set[asyncio.TimerHandle] = set()
        self.account_changed()

    @property
    def ports(self) -> tuple[int, int]:
        """Ports of https and http."""
        return self._doors[0].port, self._doors[1].port

    @property
    def shells(self) -> int:
        """How many shells are open."""
        return self._endpoint.shells

    @property
    def hosts(self) -> tuple[str, ...]:
        """Addresses of the listeners, IPv4 first."""
        return self._doors[0].hosts

    def add(self, context: ssl.SSLContext | None, bindings: bytes = b"") -> None:
        """Add a listener; it is not open yet. `bindings`: application data of the channel bindings of its TLS."""
        side = _Side(context is not None, GssChannelBindings(application_data=bindings) if bindings else None)
        self._doors.append(Door(lambda request: self._serve_unless_halted(request, side), context))

    def set_open(self, is_open: bool) -> None:
        """Open or close all listeners. Closing cuts connections; shells outlive it, as on a server whose network is gone."""
        for door in self._doors:
            door.set_open(is_open)

    def forget(self) -> None:
        """Drop all shells and enumerations."""
        self._endpoint.forget()

    def account_changed(self) -> None:
        """Take over user and password of the server."""
        self._users.set(self._server.user, self._server.password)

    def wake(self, seconds: float) -> None:
        """Look at the server again when something is due."""
        loop = asyncio.get_running_loop()

        def look() -> None:
            self._timers.discard(handle)
            self._server.settle()

        handle = loop.call_later(seconds + 0.01, look)
        self._timers.add(handle)

    async def close(self) -> None:
        """Close for good."""
        for timer in self._timers:
            timer.cancel()
        for door in self._doors:
            await door.close()

    # one HTTP request

    async def _serve_unless_halted(self, request: web.BaseRequest, side: _Side) -> web.StreamResponse:
        halt = self._world.halt
        if await halt.is_lost():
            return _cut(request)
        response = await self._serve(request, side)
        return _cut(request) if await halt.is_lost() else response

    async def _serve(self, request: web.BaseRequest, side: _Side) -> web.StreamResponse:
        body = await request.content.read()
        if request.transport is None:
            return web.Response(status=500)  # the client has gone
        gate = side.gates.setdefault(request.transport, Gate(self._users, self._server.winrm, side.peer(request.transport)))
        if request.path.rstrip("/").lower() != PATH or request.method != "POST":
            self._server.unknown(f"{request.method} {request.path}", method=request.method, path=request.path)
            return self._answer(request, 404, b"", Description("", "", "error"), len(body))
        verdict = gate.check(request.headers.get("Authorization", ""))
        if not verdict.authenticated:
            return self._answer(request, 401, b"", _NOBODY, len(body), challenge=verdict.challenge)
        if not body:
            return self._answer(request, 200, b"", _NOBODY, 0, challenge=verdict.extra)
        return await self._authenticated(request, body, gate, verdict, tls=side.tls)

    async def _authenticated(self, request: web.BaseRequest, body: bytes, gate: Gate, verdict: Answer, *, tls: bool) -> web.StreamResponse:
        content_type = request.headers.get("Content-Type", "")
        encrypted = encryption.is_encrypted(content_type)
        if not encrypted and not tls:
            # AllowUnencrypted is off: HTTP 500 with an empty body (wsman.md 6 [SRC]).
            return self._answer(request, 500, b"", Description("clear text", "", "error"), len(body))
        try:
            protocol = encryption.protocol_of(content_type) if encrypted else ""
            envelope = self._decrypt(gate, body) if encrypted else body
            parsed = soap.parse(envelope)
        except (encryption.BadEncryption, soap.NotSoap, ValueError) as error:
            return self._answer(request, 400, b"", Description("malformed", str(error)[:200], "error"), len(body))
        description = self._endpoint.describe(parsed)
        if len(envelope) > MAX_ENVELOPE:
            return self._answer(request, 413, b"", Description(description.action, description.resource, "error"), len(body))
        fault = self._fault(description)
        if fault is not None and fault.kind in ("status", "drop_before"):
            return await self._refuse(request, fault, description, gate, len(body))
        if fault is not None and fault.kind == "delay":
            resets = self._world.resets
            await asyncio.sleep(fault.seconds)
            if self._world.resets != resets:
                return _cut(request)
        shares.delegated.set(gate.delegates)
        served = await self._endpoint.handle(parsed)
        if fault is not None and fault.kind == "drop_after":
            return await self._refuse(request, fault, description, gate, len(body))
        if fault is not None and fault.kind == "malformed":
            served = Served(200, (fault.body or "<s:Envelope><broken").encode())
        return self._reply(request, served, description, gate, protocol, verdict, len(body))

    def _reply(
        self, request: web.BaseRequest, served: Served, description: Description, gate: Gate, protocol: str, verdict: Answer, size: int
    ) -> web.StreamResponse:
        payload, content_type = served.envelope, SOAP_TYPE
        if protocol and gate.context is not None:
            payload, content_type = encryption.encrypt(gate.context, served.envelope, protocol)
        detail = {"fault": served.fault} if served.fault is not None else None
        return self._answer(
            request, served.status, payload, description, size, challenge=verdict.extra, content_type=content_type, detail=detail
        )

    def _decrypt(self, gate: Gate, body: bytes) -> bytes:
        if gate.context is None:
            raise encryption.BadEncryption("an encrypted message on a connection without security context")
        return encryption.decrypt(gate.context, body)

    def _fault(self, description: Description) -> Fault | None:
        return self._world.faults.take(
            "wsman",
            _FAULTS,
            method="POST",
            path=PATH,
            target=self._server.name,
            action=description.action,
            resource=description.resource,
        )

    async def _refuse(self, request: web.BaseRequest, fault: Fault, description: Description, gate: Gate, size: int) -> web.StreamResponse:
        if fault.kind == "status":
            challenge: tuple[str, ...] = ()
            if fault.status == 401:
                gate.forget()  # as a server whose tickets or contexts have run out: nothing counts any more
                challenge = gate.offers
            body = (fault.body or "").encode()
            return self._answer(
                request, fault.status, body, description, size, challenge=challenge, headers=fault.headers, detail="ordered fault"
            )
        self._record(request, description, 0, size, 0, f"ordered fault {fault.kind}")
        return _cut(request)

    def _answer(
        self,
        request: web.BaseRequest,
        status: int,
        body: bytes,
        description: Description,
        size: int,
        *,
        challenge: t.Sequence[str] = (),
        content_type: str = SOAP_TYPE,
        headers: t.Mapping[str, str] | None = None,
        detail: t.Any = None,
    ) -> web.StreamResponse:
        self._record(request, description, status, size, len(body), detail)
        response = web.Response(status=status, body=body, headers={"Server": BANNER, **(headers or {})})
        if body:
            response.headers["Content-Type"] = content_type
        for value in challenge:
            response.headers.add("WWW-Authenticate", value)
        return response

    def _record(self, request: web.BaseRequest, description: Description, status: int, size: int, sent: int, detail: t.Any) -> None:
        self._world.journal.record(
            plane="wsman",
            target=self._server.name,
            kind=description.kind,
            method=request.method,
            path=request.path,
            action=description.action,
            resource=description.resource,
            status=status,
            bytes_in=size,
            bytes_out=sent,
            detail=detail,
        )

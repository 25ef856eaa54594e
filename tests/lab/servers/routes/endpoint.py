# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One server's /wsman: from a decrypted request to the reply. Knows nothing of HTTP, TLS or authentication."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.lab.servers.programs import launcher
from tests.lab.servers.protocol import faults, soap
from tests.lab.servers.routes import configuration
from tests.lab.servers.routes.cim import CLASSES, WMI, Cim
from tests.lab.servers.routes.cim_class import CimClass
from tests.lab.servers.routes.shells import Shells

if t.TYPE_CHECKING:
    from tests.lab.journal import Kind
    from tests.lab.servers.models import WindowsServer

MINIMUM_ENVELOPE = 8192


@dataclasses.dataclass(frozen=True)
class Description:
    """What a request is about, for the journal and for faults that tests ordered."""

    action: str
    resource: str
    kind: Kind


@dataclasses.dataclass(frozen=True)
class Answer:
    """HTTP status and SOAP envelope. `fault`: code of the WS-Management fault."""

    status: int
    envelope: bytes
    fault: int | None = None


class Endpoint:
    """The WS-Management service of one server. Holds its shells and enumerations."""

    def __init__(
        self, server: WindowsServer, *, classes: t.Mapping[str, CimClass] = CLASSES, launch: launcher.Launcher = launcher.launch
    ) -> None:
        self._server = server
        self._cim = Cim(server, classes)
        self._shells = Shells(server, launch)

    @property
    def shells(self) -> int:
        """How many shells are open."""
        return len(self._shells)

    def forget(self) -> None:
        """Drop shells and enumerations."""
        self._cim.forget()
        self._shells.forget()

    def describe(self, request: soap.Request) -> Description:
        """Say what a request is about."""
        if request.action == "Identify":
            return Description("Identify", "", "read")
        if request.resource_uri.startswith(WMI):
            action, resource, kind = self._cim.describe(request)
        elif self._shells.serves(request.resource_uri):
            action, resource, kind = self._shells.describe(request)
        else:
            action, resource, kind = request.action.rsplit("/", 1)[-1], request.resource_uri.rsplit("/", 1)[-1], "read"
        return Description(action, resource, t.cast("Kind", kind))

    async def handle(self, request: soap.Request) -> Answer:
        """Serve a request."""
        self._server.settle()
        if request.action == "Identify":
            return Answer(200, soap.identify_reply())
        try:
            self._judge(request)
            action, body = await self._route(request)
            envelope = soap.reply(action, body, request.message_id)
            if len(envelope) > request.max_envelope_size:
                raise faults.reply_too_large()
        except faults.WSManFault as fault:
            # Without RelatesTo for the shell quota, as recorded [REAL].
            relates_to = "" if fault.subcode == "w:QuotaLimit" else request.message_id
            return Answer(500, fault.render(self._server.machine_name, relates_to), fault.code)
        return Answer(200, envelope)

    def _judge(self, request: soap.Request) -> None:
        if request.max_envelope_size < MINIMUM_ENVELOPE:
            raise faults.envelope_too_small()
        if request.locale_must_be_understood:
            raise faults.locale_not_supported()

    async def _route(self, request: soap.Request) -> tuple[str, str]:
        if request.resource_uri.startswith(WMI):
            return self._cim.handle(request)
        if self._shells.serves(request.resource_uri):
            return await self._shells.handle(request)
        if request.resource_uri == configuration.CONFIG and request.action == configuration.GET:
            return f"{configuration.GET}Response", configuration.body(self._server.max_shells, self._server.winrm)
        self._server.unknown(f"resource {request.resource_uri}, action {request.action}")
        raise faults.no_instance(request.resource_uri)

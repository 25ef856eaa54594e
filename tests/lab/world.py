# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One world: a tenant and Windows servers that know of each other, under one clock.

What the lab's server half (tests.lab.servers) provides, and nothing else is asked of it:

- models.WindowsServer: implements `Server` below; `WindowsServer.from_definition(name, definition, world)` builds one from its
  entry in the world file. The definition of a healthy, empty server is {}; `machine_name` defaults to name.upper().
- front.start(world, server, tls) -> (https_port, http_port) and front.stop(server): coroutines. The front keeps the server object
  over reset(), so the ports stay.
- installers.make(version=, generation=, signer=, signature_status=) -> bytes: the lab's installer executable, whose content a
  WindowsServer understands when it is run. Signature fields: what Get-AuthenticodeSignature would say.
"""

from __future__ import annotations

import dataclasses
import datetime
import pathlib
import typing as t

from tests.lab.clock import Clock
from tests.lab.faults import Faults
from tests.lab.halt import Halt
from tests.lab.journal import Journal
from tests.lab.tenant.models import Tenant
from tests.lab.tenant.recording import Recording
from tests.lab.timeline import Timeline
from tests.lab.timing import Timing

Definition = t.Mapping[str, t.Any]


class Server(t.Protocol):
    """A Windows server, as the rest of the world sees it."""

    name: str
    machine_name: str

    def running_connector(self) -> tuple[str, datetime.datetime] | None:
        """Return the id of the connector whose service runs here and since when, or None. Must not wait."""

    def as_dict(self) -> dict[str, t.Any]:
        """Return the raw state for the admin API (JSON types)."""

    def registry_values(self, path: str) -> dict[str, t.Any] | None:
        """Return the values of a registry key of the local machine (JSON types); None when there is no such key."""

    def patch(self, values: t.Mapping[str, t.Any]) -> None:
        """Change the raw state. Raises ValueError for what it does not know."""

    def reset(self) -> None:
        """Return to the state of the definition."""


@dataclasses.dataclass(frozen=True)
class Account:
    """A user and a password. The password stays out of repr."""

    user: str
    password: str = dataclasses.field(repr=False)


class World:
    """Everything that exists in the lab. `downloads` is the internet of the servers: URL to content."""

    def __init__(
        self,
        *,
        clock: Clock,
        journal: Journal,
        timing: Timing,
        faults: Faults,
        tenant: Tenant,
        account: Account,
        directory: pathlib.Path,
    ) -> None:
        self.clock = clock
        self.journal = journal
        self.timing = timing
        self.faults = faults
        self.tenant = tenant
        self.account = account
        """The local administrator of every server (WinRM logon)."""
        self.directory = directory
        """A private temporary folder that goes when the lab goes."""
        self.recording = Recording()
        """The exchanges of the Graph plane, kept whole when asked for."""
        self.resets = 0
        """How often everything went back to the start. A request that was waiting meanwhile belongs to a world that is gone."""
        self.halt = Halt(journal)
        self.timeline = Timeline(clock, tenant, journal)
        self.servers: dict[str, Server] = {}
        self.downloads: dict[str, bytes] = {}
        tenant.liveness = self.running_connectors

    def running_connectors(self) -> dict[str, datetime.datetime]:
        """Return the id of every connector whose service runs, and since when."""
        found = (server.running_connector() for server in self.servers.values())
        return {running[0]: running[1] for running in found if running is not None}

    def advance(self, seconds: float) -> None:
        """Move the clock. The tenant looks before and after, so that it knows what stopped before the jump."""
        self.tenant.look()
        self.clock.advance(seconds)
        self.tenant.look()

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab as a running thing: builds a world from its definition, opens the sockets, closes them again."""

from __future__ import annotations

import json
import os
import pathlib
import secrets
import socket
import tempfile
import typing as t

from aiohttp import web

from tests.lab import credentials, tls
from tests.lab.clock import Clock
from tests.lab.faults import Faults
from tests.lab.journal import Journal
from tests.lab.servers import front as server_front
from tests.lab.servers import installers
from tests.lab.servers.models import WindowsServer
from tests.lab.tenant import seed
from tests.lab.tenant.front import Front
from tests.lab.tenant.identity import AZURE_CLI
from tests.lab.tenant.login import Login
from tests.lab.tenant.managed_identity import ManagedIdentity
from tests.lab.timing import Timing
from tests.lab.world import Account, Definition, World

BIN = pathlib.Path(__file__).parent / "bin"
WORLDS = pathlib.Path(__file__).parent / "worlds"
DEFAULT_WORLD = WORLDS / "default.json"
KEYS = {"tenant", "timing", "servers"}

INSTALLER_URL = "https://download.msappproxy.net/Subscription/d3c8b69d-6bf7-42be-a529-3fe9c2e70c90/Connector/DownloadConnectorInstaller"
"""connector.md 2 (MS TOK; LIVE HMCTS). The servers of the lab reach it inside the lab only."""
INSTALLER_NAMES = {"entra": "MicrosoftEntraPrivateNetworkConnectorInstaller.exe", "legacy": "AADApplicationProxyConnectorInstaller.exe"}


class Lab:
    """A world with open sockets. Use start() and stop(); `world` is the Python door for tests in the same process."""

    def __init__(self, definition: Definition) -> None:
        unknown = sorted(set(definition) - KEYS)
        if unknown:
            raise ValueError(f"unknown fields {unknown} of the world; known: {sorted(KEYS)}")
        self._definition = definition
        self._temporary = tempfile.TemporaryDirectory(prefix="app-proxy-lab-")
        self.directory = pathlib.Path(self._temporary.name)
        clock, timing = Clock(), Timing()
        timing.patch(definition.get("timing", {}))
        self.world = World(
            clock=clock,
            journal=Journal(clock),
            timing=timing,
            faults=Faults(),
            tenant=seed.build(definition.get("tenant", {}), clock, timing),
            account=Account("lab-admin", secrets.token_urlsafe(15)),
            directory=self.directory,
        )
        self.login = Login(self.world.tenant)
        self.tls = tls.Tls(self.directory)
        self._runners: list[web.AppRunner] = []
        self._started: list[WindowsServer] = []
        self._state: dict[str, t.Any] = {}

    async def start(self, admin: t.Callable[[Lab], web.Application]) -> dict[str, t.Any]:
        """Open all sockets and return the state document (what lab.json holds)."""
        current = self.make_installer()  # the default is the build behind the download URL
        self.world.downloads[INSTALLER_URL] = current.read_bytes()
        port = await self._serve(Front(self.world, self.login).application(), encrypted=True)
        root = f"https://localhost:{port}"
        self.world.tenant.identity.trust_graph(root)
        admin_port = await self._serve(admin(self), encrypted=False)
        machine = ManagedIdentity(self.world.tenant.identity, self.world.tenant.settings, self.world.journal)
        machine_port = await self._serve(machine.application(), encrypted=False)
        servers = {}
        for name, entry in self._definition.get("servers", {}).items():
            server = WindowsServer.from_definition(name, entry, self.world)
            self.world.servers[name] = server
            https_port, http_port = await server_front.start(self.world, server, self.tls)
            self._started.append(server)
            hosts = server_front.hosts(server)
            servers[name] = {"host": hosts[0], "https_port": https_port, "http_port": http_port, "machine_name": server.machine_name}
            servers[name]["host_v6"] = hosts[1] if len(hosts) > 1 else None
        self._state = {
            "pid": os.getpid(),
            "admin": f"http://127.0.0.1:{admin_port}",
            "graph_endpoint": root,
            "authority": root,
            "ca_file": str(self.tls.ca_file),
            "bin_dir": str(BIN),
            "installer_file": str(current),
            "installer_url": INSTALLER_URL,
            "user": self.world.account.user,
            "password": self.world.account.password,
            **self._winrm_certificate(),
            "servers": servers,
            **machine.describe(machine_port),
            **credentials.describe(self.world.tenant.identity, self.directory),
            "az_refresh_token": self.login.new_refresh_token(AZURE_CLI),
        }
        return self._state

    async def stop(self) -> None:
        """Close all sockets and remove the temporary folder. May be called after a start that failed half-way."""
        self.world.halt.lift()
        self.world.timeline.stop()
        for server in self._started:
            await server_front.stop(server)
        for runner in self._runners:
            await runner.cleanup()
        self._temporary.cleanup()

    def reset(self) -> None:
        """Return to the world of the definition. Ports, keys, passwords and tokens stay."""
        self.world.resets += 1
        self.world.faults.clear()
        self.world.halt.lift()
        self.world.timeline.stop()
        self.world.clock.reset()
        self.world.timing.patch(vars(Timing()))
        self.world.timing.patch(self._definition.get("timing", {}))
        seed.reset(self.world.tenant, self._definition.get("tenant", {}))
        for server in self.world.servers.values():
            server.reset()
        self.login.device_codes.clear()
        self.world.journal.clear()
        self.world.recording.clear()

    def make_installer(self, **definition: t.Any) -> pathlib.Path:
        """Write an installer executable and return its path. Raises ValueError or TypeError for what is not known."""
        content = installers.make(**definition)
        folder = pathlib.Path(tempfile.mkdtemp(prefix="installer-", dir=self.directory))
        path = folder / INSTALLER_NAMES[definition.get("generation", "entra")]
        path.write_bytes(content)
        return path

    def _winrm_certificate(self) -> dict[str, str]:
        """The account's client certificate; a server takes it when its WinRM service is told to."""
        certificate, key = self.tls.issue_client("winrm-client", f"{self.world.account.user}@localhost")
        return {"winrm_certificate_file": str(certificate), "winrm_key_file": str(key)}

    async def _serve(self, application: web.Application, *, encrypted: bool) -> int:
        """Listen on a free port of 127.0.0.1, and for TLS on the same port of ::1, as `localhost` may mean either."""
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        self._runners.append(runner)
        await runner.setup()
        context = self.tls.server_context() if encrypted else None
        listener = socket.create_server(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
        await web.SockSite(runner, listener, ssl_context=context).start()
        if encrypted and (second := _listen_v6(port)) is not None:
            await web.SockSite(runner, second, ssl_context=context).start()
        return port


def _listen_v6(port: int) -> socket.socket | None:
    """Return a listener on ::1, or None on a machine without IPv6 (clients then use 127.0.0.1)."""
    try:
        return socket.create_server(("::1", port), family=socket.AF_INET6)
    except OSError:
        return None


def write_state(path: pathlib.Path, state: t.Mapping[str, t.Any]) -> None:
    """Write the state document atomically, readable by its owner only."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(state, stream, indent=2)
        stream.write("\n")
    os.replace(temporary, path)

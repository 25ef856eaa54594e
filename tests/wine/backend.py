# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server of the lab whose state is Wine's: the lab's listeners, authentication and messages in front, Wine behind.

Command lines go to Wine's cmd.exe. PowerShell does not exist in Wine: the collection's own scripts and the file transfer
of Ansible's connection plugins are played by the lab, on the files of the prefix.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ntpath
import re
import shutil
import threading
import typing as t

from tests.lab.runtime import Lab
from tests.lab.servers import front
from tests.lab.servers.models import WindowsServer
from tests.lab.servers.programs import launcher
from tests.lab.servers.programs.process import Result, Start
from tests.lab.servers.routes.endpoint import Endpoint
from tests.lab.servers.state.filesystem import File, NoFolder
from tests.lab.world import World
from tests.wine import cim
from tests.wine.prefix import Wine

NAME = "wine"
READERS = ("find.exe",)
"""Programs that are started when their input is complete: it comes as a file, because services would inherit a pipe."""
_SEARCH = re.compile(r"^(reg(?:\.exe)? query .+ /s) /f \S+ /d$", re.IGNORECASE)
"""Wine's reg.exe cannot search. What it lists of the key holds what a search would find."""


class WineServer(WindowsServer):
    """The lab's server with Wine in it. Of the model it keeps what belongs to the network: account, quotas, listeners."""

    def __init__(self, wine: Wine, world: World) -> None:
        self.wine = wine
        super().__init__(NAME, world, {})
        self.files = t.cast("t.Any", WineFiles(wine))

    def endpoint(self) -> Endpoint:
        """WS-Management of this server."""
        return Endpoint(self, classes=cim.classes(), launch=launch)


class WineFiles:
    """The files of drive C, as far as the lab's PowerShell scripts ask for them (tests.lab.servers.state.filesystem)."""

    def __init__(self, wine: Wine) -> None:
        self._wine = wine

    def get(self, path: str) -> File | None:
        place = self._wine.path(path)
        if not place.is_file():
            return None
        (facts,) = self._wine.ask("files", path)
        modified = datetime.datetime.fromtimestamp(place.stat().st_mtime, datetime.timezone.utc)
        return File(path, place.read_bytes(), modified, modified, facts["version"])

    def exists(self, path: str) -> bool:
        return self._wine.path(path).exists()

    def write(self, path: str, content: bytes) -> None:
        if not self._wine.path(ntpath.dirname(path)).is_dir():
            raise NoFolder(f"Could not find a part of the path '{path}'.")
        self._wine.path(path).write_bytes(content)

    def remove(self, path: str) -> None:
        place = self._wine.path(path)
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink()


def launch(server: WindowsServer, line: str) -> launcher.Launch:
    """Start a command line in Wine; the lab plays PowerShell."""
    assert isinstance(server, WineServer)
    if line.lower().startswith("powershell"):
        return launcher.launch(server, line)
    server.world.journal.process(server.name, line)

    def program(start: Start) -> Result:
        ended = server.wine.command(_SEARCH.sub(r"\1", line), start.stdin)
        return Result(ended.exit_code, ended.stdout, ended.stderr)

    command = line.split(" ")[0]
    return launcher.Launch(server, program, command, [], waits_for_input=command in READERS)


class WineLab:
    """The lab's network side in a thread of its own, with one server: Wine."""

    def __init__(self, wine: Wine) -> None:
        self._lab = Lab({})
        self.server = WineServer(wine, self._lab.world)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.https_port, self.http_port = self._wait(
            front.start(self._lab.world, self.server, self._lab.tls, self.server.endpoint()),
        )

    @property
    def world(self) -> World:
        return self._lab.world

    def variables(self, kind: str, scheme: str, authentication: str) -> dict[str, t.Any]:
        """The inventory variables of the server for one of Ansible's connections."""
        port = self.https_port if scheme == "https" else self.http_port
        account = {"ansible_host": "127.0.0.1", "ansible_user": self.server.user, "ansible_password": self.server.password}
        authority = str(self._lab.tls.ca_file)
        if kind == "winrm":
            more = {"scheme": scheme, "transport": [authentication], "ca_trust_path": authority}
        else:
            more = {"port": port, "protocol": scheme, "auth": authentication, "ca_cert": authority}
        return {**account, "ansible_port": port, **{f"ansible_{kind}_{name}": value for name, value in more.items()}}

    def stop(self) -> None:
        """Close everything."""
        self._wait(front.stop(self.server))
        self._wait(self._lab.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _wait(self, coroutine: t.Coroutine[t.Any, t.Any, t.Any]) -> t.Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)


@contextlib.contextmanager
def serving(wine: Wine) -> t.Iterator[WineLab]:
    """A served Wine, for as long as the block runs."""
    lab = WineLab(wine)
    try:
        yield lab
    finally:
        lab.stop()

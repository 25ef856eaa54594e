# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lab in a thread of the test process: real sockets outside, the world's objects at hand."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import typing as t
import xml.etree.ElementTree as ET

import xmltodict
from winrm.protocol import Protocol

from tests.lab import admin
from tests.lab.runtime import Lab
from tests.lab.servers.models import WindowsServer
from tests.lab.servers.programs import launcher
from tests.lab.servers.programs.process import Result
from tests.lab.tenant.identity import REGISTRATION
from tests.lab.world import World

NAME = "web-01"
WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
ENUMERATION = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
GET = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get"
HKLM = "2147483650"
Item = dict[str, t.Any]


class LiveLab:
    """A started lab with one server, and ways to talk to it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._lab = Lab({"servers": {NAME: {}}, "timing": {"files_appear": 0.05, "becomes_active": 0, "service_start": 0.05}})
        self.state = self._wait(self._lab.start(admin.application))

    def stop(self) -> None:
        """End everything."""
        self._wait(self._lab.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def do(self, action: t.Callable[[], t.Any]) -> t.Any:
        """Run something in the lab's own thread."""

        async def run() -> t.Any:
            return action()

        return self._wait(run())

    def reset(self) -> None:
        """Back to the first state."""
        self.do(self._lab.reset)

    def patch(self, **values: t.Any) -> None:
        """Patch the server."""
        self.do(lambda: self.server.patch(values))

    def run(self, line: str, stdin: bytes = b"") -> Result:
        """Run a command line on the server, past the network."""
        result = self.do(lambda: launcher.launch(self.server, line).run(stdin))
        assert isinstance(result, Result)
        return result

    def advance(self, seconds: float) -> None:
        """Move the clock and let happen what is due."""
        self.do(lambda: self.world.advance(seconds))
        self.do(self.server.settle)

    def token(self, **options: t.Any) -> str:
        """A registration token."""
        return str(self.do(lambda: self.world.tenant.identity.delegated_token(REGISTRATION, "client", **options)))

    @property
    def world(self) -> World:
        """The world."""
        return self._lab.world

    @property
    def server(self) -> WindowsServer:
        """The server."""
        found = self.world.servers[NAME]
        assert isinstance(found, WindowsServer)
        return found

    def journal(self, **wanted: t.Any) -> list[dict[str, t.Any]]:
        """Journal entries of the wsman plane with these values."""
        entries = self.world.journal.since(0)
        return [entry for entry in entries if entry["plane"] == "wsman" and all(entry[key] == value for key, value in wanted.items())]

    def endpoint(self, scheme: str = "https") -> str:
        """URL of the server."""
        ports = self.state["servers"][NAME]
        return f"{scheme}://localhost:{ports[f'{scheme}_port']}/wsman"

    @contextlib.contextmanager
    def protocol(self, transport: str = "basic", scheme: str = "https", **options: t.Any) -> t.Iterator[Protocol]:
        """pywinrm's Protocol."""
        account = {"username": self.state["user"], "password": self.state["password"], "ca_trust_path": self.state["ca_file"]}
        protocol = Protocol(self.endpoint(scheme), transport=transport, **{**account, **options})
        try:
            yield protocol
        finally:
            protocol.transport.close_session()

    def _wait(self, coroutine: t.Coroutine[t.Any, t.Any, t.Any]) -> t.Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)


class Cim:
    """CIM requests through pywinrm, as in the prototypes of native CIM: plain text envelopes, parsed by local name."""

    def __init__(self, protocol: Protocol, envelope: int = 512000) -> None:
        self._protocol = protocol
        self._envelope = envelope
        self.pulls = 0

    def send(self, action: str, uri: str, body: Item | None, selectors: t.Mapping[str, str] | None = None) -> ET.Element:
        """One exchange; returns the body's first element."""
        envelope = self._protocol.build_wsman_header(action, uri)
        header = envelope["env:Header"]
        header["w:MaxEnvelopeSize"]["#text"] = str(self._envelope)
        if selectors:
            header["w:SelectorSet"] = {"w:Selector": [{"@Name": name, "#text": value} for name, value in selectors.items()]}
        envelope["env:Body"] = body
        reply = ET.fromstring(self._protocol.send_message(xmltodict.unparse({"env:Envelope": envelope})))
        found = reply.find("{http://www.w3.org/2003/05/soap-envelope}Body")
        assert found is not None
        return found[0]

    def get(self, class_name: str, **selectors: str) -> Item:
        """transfer/Get."""
        return item(self.send(GET, f"{WMI}/{class_name}", None, selectors))

    def invoke(self, class_name: str, method: str, arguments: t.Mapping[str, t.Any] | None = None, **selectors: str) -> Item:
        """A method."""
        uri = f"{WMI}/{class_name}"
        body = {f"m:{method}_INPUT": {"@xmlns:m": uri, **{f"m:{key}": value for key, value in (arguments or {}).items()}}}
        return item(self.send(f"{uri}/{method}", uri, body, selectors))

    def query(self, wql: str, *, optimized: bool = True, page: int = 50) -> list[Item]:
        """Enumerate and Pull until the end."""
        flag = {"w:OptimizeEnumeration": None, "w:MaxElements": str(page)} if optimized else {}
        body: Item = {"n:Enumerate": {**flag, "w:Filter": {"@Dialect": WQL, "#text": wql}}}
        reply = self.send(f"{ENUMERATION}/Enumerate", f"{WMI}/*", body)
        found: list[Item] = []
        while True:
            parts = {child.tag.rsplit("}", 1)[-1]: child for child in reply}
            found += [item(child) for child in parts.get("Items", ())]
            if "EndOfSequence" in parts:
                return found
            self.pulls += 1
            pull = {"n:Pull": {"n:EnumerationContext": parts["EnumerationContext"].text, "n:MaxElements": str(page)}}
            reply = self.send(f"{ENUMERATION}/Pull", f"{WMI}/*", pull)


def item(element: ET.Element) -> Item:
    """Read an instance: local names, nil is None, a repeated element is a list."""
    found: Item = {}
    for child in element:
        name = child.tag.rsplit("}", 1)[-1]
        nil = child.get("{http://www.w3.org/2001/XMLSchema-instance}nil") == "true"
        value = None if nil else "".join(child.itertext())
        if name in found:
            found[name] = [*(found[name] if isinstance(found[name], list) else [found[name]]), value]
        else:
            found[name] = value
    return found

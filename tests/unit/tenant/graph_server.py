# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real HTTP on loopback for the tests of the client: scripted answers, or the lab's tenant; and time that passes only by sleeping."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import json
import threading
import typing as t
import urllib.parse

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.connection import Connection
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.deadline import Clock, Deadline
from tests.lab.clock import Clock as LabClock
from tests.lab.faults import Faults
from tests.lab.journal import Journal
from tests.lab.tenant import seed
from tests.lab.tenant.http import Request
from tests.lab.tenant.identity import GRAPH
from tests.lab.tenant.models import Tenant
from tests.lab.tenant.service import Graph
from tests.lab.timing import Timing


@dataclasses.dataclass(frozen=True)
class Incoming:
    """A request as it came over the wire. Header names are lower case; C(path) holds the query, too."""

    method: str
    path: str
    headers: t.Mapping[str, str]
    body: t.Any


@dataclasses.dataclass(frozen=True)
class Reply:
    status: int = 200
    body: t.Any = None
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    drop: bool = False
    """Cut the connection instead of answering."""


Handler = t.Callable[[Incoming], Reply]


class Server:
    """One listener on loopback. C(requests) is what it was asked, in order."""

    def __init__(self, handler: Handler) -> None:
        self.requests: list[Incoming] = []
        outer = self

        class Protocol(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # One segment for each answer; else every one waits for a delayed acknowledgement.
            wbufsize = -1
            disable_nagle_algorithm = True

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                incoming = Incoming(self.command, self.path, headers, json.loads(raw) if raw else None)
                outer.requests.append(incoming)
                reply = handler(incoming)
                if reply.drop:
                    self.close_connection = True
                    return
                data = (
                    reply.body.encode() if isinstance(reply.body, str) else b"" if reply.body is None else json.dumps(reply.body).encode()
                )
                # The one of the two that adds no Date of its own.
                (self.send_response_only if "Date" in reply.headers else self.send_response)(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_arguments: object) -> None:
                """Silence."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Protocol)
        self._server.daemon_threads = True
        self.root = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def scripted(*replies: Reply) -> Handler:
    """Answer with one after the other, and with the last one for ever."""
    waiting = list(replies)
    return lambda _incoming: waiting.pop(0) if len(waiting) > 1 else waiting[0]


class Time:
    """Seconds that pass only by sleeping. C(slept) holds every wait."""

    def __init__(self, lab_clock: LabClock | None = None) -> None:
        self.slept: list[float] = []
        self._now = 1000.0
        self._lab_clock = lab_clock

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += seconds
        if self._lab_clock is not None:
            self._lab_clock.advance(seconds)

    def clock(self) -> Clock:
        return Clock(now=lambda: self._now, sleep=self._sleep)


@contextlib.contextmanager
def serving(handler: Handler, *, seconds: float = 600, token: str = "token") -> t.Iterator[tuple[Server, GraphClient, Time]]:
    """A server, a client of it, and the client's time."""
    server, time = Server(handler), Time()
    client = GraphClient(Connection(access_token=token, graph_endpoint=server.root), Deadline(seconds, time.clock()))
    try:
        yield server, client, time
    finally:
        client.close()
        server.close()


class LabTenant:
    """The lab's tenant behind a real socket of ours, so that a test can cut connections and turn the clock by sleeping.

    :param groups, connectors, applications, settings: as in the lab's world file.
    """

    def __init__(self, **definition: t.Any) -> None:
        self.lab_clock, self.faults = LabClock(), Faults()
        self.journal = Journal(self.lab_clock)
        self.tenant: Tenant = seed.build({"settings": {"default_region": "nam"}, **definition}, self.lab_clock, Timing())
        self.time = Time(self.lab_clock)
        self._graph = Graph(self.tenant, self.journal, self.faults)
        self._server = Server(self._answer)

    def client(self, *, seconds: float = 600, app_only: bool = False) -> GraphClient:
        identity = self.tenant.identity
        token = identity.application_token(GRAPH, "app") if app_only else identity.delegated_token(GRAPH, "client")
        connection = Connection(access_token=token, graph_endpoint=self._server.root)
        return GraphClient(connection, Deadline(seconds, self.time.clock()))

    def close(self) -> None:
        self._server.close()

    @property
    def requests(self) -> list[Incoming]:
        return self._server.requests

    def writes(self) -> list[str]:
        """Names of the writes that reached the tenant, in order."""
        return [entry["action"] for entry in self.journal.since(0) if entry["kind"] == "write" and entry["action"] != "batch"]

    def unknown(self) -> list[t.Any]:
        return [entry for entry in self.journal.since(0) if entry["kind"] == "unknown"]

    def members(self, group: str) -> set[str]:
        state = self.tenant.now_state
        ids = {one.id for one in state.groups.values() if one.name == group}
        return {one.machine_name for one in state.connectors.values() if one.group_id in ids}

    def groups(self) -> list[str]:
        return sorted(one.name for one in self.tenant.now_state.groups.values())

    def group_of(self, application: str) -> str | None:
        state = self.tenant.now_state
        found = next(one for one in state.applications.values() if one.display_name == application)
        return state.groups[found.group_id].name if found.group_id else None

    def _answer(self, incoming: Incoming) -> Reply:
        path, _mark, query = incoming.path.partition("?")
        path = urllib.parse.unquote(path)
        fault = self.faults.take("graph", method=incoming.method, path=path, target="tenant")
        if fault is not None and fault.kind == "drop_before":
            return Reply(drop=True)
        version, _slash, below = path[1:].partition("/")
        pairs = tuple(urllib.parse.parse_qsl(query, keep_blank_values=True))
        request = Request(incoming.method, f"/{below}", pairs, incoming.headers, incoming.body, self._server.root, version, "lab-request")
        answer, _entry = self._graph.handle(request, fault)
        if fault is not None and fault.kind == "drop_after":
            return Reply(drop=True)
        body = answer.raw if answer.raw is not None else answer.document
        if fault is not None and fault.kind == "malformed":
            body = json.dumps(body)[:-1]
        return Reply(answer.status, body, {"request-id": "lab-request", **answer.headers})

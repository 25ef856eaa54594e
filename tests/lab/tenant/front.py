# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tenant on a socket: HTTPS in, Graph and login requests out, faults in between."""

from __future__ import annotations

import asyncio
import json
import re
import typing as t
import urllib.parse
import uuid

from aiohttp import web

from tests.lab.faults import Fault
from tests.lab.journal import Entry
from tests.lab.tenant import spoil, urls
from tests.lab.tenant.errors import LoginError
from tests.lab.tenant.http import Answer, Request
from tests.lab.tenant.login import Document, Form, Login, error_document
from tests.lab.tenant.service import Graph
from tests.lab.world import World

MAX_BODY = 4 * 1024 * 1024
GRAPH_HEADERS = {
    "OData-Version": "4.0",
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
    "Strict-Transport-Security": "max-age=31536000",
    "x-ms-ags-diagnostic": '{"ServerInfo":{"DataCenter":"Lab","Slice":"E","Ring":"1","ScaleUnit":"000","RoleInstance":"LAB"}}',
}
"""Seen on a refusal of this API (graph.md 6.4, LIVE)."""
LOGIN_JSON = "application/json; charset=utf-8"
LOGIN_PATH = re.compile(r"/([^/]+)/(v2\.0/\.well-known/openid-configuration|oauth2/v2\.0/devicecode|oauth2/v2\.0/token)")
ACTIONS = {
    ("GET", "v2.0/.well-known/openid-configuration"): "discovery",
    ("POST", "oauth2/v2.0/devicecode"): "device_code",
    ("POST", "oauth2/v2.0/token"): "token",
}


class Front:
    """Request handler of the tenant's listener: Graph below /beta and /v1.0, the authority everywhere else."""

    def __init__(self, world: World, login: Login) -> None:
        self._world = world
        self._login = login
        self._graph = Graph(world.tenant, world.journal, world.faults, world.recording)

    def application(self) -> web.Application:
        """Return the web application."""
        application = web.Application(client_max_size=MAX_BODY)
        application.router.add_route("*", "/{path:.*}", self._handle)
        return application

    async def _handle(self, incoming: web.Request) -> web.StreamResponse:
        body = await incoming.read()
        if await self._world.halt.is_lost():
            return _drop(incoming)
        path = urllib.parse.unquote(incoming.rel_url.raw_path)
        is_graph = path.startswith(("/beta/", "/v1.0/"))
        plane: t.Literal["graph", "login"] = "graph" if is_graph else "login"
        fault = self._world.faults.take(plane, method=incoming.method, path=path, target="tenant", action=_action(incoming.method, path))
        if fault is not None and fault.kind == "drop_before":
            self._world.journal.record(
                plane=plane,
                target="tenant",
                kind="error",
                method=incoming.method,
                path=path,
                bytes_in=len(body),
                detail={"fault": fault.id, "dropped": "before"},
            )
            return _drop(incoming)
        if _delays(fault, "before"):
            resets = self._world.resets
            await asyncio.sleep(fault.seconds)
            if self._world.resets != resets:
                return _drop(incoming)
        if is_graph:
            response, entry = self._serve_graph(incoming, path, body, fault)
        else:
            response, entry = self._serve_login(incoming, path, body, fault)
        entry["bytes_in"] = len(body)
        entry["bytes_out"] = len(response.body) if isinstance(response.body, bytes) else 0
        if _delays(fault, "after"):
            await asyncio.sleep(fault.seconds)
        is_lost = await self._world.halt.is_lost() or (fault is not None and fault.kind == "drop_after")
        return _drop(incoming) if is_lost else response

    def _serve_graph(self, incoming: web.Request, path: str, body: bytes, fault: Fault | None) -> tuple[web.Response, Entry]:
        version, _slash, below = path[1:].partition("/")
        request = Request(
            method=incoming.method,
            path=f"/{below}",
            query=tuple(urllib.parse.parse_qsl(incoming.rel_url.raw_query_string, keep_blank_values=True)),
            headers={name.lower(): value for name, value in incoming.headers.items()},
            body=_json(body),
            root=f"https://{incoming.host}",
            version=version,
            request_id=str(uuid.uuid4()),
        )
        answer, entry = self._graph.handle(request, fault)
        client_id = request.headers.get("client-request-id", request.request_id)
        headers = {**GRAPH_HEADERS, "request-id": request.request_id, "client-request-id": client_id, **answer.headers}
        return _response(answer, headers), entry

    def _serve_login(self, incoming: web.Request, path: str, body: bytes, fault: Fault | None) -> tuple[web.Response, Entry]:
        form = dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        match = LOGIN_PATH.fullmatch(path)
        action = ACTIONS.get((incoming.method, match[2])) if match else None
        if match is None or action is None:
            entry = self._world.journal.unknown(
                plane="login", target="tenant", what="unknown login request", method=incoming.method, path=path, status=404
            )
            return web.Response(status=404, text="Not found"), entry
        resource = self._login.resource_of(form) if form else ""  # before the answer: it ends a device code flow
        try:
            if fault is not None and fault.kind == "status":
                answer = _ordered(fault)
            else:
                answer = Answer(200, self._answer_login(action, f"https://{incoming.host}", match[1], form))
        except LoginError as error:
            answer = Answer(error.status, error_document(error, self._world.clock.now()))
        answer.media_type = LOGIN_JSON if answer.raw is None else "text/html"
        if fault is not None and fault.kind == "malformed":
            answer = spoil.malform(fault, answer)
        entry = self._world.journal.record(
            plane="login",
            target="tenant",
            kind="auth",
            method=incoming.method,
            path=path,
            action=action,
            resource=resource,
            status=answer.status,
            detail={name: form[name] for name in ("grant_type", "client_id") if name in form} or None,
        )
        headers = {"Cache-Control": "no-store, no-cache", **answer.headers}
        return _response(answer, headers), entry

    def _answer_login(self, action: str, root: str, tenant_name: str, form: Form) -> Document:
        if action == "discovery":
            return self._login.discover(root, tenant_name)
        if action == "device_code":
            return self._login.start_device_code(root, tenant_name, form)
        return self._login.token(root, tenant_name, form)


def _delays(fault: Fault | None, form: str) -> t.TypeGuard[Fault]:
    return fault is not None and (fault.kind, fault.form) == ("delay", form)


def _action(method: str, path: str) -> str:
    """Return the name of a request for the patterns of a fault: of its route, of a login step, or nothing."""
    if (match := LOGIN_PATH.fullmatch(path)) is not None:
        return ACTIONS.get((method, match[2]), "")
    below = "/" + path[1:].partition("/")[2]
    if (method, below) == ("POST", "/$batch"):
        return "batch"
    try:
        found = urls.resolve(method, below)
    except LookupError:
        return ""
    return found[0].name if found else ""


def _json(body: bytes) -> t.Any:
    """Return the parsed body, None for an empty one, and the raw bytes when it is not JSON (the service then refuses it)."""
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body


def _ordered(fault: Fault) -> Answer:
    if fault.body is not None:
        return Answer(fault.status, raw=fault.body, headers=dict(fault.headers))
    document = {"error": "temporarily_unavailable", "error_description": "AADSTS90033: A transient error has occurred. Please try again."}
    return Answer(fault.status, document, headers=dict(fault.headers))


def _response(answer: Answer, headers: t.Mapping[str, str]) -> web.Response:
    if answer.raw is None and answer.document is None:
        return web.Response(status=answer.status, headers=headers)
    return web.Response(status=answer.status, body=answer.text.encode(), headers={**headers, "Content-Type": answer.media_type})


def _drop(incoming: web.Request) -> web.Response:
    """Cut the connection. The response returned goes nowhere."""
    if incoming.transport is not None:
        incoming.transport.abort()
    return web.Response(status=500)

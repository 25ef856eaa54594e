# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Graph as a whole: authentication, authorisation, strictness, the journal, and $batch. Free of sockets."""

from __future__ import annotations

import dataclasses
import typing as t
import urllib.parse
import uuid

from tests.lab.faults import Fault, Faults
from tests.lab.journal import Entry, Journal
from tests.lab.tenant import batch, refusals, spoil, urls
from tests.lab.tenant.errors import GraphError, UnknownRequest, bad_request
from tests.lab.tenant.http import Answer, Document, Request
from tests.lab.tenant.identity import GRAPH
from tests.lab.tenant.models import Tenant
from tests.lab.tenant.recording import Recording
from tests.lab.tenant.responses import Responses
from tests.lab.tenant.tokens import Claims, TokenInvalid

SWITCHES = ("mode", "expand", "count")
"""The settings that decide what an answer may look like; they are kept with every recorded exchange."""


class Graph:
    """Microsoft Graph (beta) of one tenant."""

    def __init__(self, tenant: Tenant, journal: Journal, faults: Faults, recording: Recording | None = None) -> None:
        self._tenant = tenant
        self._journal = journal
        self._faults = faults
        self._responses = Responses(tenant)
        self.recording = recording or Recording()

    def handle(self, request: Request, fault: Fault | None = None) -> tuple[Answer, Entry]:
        """Answer one HTTP request; return the answer and its entry in the journal."""
        item_faults: dict[str, str] = {}
        if request.method == "POST" and request.path == "/$batch":
            answer, entry = self._handle_batch(request, fault, item_faults)
        else:
            answer, entry = self._handle_one(request, fault, {})
        settings = {name: getattr(self._tenant.settings, name) for name in SWITCHES}
        self.recording.add(request, answer, fault=fault.kind if fault else None, item_faults=item_faults, settings=settings)
        return answer, entry

    def _handle_batch(self, request: Request, fault: Fault | None, item_faults: dict[str, str]) -> tuple[Answer, Entry]:
        writes = False
        try:
            self._authenticate(request, fault)
            steps = batch.read(request.body)
            writes = any(_is_write(step.method, step.path) for step in steps)
            inherited = fault if fault is not None and fault.kind in spoil.INHERITED_KINDS else None
            answer = spoil.instead(fault) or self._run_batch(request, steps, inherited, item_faults)
            answer = spoil.afterwards(fault, request, answer)
        except GraphError as error:
            answer = self._refuse(request, error)
        entry = self._journal.record(
            plane="graph",
            target="tenant",
            kind="write" if writes else "read",
            method="POST",
            path=f"/{request.version}/$batch",
            action="batch",
            status=answer.status,
            detail={"fault": fault.id} if fault else None,
        )
        return answer, entry

    def _run_batch(self, request: Request, steps: t.Sequence[batch.Step], inherited: Fault | None, item_faults: dict[str, str]) -> Answer:
        answers = batch.run(steps, lambda step: self._handle_item(request, step, inherited, item_faults))
        # In reverse order: they may be unordered (graph.md 6.2, MS).
        return Answer(200, {"responses": answers[::-1]})

    def _handle_item(self, envelope: Request, step: batch.Step, inherited: Fault | None, item_faults: dict[str, str]) -> Answer:
        """Answer one item. It has its own entry in the journal, marked with the batch it came in."""
        request = Request(
            method=step.method,
            path=step.path,
            query=tuple(urllib.parse.parse_qsl(step.query, keep_blank_values=True)),
            headers={**step.headers, "authorization": envelope.headers.get("authorization", "")},
            body=step.body,
            root=envelope.root,
            version=envelope.version,
            request_id=str(uuid.uuid4()),
        )
        path = f"/{request.version}{request.path}"
        fields = {"method": request.method, "path": path, "target": "tenant", "action": _name(request), "scope": "item"}
        fault = self._faults.take("graph", spoil.ITEM_KINDS, **fields) or inherited
        if fault is not None:
            item_faults[step.id] = fault.kind
        answer, _entry = self._handle_one(request, fault, {"batch": envelope.request_id, "item": step.id})
        return answer

    def _handle_one(self, request: Request, fault: Fault | None, detail: Document) -> tuple[Answer, Entry]:
        learnt: Document = {"kind": "unknown", "action": ""}
        try:
            answer = spoil.afterwards(fault, request, self._serve(request, fault, learnt))
        except UnknownRequest as error:
            learnt["kind"] = "unknown"
            detail = {**detail, "unknown": error.message}
            answer = self._refuse(request, error)
        except GraphError as error:
            answer = self._refuse(request, error)
        if request.query:
            detail = {**detail, "query": urllib.parse.urlencode(request.query, safe="$'(),")}
        if fault is not None:
            detail = {**detail, "fault": fault.id}
        entry = self._journal.record(
            plane="graph",
            target="tenant",
            method=request.method,
            path=f"/{request.version}{request.path}",
            status=answer.status,
            detail=detail or None,
            **learnt,
        )
        return answer, entry

    def _serve(self, request: Request, fault: Fault | None, learnt: Document) -> Answer:
        """Serve a request. Its route decides what kind it is; `learnt` hears of it even if the request is then refused."""
        route, params = _route(request)
        learnt.update(kind=route.kind, action=route.name)
        if ordered := spoil.instead(fault):
            return ordered
        claims = self._authenticate(request, fault)
        self._authorise(route, claims)
        if route.publishing and not self._tenant.settings.publishing_enabled:
            # The code is on record (3P), its status is inferred.
            raise GraphError(400, "OnPremisesPublishing_NotEnabled", "On-premises publishing is not enabled for this tenant.")
        _check_query(request, route)
        _check_body(request, route)
        seen = self._tenant.readable(stale=fault is not None and fault.kind == "stale")
        return route.handler(self._responses, dataclasses.replace(request, params=params), seen)

    def _authenticate(self, request: Request, fault: Fault | None) -> Claims:
        scheme, _space, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise refusals.unauthorized("Access token is empty.")
        if fault is not None and fault.kind == "token_expired":
            self._tenant.identity.expire(token)
        try:
            return self._tenant.identity.read(token, GRAPH)
        except TokenInvalid as error:
            raise refusals.unauthorized(str(error)) from error

    def _authorise(self, route: urls.Route, claims: Claims) -> None:
        if "roles" in claims:
            roles = set(claims["roles"])
            permitted = bool(route.application & roles) or (self._tenant.settings.app_only and bool(roles))
        else:
            scopes = set(str(claims.get("scp", "")).split())
            permitted = bool(route.delegated & scopes) and "wids" in claims
        if not permitted:
            raise refusals.forbidden("role" if route.publishing else "directory")

    def _refuse(self, request: Request, error: GraphError) -> Answer:
        """Shape of an error body: graph.md 5 (MS)."""
        inner = {
            "date": self._tenant.clock.now().strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": request.request_id,
            "client-request-id": request.headers.get("client-request-id", request.request_id),
        }
        document = {"error": {"code": error.code, "message": error.message, "innerError": inner}}
        return Answer(error.status, document, headers=error.headers)


def _route(request: Request) -> tuple[urls.Route, dict[str, str]]:
    """Find the route, or refuse as Graph refuses what it does not know (graph.md 5, LIVE docs-contrib#7325)."""
    segment = next((part for part in request.path.split("/") if part), "")
    try:
        found = urls.resolve(request.method, request.path) if request.version == "beta" else None
    except LookupError as error:
        raise UnknownRequest(405, "Request_BadRequest", f"The method {request.method} is not allowed here. Allowed: {error}.") from error
    if found is None:
        raise UnknownRequest(400, "BadRequest", f"Resource not found for the segment '{segment}'.")
    return found


def _name(request: Request) -> str:
    try:
        return _route(request)[0].name
    except GraphError:
        return ""


def _is_write(method: str, path: str) -> bool:
    try:
        found = urls.resolve(method, path)
    except LookupError:
        return False
    return found is not None and found[0].kind == "write"


def _check_query(request: Request, route: urls.Route) -> None:
    for name, _value in request.query:
        if name not in route.query:
            raise UnknownRequest(400, "BadRequest", f"The query parameter '{name}' is not supported here.")


def _check_body(request: Request, route: urls.Route) -> None:
    if route.body is None:
        if request.body is not None:
            raise UnknownRequest(400, "BadRequest", f"{request.method} does not take a body here.")
        return
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        text = "Write requests (excluding DELETE) must contain the Content-Type header declaration."
        raise UnknownRequest(400, "RequestBodyRead", text)
    if not isinstance(request.body, dict):
        raise UnknownRequest(
            400,
            "BadRequest",
            "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
        )
    unknown = sorted(set(request.body) - route.body)
    if unknown:
        raise UnknownRequest(400, "BadRequest", f"The property '{unknown[0]}' does not exist on this type.")
    missing = sorted(route.required - set(request.body))
    if missing:
        raise bad_request(f"The property '{missing[0]}' is required.")

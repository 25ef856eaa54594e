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
from tests.lab.tenant import batch, urls
from tests.lab.tenant.errors import GraphError, UnknownRequest, bad_request
from tests.lab.tenant.http import Answer, Document, Request
from tests.lab.tenant.identity import GRAPH
from tests.lab.tenant.models import Tenant
from tests.lab.tenant.responses import Responses
from tests.lab.tenant.tokens import Claims, TokenInvalid

ITEM_FAULTS = ("status", "stale")
"""What can befall a single item of a $batch."""
ORDERED_CODES = {
    409: "Directory_ConcurrencyViolation",
    429: "TooManyRequests",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}
"""Codes for faults of kind `status` without a body."""
CHALLENGE = (
    'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
    'client_id="00000003-0000-0000-c000-000000000000"'
)


class Graph:
    """Microsoft Graph (beta) of one tenant."""

    def __init__(self, tenant: Tenant, journal: Journal, faults: Faults) -> None:
        self._tenant = tenant
        self._journal = journal
        self._faults = faults
        self._responses = Responses(tenant)

    def handle(self, request: Request, fault: Fault | None = None) -> tuple[Answer, Entry]:
        """Answer one HTTP request; return the answer and its entry in the journal."""
        if request.method == "POST" and request.path == "/$batch":
            return self._handle_batch(request, fault)
        return self._handle_one(request, fault, {})

    def _handle_batch(self, request: Request, fault: Fault | None) -> tuple[Answer, Entry]:
        writes = False
        try:
            self._authenticate(request)
            steps = batch.read(request.body)
            writes = any(_is_write(step.method, step.path) for step in steps)
            answer = _ordered(fault) or self._run_batch(request, steps)
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

    def _run_batch(self, request: Request, steps: t.Sequence[batch.Step]) -> Answer:
        answers = batch.run(steps, lambda step: self._handle_item(request, step))
        if self._tenant.settings.batch_unordered:
            answers.reverse()
        return Answer(200, {"responses": answers})

    def _handle_item(self, envelope: Request, step: batch.Step) -> Answer:
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
        fault = self._faults.take("graph", ITEM_FAULTS, method=request.method, path=path, target="tenant", action=_name(request))
        answer, _entry = self._handle_one(request, fault, {"batch": envelope.request_id, "item": step.id})
        return answer

    def _handle_one(self, request: Request, fault: Fault | None, detail: Document) -> tuple[Answer, Entry]:
        learnt: Document = {"kind": "unknown", "action": ""}
        try:
            answer = self._serve(request, fault, learnt)
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
        if ordered := _ordered(fault):
            return ordered
        claims = self._authenticate(request)
        self._authorise(route, claims)
        if route.publishing and not self._tenant.settings.publishing_enabled:
            # The code is on record (3P), its status is inferred.
            raise GraphError(400, "OnPremisesPublishing_NotEnabled", "On-premises publishing is not enabled for this tenant.")
        _check_query(request, route)
        _check_body(request, route)
        seen = self._tenant.readable(stale=fault is not None and fault.kind == "stale")
        return route.handler(self._responses, dataclasses.replace(request, params=params), seen)

    def _authenticate(self, request: Request) -> Claims:
        scheme, _space, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise GraphError(401, "InvalidAuthenticationToken", "Access token is empty.", {"WWW-Authenticate": CHALLENGE})
        try:
            return self._tenant.identity.read(token, GRAPH)
        except TokenInvalid as error:
            raise GraphError(401, "InvalidAuthenticationToken", str(error), {"WWW-Authenticate": CHALLENGE}) from error

    def _authorise(self, route: urls.Route, claims: Claims) -> None:
        """Code of the refusal: LIVE msgraph-sdk-powershell#2428; that app-only gets the same one is inferred."""
        if "roles" in claims:
            roles = set(claims["roles"])
            permitted = bool(route.application & roles) or (self._tenant.settings.app_only and bool(roles))
        else:
            scopes = set(str(claims.get("scp", "")).split())
            permitted = bool(route.delegated & scopes) and "wids" in claims
        if not permitted:
            raise GraphError(
                403, "NotAdminRoleNoEnoughCustomPermission_UnauthorizedAccess", "Insufficient privileges to complete the operation."
            )

    def _refuse(self, request: Request, error: GraphError) -> Answer:
        """Shape of an error body: graph.md 5 (MS)."""
        inner = {
            "date": self._tenant.clock.now().strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": request.request_id,
            "client-request-id": request.headers.get("client-request-id", request.request_id),
        }
        document = {"error": {"code": error.code, "message": error.message, "innerError": inner}}
        return Answer(error.status, document, headers=error.headers)


def _ordered(fault: Fault | None) -> Answer | None:
    """Return the answer that a fault of kind `status` orders: its body as it stands, or an error body of Graph's shape."""
    if fault is None or fault.kind != "status":
        return None
    if fault.body is not None:
        return Answer(fault.status, raw=fault.body, headers=dict(fault.headers))
    raise GraphError(fault.status, ORDERED_CODES.get(fault.status, "UnknownError"), "This answer was ordered by a test.", fault.headers)


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

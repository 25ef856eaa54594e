# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Requests and answers of Graph as plain values, and how to read an answer. No I/O."""

from __future__ import annotations

import dataclasses
import email.utils
import json
import time
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import GraphError, remedy_for

Body = dict[str, t.Any]

FAILED_DEPENDENCY = 424
"""What a request of a batch depends on failed, or its neighbour was throttled (documented): it was not carried out itself."""
TRANSIENT = frozenset({408, 409, FAILED_DEPENDENCY, 500, 502, 503, 504})
"""May be different next time. 409: Directory_ConcurrencyViolation (documented)."""
UNAUTHORIZED = 401
"""The token was refused, so nothing was carried out."""
UNANSWERED = 0
"""Status of a batch item that the service left out of its answer."""


@dataclasses.dataclass(frozen=True)
class Request:
    """One call.

    :param url: below the version root (C(/applications)), or the absolute next link of a page.
    :param operation: for errors: what is being done, such as C(move the connector).
    :param resource: for errors: to what, such as C(NAM-WEB-01).
    """

    method: str
    url: str
    operation: str
    resource: str = ""
    body: Body | None = None

    @property
    def reads(self) -> bool:
        return self.method == "GET"


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came back. Header names are lower case; a body that is no JSON object is C({})."""

    status: int
    body: Body = dataclasses.field(default_factory=dict)
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    broken: bool = False

    @property
    def ok(self) -> bool:
        """200, 201 and 204 alike: the documentation and the live service differ in which one they give (observed)."""
        return 200 <= self.status < 300 and not self.broken

    @property
    def error(self) -> Body:
        return _mapping(self.body.get("error"))

    @property
    def code(self) -> str:
        return str(self.error.get("code") or "")

    @property
    def retry_after(self) -> float | None:
        return parse_retry_after(self.headers.get("retry-after"), self.headers.get("date"))

    @property
    def throttled(self) -> bool:
        """The service did not carry this out and asks for patience."""
        return self.status == 429

    @property
    def undone(self) -> bool:
        """Surely not carried out, so even a write may be sent again."""
        return self.throttled or self.status == FAILED_DEPENDENCY

    @property
    def transient(self) -> bool:
        """May be different next time. Whether it was carried out is not known."""
        return self.broken or self.status == UNANSWERED or self.status in TRANSIENT


def decipher(status: int, headers: t.Mapping[str, str], text: str) -> Answer:
    """An answer from its parts. A success whose body is not JSON is C(broken)."""
    lowered = {name.lower(): value for name, value in headers.items()}
    if not text.strip():
        return Answer(status, {}, lowered)
    try:
        document = json.loads(text)
    except ValueError:
        return Answer(status, {}, lowered, broken=200 <= status < 300)
    return Answer(status, _mapping(document), lowered, broken=200 <= status < 300 and not isinstance(document, dict))


def refusal(request: Request, answer: Answer, token_kind: str | None = None) -> GraphError:
    """The error for an answer that is no success."""
    inner = {name.lower(): value for name, value in answer.error.items()}.get("innererror")  # both spellings are documented
    return GraphError(
        request.operation,
        request.resource,
        status=answer.status or None,
        code=answer.code,
        message=_said(answer),
        request_id=_mapping(inner).get("request-id") or answer.headers.get("request-id"),
        retry_after=answer.retry_after,
        remedy=remedy_for(answer.status, token_kind),
        may_have_run=not request.reads and answer.transient and not answer.undone,
        unreachable=answer.transient or answer.throttled,
    )


def parse_retry_after(value: str | None, date: str | None = None) -> float | None:
    """Seconds from a Retry-After header: a number or an HTTP date (both seen, Migrate2GSA). None when absent or unreadable.

    :param date: the answer's own Date, from which a date is counted: this machine's clock may be another.
    """
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    until, now = _moment(value), _moment(date)
    return None if until is None else max(0.0, until - (time.time() if now is None else now))


def _moment(value: str | None) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(value or "").timestamp()
    except (TypeError, ValueError):
        return None


def _said(answer: Answer) -> str:
    if answer.broken:
        return "the answer is not a JSON object"
    if answer.status == UNANSWERED:
        return "the service left the request out of its answer to the batch"
    return str(answer.error.get("message") or "the service gave no reason")


def _mapping(value: t.Any) -> Body:
    return value if isinstance(value, dict) else {}

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an ordered fault does to one answer of Graph, whole or an item of a $batch. Connections are cut in front.py."""

from __future__ import annotations

import dataclasses

from tests.lab.faults import Fault
from tests.lab.tenant import odata, refusals
from tests.lab.tenant.errors import GraphError
from tests.lab.tenant.http import Answer, Request

ITEM_KINDS = ("status", "status_after", "forbidden", "token_expired", "drop_before", "drop_after", "malformed", "paging", "stale")
"""What can befall a single item of a $batch."""
INHERITED_KINDS = ("paging", "stale")
"""What befalls every item when it is ordered for the whole $batch."""
ORDERED_CODES = {
    409: "Directory_ConcurrencyViolation",
    424: "FailedDependency",
    429: "TooManyRequests",
    500: "InternalServerError",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}
"""Codes for faults of kind `status` without a body."""
HTML = "<html><head><title>Service unavailable</title></head><body><h1>Our services aren't available right now</h1></body></html>"


def instead(fault: Fault | None) -> Answer | None:
    """Return the answer that comes instead of serving. Raises GraphError when it has Graph's shape."""
    if fault is None:
        return None
    if fault.kind == "drop_before":
        return Answer(503, lost=True)
    if fault.kind == "forbidden":
        raise refusals.forbidden(fault.form)
    return _ordered(fault) if fault.kind == "status" else None


def afterwards(fault: Fault | None, request: Request, answer: Answer) -> Answer:
    """Return what becomes of an answer that was served. Raises GraphError."""
    if fault is None:
        return answer
    if fault.kind == "status_after":
        return _ordered(fault)
    if fault.kind == "drop_after":
        return dataclasses.replace(answer, lost=True)
    if fault.kind == "malformed":
        return malform(fault, answer)
    return _mislead(fault, request, answer) if fault.kind == "paging" else answer


def malform(fault: Fault, answer: Answer) -> Answer:
    """Break a body. An answer without a body stays as it is."""
    text = answer.text
    if fault.body is not None:
        return dataclasses.replace(answer, raw=fault.body)
    if not text:
        return answer
    raw, media_type = {
        "truncated": (text[:-1], answer.media_type),
        "html": (HTML, "text/html"),
        "empty": ("", answer.media_type),
        "content_type": (text, "text/html"),
        "array": ("[]", answer.media_type),
    }[fault.form]
    return dataclasses.replace(answer, raw=raw, media_type=media_type)


def _ordered(fault: Fault) -> Answer:
    if fault.body is not None:
        return Answer(fault.status, raw=fault.body, headers=dict(fault.headers), media_type="text/html")
    raise GraphError(fault.status, ORDERED_CODES.get(fault.status, "UnknownError"), "This answer was ordered by a test.", fault.headers)


def _mislead(fault: Fault, request: Request, answer: Answer) -> Answer:
    """Change the next link of a page; what is no page stays as it is."""
    if answer.document is None or "value" not in answer.document:
        return answer
    document = dict(answer.document)
    url = odata.same_page(f"{request.base}{request.path}", request.query)
    if fault.form == "empty":
        document["value"] = []
    if fault.form == "foreign":
        local, other = ("localhost", "127.0.0.1") if "//localhost" in url else ("127.0.0.1", "localhost")
        url = str(document.get("@odata.nextLink", url)).replace(f"//{local}", f"//{other}", 1)
    document["@odata.nextLink"] = url
    return dataclasses.replace(answer, document=document)

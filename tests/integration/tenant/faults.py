# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every kind of fault that the fault matrix orders, of whole requests and of items of a batch."""

from __future__ import annotations

import dataclasses
import typing as t

Order = dict[str, t.Any]

TIMEOUT = 0.25
"""Seconds that the client waits for an answer when answers are late. They then come after twice that."""
MALFORMED = ("truncated", "html", "empty", "content_type", "array")
FORBIDDEN = ("role", "directory", "denied")
WRITES = "create_group|update_group|delete_group|add_member|^assign$|unassign"

FAILED = r"HTTP {status} .*\[request-id [0-9a-f-]{{36}}\]"
LOST = r"no answer: |still does not show it"
BROKEN = r"the answer is not a JSON object|the answer is no list|still does not show it"
CIRCLE = r"next links go round in a circle .*\[request-id "
"""The lab names a page as its own next one, which only the first page of a list may do."""
LEFT_OUT = r"the service left the request out of its answer|still does not show it"


@dataclasses.dataclass(frozen=True)
class Fault:
    """One kind.

    :param order: what the lab is told, without the number of the request.
    :param says: what a run that does not come through must say at least; None = it must come through.
    :param stale: seconds by which all reads are behind, on top.
    :param late: answers come after the client's patience, so time must really pass.
    :param renewable: the client signs in as an application, and so can get another token.
    """

    order: Order
    says: str | None
    stale: float = 0
    late: bool = False
    renewable: bool = False


def _status(status: int, scope: str, says: str | None = None, **headers: str) -> Fault:
    order = {
        "kind": "status",
        "status": status,
        "scope": scope,
        "headers": {name.replace("_", "-"): text for name, text in headers.items()},
    }
    return Fault(order, says)


def _both(scope: str, lost: str, broken: str) -> dict[str, Fault]:
    """What can befall a whole request and an item of a batch alike."""
    forbidden = r"HTTP 403 .*\[request-id .*Application Administrator"
    return {
        "429 with Retry-After": _status(429, scope, Retry_After="3"),
        "429": _status(429, scope),
        "424": _status(424, scope),
        **{str(status): _status(status, scope, FAILED.format(status=status)) for status in (500, 502, 503, 504)},
        "503 with Retry-After": _status(503, scope, FAILED.format(status=503), Retry_After="3"),
        "503 after the effect": Fault({"kind": "status_after", "status": 503, "scope": scope}, None),
        "dropped before the effect": Fault({"kind": "drop_before", "scope": scope}, lost),
        "dropped after the effect": Fault({"kind": "drop_after", "scope": scope}, None),
        "stale read": Fault({"kind": "stale", "scope": scope}, None),
        **{f"pages: {form}": Fault({"kind": "paging", "form": form, "scope": scope}, CIRCLE) for form in ("empty", "repeat")},
        "token expiry": Fault({"kind": "token_expired", "scope": scope}, r"HTTP 401 .*sign in again"),
        **{f"403 {form}": Fault({"kind": "forbidden", "form": form, "scope": scope}, forbidden) for form in FORBIDDEN},
        **{f"malformed: {form}": Fault({"kind": "malformed", "form": form, "scope": scope}, broken) for form in MALFORMED},
    }


FAULTS: dict[str, Fault] = {
    **_both("request", LOST, BROKEN),
    "token expiry, and there is another": Fault({"kind": "token_expired"}, None, renewable=True),
    **{
        f"late, {form} the effect": Fault({"kind": "delay", "form": form, "seconds": 2 * TIMEOUT}, LOST, late=True)
        for form in ("before", "after")
    },
    **{f"in a batch: {name}": fault for name, fault in _both("item", LEFT_OUT, BROKEN).items()},
    "in a batch: token expiry, and there is another": Fault({"kind": "token_expired", "scope": "item"}, None, renewable=True),
    **{
        f"{name}, and reads are stale": Fault({"kind": kind, "scope": "any", "action": WRITES, **more}, None, stale=30)
        for name, kind, more in (
            ("lost before the effect", "drop_before", {}),
            ("lost after the effect", "drop_after", {}),
            ("503 after the effect", "status_after", {"status": 503}),
        )
    },
}

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exchanges kept whole, bodies and all, when a test asks for it: what is checked against the OpenAPI slice of Graph."""

from __future__ import annotations

import typing as t

from tests.lab.tenant.http import Answer, Document, Request

HEADERS = ("content-type", "client-request-id", "consistencylevel", "if-match")
"""The request headers that are kept. Authorization is never one of them."""


class Recording:
    """The exchanges of the Graph plane since it was switched on, oldest first."""

    def __init__(self) -> None:
        self.on = False
        self._exchanges: list[Document] = []
        self._next = 1

    def add(self, request: Request, answer: Answer, *, fault: str | None, item_faults: t.Mapping[str, str], settings: Document) -> None:
        """Keep one exchange. `fault` and `item_faults` (by the item's id) say what a test ordered, so that nobody blames the lab."""
        if not self.on:
            return
        self._exchanges.append(
            {
                "seq": self._next,
                "method": request.method,
                "path": f"/{request.version}{request.path}",
                "query": [list(pair) for pair in request.query],
                "request_headers": {name: request.headers[name] for name in HEADERS if name in request.headers},
                "request_body": request.body if not isinstance(request.body, bytes) else request.body.decode("utf-8", "replace"),
                "status": answer.status,
                "media_type": answer.media_type if answer.text else None,
                "response_headers": dict(answer.headers),
                "response_body": answer.raw if answer.raw is not None else answer.document,
                "fault": fault,
                "item_faults": dict(item_faults),
                "settings": settings,
            }
        )
        self._next += 1

    def since(self, seq: int = 0) -> list[Document]:
        """Return the exchanges after number `seq`."""
        return [exchange for exchange in self._exchanges if exchange["seq"] > seq]

    def clear(self) -> None:
        """Forget all exchanges; numbers go on."""
        self._exchanges.clear()

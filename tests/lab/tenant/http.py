# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Graph request and its answer, free of any web framework: the items of a $batch are such requests as well."""

from __future__ import annotations

import dataclasses
import json
import typing as t

Document = dict[str, t.Any]

GRAPH_JSON = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"


@dataclasses.dataclass(frozen=True)
class Request:
    """`path` is below the version (/connectors/...); `root` is the Graph root the client used; `body` is parsed JSON or None."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: t.Any = None
    root: str = ""
    version: str = "beta"
    request_id: str = ""
    params: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def base(self) -> str:
        """Root and version."""
        return f"{self.root}/{self.version}"


@dataclasses.dataclass
class Answer:
    """Status, headers and JSON document of an answer; no document means an empty body.

    `raw` is a body that is no JSON object: a number as text, or what a fault orders. `media_type` is of either.
    """

    status: int
    document: Document | None = None
    raw: str | None = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    media_type: str = GRAPH_JSON
    lost: bool = False
    """Whether nobody hears of it: an item that is missing in the answer of its $batch."""

    @property
    def text(self) -> str:
        """The body as it goes over the wire."""
        if self.raw is not None:
            return self.raw
        return "" if self.document is None else json.dumps(self.document, ensure_ascii=False, separators=(",", ":"))

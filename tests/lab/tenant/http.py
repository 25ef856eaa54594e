# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Graph request and its answer, free of any web framework: the items of a $batch are such requests as well."""

from __future__ import annotations

import dataclasses
import typing as t

Document = dict[str, t.Any]


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
    """Status, headers and JSON document of an answer; no document means an empty body. `raw` is a body that a fault orders."""

    status: int
    document: Document | None = None
    raw: str | None = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)

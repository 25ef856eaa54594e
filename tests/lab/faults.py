# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults that tests order from the lab: which request they hit, and what then happens."""

from __future__ import annotations

import dataclasses
import re
import typing as t

KINDS = (
    "status",
    "status_after",
    "forbidden",
    "token_expired",
    "drop_before",
    "drop_after",
    "delay",
    "malformed",
    "paging",
    "stale",
)
"""status: answer with `status`, `headers`, `body` and do nothing else. status_after: the same, after the effect.
forbidden: refuse with the 403 that `form` names. token_expired: refuse the token of this request, now and from now on, with 401.
drop_before: cut the connection before anything took effect. drop_after: cut it after the effect. An item of a $batch that is dropped
is missing in the answer. delay: wait `seconds`, then serve, or the other way round. malformed: serve, but send a broken body (`body`,
or as `form` says).
paging: serve, but with a next link that `form` says. stale: serve a read from the state before the last write."""

FORMS: dict[str, tuple[str, ...]] = {
    "forbidden": ("role", "directory", "denied"),
    "delay": ("before", "after"),
    "malformed": ("truncated", "html", "empty", "content_type", "array"),
    "paging": ("repeat", "empty", "foreign"),
}
"""What `form` may be, the first by default.

forbidden: see tenant.refusals. delay: before or after the request took effect (servers: before only). malformed: JSON cut short; a page
of HTML; nothing; JSON that says it is HTML; an array for the object.
paging: the next link is this page again; no items, and the next link is this page again (which then has them); the next link names
another host (the loopback address by its other name)."""

GRAPH_ONLY = ("status_after", "forbidden", "token_expired", "paging", "stale")
SCOPES = ("request", "item", "any")

PATTERNS = ("method", "path", "target", "action", "resource")


@dataclasses.dataclass
class Fault:
    """One order. The patterns are regular expressions, searched for without case; an absent one matches anything."""

    kind: str
    plane: str
    method: str | None = None
    path: str | None = None
    target: str | None = None
    action: str | None = None
    resource: str | None = None
    nth: int = 1
    """The first matching request that is hit (1 = the next one)."""
    count: int = 1
    """How many matching requests are hit from there on; 0 = all."""
    status: int = 500
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    body: str | None = None
    seconds: float = 0.0
    form: str = ""
    scope: str = ""
    """request: whole HTTP requests, a $batch being one of them. item: the items of a $batch. any: both are matched and counted.
    Default: any for `status` and `stale`, request for the others."""
    id: int = 0
    seen: int = 0
    hits: int = 0

    def matches(self, plane: str, fields: t.Mapping[str, str]) -> bool:
        """Say whether a request is one that this fault is about (whatever nth and count say)."""
        if plane != self.plane or self.scope not in ("any", fields.get("scope", "request")):
            return False
        for name in PATTERNS:
            pattern = getattr(self, name)
            if pattern is not None and not re.search(pattern, fields.get(name, ""), re.IGNORECASE):
                return False
        return True

    def strikes(self) -> bool:
        """Count a matching request and say whether it is hit."""
        self.seen += 1
        if self.seen < self.nth or (self.count and self.hits >= self.count):
            return False
        self.hits += 1
        return True


class Faults:
    """The ordered faults. The first one that strikes wins; the others still count the request."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._next_id = 1

    def add(self, definition: t.Mapping[str, t.Any]) -> Fault:
        """Add a fault from its JSON form. Raises ValueError when a field is unknown or wrong."""
        allowed = {field.name for field in dataclasses.fields(Fault)} - {"id", "seen", "hits"}
        unknown = sorted(set(definition) - allowed)
        if unknown:
            raise ValueError(f"unknown fault fields {unknown}; known: {sorted(allowed)}")
        if definition.get("kind") not in KINDS:
            raise ValueError(f"fault kind must be one of {KINDS}, not {definition.get('kind')!r}")
        if definition.get("plane") not in ("graph", "login", "wsman"):
            raise ValueError(f"fault plane must be graph, login or wsman, not {definition.get('plane')!r}")
        fault = Fault(**definition)
        _complete(fault)
        for name in PATTERNS:
            re.compile(getattr(fault, name) or "")
        fault.id = self._next_id
        self._next_id += 1
        self._faults.append(fault)
        return fault

    def take(self, plane: str, kinds: t.Collection[str] = KINDS, **fields: str) -> Fault | None:
        """Return the fault that hits this request, or None. Call once per request and set of `kinds`."""
        struck: Fault | None = None
        for fault in self._faults:
            if fault.kind in kinds and fault.matches(plane, fields) and fault.strikes() and struck is None:
                struck = fault
        return struck

    def remove(self, fault_id: int) -> None:
        """Remove one fault."""
        self._faults = [fault for fault in self._faults if fault.id != fault_id]

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    def as_list(self) -> list[dict[str, t.Any]]:
        """Return all faults with their counters."""
        return [dataclasses.asdict(fault) for fault in self._faults]


def _complete(fault: Fault) -> None:
    """Fill in the defaults of form and scope. Raises ValueError for a combination that means nothing."""
    if fault.plane != "graph" and fault.kind in GRAPH_ONLY:
        raise ValueError(f"a fault of kind {fault.kind} is for plane graph only")
    forms = FORMS.get(fault.kind, ("",))
    fault.form = fault.form or forms[0]
    if fault.form not in forms:
        raise ValueError(f"fault form of kind {fault.kind} must be one of {forms}, not {fault.form!r}")
    if fault.plane == "wsman" and (fault.kind, fault.form) == ("delay", "after"):
        raise ValueError("a fault of kind delay and form after is not for plane wsman")
    fault.scope = fault.scope or ("any" if fault.kind in ("status", "stale") else "request")
    if fault.scope not in SCOPES or (fault.scope != "request" and fault.kind == "delay"):
        raise ValueError(f"fault scope of kind {fault.kind} cannot be {fault.scope!r}; known: {SCOPES}")

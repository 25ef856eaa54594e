# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OData query options, as far as practised on these resources (graph.md 6.1). Everything else is refused."""

from __future__ import annotations

import base64
import dataclasses
import re
import typing as t
import urllib.parse

from tests.lab.tenant.errors import GraphError, UnknownRequest, bad_request
from tests.lab.tenant.table import Table

Item = dict[str, t.Any]
Value = t.TypeVar("Value")
Pairs = t.Sequence[tuple[str, str]]
Test = t.Callable[[Item], bool]

MAX_CLAUSES = 15
"""The directory refuses more than 15 values in one `in` or chain of `or` (documented for directory objects)."""
MAX_TOP = 999
MAX_EXPANDED = 100
_TEXT = r"'((?:[^']|'')*)'"
_EQUALS = re.compile(rf"^(\w+)\s+eq\s+{_TEXT}$", re.IGNORECASE)
_STARTS = re.compile(rf"^startswith\(\s*(\w+)\s*,\s*{_TEXT}\s*\)$", re.IGNORECASE)
_IN = re.compile(rf"^(\w+)\s+in\s+\(\s*({_TEXT}(?:\s*,\s*{_TEXT})*)\s*\)$", re.IGNORECASE)
_OR = re.compile(r"\s+or\s+(?=(?:[^']*'[^']*')*[^']*$)", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Resource:
    """What the query options may name: a Graph type, its properties, those that $filter knows, whether `or` and `in` work.

    `expandable`: the navigation that $expand may name.
    """

    type_name: str
    properties: frozenset[str]
    filterable: frozenset[str] = frozenset()
    directory: bool = False
    expandable: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class Query:
    """Parsed query options."""

    select: tuple[str, ...] | None = None
    top: int | None = None
    start: int = 0
    """The place in the table where the page begins."""
    test: Test | None = None
    expand: tuple[str, ...] = ()
    count: bool = False


def parse(pairs: Pairs, allowed: t.Collection[str], resource: Resource) -> Query:
    """Read query options. Raises UnknownRequest for an option that is not allowed, GraphError for a wrong value."""
    values: dict[str, str] = {}
    for name, value in pairs:
        if name not in allowed:
            raise UnknownRequest(400, "BadRequest", f"The query parameter '{name}' is not supported here.")
        if name in values:
            raise bad_request(f"Query option '{name}' was specified more than once, but it must be specified at most once.")
        values[name] = value
    return Query(
        select=_select(values["$select"], resource) if "$select" in values else None,
        top=_top(values["$top"]) if "$top" in values else None,
        start=_start(values["$skiptoken"]) if "$skiptoken" in values else 0,
        test=_filter(values["$filter"], resource) if "$filter" in values else None,
        expand=_expand(values["$expand"], resource) if "$expand" in values else (),
        count=_count(values["$count"]) if "$count" in values else False,
    )


def page(table: Table[Value], shape: t.Callable[[Value, Query], Item | None], query: Query, size: int) -> tuple[list[Item], int | None]:
    """Return the items of one page, and the place where the next one begins if there is more.

    `shape` makes the item, or None when $filter does not want it. Only the page itself is shaped.
    """
    items: list[Item] = []
    for place, value in table.scan(query.start):
        item = shape(value, query)
        if item is None:
            continue
        if len(items) == size:
            return items, place
        items.append(item)
    return items, None


def size_of_page(query: Query, page_size: int, top: str) -> int:
    """$top is the size of a page, which the service may clamp or ignore (graph.md 6.1, MS paging). `top`: see settings.Settings."""
    if query.top is None or top == "ignored":
        return page_size
    return query.top if top in ("honoured", "limit") else min(query.top, page_size)


def next_link(url: str, pairs: Pairs, place: int) -> str:
    """Return the URL of the page that begins at `place`."""
    rest = [(name, value) for name, value in pairs if name != "$skiptoken"]
    token = base64.urlsafe_b64encode(f"place:{place}".encode()).decode()
    return f"{url}?{urllib.parse.urlencode([*rest, ('$skiptoken', token)], safe='$')}"


def same_page(url: str, pairs: Pairs) -> str:
    """Return the URL of a page as it was asked for."""
    return f"{url}?{urllib.parse.urlencode(pairs, safe='$')}" if pairs else url


def project(item: Item, query: Query) -> Item:
    """Apply $select."""
    if query.select is None:
        return {name: value for name, value in item.items() if not name.startswith("_")}
    return {name: item.get(name, item.get(f"_{name}")) for name in query.select}


def _select(text: str, resource: Resource) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in resource.properties:
            raise bad_request(
                f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type '{resource.type_name}'."
            )
    return names


def _top(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MAX_TOP:
        raise GraphError(400, "Request_BadRequest", f"Invalid page size specified: '{text}'. Must be between 1 and {MAX_TOP} inclusive.")
    return int(text)


def _start(token: str) -> int:
    try:
        word, number = base64.urlsafe_b64decode(token).decode().split(":")
        if word == "place" and number.isdigit():
            return int(number)
    except ValueError:
        pass
    raise bad_request("The provided skip token is not valid.")


def _expand(text: str, resource: Resource) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in resource.expandable:
            raise UnknownRequest(400, "BadRequest", f"Could not find a navigation '{name}' on type '{resource.type_name}'.")
    return names


def _count(text: str) -> bool:
    if text not in ("true", "false"):
        raise bad_request(f"Invalid value '{text}' for $count query option found. Valid values are '0, 1, true, false'.")
    return text == "true"


def _filter(text: str, resource: Resource) -> Test:
    clauses = _OR.split(text.strip())
    if len(clauses) > 1 and not resource.directory:
        raise UnknownRequest(400, "BadRequest", "The filter is not supported on this resource: 'or'.")
    if len(clauses) > MAX_CLAUSES:
        raise bad_request(
            f"Too many child clauses specified in search filter expression containing 'OR' operators: {len(clauses)}. Max allowed: 15."
        )
    tests = [_clause(clause.strip(), resource) for clause in clauses]
    return lambda item: any(test(item) for test in tests)


def _clause(clause: str, resource: Resource) -> Test:
    """Values are compared without case (inferred for connectors and groups, so for directory objects)."""
    if match := _EQUALS.match(clause):
        name, wanted = _property(match[1], resource), {_value(match[2])}
        return lambda item: str(item[name]).lower() in wanted
    if match := _STARTS.match(clause):
        name, start = _property(match[1], resource), _value(match[2])
        return lambda item: str(item[name]).lower().startswith(start)
    if (match := _IN.match(clause)) and resource.directory:
        name, values = _property(match[1], resource), {_value(text) for text in re.findall(_TEXT, match[2])}
        if len(values) > MAX_CLAUSES:
            raise bad_request(f"Too many values in the 'in' expression: {len(values)}. Max allowed: {MAX_CLAUSES}.")
        return lambda item: str(item[name]).lower() in values
    raise UnknownRequest(400, "BadRequest", f"Invalid filter clause: {clause}")


def _property(name: str, resource: Resource) -> str:
    if name not in resource.filterable:
        raise UnknownRequest(400, "BadRequest", f"The filter on property '{name}' of '{resource.type_name}' is not supported.")
    return name


def _value(text: str) -> str:
    return text.replace("''", "'").lower()

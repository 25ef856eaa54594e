# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WQL as far as the lab needs it: SELECT list FROM class WHERE condition.

Conditions: = != <> < <= > >= LIKE, IS [NOT] NULL, AND, OR, NOT, parentheses, strings in ' or " with backslash escapes,
numbers, TRUE, FALSE. [DOC: WQL in the Windows SDK]. Strings compare without case. No associators, no joins: refused.
"""

from __future__ import annotations

import dataclasses
import datetime
import fnmatch
import operator
import re
import typing as t

from tests.lab.servers.protocol.instances import Properties, Value

Condition = t.Callable[[Properties], bool]
_TOKEN = re.compile(r"""\s*(?:("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|([A-Za-z_]\w*)|(-?\d+)|(<=|>=|!=|<>|[=<>(),*]))""")
_COMPARE: dict[str, t.Callable[[t.Any, t.Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_KEYWORDS = {"select", "from", "where", "and", "or", "not", "like", "is", "null", "true", "false"}


class BadQuery(ValueError):
    """WMI would not accept the query."""


@dataclasses.dataclass(frozen=True)
class Query:
    """A parsed query. `properties` is None for `*`; `used` holds what WHERE asks of, in lower case."""

    class_name: str
    properties: tuple[str, ...] | None
    matches: Condition
    used: frozenset[str]
    equalities: frozenset[str]
    """Names (lower case) that WHERE compares with `=`."""


def parse(text: str) -> Query:
    """Parse a query. Raises BadQuery."""
    parser = _Parser(_tokens(text))
    query = parser.query()
    parser.expect_end()
    return query


@dataclasses.dataclass(frozen=True)
class _Token:
    kind: str
    """word, string, number, sign, end"""
    text: str


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise BadQuery(f"cannot read the query at: {text[position : position + 30]!r}")
        string, word, number, sign = match.groups()
        if string is not None:
            found.append(_Token("string", _unescape(string[1:-1])))
        elif word is not None:
            found.append(_Token("word", word))
        elif number is not None:
            found.append(_Token("number", number))
        else:
            found.append(_Token("sign", sign))
        position = match.end()
    return [*found, _Token("end", "")]


def _unescape(text: str) -> str:
    """A backslash escapes a backslash or a quote; before anything else the query is invalid [INF]."""

    def replace(match: re.Match[str]) -> str:
        if match.group(1) not in "\\'\"":
            raise BadQuery(f"a backslash in a WQL string must be doubled: {text!r}")
        return match.group(1)

    return re.sub(r"\\(.)", replace, text)


class _Parser:
    """Recursive descent: or_ > and_ > not_ > comparison."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._position = 0
        self._used: set[str] = set()
        self._equalities: set[str] = set()

    def query(self) -> Query:
        self._word("select")
        names = self._select_list()
        self._word("from")
        class_name = self._name()
        matches: Condition = _everything
        if self._accept_word("where"):
            matches = self._or()
        return Query(class_name, names, matches, frozenset(self._used), frozenset(self._equalities))

    def expect_end(self) -> None:
        if self._here.kind != "end":
            raise BadQuery(f"unexpected {self._here.text!r}")

    def _select_list(self) -> tuple[str, ...] | None:
        if self._accept_sign("*"):
            return None
        names = [self._name()]
        while self._accept_sign(","):
            names.append(self._name())
        return tuple(names)

    def _or(self) -> Condition:
        condition = self._and()
        while self._accept_word("or"):
            condition = _either(condition, self._and())
        return condition

    def _and(self) -> Condition:
        condition = self._not()
        while self._accept_word("and"):
            condition = _both(condition, self._not())
        return condition

    def _not(self) -> Condition:
        if self._accept_word("not"):
            return _negated(self._not())
        if self._accept_sign("("):
            condition = self._or()
            if not self._accept_sign(")"):
                raise BadQuery("missing )")
            return condition
        return self._comparison()

    def _comparison(self) -> Condition:
        name = self._name()
        self._used.add(name.lower())
        if self._accept_word("is"):
            negated = self._accept_word("not")
            self._word("null")
            return _null(name, wanted=not negated)
        if self._accept_word("like"):
            return _like(name, self._string())
        sign = self._take()
        if sign.kind != "sign" or sign.text not in _COMPARE:
            raise BadQuery(f"{sign.text!r} is no comparison")
        if sign.text == "=":
            self._equalities.add(name.lower())
        return _compare(name, sign.text, self._literal())

    def _literal(self) -> Value:
        token = self._take()
        if token.kind == "string":
            return token.text
        if token.kind == "number":
            return int(token.text)
        if token.kind == "word" and token.text.lower() in ("true", "false"):
            return token.text.lower() == "true"
        raise BadQuery(f"{token.text!r} is no value")

    def _string(self) -> str:
        token = self._take()
        if token.kind != "string":
            raise BadQuery(f"LIKE needs a string, not {token.text!r}")
        return token.text

    def _name(self) -> str:
        token = self._take()
        if token.kind != "word" or token.text.lower() in _KEYWORDS:
            raise BadQuery(f"{token.text!r} is no name")
        return token.text

    def _word(self, word: str) -> None:
        if not self._accept_word(word):
            raise BadQuery(f"expected {word.upper()}, found {self._here.text!r}")

    def _accept_word(self, word: str) -> bool:
        return self._accept("word", word)

    def _accept_sign(self, sign: str) -> bool:
        return self._accept("sign", sign)

    def _accept(self, kind: str, text: str) -> bool:
        if self._here.kind != kind or self._here.text.lower() != text:
            return False
        self._position += 1
        return True

    def _take(self) -> _Token:
        token = self._here
        if token.kind == "end":
            raise BadQuery("the query ends too early")
        self._position += 1
        return token

    @property
    def _here(self) -> _Token:
        return self._tokens[self._position]


def value_of(properties: Properties, name: str) -> Value:
    """Return a property, whatever its case; None when it is null."""
    return next((value for key, value in properties.items() if key.lower() == name.lower()), None)


def _everything(properties: Properties) -> bool:
    return True


def _either(left: Condition, right: Condition) -> Condition:
    return lambda properties: left(properties) or right(properties)


def _both(left: Condition, right: Condition) -> Condition:
    return lambda properties: left(properties) and right(properties)


def _negated(condition: Condition) -> Condition:
    return lambda properties: not condition(properties)


def _null(name: str, *, wanted: bool) -> Condition:
    return lambda properties: (value_of(properties, name) is None) is wanted


def _compare(name: str, sign: str, wanted: Value) -> Condition:
    def matches(properties: Properties) -> bool:
        actual = _comparable(value_of(properties, name))
        expected = _comparable(wanted)
        if actual is None or type(actual) is not type(expected):
            return False
        return _COMPARE[sign](actual, expected)

    return matches


def _comparable(value: Value) -> str | int | None:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        return value.lower()
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y%m%d%H%M%S.%f+000")
    return value if isinstance(value, int) else None


def _like(name: str, pattern: str) -> Condition:
    """% any text, _ one character, [a-z] a set [DOC]."""
    translated = pattern.lower().replace("*", "[*]").replace("?", "[?]").replace("%", "*").replace("_", "?").replace("[^", "[!")

    def matches(properties: Properties) -> bool:
        actual = value_of(properties, name)
        return isinstance(actual, str) and fnmatch.fnmatchcase(actual.lower(), translated)

    return matches

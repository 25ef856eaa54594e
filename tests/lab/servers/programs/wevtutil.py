# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""wevtutil.exe qe channel /c:N /rd:true /f:RenderedXml|XML|Text /q:XPath: reading an event log [DOC]."""

from __future__ import annotations

import datetime
import re
import typing as t
from xml.sax.saxutils import escape, quoteattr

from tests.lab.servers.programs.process import Result, Start
from tests.lab.servers.state.eventlog import LEVELS, Event

_NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
ACCESS_DENIED, NO_CHANNEL, BAD_QUERY = 5, 15007, 15001
"""ERROR_ACCESS_DENIED, ERROR_EVT_CHANNEL_NOT_FOUND, ERROR_EVT_INVALID_QUERY [DOC winerror.h]; that wevtutil ends with them [INF]."""
_ATOM = re.compile(
    r"""\s*(?:
      Provider\[@Name=(?P<quote>['"])(?P<provider>[^'"]*)(?P=quote)\]
    | (?P<field>Level|EventID)\s*=\s*(?P<number>\d+)
    | TimeCreated\[timediff\(@SystemTime\)\s*<=\s*(?P<age>\d+)\]
    | TimeCreated\[@SystemTime\s*>=?\s*(?P<quote2>['"])(?P<since>[^'"]*)(?P=quote2)\]
    | (?P<open>\() | (?P<close>\))
    | (?P<word>and|or)\b
    )""",
    re.VERBOSE,
)
Test = t.Callable[[Event, datetime.datetime], bool]


class _BadQuery(ValueError):
    """The XPath is not one that the lab understands."""


def run(start: Start) -> Result:
    """Query events. Unknown channel: 15007; an XPath that the lab does not know: 15001 and an unknown entry in the journal."""
    arguments = start.arguments
    switches = {key.lower(): value for key, _unused, value in (argument.partition(":") for argument in arguments[2:])}
    if len(arguments) < 2 or arguments[0].lower() not in ("qe", "query-events") or not set(switches) <= {"/c", "/rd", "/f", "/q", "/uni"}:
        start.server.unknown(f"wevtutil.exe {' '.join(arguments)}", action="process")
        return Result(87, stderr="The parameter is incorrect.\r\n")
    try:
        events = start.server.events.read(arguments[1])
    except KeyError:
        return Result(NO_CHANNEL, stderr="Failed to read events. The specified channel could not be found.\r\n")
    except PermissionError:
        return Result(ACCESS_DENIED, stderr="Failed to read events. Access is denied.\r\n")
    try:
        matches = _compile(switches["/q"]) if "/q" in switches else _all
    except _BadQuery as error:
        start.server.unknown(f"wevtutil.exe query {switches['/q']!r}: {error}", action="process")
        return Result(BAD_QUERY, stderr="Failed to read events. The specified query is invalid.\r\n")
    now = start.server.world.clock.now()
    found = [event for event in events if matches(event, now)]
    if switches.get("/rd", "").lower() == "true":
        found.reverse()
    if "/c" in switches:
        found = found[: int(switches["/c"])]
    form = switches.get("/f", "xml").lower()
    write = _text if form == "text" else lambda event: _xml(event, start.server.machine_name, rendered=form == "renderedxml")
    return Result(stdout="".join(f"{write(event)}\r\n" for event in found))


def _all(event: Event, now: datetime.datetime) -> bool:
    return True


def _compile(query: str) -> Test:
    """`*[System[...]]` with Provider, Level, EventID, TimeCreated, and, or, parentheses."""
    match = re.fullmatch(r"\*\[System\[(.*)\]\]", query.strip(), re.DOTALL)
    if match is None:
        raise _BadQuery("only *[System[...]] is known")
    tokens = _tokens(match.group(1))
    test = _or(tokens)
    if tokens:
        raise _BadQuery(f"unexpected {tokens[0].group(0)!r}")
    return test


def _tokens(text: str) -> list[re.Match[str]]:
    found, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = _ATOM.match(text, position)
        if match is None:
            raise _BadQuery(f"cannot read {text[position : position + 40]!r}")
        found.append(match)
        position = match.end()
    return found


def _or(tokens: list[re.Match[str]]) -> Test:
    tests = [_and(tokens)]
    while tokens and tokens[0].group("word") == "or":
        tokens.pop(0)
        tests.append(_and(tokens))
    return lambda event, now: any(test(event, now) for test in tests)


def _and(tokens: list[re.Match[str]]) -> Test:
    tests = [_atom(tokens)]
    while tokens and tokens[0].group("word") == "and":
        tokens.pop(0)
        tests.append(_atom(tokens))
    return lambda event, now: all(test(event, now) for test in tests)


def _atom(tokens: list[re.Match[str]]) -> Test:
    if not tokens or tokens[0].group("word") or tokens[0].group("close"):
        raise _BadQuery("a condition is missing")
    token = tokens.pop(0)
    if token.group("open"):
        test = _or(tokens)
        if not tokens or not tokens.pop(0).group("close"):
            raise _BadQuery("missing )")
        return test
    return _condition(token)


def _condition(token: re.Match[str]) -> Test:
    if token.group("provider") is not None:
        provider = token.group("provider")
        return lambda event, now: event.provider == provider
    if token.group("number") is not None:
        number = int(token.group("number"))
        if token.group("field") == "Level":
            return lambda event, now: event.level == number
        return lambda event, now: event.event_id == number
    if token.group("age") is not None:
        age = datetime.timedelta(milliseconds=int(token.group("age")))
        return lambda event, now: now - event.at <= age
    since = datetime.datetime.fromisoformat(token.group("since").replace("Z", "+00:00"))
    return lambda event, now: event.at >= since


def _xml(event: Event, machine: str, *, rendered: bool) -> str:
    created = event.at.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    information = ""
    if rendered:
        information = (
            f"<RenderingInfo Culture='en-US'><Message>{escape(event.message)}</Message><Level>{LEVELS[event.level]}</Level>"
            f"<Channel>{escape(event.channel)}</Channel><Provider>{escape(event.provider)}</Provider></RenderingInfo>"
        )
    return (
        f"<Event xmlns='{_NAMESPACE}'><System><Provider Name={quoteattr(event.provider)}/><EventID>{event.event_id}</EventID>"
        f"<Level>{event.level}</Level><TimeCreated SystemTime='{created}'/><EventRecordID>{event.record}</EventRecordID>"
        f"<Channel>{escape(event.channel)}</Channel><Computer>{escape(machine)}</Computer></System>"
        f"<EventData><Data>{escape(event.message)}</Data></EventData>{information}</Event>"
    )


def _text(event: Event) -> str:
    return (
        f"Event[0]:\r\n  Log Name: {event.channel}\r\n  Source: {event.provider}\r\n  Date: {event.at.isoformat()}\r\n"
        f"  Event ID: {event.event_id}\r\n  Level: {LEVELS[event.level]}\r\n  Description: \r\n{event.message}\r\n"
    )

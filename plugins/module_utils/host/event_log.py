# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Errors and warnings of the product since a moment, from its own Admin channels and from the Application log.

Read with wevtutil in a shell: channels of their own are not to be had by CIM, and an event's text neither.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t
from xml.etree import ElementTree

from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import GENERATIONS
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.reply import without_forbidden

CRITICAL, ERROR, WARNING = 1, 2, 3
APPLICATION = "Application"

MOST = 50
"""So many events are read of a channel at least, the newest."""
_TIMEOUT = 60.0
# ERROR_EVT_CHANNEL_NOT_FOUND (winerror.h): the product of that generation was never here.
_NO_CHANNEL = 15007


@dataclasses.dataclass(frozen=True)
class Event:
    """One event. C(level): 1 critical, 2 error, 3 warning. C(at): UTC, as ISO 8601 text."""

    channel: str
    provider: str
    id: int
    level: int
    at: str
    message: str

    def as_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Reading:
    """What was read of one channel, or of all of them.

    :param events: newest first.
    :param more_errors: there may be older errors that were not read; C(more_warnings) likewise.
    :param unread: the channels that could not be read, by name, with the reason.
    """

    events: tuple[Event, ...] = ()
    more_errors: bool = False
    more_warnings: bool = False
    unread: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def errors(self) -> list[Event]:
        return [event for event in self.events if event.level <= ERROR]

    @property
    def warnings(self) -> list[Event]:
        return [event for event in self.events if event.level > ERROR]


def channels() -> list[str]:
    """The channels that are read: those of both generations, and the Application log."""
    return [*(channel for generation in GENERATIONS for channel in generation.channels), APPLICATION]


def query(channel: str, since: datetime.datetime, levels: t.Sequence[int], most: int) -> tuple[str, ...]:
    """Arguments of C(wevtutil.exe): events of these levels since a moment, newest first."""
    moment = since.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    level = " or ".join(f"Level={level}" for level in levels)
    condition = f"({level}) and TimeCreated[@SystemTime>='{moment}']"
    if channel == APPLICATION:
        sources = " or ".join(f"Provider[@Name='{generation.event_source}']" for generation in GENERATIONS)
        condition = f"({sources}) and {condition}"
    return ("qe", channel, f"/c:{most}", "/rd:true", "/f:RenderedXml", f"/q:*[System[{condition}]]")


def read_events(server: Server, since: datetime.datetime, most: int = MOST) -> Reading:
    """Errors and warnings of the product, newest first. A log that cannot be read does not hide what the others say.

    :param most: so many errors, and so many events of both kinds, are read of each channel.
    """
    found: list[Reading] = []
    for channel in channels():
        try:
            found.append(_read_channel(server, channel, since, most))
        except HostError as error:
            found.append(Reading(unread={channel: error.message}))
    return Reading(
        events=tuple(sorted((event for reading in found for event in reading.events), key=lambda event: event.at, reverse=True)),
        more_errors=any(reading.more_errors for reading in found),
        more_warnings=any(reading.more_warnings for reading in found),
        unread={channel: reason for reading in found for channel, reason in reading.unread.items()},
    )


def _read_channel(server: Server, channel: str, since: datetime.datetime, most: int) -> Reading:
    newest = _events(server, channel, query(channel, since, (CRITICAL, ERROR, WARNING), most))
    if len(newest) < most:
        return Reading(tuple(newest))
    warnings = [event for event in newest if event.level > ERROR]
    # Warnings may have pushed errors out of the newest. Asked only then, so that a quiet log costs one program.
    errors = _events(server, channel, query(channel, since, (CRITICAL, ERROR), most)) if warnings else newest
    return Reading((*errors, *warnings), more_errors=len(errors) >= most, more_warnings=True)


def _events(server: Server, channel: str, arguments: t.Sequence[str]) -> list[Event]:
    """:raises HostError: the channel exists and cannot be read."""
    result = server.run("wevtutil.exe", *arguments, timeout=_TIMEOUT)
    if result.exit_code == _NO_CHANNEL:
        return []
    if result.exit_code != 0:
        said = " ".join((result.stderr or result.stdout).split())
        raise HostError(f"wevtutil.exe ended with exit code {result.exit_code}: {said}", operation="read event logs")
    return parse(result.stdout)


def parse(output: str) -> list[Event]:
    """The events in wevtutil's output, which is one XML element after the other without a root.

    :raises HostError: when it is not XML.
    """
    events = without_forbidden(output[output.find("<Event") :] if "<Event" in output else "")
    try:
        root = ElementTree.fromstring(f"<Events>{events}</Events>")
    except ElementTree.ParseError as error:
        raise HostError(f"what wevtutil.exe printed is no XML: {error}", operation="read event logs") from error
    return [_event(element) for element in root]


def _event(element: ElementTree.Element) -> Event:
    parts = {node.tag.rpartition("}")[2]: node for node in element.iter()}

    def text(name: str) -> str:
        node = parts.get(name)
        return "" if node is None else " ".join((node.text or "").split())

    def attribute(name: str, key: str) -> str:
        node = parts.get(name)
        return "" if node is None else node.get(key, "")

    system = next((node for node in element if node.tag.rpartition("}")[2] == "System"), element)
    numbers = {node.tag.rpartition("}")[2]: (node.text or "") for node in system}
    return Event(
        channel=numbers.get("Channel", ""),
        provider=next((node.get("Name", "") for node in system if node.tag.rpartition("}")[2] == "Provider"), ""),
        id=_number(numbers.get("EventID", "")),
        level=_number(numbers.get("Level", "")),
        at=attribute("TimeCreated", "SystemTime")[:19] + "Z",
        message=text("Message") or " ".join(" ".join((node.text or "").split()) for node in element.iter() if node.tag.endswith("}Data")),
    )


def _number(text: str) -> int:
    return int(text) if text.strip().isdecimal() else 0

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Event logs of a Windows server, as far as the connector writes to them (connector.md 5.5, 7)."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

CRITICAL, ERROR, WARNING, INFORMATION = 1, 2, 3, 4
LEVELS = {CRITICAL: "Critical", ERROR: "Error", WARNING: "Warning", INFORMATION: "Information"}


@dataclasses.dataclass(frozen=True)
class Event:
    """One event."""

    record: int
    channel: str
    provider: str
    event_id: int
    level: int
    at: datetime.datetime
    message: str


class EventLog:
    """All channels."""

    def __init__(self, now: t.Callable[[], datetime.datetime]) -> None:
        self._now = now
        self._events: list[Event] = []
        self.unreadable: set[str] = set()
        """Channels that the account may not read, in lower case."""
        self.channels: dict[str, str] = {name.lower(): name for name in ("Application", "System", "Security", "Setup")}

    def write(self, channel: str, provider: str, event_id: int, level: int, message: str) -> None:
        """Append an event."""
        self.channels.setdefault(channel.lower(), channel)
        self._events.append(Event(len(self._events) + 1, channel, provider, event_id, level, self._now(), message))

    def read(self, channel: str) -> list[Event]:
        """Return the events of a channel, oldest first.

        Raises KeyError for an unknown channel, PermissionError for one that the account may not read.
        """
        if channel.lower() in self.unreadable:
            raise PermissionError(channel)
        name = self.channels[channel.lower()]
        return [event for event in self._events if event.channel == name]

    def as_list(self) -> list[dict[str, t.Any]]:
        """JSON form for the admin API."""
        return [{**dataclasses.asdict(event), "at": event.at.isoformat()} for event in self._events]

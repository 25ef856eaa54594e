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

SYSTEM = "System"
_DOWN, _UP = datetime.timedelta(seconds=40), datetime.timedelta(seconds=4)


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
    """All channels. `booted`: when Windows started, of which the System channel has its events."""

    def __init__(self, now: t.Callable[[], datetime.datetime], booted: t.Callable[[], datetime.datetime]) -> None:
        self._now = now
        self._booted = booted
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
        of_windows = self._of_the_boot() if name == SYSTEM else []
        return [*of_windows, *(event for event in self._events if event.channel == name)]

    def as_list(self) -> list[dict[str, t.Any]]:
        """JSON form for the admin API, without those of Windows itself."""
        return [{**dataclasses.asdict(event), "at": event.at.isoformat()} for event in self._events]

    def _of_the_boot(self) -> list[Event]:
        """The event log service stopped before the boot and started after it [DOC; how long before and after is made up]."""
        moments = ((6006, self._booted() - _DOWN, "stopped"), (6005, self._booted() + _UP, "started"))
        return [Event(0, SYSTEM, "EventLog", number, INFORMATION, at, f"The Event log service was {what}.") for number, at, what in moments]

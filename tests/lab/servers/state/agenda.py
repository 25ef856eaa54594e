# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What will happen on a server later: the installer's files that appear after it has ended, a reboot that was ordered."""

from __future__ import annotations

import datetime
import itertools
import typing as t


class Agenda:
    """Effects with a due time on the lab's clock. They are carried out when somebody looks (run_due) or by the waker."""

    def __init__(self, now: t.Callable[[], datetime.datetime]) -> None:
        self._now = now
        self._entries: list[tuple[datetime.datetime, int, t.Callable[[], None]]] = []
        self._order = itertools.count()
        self.waker: t.Callable[[float], None] = lambda seconds: None
        """Called with the seconds until something is due, so that it happens also when nobody looks."""

    def after(self, seconds: float, effect: t.Callable[[], None]) -> None:
        """Plan an effect."""
        self._entries.append((self._now() + datetime.timedelta(seconds=seconds), next(self._order), effect))
        self.waker(seconds)

    def run_due(self) -> None:
        """Carry out what is due, oldest first, also what that plans."""
        while self._entries:
            due = min(self._entries, key=lambda entry: entry[:2])
            if due[0] > self._now():
                return
            self._entries.remove(due)
            due[2]()

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)

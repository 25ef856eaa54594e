# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Time as a budget: one deadline for everything that a task does with the service."""

from __future__ import annotations

import dataclasses
import time
import typing as t


@dataclasses.dataclass(frozen=True)
class Clock:
    """Where time comes from. Tests hand in their own; nothing else in this package sleeps or reads a clock.

    :param now: monotonic seconds.
    :param sleep: waits for that many seconds.
    """

    now: t.Callable[[], float] = time.monotonic
    sleep: t.Callable[[float], None] = time.sleep


class Deadline:
    """A moment by which something must be done.

    :param seconds: from now on.
    """

    def __init__(self, seconds: float, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self._end = self.clock.now() + seconds

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - self.clock.now())

    def within(self, seconds: float) -> Deadline:
        """A nearer deadline, never later than this one."""
        return Deadline(min(seconds, self.remaining()), self.clock)

    def pause(self, seconds: float) -> bool:
        """Wait that long if it fits, else do not wait at all. Say whether it was waited."""
        if seconds > self.remaining():
            return False
        self.clock.sleep(seconds)
        return True

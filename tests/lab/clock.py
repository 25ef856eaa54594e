# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's clock: real time plus an offset that tests may move forward."""

from __future__ import annotations

import datetime


class Clock:
    """Aware UTC time. Only forward: a clock that ran backwards would make the connectors' history contradict itself."""

    def __init__(self) -> None:
        self._offset = datetime.timedelta()

    def now(self) -> datetime.datetime:
        """Return the lab's time (aware, UTC)."""
        return datetime.datetime.now(datetime.timezone.utc) + self._offset

    def advance(self, seconds: float) -> None:
        """Move the clock forward by `seconds`. Use World.advance(), which lets the tenant look before and after."""
        if seconds < 0:
            raise ValueError(f"the lab's clock only moves forward, not by {seconds} seconds")
        self._offset += datetime.timedelta(seconds=seconds)

    def reset(self) -> None:
        """Return to real time."""
        self._offset = datetime.timedelta()

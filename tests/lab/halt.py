# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The moment after the n-th write, held still: so that a test can kill a client exactly there, however fast or slow the machine is."""

from __future__ import annotations

import asyncio
import typing as t

from tests.lab.journal import Entry, Journal


class Halt:
    """Counts the writes to servers and tenant; after the ordered one nobody gets an answer and nothing more takes effect.

    The n-th write takes effect, and so does the rest of the $batch or of the program it is part of, as both run on the service's side.
    Whoever still asks is left without an answer until the halt is lifted, and his request is then lost.
    """

    def __init__(self, journal: Journal) -> None:
        self._after: int | None = None
        self._writes = 0
        self._waiting = 0
        self._lifted = asyncio.Event()
        journal.on_change(self._count)

    @property
    def reached(self) -> bool:
        """Whether the ordered write has been made."""
        return self._after is not None and self._writes >= self._after

    def order(self, after: int) -> None:
        """Halt after so many writes from now. Raises ValueError for less than one."""
        if after < 1:
            raise ValueError(f"a halt comes after the first write or a later one, not after {after}")
        self.lift()
        self._after, self._writes, self._lifted = after, 0, asyncio.Event()

    def lift(self) -> None:
        """Answer again. Who was left waiting loses the connection."""
        self._after = None
        self._lifted.set()

    async def is_lost(self) -> bool:
        """Whether this request, or its answer, is lost to a halt; returns only when that is over. Call before and after it is served."""
        if not self.reached:
            return False
        self._waiting += 1
        try:
            await self._lifted.wait()
        finally:
            self._waiting -= 1
        return True

    def as_dict(self) -> dict[str, t.Any]:
        """JSON form for the admin API. C(waiting): how many requests are without an answer because of it."""
        return {"after": self._after, "writes": self._writes, "reached": self.reached, "waiting": self._waiting}

    def _count(self, _entry: Entry) -> None:
        if self._after is not None and not self.reached:
            self._writes += 1

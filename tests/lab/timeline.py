# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many active connectors each group has, over time: the lab's own record, which no client takes part in."""

from __future__ import annotations

import asyncio
import collections
import typing as t

from tests.lab.clock import Clock
from tests.lab.journal import Entry, Journal
from tests.lab.tenant.models import Tenant

INTERVAL_SECONDS = 0.02
"""Shorter than a service takes to start and its connector to become active again, so that no fall goes unseen."""


class Timeline:
    """Every change of a group's number of active members, when asked for: right after each write, and in between by the clock."""

    def __init__(self, clock: Clock, tenant: Tenant, journal: Journal) -> None:
        self._clock = clock
        self._tenant = tenant
        self._changes: list[dict[str, t.Any]] = []
        self._last: dict[str, int] = {}
        self._timer: asyncio.Task[None] | None = None
        journal.on_change(self._note_write)

    @property
    def on(self) -> bool:
        """Whether it records."""
        return self._timer is not None

    def start(self) -> None:
        """Begin anew with the numbers of this moment."""
        self.stop()
        self._changes, self._last = [], {}
        self._note(0)
        self._timer = asyncio.get_running_loop().create_task(self._watch())

    def stop(self) -> None:
        """Record nothing more; what was recorded stays."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def changes(self) -> list[dict[str, t.Any]]:
        """Oldest first: {at, write, group, active}. C(write) is the number of the journal entry that it came with, 0 when none did."""
        return list(self._changes)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            self._note(0)

    def _note_write(self, entry: Entry) -> None:
        if self.on:
            self._note(entry["seq"])

    def _note(self, write: int) -> None:
        self._tenant.look()
        state = self._tenant.now_state
        active = collections.Counter(one.group_id for one in state.connectors.values() if self._tenant.status(one) == "active")
        now = {group.id: active[group.id] for group in state.groups.values()}
        at = self._clock.now().isoformat()
        for group, count in now.items():
            if self._last.get(group) != count:
                self._changes.append({"at": at, "write": write, "group": state.groups[group].name, "active": count})
        self._last = now

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An independent witness: how many active connectors each group had, at every look that the lab allows."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t

from tests.support.lab_process import Lab

INTERVAL_SECONDS = 0.02


class Witness:
    """Looks at the tenant's own state all the time, from a thread of its own, and remembers the worst of each group."""

    def __init__(self, lab: Lab, groups: t.Iterable[str]) -> None:
        self._lab = lab
        self._worst = dict.fromkeys(groups, 10**6)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.looks = 0

    def worst(self) -> dict[str, int]:
        """The fewest active connectors that each group had at any look."""
        assert self.looks > 10
        return dict(self._worst)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.is_set():
            connectors = self._lab.get("/tenant")["connectors"]
            for group in self._worst:
                active = sum(one["group"] == group and one["status"] == "active" for one in connectors)
                self._worst[group] = min(self._worst[group], active)
            self.looks += 1
            time.sleep(INTERVAL_SECONDS)


@contextlib.contextmanager
def watching(lab: Lab, groups: t.Iterable[str]) -> t.Iterator[Witness]:
    witness = Witness(lab, groups)
    witness.start()
    try:
        yield witness
    finally:
        witness.stop()

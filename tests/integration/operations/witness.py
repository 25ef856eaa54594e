# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An independent witness: how many active connectors each group had at every instant, as the lab itself recorded it."""

from __future__ import annotations

import contextlib
import typing as t

from tests.support.lab_process import Lab


class Witness:
    """The lab's timeline of the groups that are of interest."""

    def __init__(self, lab: Lab, groups: t.Iterable[str]) -> None:
        self._lab = lab
        self._groups = tuple(groups)

    def start(self) -> None:
        self._lab.patch("/timeline", {"on": True})

    def stop(self) -> None:
        self._lab.patch("/timeline", {"on": False})

    def course(self, group: str) -> list[int]:
        """Every number of active connectors that the group had, one after the other."""
        return [change["active"] for change in self._lab.get("/timeline") if change["group"] == group]

    def worst(self, since: int = 0) -> dict[str, int]:
        """The fewest active connectors that each group had, once it had C(since) of them: one that is being built begins with none."""
        return {group: min(_from(self.course(group), since)) for group in self._groups}


def _from(course: list[int], count: int) -> list[int]:
    begin = next((place for place, active in enumerate(course) if active >= count), None)
    assert begin is not None, f"it never had {count}: {course}"
    return course[begin:]


@contextlib.contextmanager
def watching(lab: Lab, groups: t.Iterable[str]) -> t.Iterator[Witness]:
    witness = Witness(lab, groups)
    witness.start()
    try:
        yield witness
    finally:
        witness.stop()

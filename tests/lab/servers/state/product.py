# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the product and its installer behave on one server, as a test orders it."""

from __future__ import annotations

import dataclasses
import typing as t

FREE_BYTES = 80 * 1024**3


@dataclasses.dataclass
class Product:
    """Mutable; the admin API sets it through C(patch)."""

    free_bytes: int = FREE_BYTES
    """Room on drive C:."""
    busy_runs: int = 0
    """So many runs of an installer or of msiexec end with 1618 first."""
    upgrade_keeps_registration: bool = True
    """Whether an in-place run from legacy to entra takes the trust settings over: [UNV], connector.md 4.2."""
    counters: dict[str, float] = dataclasses.field(default_factory=lambda: {"# requests": 128.0, "# active sessions": 3.0})
    """Performance counters of the product's set. The names are invented: the real ones are documented nowhere."""
    stubborn_service: bool = False
    """The service of the connector starts and ends again at once, whatever its registration."""
    in_use: bool = False
    """Somebody has the executables open, until Windows starts again: see programs.in_use."""
    restart_delay: float = 0.0
    """Seconds from the moment at which the files appear to the restart of an installer that makes one itself (1641)."""

    def patch(self, values: t.Mapping[str, t.Any]) -> None:
        """Set fields. Raises ValueError for an unknown one or a wrong type."""
        names = {field.name for field in dataclasses.fields(self)}
        for name, value in values.items():
            if name not in names or not isinstance(value, type(getattr(self, name))):
                raise ValueError(f"unknown field or wrong type in product: {name!r}; known: {sorted(names)}")
            setattr(self, name, value)

    def is_busy(self) -> bool:
        """Say whether another installation is running, and count the question."""
        if self.busy_runs == 0:
            return False
        self.busy_runs -= 1
        return True

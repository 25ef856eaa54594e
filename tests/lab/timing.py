# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long things take in the lab, in seconds. Real servers take minutes; the order of events is what tests need."""

from __future__ import annotations

import dataclasses
import typing as t

DAY = 86400.0


@dataclasses.dataclass
class Timing:
    """Durations in seconds (days where the name says so). Mutable: the admin API changes the one instance of a world."""

    files_appear: float = 1.0
    """From the installer's exit until its files and services are there. Real: up to about 60 s (connector.md 4.1, MS, LIVE)."""
    becomes_active: float = 2.0
    """From the start of the connector service until the tenant says `active` (inferred)."""
    becomes_inactive: float = 0.0
    """From the end of the connector service until the tenant says `inactive` (inferred)."""
    service_start: float = 0.3
    """Start Pending lasts this long (inferred)."""
    vanishes_after: float = 10 * DAY
    """An inactive connector is removed by the service after 10 days (graph.md 4, MS)."""
    certificate_days: float = 180.0
    """Validity of a trust certificate. 180 days is documented as the age at renewal only (connector.md 9.2)."""
    access_token: float = 4500.0
    """Life of an access token: 75 minutes on average (connector.md 5.2, MS)."""
    device_code_interval: int = 1
    """Seconds between polls that a device code asks for; the real service says 5."""

    def patch(self, values: t.Mapping[str, t.Any]) -> None:
        """Set the named durations. Raises ValueError for an unknown name or a value that is not a number >= 0."""
        names = {field.name for field in dataclasses.fields(self)}
        for name, value in values.items():
            if name not in names:
                raise ValueError(f"unknown timing {name!r}; known: {', '.join(sorted(names))}")
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
                raise ValueError(f"timing {name!r} must be a number of seconds >= 0, not {value!r}")
        for name, value in values.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, float]:
        """Return all durations."""
        return dataclasses.asdict(self)

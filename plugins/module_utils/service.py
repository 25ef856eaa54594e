# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What all that talks about the service must agree on: its words, how names are compared, and the two of the two-connector rule."""

from __future__ import annotations

import re
import typing as t
import unicodedata

MINIMUM = 2
"""The two-connector rule: documented as the least for high availability (concept-connectors)."""
KNOWN_REGIONS = ("nam", "eur", "aus", "asia", "ind", "japan")
"""An open set: five are documented, C(japan) was observed (terraform-provider-microsoft365#3213)."""
ACTIVE, INACTIVE = "active", "inactive"
KNOWN_STATUSES = (ACTIVE, INACTIVE)
"""Documented. Any other word is taken for not active: the careful reading."""


def folded(text: t.Any) -> str:
    """A name, id, region or status as it is compared: without case, however it was composed. Nothing is the empty text."""
    return unicodedata.normalize("NFC", str(text or "")).strip().casefold()


def is_active(status: t.Any) -> bool:
    """Whether a connector with this status serves."""
    return folded(status) == ACTIVE


def version_numbers(version: str) -> tuple[int, ...]:
    """A connector's version as it is compared; whatever is no digit divides."""
    return tuple(int(number) for number in re.findall(r"\d+", version))

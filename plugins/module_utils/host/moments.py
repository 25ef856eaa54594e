# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Since when: an age such as C(24h), or a moment in ISO 8601."""

from __future__ import annotations

import datetime
import re

_AGE = re.compile(r"^(\d{1,5})([mhd])$")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def is_since(text: str) -> bool:
    """Whether C(since) can read it."""
    try:
        since(text, datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc))
    except (ValueError, OverflowError):
        return False
    return True


def since(text: str, now: datetime.datetime) -> datetime.datetime:
    """The moment, aware. One without a zone is in UTC.

    :raises ValueError: when it is neither an age nor a moment.
    """
    age = _AGE.match(text.strip())
    if age is not None:
        return now - datetime.timedelta(**{_UNITS[age[2]]: int(age[1])})
    moment = datetime.datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.timezone.utc)

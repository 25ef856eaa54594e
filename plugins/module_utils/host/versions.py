# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Versions of the product: four numbers, compared as numbers.

The product updates itself, so a declared version is always a minimum.
"""

from __future__ import annotations

import re

_VERSION = re.compile(r"\d{1,5}(\.\d{1,5}){1,3}", re.ASCII)
_TOLD = re.compile(r"\s*\d{1,5}(\s*[.,]\s*\d{1,5}){1,3}(?!\d|\s*[.,]\s*\d)", re.ASCII)


def is_version(text: str) -> bool:
    """Two to four numbers with dots between them."""
    return _VERSION.fullmatch(text) is not None


def readable(text: str | None) -> str | None:
    """The version in what a file tells of itself, which may have commas, and a remark after the numbers; None when there is none."""
    found = _TOLD.match(text or "")
    return None if found is None else ".".join(re.findall(r"\d+", found[0]))


def at_least(version: str, minimum: str) -> bool:
    """Whether C(version) is C(minimum) or later; missing numbers count as 0.

    :raises ValueError: when one of them is not a version.
    """
    return _numbers(version) >= _numbers(minimum)


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in version.split(".")]
    return tuple(numbers + [0] * (4 - len(numbers)))

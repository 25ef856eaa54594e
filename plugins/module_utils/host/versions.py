# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Versions of the product: four numbers, compared as numbers.

The product updates itself, so a declared version is always a minimum.
"""

from __future__ import annotations

import re

_VERSION = re.compile(r"^\d{1,5}(\.\d{1,5}){1,3}$")


def is_version(text: str) -> bool:
    """Two to four numbers with dots between them."""
    return _VERSION.match(text) is not None


def at_least(version: str, minimum: str) -> bool:
    """Whether C(version) is C(minimum) or later; missing numbers count as 0.

    :raises ValueError: when one of them is not a version.
    """
    return _numbers(version) >= _numbers(minimum)


def _numbers(version: str) -> tuple[int, ...]:
    # CIM_DataFile.Version and FileVersion may carry a build remark after the numbers.
    numbers = [int(part) for part in version.split()[0].split(".")]
    return tuple(numbers + [0] * (4 - len(numbers)))

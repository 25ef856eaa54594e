# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""WQL text: literals and the conditions that let one query answer for many."""

from __future__ import annotations

import typing as t


def literal(value: str) -> str:
    """A string literal: backslash and quote are escaped with a backslash (DOC: WQL)."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def any_of(prop: str, values: t.Iterable[str]) -> str:
    """C(Name='a' OR Name='b')."""
    return " OR ".join(f"{prop}={literal(value)}" for value in values)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Outputs that a page shows, held against what came out."""

from __future__ import annotations

import re

CHANGING = re.compile(r"\b\d+ s\b|\b\d{4}-\d\d-\d\d\b")
"""What differs from run to run: how long something took, and the day."""


def lacking(shown: str, said: str) -> list[str]:
    """What a page shows and a run did not say. Three dots stand for what is left out; where lines are broken does not matter."""
    everything = _folded(said)
    parts = [part for line in shown.splitlines() for part in line.split("...")]
    return [part for part in parts if _folded(part) not in everything]


def _folded(text: str) -> str:
    return " ".join(CHANGING.sub("~", text.replace('"', " ")).split())

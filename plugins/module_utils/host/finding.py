# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What a probe of a server found. Plain values."""

from __future__ import annotations

import dataclasses
import typing as t

HOLDS = "holds"
FAILS = "fails"
# There is nothing on this server by which it could be seen, such as a certificate that was renewed.
NOT_SEEN = "not_seen"


@dataclasses.dataclass(frozen=True)
class Finding:
    """:param evidence: what was seen, as JSON types. Never a secret."""

    outcome: str
    evidence: t.Any


def judged(holds: bool, evidence: t.Any) -> Finding:
    return Finding(HOLDS if holds else FAILS, evidence)

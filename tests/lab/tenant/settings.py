# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Switches of the tenant: what a test may turn, and how the service behaves where sources contradict each other."""

from __future__ import annotations

import dataclasses
import typing as t

CHOICES: dict[str, tuple[str, ...]] = {
    "mode": ("observed", "documented"),
    "device_code": ("auto", "deny"),
    "expand": ("refused", "ignored", "allowed", "cut"),
    "expand_link": ("omitted", "given"),
    "top": ("clamped", "honoured", "ignored", "limit", "refused"),
    "count": ("refused", "allowed"),
}


@dataclasses.dataclass
class Settings:
    """Defaults are what was observed live, and app-only access refused as documented."""

    mode: str = "observed"
    """observed: create 200, PATCH 204, $ref 204 (LIVE TF). documented: 201, 200 with body, 201 with body (MS)."""
    app_only: bool = False
    """Whether application permissions work. "Not supported" says the documentation (graph.md 7.1, 7.2)."""
    page_size: int = 100
    top: str = "clamped"
    """$top, which peers send and no page tells about (graph.md 6.1, 3P): clamped to the size of a page, honoured up to 999, ignored,
    refused (MS paging names all four), or taken as OData has it: a limit, and no next link after it (OData URL conventions, 5.1.5)."""
    expand: str = "refused"
    """$expand of members, applications and memberOf: declared in the metadata, shown to work by nobody (graph.md 6.1, META).
    ignored: an answer without it. cut: the list itself ends after 100 objects without a next link (directory objects, as users have it)."""
    expand_page: int = 20
    """How many objects an expanded navigation holds; 0 = all. Documented for directory objects (query-parameters: "typically ... a
    maximum of 20 items"); that it holds here is inferred."""
    expand_link: str = "omitted"
    """Whether a next link of its own follows a cut navigation. Directory objects have none (documented), OData has one (JSON 4.6.11)."""
    expand_names: bool = False
    """Whether expanded applications carry appId and displayName. The list of a group's applications does not (MS); inferred from that."""
    count: str = "refused"
    """$count=true and /$count: declared as well, and not shown either (graph.md 6.1, META)."""
    stale_seconds: float = 0.0
    """Reads show the state of this many seconds ago: a GET right after PUT $ref may show the former group (graph.md 4, LIVE TF)."""
    publishing_enabled: bool = True
    """False until the first connector is registered: OnPremisesPublishing_NotEnabled (connector.md 5.3, MS, 3P)."""
    user_is_administrator: bool = True
    user_needs_mfa: bool = False
    device_code: str = "auto"
    """auto: approved after one poll. deny: declined."""
    az_logged_in: bool = True
    managed_identity: bool = True
    """Whether the machine that the collection runs on has managed identities."""
    default_region: str = "nam"
    regions: list[str] = dataclasses.field(default_factory=lambda: ["nam", "eur", "aus", "asia", "ind", "japan"])
    """An open set: the documented ones and `japan`, seen live (graph.md 3)."""

    def patch(self, values: t.Mapping[str, t.Any]) -> None:
        """Set the named switches. Raises ValueError for an unknown name or a value of another type."""
        known = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"unknown tenant setting {name!r}; known: {', '.join(sorted(known))}")
            if not _same_type(known[name], value) or value not in CHOICES.get(name, (value,)):
                raise ValueError(f"tenant setting {name!r} cannot be {value!r}")
        for name, value in values.items():
            setattr(self, name, float(value) if isinstance(known[name], float) else value)


def _same_type(current: t.Any, value: t.Any) -> bool:
    if isinstance(current, float):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(current) is type(value)

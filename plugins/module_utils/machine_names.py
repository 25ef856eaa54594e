# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Things by the name of their machine, which may be short (WEB-01) or full (web-01.contoso.com). Pure.

Microsoft's pages show the tenant's C(machineName) in both forms (documented; see docs/fidelity.md), and a server calls itself by the short
one. So a short name and a full one with the same first part are the same machine; two different full ones never are.
"""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.service import folded

Item = t.TypeVar("Item")


class Machines(t.Generic[Item]):
    """Things, each with the name of its machine. Names are compared without case."""

    def __init__(self, items: t.Iterable[Item], name_of: t.Callable[[Item], str | None]) -> None:
        self._by_host: dict[str, list[tuple[str, Item]]] = {}
        for item in items:
            name = folded(name_of(item))
            if name:
                self._by_host.setdefault(_host(name), []).append((name, item))

    def of(self, name: str | None) -> list[Item]:
        """The things of that machine, those named just so first; only these where a short name may mean machines of several domains."""
        wanted = folded(name)
        alike = [(other, item) for other, item in self._by_host.get(_host(wanted), ()) if _may_be(other, wanted)]
        if len({other for other, _item in alike if "." in other}) > 1:
            alike = [(other, item) for other, item in alike if other == wanted]
        return [item for _other, item in sorted(alike, key=lambda one: one[0] != wanted)]


def _host(name: str) -> str:
    return name.partition(".")[0]


def _may_be(name: str, other: str) -> bool:
    """Whether two names with the same first part may be those of one machine."""
    return name == other or "." not in name or "." not in other

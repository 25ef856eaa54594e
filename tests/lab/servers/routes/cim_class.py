# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a CIM class of the lab is made of."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.lab.servers.protocol.instances import Properties
from tests.lab.servers.protocol.wql import Query

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer

Arguments = t.Mapping[str, t.Sequence[str]]
"""Arguments of a method by lower-case name; repeated elements are several texts."""


@dataclasses.dataclass(frozen=True)
class Method:
    """A method. `writes`: it changes something (journal kind). `call` gets the instance's properties ({} for a static class)."""

    writes: bool
    call: t.Callable[[WindowsServer, Properties, Arguments], Properties]


def _no_instances(server: WindowsServer) -> list[Properties]:
    return []


def _any_query(query: Query) -> str | None:
    return None


@dataclasses.dataclass(frozen=True)
class CimClass:
    """A class. `objection` says why a query must not be asked of a real server (None: fine)."""

    name: str
    namespaces: tuple[str, ...]
    properties: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    instances: t.Callable[[WindowsServer], list[Properties]] = _no_instances
    methods: t.Mapping[str, Method] = dataclasses.field(default_factory=dict)
    is_static: bool = False
    objection: t.Callable[[Query], str | None] = _any_query

    def answer(self, server: WindowsServer, query: Query, text: str) -> t.Sequence[Properties]:
        """Return the instances that a query selects; `text` is the query as it was sent."""
        return [instance for instance in self.instances(server) if query.matches(instance)]

    def method(self, name: str) -> Method | None:
        """Return a method, whatever the case of its name."""
        return next((method for key, method in self.methods.items() if key.lower() == name.lower()), None)


def one(arguments: Arguments, name: str, default: str = "") -> str:
    """Return the only or first text of an argument."""
    texts = arguments.get(name.lower())
    return texts[0] if texts else default

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The things in a tenant, and a snapshot of all of them. Immutable, so that yesterday's snapshot can still be served."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import typing as t


@dataclasses.dataclass(frozen=True)
class Group:
    """A connector group. `kind` is connectorGroupType: applicationProxy, or syncFabric for foreign ones (graph.md 3, MS)."""

    id: str
    name: str
    region: str | None
    is_default: bool = False
    kind: str = "applicationProxy"


@dataclasses.dataclass(frozen=True)
class Connector:
    """A registered connector. `pinned_status` is for connectors of the world file that no server runs."""

    id: str
    machine_name: str
    version: str
    group_id: str
    registered_at: datetime.datetime
    external_ip: str = "203.0.113.10"
    pinned_status: str | None = None


@dataclasses.dataclass(frozen=True)
class Application:
    """An application registration. `publishing` is onPremisesPublishing, None when not published; no group means Default."""

    id: str
    app_id: str
    display_name: str
    publishing: t.Mapping[str, t.Any] | None
    group_id: str | None = None


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """All objects of the tenant at one moment, by id."""

    groups: t.Mapping[str, Group]
    connectors: t.Mapping[str, Connector]
    applications: t.Mapping[str, Application]

    @functools.cached_property
    def default(self) -> Group:
        """The Default group: exactly one (graph.md 4, LIVE TF)."""
        return next(group for group in self.groups.values() if group.is_default)

    @functools.cached_property
    def _members(self) -> dict[str, list[Connector]]:
        index: dict[str, list[Connector]] = {}
        for connector in self.connectors.values():
            index.setdefault(connector.group_id, []).append(connector)
        return index

    @functools.cached_property
    def _users(self) -> dict[str, list[Application]]:
        index: dict[str, list[Application]] = {}
        for application in self.applications.values():
            if application.publishing is not None:
                index.setdefault(application.group_id or self.default.id, []).append(application)
        return index

    def members(self, group_id: str) -> list[Connector]:
        """Return the connectors of a group."""
        return self._members.get(group_id, [])

    def applications_of(self, group_id: str) -> list[Application]:
        """Return the published applications of a group."""
        return self._users.get(group_id, [])


class History:
    """The current snapshot and, for eventual consistency, those it replaced."""

    LIMIT = 200

    def __init__(self, current: Snapshot) -> None:
        self.current = current
        self._replaced: list[tuple[datetime.datetime, Snapshot]] = []

    def commit(self, snapshot: Snapshot, at: datetime.datetime) -> None:
        """Make `snapshot` the current one."""
        self._replaced = [*self._replaced[-self.LIMIT + 1 :], (at, self.current)]
        self.current = snapshot

    def as_of(self, moment: datetime.datetime) -> Snapshot:
        """Return what was current at `moment`."""
        for replaced_at, snapshot in self._replaced:
            if replaced_at > moment:
                return snapshot
        return self.current

    def before_last_write(self) -> Snapshot:
        """Return the snapshot before the last write."""
        return self._replaced[-1][1] if self._replaced else self.current

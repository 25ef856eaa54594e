# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The things in a tenant, and a snapshot of all of them. Immutable, so that yesterday's snapshot can still be served."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import typing as t

from tests.lab.tenant.table import Table


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
    """All objects of the tenant at one moment, by id, and who is where. Make the first one with build()."""

    groups: Table[Group]
    connectors: Table[Connector]
    applications: Table[Application]
    default: Group
    """The Default group: exactly one (graph.md 4, LIVE TF)."""
    _members: Table[Table[Connector]]
    _users: Table[Table[Application]]

    @classmethod
    def build(cls, groups: t.Iterable[Group], connectors: t.Iterable[Connector], applications: t.Iterable[Application]) -> Snapshot:
        """Return a snapshot of these objects; one of the groups must be Default."""
        everyone, all_groups, published = list(connectors), list(groups), list(applications)
        default = next(group for group in all_groups if group.is_default)
        members: dict[str, list[tuple[str, Connector]]] = {}
        for connector in everyone:
            members.setdefault(connector.group_id, []).append((connector.id, connector))
        users: dict[str, list[tuple[str, Application]]] = {}
        for application in published:
            if application.publishing is not None:
                users.setdefault(application.group_id or default.id, []).append((application.id, application))
        return cls(
            groups=Table((group.id, group) for group in all_groups),
            connectors=Table((connector.id, connector) for connector in everyone),
            applications=Table((application.id, application) for application in published),
            default=default,
            _members=Table((key, Table(found)) for key, found in members.items()),
            _users=Table((key, Table(found)) for key, found in users.items()),
        )

    # reading

    def membership(self, group_id: str) -> Table[Connector]:
        """Return the connectors of a group, without copying them."""
        return self._members.get(group_id) or Table()

    def users(self, group_id: str) -> Table[Application]:
        """Return the published applications of a group, without copying them."""
        return self._users.get(group_id) or Table()

    def members(self, group_id: str) -> list[Connector]:
        """Return the connectors of a group."""
        return [connector for _place, connector in self.membership(group_id).scan()]

    def applications_of(self, group_id: str) -> list[Application]:
        """Return the published applications of a group."""
        return [application for _place, application in self.users(group_id).scan()]

    # the next snapshot

    def with_group(self, group: Group) -> Snapshot:
        """Return a snapshot with a new or changed group."""
        default = group if group.id == self.default.id else self.default
        return dataclasses.replace(self, groups=self.groups.put(group.id, group), default=default)

    def without_group(self, group_id: str) -> Snapshot:
        """Return a snapshot without a group, which must be empty."""
        return dataclasses.replace(self, groups=self.groups.remove(group_id))

    def with_connector(self, connector: Connector) -> Snapshot:
        """Return a snapshot with a new or changed connector, in the group that it names."""
        members = _leave(self._members, self.connectors, connector.id)
        joined = members.get(connector.group_id, Table[Connector]()).put(connector.id, connector)
        return dataclasses.replace(
            self, connectors=self.connectors.put(connector.id, connector), _members=members.put(connector.group_id, joined)
        )

    def without_connector(self, connector_id: str) -> Snapshot:
        """Return a snapshot without a connector."""
        members = _leave(self._members, self.connectors, connector_id)
        return dataclasses.replace(self, connectors=self.connectors.remove(connector_id), _members=members)

    def with_application(self, application: Application) -> Snapshot:
        """Return a snapshot with a new or changed application."""
        users, old = self._users, self.applications.get(application.id)
        if old is not None and old.publishing is not None:
            before = old.group_id or self.default.id
            users = users.put(before, users[before].remove(old.id))
        if application.publishing is not None:
            group_id = application.group_id or self.default.id
            users = users.put(group_id, users.get(group_id, Table[Application]()).put(application.id, application))
        return dataclasses.replace(self, applications=self.applications.put(application.id, application), _users=users)


def _leave(members: Table[Table[Connector]], connectors: Table[Connector], connector_id: str) -> Table[Table[Connector]]:
    old = connectors.get(connector_id)
    return members if old is None else members.put(old.group_id, members[old.group_id].remove(connector_id))


class History:
    """The current snapshot and, for eventual consistency, those it replaced. Neighbours share nearly everything."""

    LIMIT = 2000

    def __init__(self, current: Snapshot) -> None:
        self.current = current
        self._replaced: collections.deque[tuple[datetime.datetime, Snapshot]] = collections.deque(maxlen=self.LIMIT)

    def commit(self, snapshot: Snapshot, at: datetime.datetime) -> None:
        """Make `snapshot` the current one."""
        self._replaced.append((at, self.current))
        self.current = snapshot

    def as_of(self, moment: datetime.datetime) -> Snapshot:
        """Return what was current at `moment`."""
        found = self.current
        for replaced_at, snapshot in reversed(self._replaced):
            if replaced_at <= moment:
                break
            found = snapshot
        return found

    def snapshots(self) -> list[Snapshot]:
        """Return every snapshot that is remembered, the oldest first and the current one last."""
        return [*(snapshot for _moment, snapshot in self._replaced), self.current]

    def before_last_write(self) -> Snapshot:
        """Return the snapshot before the last write."""
        return self._replaced[-1][1] if self._replaced else self.current

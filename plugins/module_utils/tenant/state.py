# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What a tenant looks like, as far as connectors are concerned. Inert values; no I/O."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.service import ACTIVE, folded, is_active

Item = t.TypeVar("Item")
Key = t.TypeVar("Key", bound=t.Hashable)

GROUP_TYPE = "applicationProxy"
"""The list of groups also holds groups of other products, such as C(syncFabric) (observed, microsoft-graph-docs-contrib#9265)."""


@dataclasses.dataclass(frozen=True)
class ConnectorGroup:
    """A connector group. C(region) is an open set of words (C(japan) was observed beside the documented ones)."""

    id: str
    name: str
    region: str | None = None
    is_default: bool = False


@dataclasses.dataclass(frozen=True)
class Connector:
    """A connector. It is always in exactly one group (documented); C(group_id) None = that group was not read."""

    id: str
    machine_name: str
    status: str = ACTIVE
    version: str = ""
    external_ip: str | None = None
    group_id: str | None = None

    @property
    def active(self) -> bool:
        return is_active(self.status)


@dataclasses.dataclass(frozen=True)
class Application:
    """An application registration. C(published): it has onPremisesPublishing, without which no group can be assigned (observed)."""

    id: str
    app_id: str | None = None
    name: str | None = None
    group_id: str | None = None
    published: bool = True

    @property
    def label(self) -> str:
        return self.name or self.app_id or self.id


@dataclasses.dataclass(frozen=True)
class TenantState:
    """One look at a tenant.

    :param read_groups: ids of the groups whose members and applications were read; of others only the name is known.
    :param told_groups: ids of the groups whose applications, all of them, came with the list of groups.
    """

    groups: tuple[ConnectorGroup, ...] = ()
    connectors: tuple[Connector, ...] = ()
    applications: tuple[Application, ...] = ()
    read_groups: frozenset[str] = frozenset()
    told_groups: frozenset[str] = frozenset()

    @functools.cached_property
    def _groups_by_id(self) -> dict[str, ConnectorGroup]:
        return {group.id: group for group in self.groups}

    @functools.cached_property
    def _homes(self) -> dict[str, str | None]:
        return {one.id: one.group_id for one in self.connectors}

    @functools.cached_property
    def _used(self) -> dict[str, str | None]:
        return {one.id: one.group_id for one in self.applications}

    @functools.cached_property
    def _groups_by_name(self) -> dict[str, list[ConnectorGroup]]:
        return gather(self.groups, lambda group: folded(group.name))

    @functools.cached_property
    def _members(self) -> dict[str | None, list[Connector]]:
        return gather(self.connectors, lambda connector: connector.group_id)

    @functools.cached_property
    def _applications(self) -> dict[str | None, list[Application]]:
        return gather(self.applications, lambda application: application.group_id)

    @functools.cached_property
    def default_group(self) -> ConnectorGroup | None:
        return next((group for group in self.groups if group.is_default), None)

    @property
    def users_of_default(self) -> list[str]:
        """The applications that use the Default group, by name."""
        return sorted(one.label for one in self.applications_of(self.default_group.id)) if self.default_group else []

    def group(self, group_id: str | None) -> ConnectorGroup | None:
        return self._groups_by_id.get(group_id or "")

    def name_of(self, group_id: str | None) -> str:
        """The name of a group for a person; of one that was not read, only that it is another one."""
        group = self.group(group_id)
        return group.name if group else "another group"

    def groups_named(self, name: str) -> list[ConnectorGroup]:
        """All groups of a name. Compared without case; that two can share a name is not excluded by any documentation."""
        return self._groups_by_name.get(folded(name), [])

    def members(self, group_id: str) -> list[Connector]:
        return self._members.get(group_id, [])

    def active_members(self, group_id: str) -> int:
        return sum(connector.active for connector in self.members(group_id))

    def applications_of(self, group_id: str) -> list[Application]:
        return self._applications.get(group_id, [])

    def home_of(self, connector_id: str) -> str | None:
        """Id of the group that a connector is in; None = not known."""
        return self._homes.get(connector_id)

    def group_used_by(self, application_id: str) -> str | None:
        """Id of the group that an application uses; None = none, or not known."""
        return self._used.get(application_id)

    @functools.cached_property
    def used_groups(self) -> frozenset[str]:
        """Ids of the groups that applications use."""
        return frozenset(group_id for group_id in self._applications if group_id is not None)

    def is_empty(self, group_id: str) -> bool:
        return not self.members(group_id) and not self.applications_of(group_id)

    def with_connectors(self, connectors: t.Iterable[Connector]) -> TenantState:
        return dataclasses.replace(self, connectors=tuple(connectors))


def same_text(one: str | None, other: str | None) -> bool:
    return folded(one) == folded(other)


def gather(items: t.Iterable[Item], key: t.Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """The items under their key, each list in the order of the items."""
    found: dict[Key, list[Item]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def group_of(body: t.Mapping[str, t.Any]) -> ConnectorGroup:
    """A group from Graph's JSON."""
    return ConnectorGroup(str(body["id"]), str(body.get("name") or ""), body.get("region"), bool(body.get("isDefault")))


def is_ours(body: t.Mapping[str, t.Any]) -> bool:
    """Whether a listed group is one of Application Proxy."""
    return same_text(body.get("connectorGroupType") or GROUP_TYPE, GROUP_TYPE)


def connector_of(body: t.Mapping[str, t.Any], group_id: str | None = None) -> Connector:
    """A connector from Graph's JSON."""
    return Connector(
        id=str(body["id"]),
        machine_name=str(body.get("machineName") or ""),
        status=str(body.get("status") or ""),
        version=str(body.get("version") or ""),
        external_ip=body.get("externalIp"),
        group_id=group_id,
    )


def application_of(body: t.Mapping[str, t.Any], group_id: str | None = None) -> Application:
    """An application from Graph's JSON."""
    return Application(str(body["id"]), body.get("appId"), body.get("displayName"), group_id)

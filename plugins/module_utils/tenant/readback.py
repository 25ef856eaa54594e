# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Reading back what was written: a change is done when the tenant shows it."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import paths
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import DesiredError, GraphError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.listing import read_whole
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.observe import application_groups, read_groups
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import (
    ConnectorGroup,
    TenantState,
    group_of,
    is_ours,
    same_text,
)

Ids = dict[str, str]
"""Ids of created groups, by the key that stood for them in the plan."""


ASSIGNMENTS = ("assign", "unassign")
"""Both are seen in the group that the application then has: an unassigned one has Default."""


def actual_id(ids: Ids, key: str) -> str:
    """The id of a group: what the plan has for it, unless that only stood for a group to come."""
    return ids.get(key, key)


class ReadBack:
    """The tenant as last read, kept up to date only where changes were made."""

    def __init__(self, client: GraphClient, state: TenantState, ids: Ids) -> None:
        self.state = state
        self.namesakes: dict[str, list[ConnectorGroup]] = {}
        """Groups of the name of one that this run created, by the key of that one: another run did the same at the same moment."""
        self._client = client
        self._ids = ids

    def unseen(self, changes: t.Sequence[Change]) -> list[Change]:
        """Those of the changes that the tenant does not show. Reads only what they are about.

        :raises DesiredError: a group exists twice.
        """
        if any(change.action in ("create", "update", "delete") for change in changes):
            self._read_groups()
        if any(change.action == "move" for change in changes):
            self._read_members(changes)
        if any(change.action in ASSIGNMENTS for change in changes):
            self._read_assignments(changes)
        return [change for change in changes if not self._shows(change)]

    def read_insides(self, groups: t.Sequence[ConnectorGroup]) -> None:
        """Look into groups. A group that is so new that not every part of the service knows it shows nothing yet."""
        try:
            self.state = read_groups(self._client, self.state, groups)
        except GraphError as error:
            if error.status != 404 or not any(group.id in self._ids.values() for group in groups):
                raise

    def _read_groups(self) -> None:
        groups = tuple(group_of(body) for body in read_whole(self._client, paths.LIST_GROUPS) if is_ours(body))
        had = {group.id for group in self.state.groups}
        # A group that was not there a moment ago has no members to read.
        new = frozenset(group.id for group in groups if group.id not in had)
        self.state = dataclasses.replace(self.state, groups=groups, read_groups=self.state.read_groups | new)

    def _read_members(self, changes: t.Sequence[Change]) -> None:
        ids = {actual_id(self._ids, change.data["group"]) for change in changes if change.action == "move"}
        self.read_insides([group for group in self.state.groups if group.id in ids])

    def _read_assignments(self, changes: t.Sequence[Change]) -> None:
        ids = {change.data["application"] for change in changes if change.action in ASSIGNMENTS}
        read = {one.id: one for one in application_groups(self._client, [one for one in self.state.applications if one.id in ids])}
        self.state = dataclasses.replace(self.state, applications=tuple(read.get(one.id, one) for one in self.state.applications))

    def _shows(self, change: Change) -> bool:
        group_id = actual_id(self._ids, change.data["group"])
        if change.action == "create":
            return self._shows_group(change)
        if change.action == "update":
            group = self.state.group(group_id)
            return group is not None and all(same_text(getattr(group, name), value) for name, value in (change.after or {}).items())
        if change.action == "delete":
            return self.state.group(group_id) is None
        if change.action == "move":
            return self.state.home_of(change.data["connector"]) == group_id
        return self.state.group_used_by(change.data["application"]) == group_id

    def _shows_group(self, change: Change) -> bool:
        found, key = self.state.groups_named(change.name), change.data["group"]
        own = self._ids.get(key)
        if own is not None and any(group.id != own for group in found):
            self.namesakes[key] = found
            return False
        self.namesakes.pop(key, None)
        if len(found) > 1:
            raise exists_twice(change.name, found)
        if found:
            self._ids[key] = found[0].id
        return bool(found)


def exists_twice(name: str, found: t.Iterable[ConnectorGroup], own: str | None = None) -> DesiredError:
    """That there are several groups of one name.

    :param own: id of the one that this run created.
    """
    ids = ", ".join(f"{one} of this run" if one == own else one for one in sorted(group.id for group in found))
    return DesiredError([f"connector group {name} exists more than once ({ids}): delete the empty one, then run again"])

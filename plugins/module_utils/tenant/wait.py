# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Waiting for declared connectors that are there and do not run yet. Never for connectors that are not there."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import ha, paths
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredGroup
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.listing import read_whole
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.plan import inactive_connectors, requirements
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import Resolution, resolve
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import TenantState, connector_of


def wait_for_active(
    client: GraphClient, state: TenantState, desired: t.Sequence[DesiredGroup], *, seconds: float, interval: float
) -> TenantState:
    """The state once every group that is short has its declared, inactive connectors running, or when the time is over.

    :param interval: seconds between two looks; the first few come sooner.
    """
    deadline = client.deadline.within(seconds)
    pause = min(1.0, interval)
    while awaited(resolve(desired, state), state) and deadline.pause(pause):
        state = refresh(client, state)
        pause = min(pause * 2, interval)
    return state


def awaited(resolution: Resolution, state: TenantState) -> list[str]:
    """Machine names of the connectors worth waiting for: declared, inactive, and their group would be below its minimum without."""
    required = requirements(resolution, state)
    elsewhere = _declared_elsewhere(resolution)
    names: list[str] = []
    for target in resolution.targets:
        if target.desired.absent:
            continue
        leaving = elsewhere.get(target.key, set()) | {one.id for one in target.leaving}
        members = {one.id: one for one in [*state.members(target.key), *target.found()] if one.id not in leaving}
        active = sum(one.active for one in members.values())
        if not ha.is_served(active, required[target.key]):
            names.extend(one.machine_name for one in inactive_connectors(target))
    return names


def _declared_elsewhere(resolution: Resolution) -> dict[str, set[str]]:
    """Ids of the connectors that are to leave a group for another one, by the group that they are in."""
    ids: dict[str, set[str]] = {}
    for target in resolution.targets:
        for one in target.found():
            if one.group_id is not None and one.group_id != target.key:
                ids.setdefault(one.group_id, set()).add(one.id)
    return ids


def refresh(client: GraphClient, state: TenantState) -> TenantState:
    """The state with every connector's status as it is now."""
    place = {one.id: one.group_id for one in state.connectors}
    connectors = [connector_of(body) for body in read_whole(client, paths.LIST_CONNECTORS)]
    return state.with_connectors(dataclasses.replace(one, group_id=place.get(one.id)) for one in connectors)

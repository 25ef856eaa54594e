# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What the Default group must keep in a plan, and how its applications get to a group of their own without an outage. Pure.

New connectors join Default, and an application published without a group uses it (both documented). So in a tenant without connector
groups all applications and all connectors are there, and to take the connectors away first would take the applications down.
"""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import ha
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import Resolution, Target, actual_group
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import TenantState


def required_of_default(resolution: Resolution, state: TenantState, minimum: int) -> int:
    """How many active connectors Default must keep: none while no application uses it; one while all of those are about to leave.

    :param minimum: what it needs while applications stay.
    """
    default = state.default_group
    users = state.applications_of(default.id) if default else []
    required = ha.required_of(default, minimum, used=bool(users))
    return min(required, 1) if receivers(resolution, state) else required


def receivers(resolution: Resolution, state: TenantState) -> frozenset[str]:
    """Keys of the groups that the applications of Default go to; none unless every one of them goes.

    Such a group has its minimum once its connectors have come from Default. It may be given its applications as soon as it has one active
    connector: while one is left in Default as well, and until the others follow, one connector at least serves them at every instant.
    """
    default = state.default_group
    users = state.applications_of(default.id) if default else []
    if default is None or not users:
        return frozenset()
    waiting = {one.id for one in state.members(default.id) if one.active}
    going = {
        application.id: target.key
        for target in resolution.targets
        if target.key != default.id and ha.is_served(_active_after_all(target, state, waiting), target.desired.min_connectors)
        for application in target.applications
    }
    return frozenset(going[one.id] for one in users) if all(one.id in going for one in users) else frozenset()


def all_are_to_leave(resolution: Resolution, state: TenantState) -> bool:
    """Whether every application that uses Default is declared for another group, whether or not it can go there yet."""
    default = state.default_group
    users = {one.id for one in state.applications_of(default.id)} if default else set()
    return users <= {one.id for target in resolution.targets if target.group != default for one in target.applications}


def _active_after_all(target: Target, state: TenantState, waiting: t.Collection[str]) -> int:
    """Active connectors of a group once those that are declared for it have come from Default.

    :param waiting: ids of the active connectors in Default.
    """
    group = actual_group(target, state)
    coming = {one.id for desired, one in target.connectors if one is not None and not desired.claimed and one.id in waiting}
    return len(coming) + (state.active_members(group.id) if group else 0)

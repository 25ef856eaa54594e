# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Applications in a plan: which group each is to use, as far as that group can serve it. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import ha
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.blocked import Blocked, blocked_assignment, blocked_release
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import Resolution, Target
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import Application, ConnectorGroup, TenantState

SERVED = "it is declared in that group, which has its active connectors"
FOLLOWED = "it is declared in that group, whose other connectors follow from Default once no application uses that any more"
EARLY = 1
"""Active connectors of a group that its applications may come to early, since the others follow from the Default group."""


def assignments(resolution: Resolution, state: TenantState, rank: int, early: t.Collection[str] = ()) -> tuple[list[Change], list[Blocked]]:
    """The applications that are to use a group.

    :param state: the tenant once the connectors have moved.
    :param early: keys of the groups that applications of Default may come to before all of their connectors have.
    """
    default = state.default_group.id if state.default_group else None
    changes: list[Change] = []
    blocked: list[Blocked] = []
    for target in resolution.targets:
        waiting = [one for one in target.applications if one.group_id != target.key]
        # An assignment needs the declared minimum also in Default, which is exempt only as a place to take connectors from.
        required = target.desired.min_connectors
        active = state.active_members(target.key)
        for one in waiting:
            if ha.is_served(active, required):
                changes.append(_assign(one, target, state, rank, required, SERVED))
            elif target.key in early and one.group_id == default and ha.is_served(active, EARLY):
                changes.append(_assign(one, target, state, rank, EARLY, FOLLOWED))
            else:
                blocked.append(blocked_assignment(one.label, target.name, active, required))
    return changes, blocked


def releases(resolution: Resolution, state: TenantState, rank: int, required: int) -> tuple[list[Change], list[Blocked]]:
    """The applications that are to use their group no more. They fall back to Default (observed), which must be able to serve them.

    :param required: active connectors that Default needs for that.
    """
    default = state.default_group
    if default is None:
        return [], []
    changes: list[Change] = []
    blocked: list[Blocked] = []
    active = state.active_members(default.id)
    for target in resolution.targets:
        for one in target.released:
            if ha.is_served(active, required):
                changes.append(_release(one, target, default, rank, required))
            else:
                blocked.append(blocked_release(one.label, target.name, default.name, active, required))
    return changes, blocked


def _assign(application: Application, target: Target, state: TenantState, rank: int, required: int, reason: str) -> Change:
    return Change(
        action="assign",
        kind="application",
        name=application.label,
        before={"connector_group": state.name_of(application.group_id) if application.group_id else None},
        after={"connector_group": target.name},
        reason=reason,
        rank=rank,
        data={"application": application.id, "group": target.key, "source": application.group_id, "required": required},
    )


def _release(application: Application, target: Target, default: ConnectorGroup, rank: int, required: int) -> Change:
    return Change(
        action="unassign",
        kind="application",
        name=application.label,
        before={"connector_group": target.name},
        after={"connector_group": default.name},
        reason="it is not to use that group any more, and an application without a group falls back to Default",
        rank=rank,
        data={"application": application.id, "group": default.id, "source": target.key, "required": required},
    )

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""From declared groups and a tenant to a plan: what to create, move, assign and delete, in a safe order; what to leave and why. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan
from ansible_collections.entra.app_proxy.plugins.module_utils.service import MINIMUM, folded
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import plan_applications, plan_default, plan_groups, plan_moves
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.blocked import Blocked
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.predict import predict
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import Resolution, Target, resolve
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import Connector, TenantState


@dataclasses.dataclass(frozen=True)
class Proposal:
    """A plan that the two-connector rule has passed, and what it did not let through."""

    plan: Plan
    blocked: tuple[Blocked, ...] = ()


def propose(
    resolution: Resolution,
    state: TenantState,
    *,
    allow_disruptive: bool = False,
    default_minimum: int = MINIMUM,
    outages: t.Collection[str] = (),
) -> Proposal:
    """What to do so that the tenant is as declared.

    One step may make another possible, as when the last connector leaves a group whose region is to change. So the plan is continued from
    where it would lead, until nothing is left to do. That ends: every pass brings something to its declared place, and none takes it away.

    :param allow_disruptive: connectors may be moved between regions, which takes them through the Default group.
    :param default_minimum: active connectors that Default needs while applications use it, and before one may fall back to it.
    :param outages: names of the groups whose applications may be left without any connector.
    """
    changes: list[Change] = []
    while True:
        required = requirements(resolution, state, default_minimum=default_minimum, outages=outages)
        now = _propose_once(resolution, state, required, allow_disruptive, default_minimum)
        if not now.plan:
            return Proposal(Plan.of(changes), now.blocked)
        start = max((change.rank for change in changes), default=-1) + 1
        changes.extend(dataclasses.replace(change, rank=start + change.rank) for change in now.plan.changes)
        state = predict(state, now.plan)
        resolution = resolve([target.desired for target in resolution.targets], state)


def _propose_once(
    resolution: Resolution, state: TenantState, required: t.Mapping[str, int], allow_disruptive: bool, default_minimum: int
) -> Proposal:
    """What is possible from here on: create, change, move, assign, and delete what is empty."""
    creations = plan_groups.creations(resolution)
    updates, blocked_updates = plan_groups.updates(resolution, state)
    deletions, blocked_deletions = plan_groups.deletions(resolution, state, plan_groups.UPDATE)
    state = predict(state, Plan.of([*creations, *updates]))
    moves, blocked_moves = plan_moves.moves(resolution, state, required, allow_disruptive=allow_disruptive)
    rank = max((change.rank for change in moves), default=plan_moves.MOVE) + 1
    after = predict(state, Plan.of(moves))
    early = plan_default.receivers(resolution, after)
    assignments, blocked_assignments = plan_applications.assignments(resolution, after, rank, early)
    releases, blocked_releases = plan_applications.releases(resolution, after, rank, fallback_minimum(resolution, default_minimum))
    plan = Plan.of([*creations, *updates, *deletions, *moves, *assignments, *releases])
    return Proposal(plan, (*blocked_updates, *blocked_moves, *blocked_assignments, *blocked_releases, *blocked_deletions))


def requirements(
    resolution: Resolution, state: TenantState, *, default_minimum: int = MINIMUM, outages: t.Collection[str] = ()
) -> dict[str, int]:
    """The minimum of active connectors by group key: of every declared group, of Default, and of those whose outage is accepted.

    :param outages: names of groups.
    """
    declared = {target.key: _required(target, state) for target in resolution.targets}
    if state.default_group is not None:
        minimum = fallback_minimum(resolution, default_minimum)
        declared[state.default_group.id] = plan_default.required_of_default(resolution, state, minimum)
    accepted = {folded(name) for name in outages}
    return declared | {group.id: 0 for group in state.groups if folded(group.name) in accepted}


def fallback_minimum(resolution: Resolution, default_minimum: int) -> int:
    """Active connectors that Default needs for the applications that use it: where Default is declared, what is declared."""
    declared = [target.desired.min_connectors for target in resolution.targets if target.group is not None and target.group.is_default]
    return declared[0] if declared else default_minimum


def _required(target: Target, state: TenantState) -> int:
    """A group that shall go, and that no application uses, needs none of its connectors."""
    if target.desired.absent and not state.applications_of(target.key):
        return 0
    return target.desired.min_connectors


def inactive_connectors(target: Target) -> list[Connector]:
    """Declared connectors that are there and do not run."""
    return [connector for connector in target.found() if not connector.active]

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""From declared groups and a tenant to a plan: what to create, move and assign, in a safe order, and what to leave and why. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import ha
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.options import GROUP, differing, payload
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import Resolution, Target, resolve
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import (
    Application,
    Connector,
    ConnectorGroup,
    TenantState,
    same_text,
)

CREATE, REGION, MOVE = 0, 1, 2
"""Ranks. Moves take two for each stage that must be over before the next begins, assignments come after the last."""


@dataclasses.dataclass(frozen=True)
class Blocked:
    """A step that is needed and not taken.

    :param shortfall: it waits for active connectors, and comes by itself once they are there; otherwise someone has to decide.
    """

    action: str
    kind: str
    name: str
    group: str
    reason: str
    shortfall: bool = False

    def as_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Proposal:
    """A plan that the two-connector rule has passed, and what it did not let through."""

    plan: Plan
    blocked: tuple[Blocked, ...] = ()


def propose(resolution: Resolution, state: TenantState, *, allow_disruptive: bool = False) -> Proposal:
    """What to do so that the tenant is as declared.

    One step may make another possible, as when the last connector leaves a group whose region is to change. So the plan is continued from
    where it would lead, until nothing is left to do. That ends: every pass brings something to its declared place, and none takes it away.

    :param allow_disruptive: connectors may be moved between regions, which takes them through the Default group.
    """
    changes: list[Change] = []
    while True:
        now = _propose_once(resolution, state, allow_disruptive)
        if not now.plan:
            return Proposal(Plan.of(changes), now.blocked)
        start = max((change.rank for change in changes), default=-1) + 1
        changes.extend(dataclasses.replace(change, rank=start + change.rank) for change in now.plan.changes)
        state = predict(state, now.plan)
        resolution = resolve([target.desired for target in resolution.targets], state)


def _propose_once(resolution: Resolution, state: TenantState, allow_disruptive: bool) -> Proposal:
    """What is possible from here on: create, then change regions, then move, then assign."""
    creations = [_create(target) for target in resolution.targets if target.group is None]
    regions, blocked_regions = _regions(resolution, state)
    state = predict(state, Plan.of([*creations, *regions]))
    moves, blocked_moves = _moves(resolution, state, allow_disruptive)
    rank = max((change.rank for change in moves), default=MOVE) + 1
    assignments, blocked_assignments = _assignments(resolution, predict(state, Plan.of(moves)), rank)
    plan = Plan.of([*creations, *regions, *moves, *assignments])
    return Proposal(plan, (*blocked_regions, *blocked_moves, *blocked_assignments))


def requirements(resolution: Resolution, state: TenantState) -> dict[str, int]:
    """The minimum of active connectors by group key, of every declared group and of Default, which needs none."""
    declared = {target.key: ha.required_of(target.group, target.desired.min_connectors) for target in resolution.targets}
    return declared | {group.id: 0 for group in state.groups if group.is_default}


def predict(state: TenantState, plan: Plan) -> TenantState:
    """The tenant after a plan, as far as that is known: a group without declared region gets one from the service."""
    groups = {group.id: group for group in state.groups}
    connectors = {connector.id: connector for connector in state.connectors}
    applications = {application.id: application for application in state.applications}
    for change in plan.changes:
        data, after = change.data, change.after or {}
        if change.action == "create":
            groups[data["group"]] = ConnectorGroup(data["group"], change.name, after.get("region"))
        elif change.action == "update":
            groups[data["group"]] = dataclasses.replace(groups[data["group"]], **after)
        elif change.action == "move":
            connectors[data["connector"]] = dataclasses.replace(connectors[data["connector"]], group_id=data["group"])
        elif change.action == "assign":
            applications[data["application"]] = dataclasses.replace(applications[data["application"]], group_id=data["group"])
    created = {group_id for group_id in groups if state.group(group_id) is None}
    return TenantState(tuple(groups.values()), tuple(connectors.values()), tuple(applications.values()), state.read_groups | created)


def _wanted(target: Target) -> dict[str, t.Any]:
    return dataclasses.asdict(dataclasses.replace(target.desired, connectors=None, applications=None))


def _create(target: Target) -> Change:
    properties = payload(GROUP, _wanted(target))
    after = {name: value for name, value in properties.items() if name != "name"}
    return Change(
        action="create",
        kind="connector_group",
        name=target.desired.name,
        before=None,
        after=after,
        reason="it is declared and does not exist",
        rank=CREATE,
        data={"group": target.key, "body": properties},
    )


def _regions(resolution: Resolution, state: TenantState) -> tuple[list[Change], list[Blocked]]:
    """The region can be set only while no connector and no application uses the group (documented)."""
    changes: list[Change] = []
    blocked: list[Blocked] = []
    for target in resolution.targets:
        group = target.group
        if group is None:
            continue
        fields = [field for field in differing(GROUP, dataclasses.asdict(group), _wanted(target)) if field.option == "region"]
        if not fields:
            continue
        reason = _region_obstacle(group, state)
        if reason:
            text = f"connector group {group.name} keeps region {group.region or 'none'} instead of {target.desired.region}: {reason}"
            blocked.append(Blocked("update", "connector_group", group.name, group.name, text))
            continue
        changes.append(
            Change(
                action="update",
                kind="connector_group",
                name=group.name,
                before={"region": group.region},
                after={"region": target.desired.region},
                reason="the declared region differs and the group is empty",
                rank=REGION,
                data={"group": group.id, "body": payload(fields, _wanted(target))},
            )
        )
    return changes, blocked


def _region_obstacle(group: ConnectorGroup, state: TenantState) -> str:
    if group.is_default:
        return "the Default group is the service's own"
    if state.is_empty(group.id):
        return ""
    used = f"{len(state.members(group.id))} connector(s) and {len(state.applications_of(group.id))} application(s)"
    return (
        f"the service sets a region only on an empty group, and this one has {used}. Declare a new group of that region and move them there"
    )


def _moves(resolution: Resolution, state: TenantState, allow_disruptive: bool) -> tuple[list[Change], list[Blocked]]:
    targets = {target.key: target for target in resolution.targets}
    wishes = sorted(_wishes(resolution), key=lambda move: (move.label.casefold(), move.connector_id))
    blocked = []
    allowed = []
    for move in wishes:
        if _detour(move, targets[move.target], state) and not allow_disruptive:
            blocked.append(_blocked_move(move, targets, _detour_reason(move, targets[move.target], state)))
        else:
            allowed.append(move)
    active = {group.id: state.active_members(group.id) for group in state.groups if group.id in state.read_groups}
    stages, refused = ha.safe_order(allowed, active, requirements(resolution, state))
    for one in refused:
        reason = ha.refusal(one, _group_name(one.move.source, state), targets[one.move.target].name)
        blocked.append(_blocked_move(one.move, targets, reason))
    changes: list[Change] = []
    rank = MOVE
    for stage in stages:
        changes.extend(change for move in stage for change in _move_changes(move, targets[move.target], state, rank))
        rank += 2
    return changes, blocked


def _wishes(resolution: Resolution) -> t.Iterator[ha.Move]:
    for target in resolution.targets:
        for desired, connector in target.connectors:
            if connector is not None and connector.group_id != target.key:
                label = desired.machine_name or connector.machine_name or connector.id
                yield ha.Move(connector.id, label, connector.active, connector.group_id, target.key)


def _move_changes(move: ha.Move, target: Target, state: TenantState, rank: int) -> list[Change]:
    """One step, or two where the way leads through Default."""
    default = state.default_group
    if default is None or not _detour(move, target, state):
        return [_move(move, _group_name(move.source, state), target.name, target.key, rank, "it is declared in that group")]
    way = "the service moves connectors between regions only through the default region"
    return [
        _move(move, _group_name(move.source, state), default.name, default.id, rank, way),
        _move(move, default.name, target.name, target.key, rank + 1, "it is declared in that group"),
    ]


def _move(move: ha.Move, before: str, after: str, group: str, rank: int, reason: str) -> Change:
    return Change(
        action="move",
        kind="connector",
        name=move.label,
        before={"connector_group": before},
        after={"connector_group": after},
        reason=reason,
        rank=rank,
        data={"connector": move.connector_id, "group": group, "source": move.source},
    )


def _detour(move: ha.Move, target: Target, state: TenantState) -> bool:
    """Whether a move has to go through Default.

    "You can only move connectors to your connector group if it is in a connector group using the default region. Start with a connector
    in the default connector group" (documented, application-proxy-network-topology).
    """
    source, default = state.group(move.source), state.default_group
    if source is None or default is None or default.id in (source.id, target.key):
        return False
    return not same_text(source.region, _region_of(target, state)) and not same_text(source.region, default.region)


def _region_of(target: Target, state: TenantState) -> str | None:
    """The region of a group, also of one that is about to be created: without a declared one it gets the tenant's."""
    group, default = state.group(target.key), state.default_group
    return (group.region if group else None) or (default.region if default else None)


def _detour_reason(move: ha.Move, target: Target, state: TenantState) -> str:
    source = state.group(move.source)
    return (
        f"connector {move.label} stays in connector group {_group_name(move.source, state)}: {target.name} is of another region"
        f" ({source.region if source else None} -> {_region_of(target, state)}), and the service moves connectors between regions only"
        " through the Default group, where it would serve Default's applications for a moment. Set allow_disruptive=true to let it"
    )


def _blocked_move(move: ha.Move, targets: t.Mapping[str, Target], reason: str) -> Blocked:
    return Blocked("move", "connector", move.label, targets[move.target].name, reason)


def _group_name(group_id: str | None, state: TenantState) -> str:
    group = state.group(group_id)
    return group.name if group else "another group"


def _assignments(resolution: Resolution, after_moves: TenantState, rank: int) -> tuple[list[Change], list[Blocked]]:
    changes: list[Change] = []
    blocked: list[Blocked] = []
    for target in resolution.targets:
        waiting = [one for one in target.applications if one.group_id != target.key]
        # An assignment needs the declared minimum also in Default, which is exempt only as a place to take connectors from.
        required = target.desired.min_connectors
        active = after_moves.active_members(target.key)
        if ha.is_served(active, required):
            changes.extend(_assign(one, target, after_moves, rank) for one in waiting)
        else:
            blocked.extend(blocked_assignment(one.label, target.name, active, required) for one in waiting)
    return changes, blocked


def blocked_assignment(application: str, group: str, active: int, required: int) -> Blocked:
    """An assignment that has to wait until its group has its connectors."""
    reason = f"application {application} is not assigned: {ha.shortage(group, active, required)}"
    return Blocked("assign", "application", application, group, reason, shortfall=True)


def _assign(application: Application, target: Target, state: TenantState, rank: int) -> Change:
    return Change(
        action="assign",
        kind="application",
        name=application.label,
        before={"connector_group": _group_name(application.group_id, state) if application.group_id else None},
        after={"connector_group": target.name},
        reason="it is declared in that group, which has its active connectors",
        rank=rank,
        data={"application": application.id, "group": target.key},
    )


def missing_connectors(target: Target) -> list[str]:
    """Declared connectors that the tenant does not have."""
    return [desired.label for desired, connector in target.connectors if connector is None]


def inactive_connectors(target: Target) -> list[Connector]:
    """Declared connectors that are there and do not run."""
    return [connector for connector in target.found() if not connector.active]

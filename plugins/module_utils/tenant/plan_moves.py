# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Connectors in a plan: which to move where, in an order that leaves every group at its minimum. Pure."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import ha, plan_default, rules
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.blocked import Blocked, blocked_departure
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import Resolution
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import TenantState

MOVE = 2
"""Rank of the first moves. They take two for each stage that must be over before the next begins."""

DECLARED = "it is declared in that group"
REMOVED = "it is not to be in its group any more, and Default is where removed connectors go"
DETOUR = "the service moves connectors between regions only through the default region"


def moves(
    resolution: Resolution, state: TenantState, required: t.Mapping[str, int], *, allow_disruptive: bool
) -> tuple[list[Change], list[Blocked]]:
    """The moves that are safe, and those that are not.

    :param required: minimum of active connectors by group key.
    """
    claims, on_their_way = claims_of(resolution), _on_their_way(resolution, state)
    wishes = sorted(_wishes(resolution, state, on_their_way), key=lambda move: (move.label.casefold(), move.connector_id))
    obstacles = [(move, _obstacle(move, state, claims, allow_disruptive)) for move in wishes]
    allowed = [move for move, obstacle in obstacles if obstacle is None]
    blocked = [obstacle for _move, obstacle in obstacles if obstacle is not None]
    staying = {move.source for move, obstacle in obstacles if obstacle is not None}
    required = {**required, **_minimums_of_kept(resolution, staying)}
    active = {group.id: state.active_members(group.id) for group in state.groups if group.id in state.read_groups}
    active.update(_active_of_default(state, on_their_way))
    stages, refused = ha.safe_order(allowed, active, required, state.used_groups, active_claimed(state, claims))
    spare = _spare(resolution, state)
    removed = {one.id for target in resolution.targets for one in target.leaving}
    awaited = plan_default.all_are_to_leave(resolution, state)
    blocked.extend(blocked_departure(one, state, state.name_of(one.move.target), spare, awaited=awaited) for one in refused)
    changes: list[Change] = []
    for number, stage in enumerate(stages):
        changes.extend(change for move in stage for change in _steps(move, state, MOVE + 2 * number, removed))
    return changes, blocked


def _obstacle(move: ha.Move, state: TenantState, claims: t.Mapping[str, str], allow_disruptive: bool) -> Blocked | None:
    """Why a connector has to stay, whatever the numbers are."""
    if move.connector_id in claims:
        return _blocked_by_claim(move, state, claims[move.connector_id])
    return _blocked_detour(move, state) if _detour(move, state) and not allow_disruptive else None


def _wishes(resolution: Resolution, state: TenantState, on_their_way: t.Container[str]) -> t.Iterator[ha.Move]:
    default = state.default_group
    for target in resolution.targets:
        for desired, connector in target.connectors:
            if connector is not None and connector.group_id != target.key:
                label = desired.machine_name or connector.machine_name or connector.id
                yield ha.Move(
                    connector.id, label, connector.active, connector.group_id, target.key, counted=connector.id not in on_their_way
                )
        # A group that shall go keeps its connectors as long as applications use it.
        serves = target.desired.absent and bool(state.applications_of(target.key))
        if default is not None and not serves:
            for connector in target.leaving:
                yield ha.Move(connector.id, connector.machine_name, connector.active, target.key, default.id)


def _minimums_of_kept(resolution: Resolution, blocked: t.Container[str | None]) -> dict[str, int]:
    """Of the groups that shall go and cannot yet, because one of their connectors has to stay: they need what other groups need."""
    return {target.key: target.desired.min_connectors for target in resolution.targets if target.desired.absent and target.key in blocked}


def _on_their_way(resolution: Resolution, state: TenantState) -> set[str]:
    """Ids of the connectors that have just been registered, and are in Default still."""
    default = state.default_group
    return {
        one.id
        for target in resolution.targets
        for desired, one in target.connectors
        if one is not None and desired.is_on_its_way and default is not None and one.group_id == default.id
    }


def _active_of_default(state: TenantState, on_their_way: t.Container[str]) -> dict[str, int]:
    """How many active connectors of Default its applications may count on."""
    default = state.default_group
    return {default.id: sum(one.active and one.id not in on_their_way for one in state.members(default.id))} if default else {}


def claims_of(resolution: Resolution) -> dict[str, str]:
    """Who works on the server of a connector, by the id of the connector."""
    return {
        connector.id: desired.claimed
        for target in resolution.targets
        for desired, connector in target.connectors
        if connector is not None and desired.claimed
    }


def active_claimed(state: TenantState, claims: t.Container[str]) -> dict[str, int]:
    """How many active connectors of each group another run may take down."""
    return collections.Counter(one.group_id for one in state.connectors if one.active and one.group_id and one.id in claims)


def _steps(move: ha.Move, state: TenantState, rank: int, removed: t.Collection[str]) -> list[Change]:
    """One step, or two where the way leads through Default."""
    default = state.default_group
    source, target = state.name_of(move.source), state.name_of(move.target)
    if default is None or not _detour(move, state):
        return [_change(move, source, target, move.target, rank, REMOVED if move.connector_id in removed else DECLARED)]
    return [
        _change(move, source, default.name, default.id, rank, DETOUR),
        _change(move, default.name, target, move.target, rank + 1, DECLARED),
    ]


def _change(move: ha.Move, before: str, after: str, group: str, rank: int, reason: str) -> Change:
    return Change(
        action="move",
        kind="connector",
        name=move.label,
        before={"connector_group": before},
        after={"connector_group": after},
        reason=reason,
        rank=rank,
        data={"connector": move.connector_id, "group": group, "source": move.source, "counted": move.counted},
    )


def _detour(move: ha.Move, state: TenantState) -> bool:
    return rules.needs_detour(state.group(move.source), move.target, _region_of(move.target, state), state.default_group)


def _region_of(group_id: str, state: TenantState) -> str | None:
    """The region of a group, also of one that is about to be created: without a declared one it gets the tenant's."""
    group, default = state.group(group_id), state.default_group
    return (group.region if group else None) or (default.region if default else None)


def _blocked_by_claim(move: ha.Move, state: TenantState, owner: str) -> Blocked:
    source, target = state.name_of(move.source), state.name_of(move.target)
    reason = f"connector {move.label} stays in connector group {source}: its server is being worked on by {owner}"
    wait = (
        f"wait until that run has ended, and run again: connector {move.label} then moves from {source} to {target}, if it is not there yet"
    )
    return Blocked("move", "connector", move.label, target, f"{reason}. Wait until that run has ended, and run again", safe_steps=(wait,))


def _blocked_detour(move: ha.Move, state: TenantState) -> Blocked:
    source = state.group(move.source)
    source_name, target = state.name_of(move.source), state.name_of(move.target)
    reason = (
        f"connector {move.label} stays in connector group {source_name}: {target} is of another region"
        f" ({source.region if source else None} -> {_region_of(move.target, state)}), and the service moves connectors between regions only"
        " through the Default group, where it would serve Default's applications for a moment. Set allow_disruptive=true to let it"
        " (playbook move_connectors: connector_i_accept_traffic_of_default=true)"
    )
    steps = (
        f"move connector {move.label}: {source_name} -> Default",
        f"move connector {move.label}: Default -> {target}",
        "both are done in one run with allow_disruptive=true",
    )
    return Blocked("move", "connector", move.label, target, reason, safe_steps=steps)


def _spare(resolution: Resolution, state: TenantState) -> list[str]:
    """Active connectors in Default that no group declares: they could take another one's place."""
    default = state.default_group
    placed = {one.id for target in resolution.targets for one in target.found()}
    return sorted(one.machine_name for one in state.members(default.id) if one.active and one.id not in placed) if default else []

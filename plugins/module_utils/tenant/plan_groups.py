# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Connector groups in a plan: which to create, change and delete. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import rules
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.blocked import Blocked
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.options import GROUP, Field, differing, payload
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import Resolution, Target
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import ConnectorGroup, TenantState

CREATE, UPDATE = 0, 1
"""Ranks."""


def creations(resolution: Resolution) -> list[Change]:
    """The declared groups that do not exist."""
    return [_create(target) for target in resolution.targets if target.group is None and not target.desired.absent]


def updates(resolution: Resolution, state: TenantState) -> tuple[list[Change], list[Blocked]]:
    """Names and regions that differ. Each has its own obstacles, so that one that is refused does not keep the other from being done."""
    changes: list[Change] = []
    blocked: list[Blocked] = []
    for target in resolution.targets:
        group = target.group
        if group is None or target.desired.absent:
            continue
        possible: list[Field] = []
        for field in differing(GROUP, dataclasses.asdict(group), _wanted(target)):
            obstacle = _obstacle(field, group, target, state)
            if obstacle:
                blocked.append(_refused(field, group, target, obstacle))
            else:
                possible.append(field)
        if possible:
            changes.append(_update(group, target, possible))
    return changes, blocked


def deletions(resolution: Resolution, state: TenantState, rank: int) -> tuple[list[Change], list[Blocked]]:
    """The groups that are declared absent, as far as they are empty by now."""
    changes: list[Change] = []
    blocked: list[Blocked] = []
    for target in resolution.targets:
        if not target.desired.absent or target.group is None:
            continue
        obstacle = rules.delete_obstacle(target.group, state)
        if obstacle:
            blocked.append(_kept(target.group, obstacle))
        else:
            changes.append(_delete(target.group, rank))
    return changes, blocked


def _wanted(target: Target) -> dict[str, t.Any]:
    return {"name": target.desired.name or None, "region": target.desired.region}


def _create(target: Target) -> Change:
    properties = payload(GROUP, _wanted(target))
    return Change(
        action="create",
        kind="connector_group",
        name=target.desired.name,
        before=None,
        after={name: value for name, value in properties.items() if name != "name"},
        reason="it is declared and does not exist",
        rank=CREATE,
        data={"group": target.key, "body": properties},
    )


def _obstacle(field: Field, group: ConnectorGroup, target: Target, state: TenantState) -> str:
    if field.option == "name":
        return rules.rename_obstacle(group, target.desired.name, state)
    return rules.region_obstacle(group, state)


def _refused(field: Field, group: ConnectorGroup, target: Target, obstacle: str) -> Blocked:
    have, want = getattr(group, field.option) or "none", _wanted(target)[field.option]
    text = f"connector group {group.name} keeps {field.option} {have} instead of {want}: {obstacle}"
    return Blocked("update", "connector_group", group.name, group.name, text)


def _update(group: ConnectorGroup, target: Target, fields: t.Sequence[Field]) -> Change:
    wanted = _wanted(target)
    names = [field.option for field in fields]
    reasons = {"name": "the declared name differs", "region": "the declared region differs and the group is empty"}
    return Change(
        action="update",
        kind="connector_group",
        name=group.name,
        before={name: getattr(group, name) for name in names},
        after={name: wanted[name] for name in names},
        reason="; ".join(reasons[name] for name in names),
        rank=UPDATE,
        data={"group": group.id, "body": payload(fields, wanted)},
    )


def _delete(group: ConnectorGroup, rank: int) -> Change:
    return Change(
        action="delete",
        kind="connector_group",
        name=group.name,
        before={"region": group.region},
        after=None,
        reason="it is not to exist, and it is empty",
        rank=rank,
        data={"group": group.id},
    )


def _kept(group: ConnectorGroup, obstacle: str) -> Blocked:
    return Blocked(
        "delete",
        "connector_group",
        group.name,
        group.name,
        f"connector group {group.name} is not deleted: {obstacle}",
        safe_steps=(
            f"assign the applications of connector group {group.name} to another group that has its active connectors",
            "move its connectors into another group, or remove them, which moves them to Default",
            "run again: the group is then empty and is deleted",
        ),
    )

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""A step that is needed and not taken: why, with the numbers, and what would be safe instead."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import ha
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import TenantState


@dataclasses.dataclass(frozen=True)
class Blocked:
    """A step that is needed and not taken.

    :param shortfall: it waits for active connectors, and comes by itself once they are there; otherwise someone has to decide.
    :param active: active connectors of the group that the refusal is about; C(required) those that it needs. None = no such number.
    :param safe_steps: what to do, in order, so that it becomes possible.
    """

    action: str
    kind: str
    name: str
    group: str
    reason: str
    shortfall: bool = False
    active: int | None = None
    required: int | None = None
    safe_steps: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, t.Any]:
        return {**dataclasses.asdict(self), "safe_steps": list(self.safe_steps)}


def blocked_departure(
    refused: ha.Refused, state: TenantState, target: str, spare: t.Sequence[str] = (), *, awaited: bool = False
) -> Blocked:
    """A move that would take from a group what it needs.

    :param target: name of the group that the connector was to move to.
    :param spare: machine names of active connectors that nothing else is declared for.
    :param awaited: the applications of Default leave it by themselves, once the groups that they are declared for can serve them.
    """
    source, users = state.name_of(refused.move.source), state.users_of_default
    in_use = refused.move.source is not None and state.group(refused.move.source) == state.default_group and bool(users)
    if in_use and awaited:
        reason, steps = ha.default_awaits(refused, source, users), ha.default_awaited_steps(refused, source, target)
    elif in_use:
        reason, steps = ha.default_refusal(refused, source, target, users), ha.default_safe_steps(refused, source, target, users)
    else:
        reason, steps = ha.refusal(refused, source, target), ha.safe_steps(refused, source, target, spare)
    return Blocked(
        "move",
        "connector",
        refused.move.label,
        target,
        reason,
        shortfall=in_use and awaited,
        active=refused.active,
        required=refused.required,
        safe_steps=tuple(steps),
    )


def blocked_assignment(application: str, group: str, active: int, required: int) -> Blocked:
    """An assignment that has to wait until its group has its connectors."""
    return Blocked(
        "assign",
        "application",
        application,
        group,
        f"application {application} is not assigned: {ha.shortage(group, active, required)}",
        shortfall=True,
        active=active,
        required=required,
        safe_steps=(
            f"bring {required - active} more active connector(s) into connector group {group}",
            f"run again: application {application} is then assigned",
        ),
    )


def blocked_release(application: str, group: str, default: str, active: int, required: int) -> Blocked:
    """An application that would fall back to Default, which has too few connectors to serve it."""
    shortage = ha.shortage(default, active, required)
    reason = f"application {application} keeps connector group {group}: it would fall back to {default}, and {shortage}"
    return Blocked(
        "unassign",
        "application",
        application,
        group,
        reason,
        active=active,
        required=required,
        safe_steps=(
            f"assign application {application} to another connector group that has its active connectors; or",
            f"leave {required - active} more active connector(s) in connector group {default}, and run again",
        ),
    )

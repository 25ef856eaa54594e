# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""A plan as a person reads it: one headline with counts, one line for each step, and what was not done and why. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Plan
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.blocked import Blocked

THINGS = {"connector_group": ("connector group", "connector groups"), "connector": ("connector", "connectors")}
ORDER = ("create", "update", "move", "assign", "unassign", "delete")
VERBS = {"update": "change"}


def summary(plan: Plan, blocked: t.Sequence[Blocked]) -> list[str]:
    """The lines. Identical in check mode, as they come from the plan alone."""
    lines = [headline(plan), *(f"  {line}" for line in plan.lines())]
    if blocked:
        lines.append(f"Not done: {len(blocked)}")
    for one in blocked:
        lines.append(f"  ! {one.reason}")
        lines.extend(f"      {number}. {step}" for number, step in enumerate(one.safe_steps, 1))
    return lines


def headline(plan: Plan) -> str:
    """C(Plan: 1 connector group to create, 2 connectors to move, 1 application to assign, nothing to delete.)"""
    if not plan:
        return "Plan: nothing to do."
    counts: dict[tuple[str, str], int] = {}
    for change in plan.changes:
        counts[(change.action, change.kind)] = counts.get((change.action, change.kind), 0) + 1
    parts = [_part(action, kind, count) for (action, kind), count in sorted(counts.items(), key=lambda item: ORDER.index(item[0][0]))]
    if not any(action == "delete" for action, _kind in counts):
        parts.append("nothing to delete")
    return f"Plan: {', '.join(parts)}."


def _part(action: str, kind: str, count: int) -> str:
    one, many = THINGS.get(kind, (kind, f"{kind}s"))
    return f"{count} {one if count == 1 else many} to {VERBS.get(action, action)}"

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What every host job that makes a plan tells of it, in the same words in check mode and out of it."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Plan


def outcome(plan: Plan, server: Server, check_mode: bool) -> dict[str, t.Any]:
    """The part of a result that tells what changed: changed, plan, outcome, diff. Shows the plan's warnings."""
    planned = f"would do: {plan.summary()}" if check_mode and plan else plan.summary()
    for warning in plan.warnings:
        server.warn(warning)
    return {"changed": bool(plan), "plan": plan.as_dict(), "outcome": "; ".join(server.done) or planned, "diff": plan.diff()}

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The work of the module connector_groups: observe, wait, plan, apply, report."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Plan
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.apply import Applier, Outcome
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredGroup
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.observe import observe_desired
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.plan import Blocked, predict, propose
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.report import Result, target_result
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import Resolution, resolve, with_pending
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import TenantState
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.wait import wait_for_active


@dataclasses.dataclass(frozen=True)
class Rules:
    """How to go about it: the options of the task beside the groups themselves. Times in seconds."""

    check_mode: bool = False
    allow_disruptive: bool = False
    wait_timeout: float = 300
    wait_interval: float = 5


@dataclasses.dataclass(frozen=True)
class Reconciled:
    """What was planned, what became of it, and the declared groups as they are now (in check mode: as they would be)."""

    plan: Plan
    outcome: Outcome
    groups: list[Result]
    warnings: tuple[str, ...] = ()

    @property
    def errors(self) -> list[str]:
        """What makes the task fail whatever O(shortfall) says: refused steps, and decisions that someone has to take."""
        refused = [str(error) for error in self.outcome.failures]
        return list(dict.fromkeys([*refused, *(one.reason for one in self.outcome.blocked if not one.shortfall)]))

    @property
    def shortfalls(self) -> list[str]:
        """Why groups are not highly available."""
        return [problem for group in self.groups if group["active"] < group["required"] for problem in group["problems"]]


def reconcile(client: GraphClient, desired: t.Sequence[DesiredGroup], rules: Rules) -> Reconciled:
    """Bring the declared groups about, or in check mode say what that would take.

    :raises TenantError: the tenant could not be read, or what is declared is ambiguous; nothing was changed.
    """
    state = observe_desired(client, desired)
    if rules.check_mode:
        state = with_pending(state, desired)
    else:
        state = wait_for_active(client, state, desired, seconds=rules.wait_timeout, interval=rules.wait_interval)
    resolution = resolve(desired, state)
    proposal = propose(resolution, state, allow_disruptive=rules.allow_disruptive)
    outcome, state = _carry_out(client, proposal.plan, resolution, state, rules)
    outcome.blocked[:0] = proposal.blocked
    groups = [target_result(target, state, outcome.blocked) for target in resolution.targets]
    return Reconciled(proposal.plan, outcome, groups, resolution.warnings)


def blocked_dicts(blocked: t.Iterable[Blocked]) -> list[Result]:
    return [one.as_dict() for one in blocked]


def _carry_out(client: GraphClient, plan: Plan, resolution: Resolution, state: TenantState, rules: Rules) -> tuple[Outcome, TenantState]:
    if rules.check_mode:
        return Outcome(done=list(plan.changes)), predict(state, plan)
    applier = Applier(client, state, {target.key: target.desired.min_connectors for target in resolution.targets})
    return applier.run(plan), applier.state

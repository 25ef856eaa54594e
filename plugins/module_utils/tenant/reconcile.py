# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Reconciling: observe, wait, plan, judge, apply, report. The work of every module that changes connector groups."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Plan
from ansible_collections.entra.app_proxy.plugins.module_utils.service import MINIMUM, folded
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import ha, purge, rules, turn
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.apply import Applier, Outcome
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.blocked import Blocked
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredGroup
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.items import items
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.observe import name_applications, observe_desired
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.plan import Proposal, propose, requirements
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.plan_moves import claims_of
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.predict import predict
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.purge import Purge, Undeclared
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.report import Result, target_result
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import Resolution, Target, actual_group, resolve, with_pending
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import TenantState, gather
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.wait import wait_for_active


@dataclasses.dataclass(frozen=True)
class Rules:
    """How to go about it: the options of the task beside the groups themselves. Times in seconds.

    :param default_minimum: active connectors that Default needs while applications use it, and before one may fall back to it.
    :param outages: names of the groups whose applications may be left without any connector.
    """

    check_mode: bool = False
    allow_disruptive: bool = False
    outages: tuple[str, ...] = ()
    wait_timeout: float = 300
    wait_interval: float = 5
    default_minimum: int = MINIMUM
    purge: Purge | None = None


@dataclasses.dataclass(frozen=True)
class Reconciled:
    """What was planned, what became of it, and the declared groups as they are now (in check mode: as they would be).

    :param refused: what the plan left out before anything was carried out.
    :param items: what became of each group, also of purged ones.
    :param state: the tenant as last read, in check mode as it would be.
    """

    plan: Plan
    outcome: Outcome
    groups: list[Result]
    warnings: tuple[str, ...] = ()
    refused: tuple[Blocked, ...] = ()
    items: list[Result] = dataclasses.field(default_factory=list)
    targets: tuple[Target, ...] = ()
    state: TenantState = dataclasses.field(default=TenantState(), repr=False)

    @property
    def errors(self) -> list[str]:
        """What makes the task fail whatever O(shortfall) says: refused steps, and decisions that someone has to take."""
        failures = [str(error) for error in self.outcome.failures]
        return list(dict.fromkeys([*failures, *(one.reason for one in self.outcome.blocked if not one.shortfall)]))

    @property
    def shortfalls(self) -> list[str]:
        """Why groups are not highly available."""
        return [problem for group in self.groups if group["active"] < group["required"] for problem in group["problems"]]


def reconcile(client: GraphClient, desired: t.Sequence[DesiredGroup], how: Rules, state: TenantState | None = None) -> Reconciled:
    """Bring the declared groups about, or in check mode say what that would take.

    :param state: the tenant as the caller has just read it, with all that is needed; None = it is read here.
    :raises TenantError: the tenant could not be read, what is declared is ambiguous, or too much would be deleted; nothing was changed.
    """
    state = state or observe_desired(client, desired, everything=how.purge is not None)
    if how.check_mode:
        state = with_pending(state, desired)
    else:
        state = wait_for_active(client, state, desired, seconds=how.wait_timeout, interval=how.wait_interval)
    looked = _propose(client, desired, how, state)
    if how.check_mode or not any(change.action in ("create", "move") for change in looked.proposal.plan.changes):
        return _bring_about(client, desired, how, looked)
    with turn.taken(client.tenant, client.deadline):
        if any(change.action == "create" for change in looked.proposal.plan.changes):
            # The service takes a second group of the same name. Whoever waited for another run of this controller looks again.
            looked = _propose(client, desired, how, observe_desired(client, desired, everything=how.purge is not None))
        return _bring_about(client, desired, how, looked)


@dataclasses.dataclass(frozen=True)
class _Looked:
    """A look at the tenant, and what to do by it."""

    state: TenantState
    resolution: Resolution
    extra: Undeclared
    proposal: Proposal


def _propose(client: GraphClient, desired: t.Sequence[DesiredGroup], how: Rules, state: TenantState) -> _Looked:
    resolution = resolve(desired, state)
    extra = purge.undeclared(resolution, state, how.purge) if how.purge else Undeclared()
    state = _named(client, state, [*desired, *extra.groups])
    resolution = resolve([*desired, *extra.groups], state)
    proposal = _proposal(resolution, state, how)
    if state.default_group and state.users_of_default and any(one.action == "move" for one in proposal.blocked):
        # A refusal names the applications that use Default; the list of groups told only their ids.
        state = name_applications(client, state, {state.default_group.id})
        resolution = resolve([*desired, *extra.groups], state)
        proposal = _proposal(resolution, state, how)
    if how.purge:
        purge.judge(proposal.plan, state, how.purge)
    return _Looked(state, resolution, extra, proposal)


def _proposal(resolution: Resolution, state: TenantState, how: Rules) -> Proposal:
    return propose(resolution, state, allow_disruptive=how.allow_disruptive, default_minimum=how.default_minimum, outages=how.outages)


def _bring_about(client: GraphClient, desired: t.Sequence[DesiredGroup], how: Rules, looked: _Looked) -> Reconciled:
    resolution, proposal, extra, before = looked.resolution, looked.proposal, looked.extra, looked.state
    outcome, state = _carry_out(client, proposal.plan, resolution, before, how)
    outcome.blocked[:0] = proposal.blocked
    targets = resolution.targets[: len(desired)]
    left_out = gather(outcome.blocked, lambda one: folded(one.group))
    return Reconciled(
        plan=proposal.plan,
        outcome=outcome,
        groups=[target_result(target, state, left_out.get(folded(target.name), ())) for target in targets],
        warnings=(*_warnings(resolution, proposal, before, extra), *outcome.warnings),
        refused=proposal.blocked,
        items=items(resolution.targets, proposal.plan, outcome, extra.kept),
        targets=targets,
        state=state,
    )


def blocked_dicts(blocked: t.Iterable[Blocked]) -> list[Result]:
    return [one.as_dict() for one in blocked]


def _named(client: GraphClient, state: TenantState, desired: t.Sequence[DesiredGroup]) -> TenantState:
    """The state with names for the applications that nobody named and that may yet be in the plan."""
    groups = {target.key for target in resolve(desired, state).targets if target.desired.only_applications}
    return name_applications(client, state, groups) if groups else state


def _carry_out(client: GraphClient, plan: Plan, resolution: Resolution, state: TenantState, how: Rules) -> tuple[Outcome, TenantState]:
    if how.check_mode:
        return Outcome(done=list(plan.changes)), predict(state, plan)
    floors = functools.partial(requirements, resolution, default_minimum=how.default_minimum, outages=how.outages)
    applier = Applier(client, state, floors, claims_of(resolution))
    return applier.run(plan), applier.state


def _warnings(resolution: Resolution, proposal: Proposal, state: TenantState, extra: Undeclared) -> t.Iterator[str]:
    """What a person should know, the same in check mode: it comes from the state before and the plan."""
    after = predict(state, proposal.plan)
    yield from resolution.warnings
    in_use = rules.default_in_use_warning(state) or rules.default_in_use_warning(after)
    for text in (in_use, rules.default_deserted_warning(state, after), purge.kept_warning(extra.kept)):
        if text:
            yield text
    for target in resolution.targets:
        if text := _zone_warning(target, after):
            yield text


def _zone_warning(target: Target, state: TenantState) -> str:
    """That the active members of a group would fail together, as far as their zones are declared."""
    group = actual_group(target, state)
    if group is None:
        return ""
    declared = {connector.id: desired.zone for desired, connector in target.connectors if connector is not None}
    zones = [declared.get(one.id) for one in state.members(group.id) if one.active]
    shared = ha.shared_zone(zones)
    return ha.zone_problem(group.name, len(zones), shared) if shared else ""

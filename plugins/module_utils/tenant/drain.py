# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Take connectors out of their groups for a while, and give them back. Every step re-reads the tenant first.

Two operators may be at work. On one controller, looking and moving are one step under a lock. Between controllers there is no lock: a
move is followed by another look, and when its group then has less than it needs, the connector goes back at once.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import guard, ha, turn
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.apply import Applier
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import TenantError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.guard import Place, Question, Verdict
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.observe import name_applications, observe_desired, read_groups
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import Connector, ConnectorGroup, TenantState

DRAINED = "drained"
RETURNED = "returned"
REFUSED = "refused"
FAILED = "failed"


@dataclasses.dataclass(frozen=True)
class Waiting:
    """How long to wait for what is not yet so, and how often to look. Seconds.

    :param hosts: only these are waited for; None = all.
    """

    timeout: float = 0
    interval: float = 5
    hosts: tuple[str, ...] | None = None

    def waits_for(self, host: str) -> bool:
        return self.hosts is None or host in self.hosts


@dataclasses.dataclass(frozen=True)
class Item:
    """What became of one host. C(status): drained, returned, refused or failed.

    :param stuck: it had to go back into its group, and could not.
    """

    host: str
    status: str
    ok: bool
    reason: str
    verdict: Verdict | None = None
    stuck: bool = False

    @property
    def is_worth_waiting(self) -> bool:
        """Whether a later look may find what this one did not."""
        return not self.ok and not self.stuck and (self.status == FAILED or bool(self.verdict and self.verdict.may_improve))

    def as_dict(self) -> dict[str, t.Any]:
        shown = {"host": self.host, "status": self.status, "ok": self.ok, "reason": self.reason}
        return {**shown, "verdict": self.verdict.as_dict() if self.verdict else None}


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why a connector did not leave its group, or did not stay away. C(stuck): it had to go back, and could not."""

    reason: str
    stuck: bool = False


@dataclasses.dataclass(frozen=True)
class Done:
    """What was planned, and what became of each host, in the order of the question."""

    plan: Plan
    items: list[Item]
    changed: bool


def look(client: GraphClient, question: Question) -> TenantState:
    """The tenant as it is now, as far as the question is about it."""
    state = observe_desired(client, question.concerned())
    default = state.default_group
    return name_applications(client, state) if default and state.applications_of(default.id) else state


def ask(client: GraphClient, question: Question, waiting: Waiting) -> list[Verdict]:
    """The verdicts, once waiting can make none of them better or the time is over. Changes nothing."""
    deadline = client.deadline.within(waiting.timeout)
    while True:
        verdicts = guard.judge(question, look(client, question))
        if not any(one.may_improve for one in verdicts) or not deadline.pause(waiting.interval):
            return verdicts


def drain(client: GraphClient, question: Question, waiting: Waiting, *, check_mode: bool) -> Done:
    """Move the hosts' connectors to the Default group, each as soon as its group can spare it."""
    deadline = client.deadline.within(waiting.timeout)
    changes: list[Change] = []
    items: dict[str, Item] = {}
    while True:
        pending = dataclasses.replace(question, hosts=tuple(host for host in question.hosts if _is_open(items.get(host))))
        try:
            # Two operators on one tenant must not look and move at the same time.
            with turn.taken(client.tenant, client.deadline):
                state = look(client, pending)
                verdicts = guard.judge(pending, state)
                steps = _departures(pending, verdicts, state)
                failures, left = ({}, steps) if check_mode else _leave(client, pending, state, steps)
        except TenantError as error:
            if not items:
                raise
            # Those that left at an earlier look are not to be forgotten for it.
            items.update({host: Item(host, FAILED, False, str(error)) for host in pending.hosts})
            return Done(Plan.of(changes), [items[host] for host in question.hosts], bool(changes))
        changes.extend(left)
        for verdict in verdicts:
            items[verdict.host] = _drained(verdict, failures.get(verdict.id or ""))
        if check_mode or not any(one.is_worth_waiting for one in items.values()) or not deadline.pause(waiting.interval):
            return Done(Plan.of(changes), [items[host] for host in question.hosts], bool(changes))


def give_back(client: GraphClient, question: Question, waiting: Waiting, *, check_mode: bool) -> Done:
    """Move the hosts' connectors from the Default group into their declared groups, each as soon as it is active."""
    deadline = client.deadline.within(waiting.timeout)
    changes: list[Change] = []
    items: list[Item] = []
    while True:
        try:
            state = look(client, question)
            places = guard.places(question, state)
            steps = _arrivals(places, state)
            failures = {} if check_mode else _move(client, state, steps)
        except TenantError as error:
            if not items:
                raise
            # Those that came back at an earlier look are not to be forgotten for it.
            items = [one if one.ok else Item(one.host, FAILED, False, str(error)) for one in items]
            return Done(Plan.of(changes), items, bool(changes))
        changes.extend(change for change in steps if change.data["connector"] not in failures)
        items = [_returned(place, state, failures.get(place.connector.id if place.connector else "")) for place in places]
        open_ones = [one for one in items if not one.ok and waiting.waits_for(one.host)]
        if check_mode or not open_ones or not deadline.pause(waiting.interval):
            return Done(Plan.of(changes), items, bool(changes))


def _is_open(item: Item | None) -> bool:
    """Whether a host is still asked about. One that is stuck in Default would look as if it had been spared."""
    return item is None or not (item.ok or item.stuck)


def _departures(question: Question, verdicts: t.Sequence[Verdict], state: TenantState) -> list[Change]:
    default = state.default_group
    if default is None:
        return []
    return [
        _change(place.connector, state, default, "its server is about to be worked on")
        for place, verdict in zip(guard.places(question, state), verdicts, strict=True)
        if verdict.allowed and place.connector is not None and place.connector.group_id != default.id
    ]


def _change(connector: Connector, state: TenantState, group: ConnectorGroup, reason: str) -> Change:
    source = state.group(connector.group_id)
    return Change(
        action="move",
        kind="connector",
        name=connector.machine_name,
        before={"connector_group": source.name if source else "another group"},
        after={"connector_group": group.name},
        reason=reason,
        data={"connector": connector.id, "group": group.id, "source": connector.group_id},
    )


def _leave(
    client: GraphClient, question: Question, state: TenantState, steps: t.Sequence[Change]
) -> tuple[dict[str, Failure], t.Sequence[Change]]:
    """Move out, look again, and go back where another operator took a connector at the same moment.

    :returns: why one may not go down, by connector; and the moves that stand.
    """
    failures = {connector: Failure(reason) for connector, reason in _move(client, state, steps).items()}
    left = [change for change in steps if change.data["connector"] not in failures]
    after = read_groups(client, state, [group for group in state.groups if group.id in {change.data["source"] for change in left}])
    back = [change for change in left if _fell(question, state, after, change)]
    stuck = _return(client, after, back)
    for change in back:
        failures[change.data["connector"]] = _taken_back(change, stuck.get(change.data["connector"]))
    return failures, [change for change in left if change not in back or change.data["connector"] in stuck]


def _taken_back(change: Change, obstacle: str | None) -> Failure:
    group = str((change.before or {})["connector_group"])
    why = "another one left it at the same moment, and it had less than it needs"
    if obstacle is None:
        return Failure(f"connector {change.name} went back into connector group {group}: {why}")
    return Failure(f"connector {change.name} must go back into connector group {group}: {why}. But {obstacle}", stuck=True)


def _return(client: GraphClient, state: TenantState, left: t.Sequence[Change]) -> dict[str, str]:
    """Move connectors back that have just left. Why one did not come through, by connector: whatever it is, each host must hear of it."""
    try:
        return _move(client, state, [_reversed(change) for change in left])
    except TenantError as error:
        return {change.data["connector"]: str(error) for change in left}


def _fell(question: Question, before: TenantState, after: TenantState, change: Change) -> bool:
    group = before.group(change.data["source"])
    if group is None:
        return False
    was_active = any(one.id == change.data["connector"] and one.active for one in before.connectors)
    _rule, required, _accepted = guard.floor(question, group, before)
    return was_active and not ha.is_served(after.active_members(group.id), required)


def _reversed(change: Change) -> Change:
    data = {**change.data, "group": change.data["source"], "source": change.data["group"]}
    return dataclasses.replace(change, before=change.after, after=change.before, data=data)


def _move(client: GraphClient, state: TenantState, steps: t.Sequence[Change]) -> dict[str, str]:
    """Carry out moves. Why one did not come through, by connector.

    :raises errors.TenantError: when nothing could be done at all.
    """
    if not steps:
        return {}
    outcome = Applier(client, state).run(Plan.of(steps))
    done = {change.data["connector"] for change in outcome.done}
    lost = [change for change in steps if change.data["connector"] not in done]
    if lost and not done and outcome.failures:
        raise outcome.failures[0]
    told = "; ".join(str(error) for error in outcome.failures) or "the service does not show the move"
    return {change.data["connector"]: f"connector {change.name} could not be moved: {told}" for change in lost}


def _drained(verdict: Verdict, failure: Failure | None) -> Item:
    if failure:
        return Item(verdict.host, FAILED, False, failure.reason, verdict, failure.stuck)
    return Item(verdict.host, DRAINED if verdict.allowed else REFUSED, verdict.allowed, verdict.reason, verdict)


def _arrivals(places: t.Sequence[Place], state: TenantState) -> list[Change]:
    return [
        _change(place.connector, state, place.target.group, "it is active, and declared in that group")
        for place in places
        if place.connector is not None and place.target.group is not None and _may_return(place, state)
    ]


def _may_return(place: Place, state: TenantState) -> bool:
    connector, default = place.connector, state.default_group
    if connector is None or default is None or place.target.group is None:
        return False
    return connector.active and connector.group_id == default.id and not place.target.group.is_default


def _returned(place: Place, state: TenantState, failure: str | None) -> Item:
    label, connector, name = place.desired.label, place.connector, place.target.name
    problem = failure or ""
    if connector is None:
        problem = f"the tenant does not know connector {label}: register it, with the playbook deploy_connectors"
    elif place.target.group is None:
        problem = f"connector group {name} does not exist: create it, with the playbook deploy_connectors"
    elif not connector.active:
        group = state.group(connector.group_id)
        where = group.name if group else "another group"
        problem = (
            f"connector {label} is {connector.status} in the tenant; it is in connector group {where}. See its services and its way out"
        )
    elif connector.group_id != place.target.key and not _may_return(place, state):
        group = state.group(connector.group_id)
        problem = f"connector {label} is in connector group {group.name if group else 'that was not read'}, not in {name}: deploy"
    if problem:
        return Item(place.host, FAILED, False, problem)
    return Item(place.host, RETURNED, True, f"connector {label} is active in connector group {name}")

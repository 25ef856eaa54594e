# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Carry out a plan: stage by stage, in batches, and believe nothing that was not read back.

A write whose answer was lost, or that failed in a way that leaves its effect open, is looked for in the tenant before it is sent again.
A group's creation is the one write that does harm when it is done twice, because names are not unique: it is sent again only after all
the time in which it would have shown.
A success is waited for until it shows, because a read right after a write may still show what was before (observed,
terraform-provider-microsoft365#3213).
"""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan
from ansible_collections.entra.app_proxy.plugins.module_utils.service import MINIMUM
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import batch, ha, rules
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.blocked import (
    Blocked,
    blocked_assignment,
    blocked_departure,
    blocked_release,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import GraphError, TenantError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.messages import UNANSWERED, Answer
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.observe import read_groups
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.plan_moves import active_claimed
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.policies import backoff
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.readback import (
    ASSIGNMENTS,
    Ids,
    ReadBack,
    actual_id,
    exists_twice,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import TenantState
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.wait import refresh
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.writes import request_for

SETTLE = 180.0
"""Seconds in which a write must show (the peer terraform-provider-microsoft365 waits as long)."""
LOOKS = 4
"""How often an unclear write is looked for, over some seven seconds, before it is sent again."""
SENDS = 3
"""How often a write is sent at most."""


Identity = tuple[str, ...]
Floors = t.Callable[[TenantState], t.Mapping[str, int]]


def identity(change: Change) -> Identity:
    """What tells a change from all others of its plan. Names do not: two connectors may be of one machine."""
    about = (change.data["group"], change.data.get("connector", ""), change.data.get("application", ""))
    return (change.action, *about, *sorted(change.after or ()))


@dataclasses.dataclass
class Outcome:
    """What became of a plan.

    :param done: the changes that took effect.
    :param failures: what was refused or did not come through; the rest of the plan was carried out as far as that was safe.
    :param failed: why a change did not come through, by its identity; the failures are about these changes.
    """

    done: list[Change] = dataclasses.field(default_factory=list)
    blocked: list[Blocked] = dataclasses.field(default_factory=list)
    failures: list[TenantError] = dataclasses.field(default_factory=list)
    failed: dict[Identity, str] = dataclasses.field(default_factory=dict)
    warnings: list[str] = dataclasses.field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether something took effect, or may have."""
        return bool(self.done) or any(isinstance(error, GraphError) and error.may_have_run for error in self.failures)


class Applier:
    """Carries out one plan.

    :param floors: tells the active connectors that must stay in a group as things are, by group key; a group that it does not name has
        the rule's two. None: whoever made the plan has judged the moves, and they are not judged again.
    :param claimed: ids of the connectors that another run may take down at any moment.
    """

    def __init__(self, client: GraphClient, state: TenantState, floors: Floors | None = None, claimed: t.Collection[str] = ()) -> None:
        self.outcome = Outcome()
        self._client = client
        self._floors = floors
        self._claimed = claimed
        self._ids: Ids = {}
        self._readback = ReadBack(client, state, self._ids)
        self._noted: set[Identity] = set()
        self._refused: set[Identity] = set()
        self._left_out: set[Identity] = set()
        self._doubts: dict[Identity, TenantError] = {}
        self._lost_groups: set[str] = set()
        self._going: set[str] = set()
        self._kept: set[str] = set()
        self._move_failed = False

    @property
    def state(self) -> TenantState:
        """The tenant as last read."""
        return self._readback.state

    def run(self, plan: Plan) -> Outcome:
        """Carry out the plan. What stops everything (no connection, not signed in, forbidden) ends up in the failures, too."""
        self._going = {change.data["group"] for change in plan.changes if change.action == "delete"}
        try:
            for _rank, stage in itertools.groupby(plan.changes, key=lambda change: change.rank):
                self._run_stage(list(stage))
        except TenantError as error:
            self.outcome.failures.append(error)
            settled = self._noted | self._refused | self._left_out | self.outcome.failed.keys()
            self.outcome.failed.update({key: str(error) for change in plan.changes if (key := identity(change)) not in settled})
        return self.outcome

    def _run_stage(self, stage: t.Sequence[Change]) -> None:
        changes = [change for change in stage if self._is_possible(change)]
        if any(change.action == "create" for change in changes):
            # Someone may have created it since the plan was made; there must never be a second one.
            changes = self._readback.unseen(changes)
        if self._floors is not None and any(change.action == "move" for change in changes):
            changes = self._still_spared(changes, self._floors)
        if any(change.action in ASSIGNMENTS for change in changes):
            changes = self._still_served(changes)
        if any(change.action == "delete" for change in changes):
            changes = self._still_empty(changes)
        if changes:
            self._carry_out(changes)

    def _is_possible(self, change: Change) -> bool:
        """A step after a failed one is left out where it could not work or would no longer be safe."""
        if change.data["group"] in self._lost_groups:
            return self._leave_out(change, f"connector group {_group_shown(change)} could not be created")
        if change.action == "move" and self._move_failed:
            return self._leave_out(change, "an earlier move failed, and the order of the moves keeps every group at its minimum")
        if _left_by(change) in self._kept:
            return self._leave_out(change, "the group it is about could not be emptied, and so keeps what it has")
        return True

    def _keep(self, change: Change) -> None:
        """A group that was to be deleted serves an application still, so it needs its connectors still."""
        self._kept |= {_left_by(change)} & self._going

    def _leave_out(self, change: Change, reason: str) -> bool:
        text = f"step {change.action} {change.kind} {change.name} was left out: {reason}"
        self._block(change, Blocked(change.action, change.kind, change.name, _group_shown(change), text))
        return False

    def _block(self, change: Change, why: Blocked) -> None:
        self.outcome.blocked.append(why)
        self._left_out.add(identity(change))
        self._keep(change)

    def _still_spared(self, changes: list[Change], floors: Floors) -> list[Change]:
        """The changes without the moves that their group cannot bear right now: another run may have taken a connector meanwhile."""
        required = floors(self.state)
        departures = [change for change in changes if change.action == "move" and _departs(change, required)]
        sources = {change.data["source"] for change in departures}
        groups = [group for group in self.state.groups if group.id in sources]
        if not groups:
            return changes
        self._readback.state = read_groups(self._client, refresh(self._client, self.state), groups)
        active = {group.id: self.state.active_members(group.id) for group in groups}
        running = {one.id for one in self.state.connectors if one.active}
        moves = [
            ha.Move(change.data["connector"], change.name, change.data["connector"] in running, change.data["source"], change.data["group"])
            for change in departures
            # One that has left already takes nothing away.
            if self.state.home_of(change.data["connector"]) == change.data["source"]
        ]
        doubtful = active_claimed(self.state, self._claimed)
        _stages, refused = ha.safe_order(moves, active, floors(self.state), self.state.used_groups, doubtful)
        stays = {one.move.connector_id: one for one in refused}
        for change in departures:
            if change.data["connector"] in stays:
                self._refuse_departure(change, stays[change.data["connector"]])
        return [change for change in changes if identity(change) not in self._left_out]

    def _refuse_departure(self, change: Change, refused: ha.Refused) -> None:
        self._block(change, blocked_departure(refused, self.state, _group_shown(change)))
        self._move_failed = True

    def _still_served(self, changes: t.Sequence[Change]) -> list[Change]:
        """The assignments whose group has its active connectors right now. Counts that lag behind the moves get some seconds."""
        keys = {change.data["group"] for change in changes if change.action in ASSIGNMENTS}
        short: list[Change] = []
        for look in range(LOOKS):
            groups = [group for key in keys if (group := self.state.group(actual_id(self._ids, key)))]
            self._readback.state = refresh(self._client, self.state)
            self._readback.read_insides(groups)
            short = [change for change in changes if change.action in ASSIGNMENTS and not self._is_served(change)]
            if not short or look == LOOKS - 1 or not self._client.deadline.pause(backoff(look)):
                break
        for change in short:
            self._block(change, self._short(change))
        return [change for change in changes if change not in short]

    def _is_served(self, change: Change) -> bool:
        return ha.is_served(self._active(change.data["group"]), change.data["required"])

    def _short(self, change: Change) -> Blocked:
        active, required = self._active(change.data["group"]), change.data["required"]
        if change.action == "unassign":
            return blocked_release(change.name, str((change.before or {})["connector_group"]), _group_shown(change), active, required)
        return blocked_assignment(change.name, _group_shown(change), active, required)

    def _still_empty(self, changes: t.Sequence[Change]) -> list[Change]:
        """The deletions whose group is empty right now: a connector or an application may have joined it since the plan was made."""
        deleted = [change.data["group"] for change in changes if change.action == "delete"]
        groups = {group.id: group for key in deleted if (group := self.state.group(key))}
        obstacles: dict[str, str] = {}
        for look in range(LOOKS):
            self._readback.state = read_groups(self._client, self.state, list(groups.values()))
            obstacles = {key: reason for key, group in groups.items() if (reason := rules.delete_obstacle(group, self.state))}
            if not obstacles or look == LOOKS - 1 or not self._client.deadline.pause(backoff(look)):
                break
        kept = [change for change in changes if change.action == "delete" and change.data["group"] in obstacles]
        for change in kept:
            self._leave_out(change, obstacles[change.data["group"]])
        return [change for change in changes if change not in kept]

    def _active(self, key: str) -> int:
        return self.state.active_members(actual_id(self._ids, key))

    def _carry_out(self, changes: t.Sequence[Change], sends_left: int = SENDS) -> None:
        """Send, look, wait, and send again what is neither there nor was clearly accepted."""
        whole = self._client.deadline.remaining() > SETTLE
        settle = self._client.deadline.within(SETTLE)
        waiting = list(changes)
        unclear = self._send(waiting, again=sends_left < SENDS)
        sends_left -= 1
        look = 0
        while True:
            waiting = self._note_seen([change for change in waiting if identity(change) not in self._refused])
            if not waiting:
                return
            for change in waiting:
                self._yield_to_namesake(change)
            if not settle.pause(min(backoff(look), 10.0)):
                break
            look += 1
            unsure = [change for change in waiting if identity(change) in unclear and change.action != "create"]
            if unsure and look % LOOKS == 0 and sends_left:
                unclear = self._send(unsure, again=True)
                sends_left -= 1
        lost = [change for change in waiting if identity(change) in unclear and change.action == "create" and whole and sends_left]
        for change in waiting:
            if change not in lost:
                self._fail(change, self._doubts.get(identity(change)) or self._why_open(change))
        if lost:
            self._carry_out(lost, sends_left)

    def _yield_to_namesake(self, change: Change) -> None:
        """Two runs on two controllers created one group at the same moment: one of them takes its own back.

        Whose is in use already stays, else the one with the lower id, so that two runs that look at each other do not both go.
        """
        key = change.data["group"]
        found, own = self._readback.namesakes.get(key, []), self._ids.get(key)
        if change.action != "create" or own not in {group.id for group in found}:
            return
        self._readback.state = read_groups(self._client, self.state, found)
        others = sorted((group for group in found if group.id != own), key=lambda group: (self.state.is_empty(group.id), group.id))
        other = others[0]
        if not self.state.is_empty(own) or (self.state.is_empty(other.id) and own < other.id):
            return
        delete = dataclasses.replace(change, action="delete")
        answer = self._client.exchange(request_for(self._client, delete, own))
        if answer.ok or answer.status == 404:
            self._ids[key] = other.id
            self.outcome.warnings.append(
                f"another run created connector group {change.name} at the same moment ({other.id}). That one is used; the one of this run"
                f" ({own}), which was empty, is deleted"
            )

    def _why_open(self, change: Change) -> TenantError:
        namesakes = self._readback.namesakes.get(change.data["group"])
        return exists_twice(change.name, namesakes, self._ids.get(change.data["group"])) if namesakes else _not_shown(change)

    def _send(self, changes: t.Sequence[Change], *, again: bool = False) -> set[Identity]:
        """Send the writes; return those of which it is unclear whether they took effect. Refused ones are noted as failures.

        :param again: they were sent before, and may have taken effect then.
        """
        unclear: set[Identity] = set()
        for start in range(0, len(changes), batch.SIZE):
            chunk = changes[start : start + batch.SIZE]
            requests = [request_for(self._client, change, actual_id(self._ids, change.data["group"])) for change in chunk]
            for change, request, answer in zip(chunk, requests, self._answers(requests), strict=True):
                if answer.ok:
                    self._accept(change, answer)
                elif answer.status == 404 and change.action == "delete":
                    self._done(change)  # someone else was faster
                elif answer.transient or (answer.status == 404 and change.data["group"] in self._ids):
                    # 404: the group is so new that not every part of the service knows it.
                    unclear.add(identity(change))
                else:
                    self._refuse(change, self._client.refused(request, answer), again=again)
        return unclear

    def _refuse(self, change: Change, error: TenantError, *, again: bool) -> None:
        """Note a refusal. Of a write that was sent before it may just mean that it is done; that is then waited for."""
        if again:
            self._doubts[identity(change)] = error
            return
        self._refused.add(identity(change))
        self._fail(change, error)

    def _answers(self, requests: t.Sequence[t.Any]) -> list[Answer]:
        """Answers, with a lost answer of a whole batch as that of each item. What was surely not carried out is raised."""
        try:
            return batch.run_writes(self._client, requests)
        except GraphError as error:
            if not error.may_have_run:
                raise
            return [Answer(UNANSWERED) for _request in requests]

    def _accept(self, change: Change, answer: Answer) -> None:
        if change.action == "create" and answer.body.get("id"):
            self._ids[change.data["group"]] = str(answer.body["id"])
        self._done(change)

    def _note_seen(self, changes: t.Sequence[Change]) -> list[Change]:
        unseen = self._readback.unseen(changes)
        waited_for = {identity(change) for change in unseen}
        for change in changes:
            if identity(change) not in waited_for:
                self._done(change)
        return unseen

    def _done(self, change: Change) -> None:
        if identity(change) not in self._noted:
            self._noted.add(identity(change))
            self.outcome.done.append(change)

    def _fail(self, change: Change, error: TenantError) -> None:
        self.outcome.failures.append(error)
        self.outcome.failed[identity(change)] = str(error)
        self._move_failed = self._move_failed or change.action == "move"
        self._keep(change)
        if change.action == "create":
            self._lost_groups.add(change.data["group"])


def _departs(change: Change, required: t.Mapping[str, int]) -> bool:
    """Whether a move takes a connector out of a group that has a minimum and counts on it."""
    source = change.data.get("source")
    return source is not None and change.data.get("counted", True) and required.get(source, MINIMUM) > 0


def _left_by(change: Change) -> str:
    """The group that a change takes something from, or that it deletes."""
    return str(change.data["group"] if change.action == "delete" else change.data.get("source") or "")


def _group_shown(change: Change) -> str:
    return str((change.after or {}).get("connector_group", change.name))


def _not_shown(change: Change) -> GraphError:
    return GraphError(
        f"{change.action} the {change.kind.replace('_', ' ')}",
        change.name,
        message="the service still does not show it",
        remedy="Run again: what did take effect is found and not repeated",
        may_have_run=True,
    )

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""May this connector leave its group now, or go down? The question before every disruptive step, answered by the judgement in C(ha). Pure.

A connector that is active may leave when those that stay are at or above the group's minimum. One that is not active carries nothing, so
that it may always leave. What an operator accepts beyond that is named in every verdict it made a difference to.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.service import INACTIVE, folded
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import ha
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredConnector, DesiredGroup
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import DesiredError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import Target, resolve
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import Connector, ConnectorGroup, TenantState

LEAVE = "leave"
"""The connector moves to the Default group, and may then go down."""
DOWN = "down"
"""The connector goes down where it is."""
SERVES_DEFAULT = "that it serves the applications of the Default group"


@dataclasses.dataclass(frozen=True)
class Accepted:
    """What an operator accepts beyond the rule. Nothing, unless someone said so.

    :param shortfall: active connectors that a group may be short of its minimum; one always stays.
    :param outage_of: names of the groups that may be left without any.
    :param default_in_use: connectors may move to the Default group although applications use it, and serve them there.
    """

    shortfall: int = 0
    outage_of: tuple[str, ...] = ()
    default_in_use: bool = False


@dataclasses.dataclass(frozen=True)
class Question:
    """Whether these hosts' connectors may leave or go down, one after the other in this order.

    :param groups: every declared group, for the minimums; hosts are the C(name) of its connectors.
    :param retiring: they go for good. A group of which all active ones go, and which no application uses, needs none of them.
    """

    groups: tuple[DesiredGroup, ...]
    hosts: tuple[str, ...]
    step: str = LEAVE
    accepted: Accepted = Accepted()
    retiring: bool = False

    def concerned(self) -> list[DesiredGroup]:
        """The declared groups of the hosts, without their applications, which nothing here is about."""
        wanted = set(self.hosts)
        groups = [group for group in self.groups if any(host_of(one) in wanted for one in group.connectors or ())]
        return [dataclasses.replace(group, applications=None) for group in groups]


@dataclasses.dataclass(frozen=True)
class Place:
    """A host: what is declared of it, and what the tenant has."""

    host: str
    target: Target
    desired: DesiredConnector
    connector: Connector | None


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The answer for one host, with its numbers.

    :param group: the group that the connector is in now; None when the tenant does not know it.
    :param required: active connectors that the group must keep, after what was accepted.
    :param remaining: those it would keep.
    :param may_improve: for a refusal: whether it can turn into a yes by waiting. It cannot where the group has too few connectors at all.
    :param accepted: what had to be accepted for this answer, in words.
    """

    host: str
    machine_name: str
    id: str | None
    declared_group: str
    group: str | None
    in_default: bool
    active: bool
    required: int
    remaining: int
    allowed: bool
    reason: str
    may_improve: bool = False
    accepted: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, t.Any]:
        return {**dataclasses.asdict(self), "accepted": list(self.accepted)}


def host_of(desired: DesiredConnector) -> str:
    """The name by which a task calls a declared connector."""
    return desired.name or desired.machine_name or desired.id or ""


def places(question: Question, state: TenantState) -> list[Place]:
    """Where the hosts are, in the order of the question.

    :raises DesiredError: a host is in none of the declared groups.
    """
    found = {
        host_of(desired): Place(host_of(desired), target, desired, connector)
        for target in resolve(question.concerned(), state).targets
        for desired, connector in target.connectors
    }
    strangers = [host for host in question.hosts if host not in found]
    if strangers:
        raise DesiredError([f"host {host} is in none of the declared groups" for host in strangers])
    return [found[host] for host in question.hosts]


def judge(question: Question, state: TenantState) -> list[Verdict]:
    """One verdict for each host. Each is judged by what those before it leave behind."""
    verdicts = []
    for place in places(question, state):
        verdict = _verdict(question, place, state)
        verdicts.append(verdict)
        if verdict.allowed and place.connector is not None:
            state = _without(state, place.connector)
    return verdicts


def floor(question: Question, group: ConnectorGroup, state: TenantState) -> tuple[int, int, tuple[str, ...]]:
    """How many active connectors a group must keep: by the rule, after what was accepted, and what that was."""
    declared = next((one.min_connectors for one in question.groups if _is(one, group)), None)
    required = ha.required_of(group, declared, used=bool(state.applications_of(group.id)))
    accepted = question.accepted
    if question.retiring and _is_retired(question, group, state):
        return required, 0, ()
    if folded(group.name) in {folded(name) for name in accepted.outage_of}:
        return required, 0, (f"an outage of connector group {group.name}",)
    lowered = max(min(required, 1), required - accepted.shortfall)
    if lowered == required:
        return required, required, ()
    return required, lowered, (f"connector group {group.name} with {lowered} active connector(s) instead of {required}",)


def _is(declared: DesiredGroup, group: ConnectorGroup) -> bool:
    """Whether that group is declared so. One that is declared by its id may have another name yet."""
    return folded(declared.id) == folded(group.id) if declared.id else folded(declared.name) == folded(group.name)


def _verdict(question: Question, place: Place, state: TenantState) -> Verdict:
    connector, group = place.connector, state.group(place.connector.group_id) if place.connector else None
    if connector is None:
        return _answer(place, None, 0, 0, _unknown(question, place), "the tenant does not know this connector, so nothing is lost")
    if group is None:
        return _answer(place, None, 0, 0, f"the connector group of {place.desired.label} could not be read", "")
    rule, required, accepted = floor(question, group, state)
    remaining = state.active_members(group.id) - connector.active
    if not connector.active:
        return _answer(place, group, required, remaining, "", "it is not active, so its group loses nothing")
    if group.is_default and not rule:
        return _answer(place, group, required, remaining, "", f"it is in connector group {group.name}, which no application uses")
    if group.is_default and question.accepted.default_in_use and place.target.key != group.id:
        passing = _answer(place, group, required, remaining, "", f"it only passes through connector group {group.name}")
        return dataclasses.replace(passing, accepted=(SERVES_DEFAULT,))
    short = "" if ha.is_served(remaining, required) else _shortage(place, group, remaining, required)
    if short:
        short += _other_way(question, group, state)
    obstacle = short or ("" if group.is_default else _default_in_use(question, place, state))
    if obstacle:
        hopeful = not short or ha.is_served(_could_have(place, group, state), required)
        return dataclasses.replace(_answer(place, group, required, remaining, obstacle, ""), may_improve=hopeful)
    needed = accepted if not ha.is_served(remaining, rule) else ()
    if question.step == LEAVE and state.users_of_default and not group.is_default:
        needed = (*needed, SERVES_DEFAULT)
    kept = f"connector group {group.name} keeps {remaining} active connector(s) of the {required} it needs"
    if question.retiring and required < rule and not accepted:
        kept = f"all connectors of connector group {group.name} leave, and no application uses it"
    return dataclasses.replace(_answer(place, group, required, remaining, "", kept), accepted=needed)


def _could_have(place: Place, group: ConnectorGroup, state: TenantState) -> int:
    """How many connectors the group has without this one, were all its own active and all back that are away in Default."""
    own = {one.id for one in state.members(group.id)}
    declared = {one.id for one in place.target.found() if place.target.key == group.id}
    return len((own | declared) - {place.connector.id if place.connector else ""})


def _answer(place: Place, group: ConnectorGroup | None, required: int, remaining: int, obstacle: str, why: str) -> Verdict:
    return Verdict(
        host=place.host,
        machine_name=place.connector.machine_name if place.connector else place.desired.label,
        id=place.connector.id if place.connector else None,
        declared_group=place.target.name,
        group=group.name if group else None,
        in_default=bool(group and group.is_default),
        active=bool(place.connector and place.connector.active),
        required=required,
        remaining=remaining,
        allowed=not obstacle,
        reason=obstacle or why,
    )


def _shortage(place: Place, group: ConnectorGroup, remaining: int, required: int) -> str:
    inactive = sorted(one.machine_name for one in place.target.found() if one.group_id == group.id and not one.active)
    mend = f"bring back {', '.join(inactive)}, declared there and not active, or " if inactive else ""
    return (
        f"connector {place.desired.label} may not leave connector group {group.name} now: {remaining} active connector(s) would stay of the"
        f" {required} it needs. First {mend}add {required - remaining} active connector(s) to {group.name}"
    )


def _other_way(question: Question, group: ConnectorGroup, state: TenantState) -> str:
    """That applications alone keep the Default group, or a group of which all active connectors go for good."""
    users = sorted(one.label for one in state.applications_of(group.id))
    if group.is_default:
        return f", or assign application(s) {', '.join(users)}, which use it, to a connector group of their own"
    if not users or not question.retiring or not _goes_as_a_whole(question, group, state):
        return ""
    return f", or assign its application(s) {', '.join(users)} to another connector group: a group that all leave and none uses may go"


def _unknown(question: Question, place: Place) -> str:
    """Why a connector that this tenant does not have may not go: it runs, and nobody can tell whom it serves."""
    if not (question.retiring and place.desired.serving):
        return ""
    return (
        f"connector {place.desired.label} may not be removed: its server says that it runs and is registered as connector"
        f" {place.desired.id or 'of an unknown id'}, which this tenant does not have, so nobody can tell what it serves. First see that"
        " app_proxy_tenant_id is the tenant in which it is registered; if that tenant has forgotten it, stop its service WAPCSvc"
    )


def _default_in_use(question: Question, place: Place, state: TenantState) -> str:
    users = state.users_of_default
    if question.step != LEAVE or question.accepted.default_in_use or not users:
        return ""
    return (
        f"connector {place.desired.label} may not move to the Default group now: application(s) {', '.join(users)} use it, and would be"
        " served by a connector that is about to go down. First assign them to a connector group of their own"
    )


def _is_retired(question: Question, group: ConnectorGroup, state: TenantState) -> bool:
    return not state.applications_of(group.id) and _goes_as_a_whole(question, group, state)


def _goes_as_a_whole(question: Question, group: ConnectorGroup, state: TenantState) -> bool:
    going = {place.connector.id for place in places(question, state) if place.connector}
    return all(one.id in going for one in state.members(group.id) if one.active)


def _without(state: TenantState, connector: Connector) -> TenantState:
    default = state.default_group
    away = default.id if default else None
    gone = dataclasses.replace(connector, group_id=away, status=INACTIVE)
    return state.with_connectors(gone if one.id == connector.id else one for one in state.connectors)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""From what is declared to what it means in this tenant: names and ids looked up, ambiguity refused. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.machine_names import Machines
from ansible_collections.entra.app_proxy.plugins.module_utils.service import ACTIVE, folded
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import rules
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredConnector, DesiredGroup
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import DesiredError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import Application, Connector, ConnectorGroup, TenantState


@dataclasses.dataclass(frozen=True)
class Target:
    """A declared group, and what its names stand for.

    :param group: the group of the tenant; None = it does not exist yet.
    :param connectors: each declared connector, and the one of the tenant; None = the tenant has none.
    :param leaving: ids of the connectors that shall leave the group; C(released) of the applications.
    """

    desired: DesiredGroup
    group: ConnectorGroup | None
    connectors: tuple[tuple[DesiredConnector, Connector | None], ...] = ()
    applications: tuple[Application, ...] = ()
    leaving: tuple[Connector, ...] = ()
    released: tuple[Application, ...] = ()

    @property
    def key(self) -> str:
        """Id of the group, or of the place where it will be."""
        return self.group.id if self.group else self.desired.id or new_key(self.desired.name)

    @property
    def name(self) -> str:
        return self.group.name if self.group else self.desired.name or self.desired.id or ""

    def found(self) -> list[Connector]:
        return [connector for _desired, connector in self.connectors if connector]


@dataclasses.dataclass(frozen=True)
class Resolution:
    """All declared groups, looked up; and what a person should know about it."""

    targets: tuple[Target, ...]
    warnings: tuple[str, ...] = ()


def new_key(name: str) -> str:
    """Stands for the id of a group that does not exist yet."""
    return f"new:{folded(name)}"


def is_new(key: str) -> bool:
    """Whether an id only stands for one that does not exist yet."""
    return key.startswith(("new:", "pending:"))


def with_pending(state: TenantState, desired: t.Iterable[DesiredGroup]) -> TenantState:
    """The state as it will be once the hosts that check mode would register are registered: active, and in Default."""
    default = state.default_group or ConnectorGroup("new:default", "Default", is_default=True)
    pending = [
        Connector(f"pending:{folded(one.label)}", one.label, ACTIVE, group_id=default.id)
        for group in desired
        for one in group.connectors or ()
        if one.pending
    ]
    if not pending:
        return state
    groups = state.groups if state.default_group else (*state.groups, default)
    return dataclasses.replace(state, groups=groups, connectors=(*state.connectors, *pending), read_groups=state.read_groups | {default.id})


class ConnectorIndex:
    """The connectors of a tenant, by id and by machine name."""

    def __init__(self, connectors: t.Iterable[Connector]) -> None:
        listed = list(connectors)
        self._by_id = {folded(one.id): one for one in listed}
        self._machines = Machines(listed, lambda one: one.machine_name)

    def find(self, desired: DesiredConnector) -> Connector | None:
        """The connector that is meant. Of several of one machine the newest active one is the one in use.

        Where a short and a full name may be two machines, the one that is named just so counts more than a newer one.
        """
        if desired.pending and (found := self._by_id.get(f"pending:{folded(desired.label)}")):
            return found
        if desired.id:
            return self._by_id.get(folded(desired.id))
        name = folded(desired.machine_name)
        same = self._machines.of(desired.machine_name)
        return max(same, key=lambda one: (one.active, folded(one.machine_name) == name, rules.newness(one)), default=None)

    def duplicates(self, chosen: Connector) -> list[Connector]:
        """Other connectors of the same machine: left behind by earlier registrations."""
        return [one for one in self._machines.of(chosen.machine_name) if one.id != chosen.id and not is_new(one.id)]


def actual_group(target: Target, state: TenantState) -> ConnectorGroup | None:
    """The declared group as it is in a later state: the same one, or the one that was created for it."""
    found = state.group(target.key)
    if found is not None or target.group is not None:
        return found
    return next(iter(state.groups_named(target.desired.name)), None)


def resolve(desired: t.Sequence[DesiredGroup], state: TenantState) -> Resolution:
    """Look up everything that is declared.

    :raises DesiredError: a name is ambiguous, a group that must exist is not there, an application is unknown or not published, or
        something is asked of Default that the service does not do; with every reason at once.
    """
    connectors = ConnectorIndex(state.connectors)
    applications = ApplicationIndex(state.applications)
    reasons: list[str] = []
    targets = [_target(group, state, connectors, applications, reasons) for group in desired]
    reasons.extend(_in_two_groups(targets))
    if reasons:
        raise DesiredError(reasons)
    placed = {one.id for target in targets for one in target.found()}
    assigned = {one.id for target in targets for one in target.applications}
    targets = [_with_departures(target, state, placed, assigned) for target in targets]
    reasons.extend(reason for target in targets for reason in _asked_of_default(target))
    if reasons:
        raise DesiredError(reasons)
    return Resolution(tuple(targets), tuple(dict.fromkeys(_warnings(targets, connectors))))


def _warnings(targets: t.Sequence[Target], connectors: ConnectorIndex) -> t.Iterator[str]:
    for target in targets:
        yield from filter(None, [rules.region_warning(target.desired.region)])
        yield from _duplicate_warnings(target, connectors)
        yield from filter(None, (rules.status_warning(one) for one in target.found()))


def _target(
    desired: DesiredGroup, state: TenantState, connectors: ConnectorIndex, applications: ApplicationIndex, reasons: list[str]
) -> Target:
    group = _group(desired, state, reasons)
    where = f"group {group.name if group else desired.name or desired.id}: "
    leaving = tuple(filter(None, (connectors.find(one) for one in desired.remove_connectors)))
    # One that is not there does not use the group, which is what was asked for.
    present = [one for one in desired.remove_applications if applications.named(one)]
    return Target(
        desired=desired,
        group=group,
        connectors=tuple((one, connectors.find(one)) for one in desired.connectors or ()),
        applications=tuple(found for one in desired.applications or () if (found := applications.find(one, reasons, where))),
        leaving=leaving,
        # Nor does one that is not published any more.
        released=tuple(filter(None, (applications.find(one, reasons, where, must_be_published=False) for one in present))),
    )


def _group(desired: DesiredGroup, state: TenantState, reasons: list[str]) -> ConnectorGroup | None:
    if desired.id:
        group = state.group(desired.id) or state.group(desired.id.lower())
        if group is None and not desired.absent:
            reasons.append(f"the tenant has no connector group with id {desired.id}")
        return group
    same = state.groups_named(desired.name)
    if len(same) > 1:
        ids = ", ".join(sorted(group.id for group in same))
        reasons.append(f"connector group {desired.name} is ambiguous: the tenant has {len(same)} of that name ({ids}); rename all but one")
    if not same and desired.must_exist:
        reasons.append(f"the tenant has no connector group {desired.name}")
    return same[0] if same else None


def _with_departures(target: Target, state: TenantState, placed: t.Collection[str], assigned: t.Collection[str]) -> Target:
    """Who leaves the group for Default, or stops using it: named so, or not among the only ones; and declared in no other group."""
    group = target.group
    if group is None:
        return dataclasses.replace(target, leaving=(), released=())
    named = {one.id for one in target.leaving}
    freed = {one.id for one in target.released}
    return dataclasses.replace(
        target,
        leaving=tuple(
            one
            for one in state.members(group.id)
            if one.id not in placed and (target.desired.only_connectors or one.id in named) and not is_new(one.id)
        ),
        released=tuple(
            one
            for one in state.applications_of(group.id)
            if one.id not in assigned and (target.desired.only_applications or one.id in freed)
        ),
    )


def _asked_of_default(target: Target) -> list[str]:
    """A connector is always in exactly one group, an application without a group uses Default (documented): nothing leaves Default so."""
    if target.group is None or not target.group.is_default:
        return []
    reasons = []
    if target.desired.absent:
        reasons.append("the Default group is the service's own and is never deleted")
    if target.leaving:
        listed = ", ".join(sorted(one.machine_name for one in target.leaving))
        reasons.append(
            f"connector(s) {listed} cannot be removed from the Default group: a connector is always in exactly one group, and Default is"
            " where removed ones go. Declare them in another group"
        )
    if target.released:
        listed = ", ".join(sorted(one.label for one in target.released))
        reasons.append(
            f"application(s) {listed} cannot be removed from the Default group: an application without a group uses Default. Declare"
            " them in another group"
        )
    return reasons


class ApplicationIndex:
    """The applications that were looked up, by each of their names."""

    def __init__(self, applications: t.Iterable[Application]) -> None:
        self._named: dict[str, dict[str, Application]] = {}
        for one in applications:
            for name in (one.id, one.app_id, one.name):
                if name:
                    self._named.setdefault(folded(name), {})[one.id] = one

    def named(self, reference: str) -> list[Application]:
        """All applications that an object id, an application id or a display name can mean."""
        return list(self._named.get(folded(reference), {}).values())

    def find(self, reference: str, reasons: list[str], where: str = "", *, must_be_published: bool = True) -> Application | None:
        """The application that is meant. Why there is none goes to C(reasons), with C(where) before it."""
        named = self.named(reference)
        # Of several of one name only those can be meant that can have a connector group.
        found = [one for one in named if one.published] or named
        if not found:
            reasons.append(
                f"{where}the tenant has no application {reference} (looked for as object id, application id and display name;"
                " application_info lists those that are published)"
            )
            return None
        if len(found) > 1:
            listed = ", ".join(sorted(f"{one.id} (application id {one.app_id})" for one in found))
            reasons.append(f"{where}application {reference} is ambiguous, give one of these object ids instead: {listed}")
            return None
        if must_be_published and not found[0].published:
            reasons.append(
                f"{where}application {reference} is not published through Application Proxy, so no connector group can be"
                " assigned to it: publish it first"
            )
            return None
        return found[0]


def _in_two_groups(targets: t.Sequence[Target]) -> list[str]:
    """The same thing declared in two groups under two of its names."""
    reasons = []
    placed: dict[str, tuple[str, str]] = {}
    for target in targets:
        things = [(one.id, f"connector {one.machine_name}") for one in target.found()]
        things += [(one.id, f"application {one.label}") for one in target.applications]
        for thing, label in things:
            if thing in placed:
                reasons.append(f"{label} is declared twice: in {placed[thing][1]} and in {target.name}")
            placed[thing] = (label, target.name)
    return reasons


def _duplicate_warnings(target: Target, connectors: ConnectorIndex) -> t.Iterator[str]:
    for connector in target.found():
        others = connectors.duplicates(connector)
        if others:
            yield rules.duplicate_warning(connector, others, "the new one" if is_new(connector.id) else connector.id)

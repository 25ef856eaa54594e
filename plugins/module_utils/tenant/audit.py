# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Which application uses which group on which connectors, and what is wrong with that: the audit that users ask for. Judged by C(ha)."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.machine_names import Machines
from ansible_collections.entra.app_proxy.plugins.module_utils.service import folded
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import ha
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredGroup
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import ApplicationsError, DesiredError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.observe import (
    FEW,
    INSIDES,
    complete_groups,
    find_applications,
    name_applications,
    observe_lists,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.report import Result, application_result, group_brief, member_result
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import ApplicationIndex
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import Application, Connector, TenantState

Zones: t.TypeAlias = "t.Mapping[str, str | None]"
ZonesByMachine: t.TypeAlias = "Machines[tuple[str, str | None]]"


def observe_uses(
    client: GraphClient, references: t.Sequence[str] | None, groups: t.Sequence[str] | None
) -> tuple[TenantState, list[Application]]:
    """The tenant, and the applications asked about, by name.

    :param references: applications by any of their names; None = all that are published.
    :param groups: only those that use one of these groups, by id or name; None = whichever.
    :raises DesiredError: an application or a group is not there, or a name is ambiguous.
    """
    state = observe_lists(client, expand=INSIDES if references is None or len(references) > FEW else ())
    chosen = None if groups is None else _group_ids(groups, state)
    if references is None:
        state = complete_groups(client, state, [one for one in state.groups if chosen is None or one.id in chosen])
        state = name_applications(client, state, state.read_groups)
        found = list(state.applications)
    else:
        state = find_applications(client, state, [DesiredGroup("", applications=tuple(references))])
        found = _found(references, state)
        used = {one.group_id for one in found if chosen is None or one.group_id in chosen}
        state = complete_groups(client, state, [one for one in state.groups if one.id in used])
    wanted = [one for one in found if one.group_id is not None and (chosen is None or one.group_id in chosen)]
    return state, sorted(wanted, key=lambda one: (folded(one.label), one.id))


def audit(applications: t.Sequence[Application], state: TenantState, minimum: int, zones: Zones) -> list[Result]:
    """One entry for each application, with flags and the problems in sentences.

    :param zones: failure domain by machine name; empty = not judged.
    """
    by_machine = Machines(zones.items(), lambda one: one[0])
    return [_entry(one, state, minimum, by_machine) for one in applications]


def _entry(application: Application, state: TenantState, minimum: int, zones: ZonesByMachine) -> Result:
    group = state.group(application.group_id)
    members = sorted(state.members(group.id), key=lambda one: (folded(one.machine_name), one.id)) if group else []
    active = [one for one in members if one.active]
    name = group.name if group else "another group"
    on_default = bool(group and group.is_default)
    below = not ha.is_served(len(active), minimum)
    shared = ha.shared_zone([_zone(one, zones) for one in active])
    problems = [
        *([f"application {application.label} uses the Default group, as every application that nobody assigned"] if on_default else []),
        *([f"application {application.label}: {ha.shortage(name, len(active), minimum)}"] if below else []),
        *([ha.zone_problem(name, len(active), shared)] if shared else []),
    ]
    return {
        **application_result(application),
        "connector_group": group_brief(group),
        "connectors": [{**member_result(one), "zone": _zone(one, zones)} for one in members],
        "required": minimum,
        "active": len(active),
        "on_default": on_default,
        "below_minimum": below,
        "single_zone": shared,
        "ok": not problems,
        "problems": problems,
    }


def _zone(connector: Connector, zones: ZonesByMachine) -> str | None:
    return next((zone for _machine, zone in zones.of(connector.machine_name)), None)


def _group_ids(references: t.Sequence[str], state: TenantState) -> set[str]:
    reasons = []
    found: set[str] = set()
    for reference in references:
        same = state.groups_named(reference) or [one for one in state.groups if folded(one.id) == folded(reference)]
        found.update(one.id for one in same)
        if not same:
            reasons.append(f"the tenant has no connector group {reference}")
        if len(same) > 1:
            ids = ", ".join(sorted(one.id for one in same))
            reasons.append(f"connector group {reference} is ambiguous, give one of these ids instead: {ids}")
    if reasons:
        raise DesiredError(reasons)
    return found


def _found(references: t.Sequence[str], state: TenantState) -> list[Application]:
    index = ApplicationIndex(state.applications)
    found = []
    unfit: dict[str, str] = {}
    for reference in references:
        reasons: list[str] = []
        if one := index.find(reference, reasons):
            found.append(one)
        else:
            unfit[reference] = "; ".join(reasons)
    if unfit:
        raise ApplicationsError(unfit)
    return list({one.id: one for one in found}.values())

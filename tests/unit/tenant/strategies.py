# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any tenant and any fleet, for the properties of plans."""

from __future__ import annotations

import dataclasses

from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredGroup
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import Application, Connector, ConnectorGroup, TenantState
from tests.unit.tenant.builders import DEFAULT, want

NAMES = ["A", "B", "C"]
REGIONS = st.sampled_from(["nam", "eur", "japan", None])
MACHINES = [f"M{number}" for number in range(8)]
# A machine may have several connectors, in several groups and of several versions; what else the status may be is open.
CONNECTORS = st.lists(
    st.tuples(
        st.sampled_from([*NAMES, "Default"]),
        st.sampled_from(MACHINES),
        st.sampled_from(["active", "active", "inactive", "unknownFutureValue"]),
        st.sampled_from(["1.5.9.0", "1.5.10.0"]),
    ),
    max_size=10,
)
APPLICATIONS = st.lists(st.sampled_from([*NAMES, "Default", None]), max_size=4)


@st.composite
def tenants(draw: st.DrawFn) -> TenantState:
    """Any tenant of up to three groups beside Default."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    default = dataclasses.replace(DEFAULT, region=draw(st.sampled_from(["nam", "eur"])))
    groups = (default, *(ConnectorGroup(f"g-{name}", name, draw(REGIONS) or "nam") for name in names))
    ids = {group.name: group.id for group in groups}
    connectors = tuple(
        Connector(f"c-{number}", machine, status, version, group_id=ids.get(name, DEFAULT.id))
        for number, (name, machine, status, version) in enumerate(draw(CONNECTORS))
    )
    applications = tuple(
        Application(f"a-{number}", f"app-{number}", f"App {number}", ids.get(name or "")) for number, name in enumerate(draw(APPLICATIONS))
    )
    return TenantState(groups, connectors, applications, frozenset(ids.values()))


@st.composite
def fleets(draw: st.DrawFn) -> list[DesiredGroup]:
    """Any fleet over these machines and applications, some of which the tenant may not have."""
    names = draw(st.lists(st.sampled_from([*NAMES, "D"]), unique=True, min_size=1))
    machines = draw(st.permutations(MACHINES))
    applications = draw(st.permutations([0, 1, 2, 3]))
    fleet = []
    for name in names:
        taken = draw(st.integers(0, 3))
        mine, machines = machines[:taken], machines[taken:]
        used = draw(st.integers(0, 2))
        apps, applications = applications[:used], applications[used:]
        fleet.append(want(name, mine, [f"a-{number}" for number in apps], region=draw(REGIONS), minimum=draw(st.integers(0, 3))))
    return fleet


@st.composite
def departures(draw: st.DrawFn) -> list[DesiredGroup]:
    """Any fleet that also takes things away: connectors and applications removed or only these, groups that are to go."""
    fleet = []
    for group in draw(fleets()):
        kind = draw(st.sampled_from(["as it is", "only", "remove", "absent"]))
        if kind == "only":
            group = dataclasses.replace(group, only_connectors=draw(st.booleans()), only_applications=draw(st.booleans()))
        elif kind == "remove":
            group = dataclasses.replace(
                group,
                connectors=None,
                applications=None,
                remove_connectors=group.connectors or (),
                remove_applications=group.applications or (),
            )
        elif kind == "absent":
            group = DesiredGroup(group.name, absent=True, only_connectors=draw(st.booleans()), only_applications=draw(st.booleans()))
        fleet.append(group)
    return fleet


def possible(fleet: list[DesiredGroup], state: TenantState) -> list[DesiredGroup]:
    """The fleet without applications that the tenant does not have: those are refused before there is a plan."""
    known = {one.id for one in state.applications}
    return [
        dataclasses.replace(
            group, applications=None if group.applications is None else tuple(one for one in group.applications if one in known)
        )
        for group in fleet
    ]


def settle(state: TenantState) -> TenantState:
    """What the service adds: the tenant's own region for a group that was made without one."""
    own = (state.default_group.region if state.default_group else None) or "nam"
    return dataclasses.replace(state, groups=tuple(dataclasses.replace(one, region=one.region or own) for one in state.groups))

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What has to be mended. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.health import OK
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.settings import RESTARTING, Requirement, required, status
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.state import PortRange, Prerequisites
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan

REGISTRY = "registry_value"
PORTS = "dynamic_ports"

# The widest range that Windows takes; for many connections through one connector [MS, concept-connectors].
WANTED_PORTS = PortRange(1025, 64511)


def requirements(options: t.Mapping[str, t.Any], state: Prerequisites) -> list[Requirement]:
    """The registry requirements that apply to this host."""
    return required(kerberos_sso=options["kerberos_sso"], interactive_registration=options["interactive_registration"], build=state.build)


def plan(options: t.Mapping[str, t.Any], state: Prerequisites) -> Plan:
    """The steps that mend what can be mended."""
    return Plan.of([*_settings(options, state), *_ports(state)])


def predicted(plan_: Plan, state: Prerequisites) -> Prerequisites:
    """The state as it will be after the plan."""
    settings, ports = dict(state.settings), dict(state.ports)
    for change in plan_.changes:
        if change.kind == REGISTRY:
            settings[change.data["setting"]] = change.data["setting"].wanted
        else:
            ports[change.name] = WANTED_PORTS
    return dataclasses.replace(state, settings=settings, ports=ports)


def needing_reboot(plan_: Plan) -> list[str]:
    """The checks that are good only after a restart of the server, because of this plan."""
    return sorted({change.data["check"] for change in plan_.changes if change.data["reboot"]})


def awaiting(state: Prerequisites) -> list[str]:
    """The checks that an earlier run has made good, and that wait for a restart since."""
    return [name for name in state.awaiting_restart if name in RESTARTING]


def _settings(options: t.Mapping[str, t.Any], state: Prerequisites) -> t.Iterator[Change]:
    for requirement in requirements(options, state):
        for setting in requirement.settings:
            found = state.settings.get(setting)
            if status(setting, found) == OK:
                continue
            data = {"setting": setting, "check": requirement.name, "reboot": requirement.reboot}
            yield Change("set", REGISTRY, setting.name, {"data": found}, {"data": setting.wanted}, requirement.reason, data=data)


def _ports(state: Prerequisites) -> t.Iterator[Change]:
    reason = "many connections through one connector need many ports"
    for name, found in state.ports.items():
        if found != WANTED_PORTS:
            data = {"check": PORTS, "reboot": False}
            yield Change("set", PORTS, name, found.as_dict(), WANTED_PORTS.as_dict(), reason, rank=1, data=data)

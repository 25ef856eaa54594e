# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What has to happen for the connector to be installed and its services to be right. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import SERVICES
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import AUTOMATIC, REGISTERED, RUNNING, HostState, ServiceState
from ansible_collections.entra.app_proxy.plugins.module_utils.host.versions import at_least
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan

INSTALL = "install"
REPAIR = "repair"
UPGRADE = "upgrade"
# The actions that run the installer.
INSTALLER_ACTIONS = (INSTALL, REPAIR, UPGRADE)


@dataclasses.dataclass(frozen=True)
class Desired:
    """:param version: the minimum; None = any (not managed)."""

    version: str | None = None


def plan(desired: Desired, state: HostState) -> Plan:
    """The steps from C(state) to an installed connector."""
    changes = [*_installation(desired, state), *service_changes(state)]
    return Plan.of(changes, _warnings(desired, state))


def service_changes(state: HostState) -> list[Change]:
    """Services that exist start automatically; on a registered host they also run.

    Whether the service of an unregistered connector runs is left alone: it has nothing to do.
    """
    registered = state.registration.state == REGISTERED
    return [
        change
        for name in SERVICES
        if (service := state.services.get(name)) is not None and (change := _service_change(service, registered)) is not None
    ]


def _installation(desired: Desired, state: HostState) -> t.Iterator[Change]:
    after = {"installed": True, **({"version": f"at least {desired.version}"} if desired.version else {})}
    name = state.machine_name
    if state.absent:
        yield Change(INSTALL, "connector", name, None, after, "no connector is installed")
    elif not state.installed:
        missing = ", ".join(state.missing_parts())
        yield Change(REPAIR, "connector", name, {"installed": False}, after, f"the installation is incomplete, missing: {missing}")
    elif _below(desired, state):
        before = {"installed": True, "version": state.installation.version}
        yield Change(UPGRADE, "connector", name, before, after, "the installed version is below the declared minimum")


def _below(desired: Desired, state: HostState) -> bool:
    installed = state.installation.version
    return desired.version is not None and installed is not None and not at_least(installed, desired.version)


def _warnings(desired: Desired, state: HostState) -> list[str]:
    if desired.version is not None and state.installed and state.installation.version is None:
        exe = state.installation.connector_exes[0]
        return [f"the version of {exe} cannot be read, so it is not known whether it is at least {desired.version}"]
    return []


def _service_change(service: ServiceState, must_run: bool) -> Change | None:
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    if service.start_mode != AUTOMATIC:
        before["start_mode"], after["start_mode"] = service.start_mode, AUTOMATIC
    if must_run and service.state != RUNNING:
        before["state"], after["state"] = service.state, RUNNING
    if not after:
        return None
    reason = "the services of a registered connector must run all the time" if "state" in after else "it must start with the server"
    return Change("start" if "state" in after else "configure", "service", service.name, before, after, reason, rank=1)

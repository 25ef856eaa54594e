# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What has to happen for the connector to be installed and its services to be right. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import LEGACY, SERVICES, of_version
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer import ASKED, UNSEEN
from ansible_collections.entra.app_proxy.plugins.module_utils.host.leftovers import Leftovers
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import AUTOMATIC, REGISTERED, RUNNING, HostState, ServiceState
from ansible_collections.entra.app_proxy.plugins.module_utils.host.versions import at_least
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan

INSTALL = "install"
REPAIR = "repair"
UPGRADE = "upgrade"
REINSTALL = "reinstall"
# The actions that run the installer.
INSTALLER_ACTIONS = (INSTALL, REPAIR, UPGRADE, REINSTALL)
RESTART = "restart"

IN_PLACE = "in_place"

_RESTART_FIRST = -2
_LEFTOVERS_FIRST = -1
_RESTART_LAST = 2


@dataclasses.dataclass(frozen=True)
class Desired:
    """What is wanted of an installation.

    :param version: the minimum; None = any (not managed).
    :param offered: the version of the installer at hand, when the newest is wanted; None = not compared.
    :param strategy: how a newer version comes: C(in_place), or C(reinstall), which removes both products first.
    :param remove_leftovers: whether what an earlier installation has left is removed first.
    :param restart: whether the server may be restarted.
    :param upgrade_serving: whether the installer may run on a connector that serves, and its server be restarted. A play which does that to
        many servers side by side would take a whole connector group away.
    """

    version: str | None = None
    offered: str | None = None
    strategy: str = IN_PLACE
    remove_leftovers: bool = False
    restart: bool = False
    upgrade_serving: bool = True


def plan(
    desired: Desired,
    state: HostState,
    left: Leftovers = Leftovers(),  # noqa: B008  # immutable
    awaited: t.Sequence[str] = (),
) -> Plan:
    """The steps from C(state) to an installed connector, but for those that are L(deferred).

    :param left: what an earlier installation has left.
    :param awaited: what an earlier run has left waiting for a restart of the server.
    """
    wanted, waits = _wanted(desired, state, left, awaited), deferred(desired, state, left, awaited)
    return Plan.of([*(() if waits else wanted), *service_changes(state)], () if waits else _warnings(desired, state, left))


def deferred(
    desired: Desired,
    state: HostState,
    left: Leftovers = Leftovers(),  # noqa: B008  # immutable
    awaited: t.Sequence[str] = (),
) -> Plan:
    """What is left to a rolling upgrade, because it would interrupt a connector that serves."""
    wanted = _wanted(desired, state, left, awaited)
    interrupts = state.serving and any(change.action in (*INSTALLER_ACTIONS, RESTART) for change in wanted)
    return Plan.of(wanted if interrupts and not desired.upgrade_serving else ())


def restart_of(machine_name: str, reason: str, rank: int = _RESTART_LAST) -> Change:
    """The restart of the server."""
    return Change(RESTART, "server", machine_name, {}, {}, reason, rank)


def restarts_first(plan: Plan) -> bool:
    """Whether the server is restarted before anything else, which may complete what an earlier run has begun."""
    return bool(plan) and plan.changes[0].rank == _RESTART_FIRST


def waits_for(awaited: t.Sequence[str]) -> str:
    return f"since an earlier run {', '.join(awaited)} waits for it"


def service_changes(state: HostState, *, just_registered: bool = False) -> list[Change]:
    """Services that exist start automatically; on a registered host they also run.

    Whether the service of an unregistered connector runs is left alone: it has nothing to do.

    :param just_registered: the host has got its certificate, whatever else says so already.
    """
    registered = just_registered or state.registration.state == REGISTERED
    return [
        change
        for name in SERVICES
        if (service := state.services.get(name)) is not None and (change := _service_change(service, registered)) is not None
    ]


def _wanted(desired: Desired, state: HostState, left: Leftovers, awaited: t.Sequence[str]) -> list[Change]:
    changes = list(_installation(desired, state))
    if desired.remove_leftovers:
        changes += left.changes("an earlier installation has left it", _LEFTOVERS_FIRST)
    if awaited and desired.restart:
        # What an installer could not replace or remove, no second run of it can; but one that is still at work is not cut off.
        first = changes and ASKED in awaited and UNSEEN not in awaited
        changes.append(restart_of(state.machine_name, waits_for(awaited), _RESTART_FIRST if first else _RESTART_LAST))
    return changes


def _installation(desired: Desired, state: HostState) -> t.Iterator[Change]:
    after = {"installed": True, **({"version": f"at least {desired.version}"} if desired.version else {})}
    name = state.machine_name
    if state.absent:
        yield Change(INSTALL, "connector", name, None, after, "no connector is installed")
    elif not state.installed:
        missing = ", ".join(state.missing_parts())
        yield Change(REPAIR, "connector", name, {"installed": False}, after, f"the installation is incomplete, missing: {missing}")
    else:
        yield from _upgrade(desired, state)


def _upgrade(desired: Desired, state: HostState) -> t.Iterator[Change]:
    installed = state.installation.version
    if installed is None:
        return
    before = {"installed": True, "version": installed}
    action = UPGRADE if desired.strategy == IN_PLACE else REINSTALL
    if desired.offered is not None and not at_least(installed, desired.offered):
        after = {"installed": True, "version": desired.offered}
        yield Change(action, "connector", state.machine_name, before, after, "the installer is newer than what is installed")
    elif desired.version is not None and not at_least(installed, desired.version):
        after = {"installed": True, "version": f"at least {desired.version}"}
        yield Change(action, "connector", state.machine_name, before, after, "the installed version is below the declared minimum")


def _warnings(desired: Desired, state: HostState, left: Leftovers) -> t.Iterator[str]:
    wanted = desired.offered or desired.version
    if wanted is not None and state.installed and state.installation.version is None:
        exe = state.installation.connector_exes[0]
        yield f"the version of {exe} cannot be read, so it is not known whether it is at least {wanted}"
    if left and not desired.remove_leftovers:
        yield f"an earlier installation has left {left}. If the installation does not complete, set remove_leftovers=true"
    if wanted is not None and any(change.action in (UPGRADE, REINSTALL) for change in _upgrade(desired, state)):
        yield from _generation_warning(wanted, state)


def _generation_warning(wanted: str, state: HostState) -> t.Iterator[str]:
    renamed = state.installation.generation == LEGACY.name and of_version(wanted) is not LEGACY
    if renamed and state.registration.state == REGISTERED:
        yield (
            "whether a legacy connector keeps its registration when it becomes an entra one is not documented. Afterwards registration.kept"
            " tells; when it is false, entra.app_proxy.connector_registration needs a token"
        )


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

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Carry out the plan of an installation: run the installer, wait until the product is there, see to the services."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import apply_removal, service_control
from ansible_collections.entra.app_proxy.plugins.module_utils.host.apply_leftovers import remove_folders, remove_service
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer import SILENT_INSTALL, ExitCode
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_restart import is_put_off, restart_if_due, until_restart
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_run import (
    InstallerFailed,
    Limits,
    Restarts,
    log_tail,
    run_installer,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_source import Source, bring
from ansible_collections.entra.app_proxy.plugins.module_utils.host.leftovers import FOLDER, PRODUCT, REMOVE_LEFTOVER, SERVICE
from ansible_collections.entra.app_proxy.plugins.module_utils.host.plan_connector import (
    INSTALLER_ACTIONS,
    REINSTALL,
    Desired,
    service_changes,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.host.plan_connector import plan as plan_connector
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server, WaitTimeout
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan

# Seconds for what an installer does after its end. It is documented to take less than this [MS, powershell-get-token].
_AFTER_INSTALLER = 60.0


def apply(plan: Plan, desired: Desired, state: HostState, source: Source, server: Server, limits: Limits, restarts: Restarts) -> HostState:
    """Carry the plan out, restart the server where that is due and allowed, and return the host as it is then.

    :raises HostError: when a step fails; C(server.done) then says what was done before.
    """
    _remove_leftovers(plan, state, server, limits, restarts)
    for change in plan.changes:
        if change.action in INSTALLER_ACTIONS:
            state = _install(change, desired, state, source, server, limits, restarts)
    if restart_if_due(server, restarts):
        state = service_control.settled(server, limits.interval)
    # An installer starts services itself, and may leave others in need.
    with until_restart(server, restarts):
        for change in service_changes(state):
            service_control.apply(change, server, timeout=limits.timeout, interval=limits.interval)
    # Whether it has to be registered is told by what its services come to.
    return service_control.settled(server, limits.interval)


def _remove_leftovers(plan: Plan, state: HostState, server: Server, limits: Limits, restarts: Restarts) -> None:
    steps = [change for change in plan.changes if change.action == REMOVE_LEFTOVER]
    if not steps:
        return
    with until_restart(server, restarts):
        try:
            _remove_steps(steps, server, limits, restarts)
        except InstallerFailed:
            # Another installation may be running, which no restart may cut off.
            raise
        except HostError:
            if not restart_if_due(server, restarts):
                raise
            # It may have completed what an earlier run has begun: then what was left of it belongs to the connector.
            if not server.observe().installed:
                _remove_steps(steps, server, limits, restarts)


def _remove_steps(steps: t.Sequence[Change], server: Server, limits: Limits, restarts: Restarts) -> None:
    if any(change.kind == PRODUCT for change in steps):
        # What Windows still lists as installed goes its proper way first.
        apply_removal.remove_listed(server, limits, restarts)
    for change in steps:
        if change.kind == SERVICE:
            remove_service(server, change.name, limits.interval)
    remove_folders(server, [change.name for change in steps if change.kind == FOLDER])


def _install(
    change: Change, desired: Desired, state: HostState, source: Source, server: Server, limits: Limits, restarts: Restarts
) -> HostState:
    """Run the installer and wait for what it installs; for a reinstallation remove both products first."""
    with bring(server, source, state.os.windows_directory, limits.timeout) as path:
        if change.action == REINSTALL:
            apply_removal.remove_products(state, server, limits, restarts)
        began = server.clock()
        exit_code = run_installer(server, path, SILENT_INSTALL, f"{change.action}: the installer ran", limits, restarts)
        if exit_code.reboot_required:
            # A restart, now or at any moment, takes the shell with it; what comes next opens a new one.
            server.shell.close()
        return _completed(change, desired, exit_code, began, server, limits, restarts)


def _completed(
    change: Change, desired: Desired, exit_code: ExitCode, began: float, server: Server, limits: Limits, restarts: Restarts
) -> HostState:
    """The host when everything is there. What is replaced or removed only by a restart comes with one, now or later.

    :raises HostError: when it does not come.
    """
    awaits_restart = exit_code.reboot_required and not exit_code.reboot_started
    patience = min(limits.timeout, _AFTER_INSTALLER) if awaits_restart else limits.timeout
    try:
        return _wait_until_installed(desired, server, Limits(patience, limits.interval))
    except WaitTimeout as error:
        if is_put_off(server, restarts):
            server.warn(
                f"the {change.action} is not complete ({error.seen}), and an installer has asked for a restart of the server, which"
                " reboot=false puts off. Restart the server: that is expected to complete it"
            )
            return server.observe()
        if not restart_if_due(server, restarts):
            raise _incomplete(change, exit_code, began, error, server) from error
    try:
        return _wait_until_installed(desired, server, limits)
    except WaitTimeout as error:
        raise _incomplete(change, exit_code, began, error, server) from error


def _wait_until_installed(desired: Desired, server: Server, limits: Limits) -> HostState:
    """Files and services appear after the installer has ended [MS and observed], so its end proves nothing."""
    # The connector may serve again before its files are new: what has begun is not left to a rolling upgrade any more.
    begun = dataclasses.replace(desired, upgrade_serving=True)

    def look() -> tuple[HostState | None, str]:
        state = server.observe()
        open_steps = [step for step in plan_connector(begun, state).changes if step.action in INSTALLER_ACTIONS]
        missing = ", ".join(state.missing_parts())
        seen = f"missing: {missing}" if missing else f"version {state.installation.version}"
        return (None if open_steps else state), seen

    return server.wait("files and services of the connector", look, timeout=limits.timeout, interval=limits.interval)


def _incomplete(change: Change, exit_code: ExitCode, began: float, error: WaitTimeout, server: Server) -> HostError:
    log = log_tail(server, int(server.clock() - began) + 1)
    shown = f". The end of the installer's log: {' | '.join(log)}" if log else ""
    return HostError(
        f"the installer ended with exit code {exit_code.code} ({exit_code.meaning}), but after {error.seconds:.0f} seconds the"
        f" {change.action} is not complete: {error.seen}. Leftovers of an earlier installation are the usual cause: run again with"
        f" remove_leftovers=true{shown}",
        operation=change.action,
        exit_code=exit_code.code,
        log=log,
    )

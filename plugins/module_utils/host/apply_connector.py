# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Carry out the plan of an installation: run the installer, wait until the product is there, see to the services."""

from __future__ import annotations

import dataclasses

from ansible_collections.entra.app_proxy.plugins.module_utils.host import apply_removal, service_control
from ansible_collections.entra.app_proxy.plugins.module_utils.host.apply_leftovers import remove_folders, remove_service
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer import SILENT_INSTALL, ExitCode
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_run import Applied, Limits, log_tail, run_installer
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


def apply(plan: Plan, desired: Desired, state: HostState, source: Source, server: Server, limits: Limits) -> Applied:
    """Carry the plan out.

    :raises HostError: when a step fails; C(server.done) then says what was done before.
    """
    applied = Applied(state)
    _remove_leftovers(plan, state, server, limits)
    for change in plan.changes:
        if change.action in INSTALLER_ACTIONS:
            applied = _install(change, desired, state, source, server, limits)
    if applied.reboot_started:
        # The server may be going down already; its services are seen to after the restart.
        return applied
    # Read again after an installer: it starts services itself, and may leave others in need.
    for change in service_changes(applied.state):
        service_control.apply(change, server, timeout=limits.timeout, interval=limits.interval)
    return Applied(server.observe(), applied.reboot_required, applied.reboot_started)


def _remove_leftovers(plan: Plan, state: HostState, server: Server, limits: Limits) -> None:
    steps = [change for change in plan.changes if change.action == REMOVE_LEFTOVER]
    if not steps:
        return
    if any(change.kind == PRODUCT for change in steps):
        # What Windows still lists as installed goes its proper way first.
        apply_removal.remove_listed(server, limits)
    for change in steps:
        if change.kind == SERVICE:
            remove_service(server, change.name, limits.interval)
    remove_folders(server, [change.name for change in steps if change.kind == FOLDER])


def _install(change: Change, desired: Desired, state: HostState, source: Source, server: Server, limits: Limits) -> Applied:
    """Run the installer and wait for what it installs; for a reinstallation remove both products first."""
    with bring(server, source, state.os.windows_directory, limits.timeout) as path:
        removed = apply_removal.remove_products(state, server, limits) if change.action == REINSTALL else Applied(state)
        began = server.clock()
        exit_code = run_installer(server, path, SILENT_INSTALL, limits)
        if exit_code.reboot_required:
            # A restart, now or at any moment, takes the shell with it; what comes next opens a new one.
            server.shell.close()
        server.done.append(f"{change.action}: the installer ran, exit code {exit_code.code} ({exit_code.meaning})")
        installed = _wait_until_installed(change, desired, exit_code, began, server, limits)
    return Applied(
        installed,
        removed.reboot_required or exit_code.reboot_required,
        removed.reboot_started or exit_code.reboot_started,
    )


def _wait_until_installed(change: Change, desired: Desired, exit_code: ExitCode, began: float, server: Server, limits: Limits) -> HostState:
    """Files and services appear after the installer has ended [MS and observed], so its end proves nothing."""
    # The connector may serve again before its files are new: what has begun is not left to a rolling upgrade any more.
    begun = dataclasses.replace(desired, upgrade_serving=True)

    def look() -> tuple[HostState | None, str]:
        state = server.observe()
        open_steps = [step for step in plan_connector(begun, state).changes if step.action in INSTALLER_ACTIONS]
        missing = ", ".join(state.missing_parts())
        seen = f"missing: {missing}" if missing else f"version {state.installation.version}"
        return (None if open_steps else state), seen

    try:
        return server.wait("files and services of the connector", look, timeout=limits.timeout, interval=limits.interval)
    except WaitTimeout as error:
        log = log_tail(server, int(server.clock() - began) + 1)
        shown = f". The end of the installer's log: {' | '.join(log)}" if log else ""
        raise HostError(
            f"the installer ended with exit code {exit_code.code} ({exit_code.meaning}), but after {error.seconds:.0f} seconds the"
            f" {change.action} is not complete: {error.seen}. Leftovers of an earlier installation are the usual cause: run again with"
            f" remove_leftovers=true{shown}",
            operation=change.action,
            exit_code=exit_code.code,
            log=log,
        ) from error

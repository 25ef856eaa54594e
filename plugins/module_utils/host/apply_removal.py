# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Carry out the plan of a removal: the given installer's own uninstall, then whatever the registry still knows."""

from __future__ import annotations

import contextlib

from ansible_collections.entra.app_proxy.plugins.module_utils.host import uninstall_entries
from ansible_collections.entra.app_proxy.plugins.module_utils.host.apply_leftovers import remove_folders, remove_service
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer import SILENT_UNINSTALL, ExitCode
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_run import Applied, Limits, run_installer
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_source import Source, bring
from ansible_collections.entra.app_proxy.plugins.module_utils.host.leftovers import product_folders
from ansible_collections.entra.app_proxy.plugins.module_utils.host.plan_removal import FOLDER
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server, WaitTimeout
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Plan

REMOVAL = "a removal of the connector"
"""What the note says of the restart that a removal ends with."""

_QUERY_TIMEOUT = 120.0
# Microsoft's own script waits this long after the installer's uninstall [MS, powershell-get-token].
_AFTER_INSTALLER = 60.0


def apply(plan: Plan, state: HostState, source: Source, server: Server, limits: Limits) -> Applied:
    """Remove connector and updater, wait until both are gone, then remove the folders that the plan names.

    :raises HostError: when something of them stays.
    """
    applied = Applied(state)
    if not state.absent:
        applied = remove_products(state, server, limits, source)
    remove_folders(server, [change.name for change in plan.changes if change.kind == FOLDER])
    return applied


def remove_products(state: HostState, server: Server, limits: Limits, source: Source | None = None) -> Applied:
    """Remove connector and updater: by their uninstallers, and by hand what has none.

    :param source: an installer that is asked first; None: only what Windows lists as installed.
    """
    outcomes: list[ExitCode] = []
    if source is not None and source.given:
        outcomes.append(_by_installer(state, source, server, limits))
        # It goes on after its process has ended; two uninstallers at once would be in each other's way.
        with contextlib.suppress(WaitTimeout):
            return _applied(_wait_until_gone(server, _shortly(limits)), outcomes)
    outcomes += uninstall_registered(server, limits)
    if outcomes:
        with contextlib.suppress(WaitTimeout):
            return _applied(_wait_until_gone(server, _shortly(limits)), outcomes)
    _sweep(server, limits)
    try:
        return _applied(_wait_until_gone(server, limits), outcomes)
    except WaitTimeout as error:
        raise HostError(
            f"after the uninstallers have ended and {error.seconds:.0f} seconds more, something is left: {error.seen}. Restart the server"
            " (files in use go then) and run again; if it stays, run Microsoft's installer there by hand and choose Uninstall",
            operation="remove the connector",
        ) from error


def uninstall_registered(server: Server, limits: Limits) -> list[ExitCode]:
    """Uninstall what Windows lists as installed; returns how each uninstaller ended."""
    outcomes = []
    for entry in registered_products(server):
        command, arguments = entry.command()
        outcome = run_installer(server, command, arguments, limits)
        server.done.append(f"remove: {entry.display_name}, exit code {outcome.code} ({outcome.meaning})")
        outcomes.append(outcome)
    return outcomes


def registered_products(server: Server) -> list[uninstall_entries.Entry]:
    """What can still be uninstalled by the registry. reg.exe ends with 1 when it finds nothing."""
    output = [server.run("reg.exe", *uninstall_entries.query(key), timeout=_QUERY_TIMEOUT).stdout for key in uninstall_entries.KEYS]
    return uninstall_entries.parse("\n".join(output))


def _by_installer(state: HostState, source: Source, server: Server, limits: Limits) -> ExitCode:
    with bring(server, source, state.os.windows_directory, limits.timeout) as path:
        outcome = run_installer(server, path, SILENT_UNINSTALL, limits)
    server.done.append(f"remove: the installer ran, exit code {outcome.code} ({outcome.meaning})")
    return outcome


def _sweep(server: Server, limits: Limits) -> None:
    """What no uninstaller took with it: entries of services, and the folders of executables."""
    state = server.observe()
    for name in sorted(state.services):
        remove_service(server, name, limits.interval)
    exes = [*state.installation.connector_exes, *state.installation.updater_exes]
    folders = {exe.lower().rpartition("\\")[0] for exe in exes}
    # A service may point anywhere: only folders that are the product's own are removed.
    remove_folders(server, [folder for folder in product_folders(state) if folder.lower() in folders])


def _shortly(limits: Limits) -> Limits:
    return Limits(min(limits.timeout, _AFTER_INSTALLER), limits.interval)


def _applied(state: HostState, outcomes: list[ExitCode]) -> Applied:
    return Applied(
        state,
        reboot_required=any(outcome.reboot_required for outcome in outcomes),
        reboot_started=any(outcome.reboot_started for outcome in outcomes),
    )


def _wait_until_gone(server: Server, limits: Limits) -> HostState:
    def look() -> tuple[HostState | None, str]:
        state = server.observe()
        left = [f"service {name}" for name in state.services] + [*state.installation.connector_exes, *state.installation.updater_exes]
        return (None if left else state), ", ".join(left)

    return server.wait("the removal of connector and updater", look, timeout=limits.timeout, interval=limits.interval)

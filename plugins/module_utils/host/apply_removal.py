# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Carry out the plan of a removal: the given installer's own uninstall, then whatever the registry still knows."""

from __future__ import annotations

import contextlib

from ansible_collections.entra.app_proxy.plugins.module_utils.host import uninstall_entries
from ansible_collections.entra.app_proxy.plugins.module_utils.host.apply_connector import Applied, Limits, run_installer
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer import SILENT_UNINSTALL
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_source import Source, bring
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server, WaitTimeout
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState

_QUERY_TIMEOUT = 120.0
# Microsoft's own script waits this long after the installer's uninstall [MS, powershell-get-token].
_AFTER_INSTALLER = 60.0


def apply(state: HostState, source: Source, server: Server, limits: Limits) -> Applied:
    """Remove connector and updater and wait until both are gone.

    :raises HostError: when something of them stays.
    """
    reboot_required = False
    if source.given:
        reboot_required = _by_installer(state, source, server, limits)
        # It goes on after its process has ended; two uninstallers at once would be in each other's way.
        with contextlib.suppress(WaitTimeout):
            return Applied(_wait_until_gone(server, Limits(min(limits.timeout, _AFTER_INSTALLER), limits.interval)), reboot_required)
    for entry in registered_products(server):
        command, arguments = entry.command()
        outcome = run_installer(server, command, arguments, limits)
        server.done.append(f"remove: {entry.display_name}, exit code {outcome.code} ({outcome.meaning})")
        reboot_required = reboot_required or outcome.reboot_required
    try:
        return Applied(_wait_until_gone(server, limits), reboot_required)
    except WaitTimeout as error:
        raise HostError(
            f"after the uninstallers have ended and {error.seconds:.0f} seconds more, something is left: {error.seen}. Restart the server"
            " (files in use go then) and run again; if it stays, run Microsoft's installer there by hand and choose Uninstall",
            operation="remove the connector",
        ) from error


def _by_installer(state: HostState, source: Source, server: Server, limits: Limits) -> bool:
    with bring(server, source, state.os.windows_directory, limits.timeout) as path:
        outcome = run_installer(server, path, SILENT_UNINSTALL, limits)
    server.done.append(f"remove: the installer ran, exit code {outcome.code} ({outcome.meaning})")
    return outcome.reboot_required


def registered_products(server: Server) -> list[uninstall_entries.Entry]:
    """What can still be uninstalled by the registry. reg.exe ends with 1 when it finds nothing."""
    output = [server.run("reg.exe", *uninstall_entries.query(key), timeout=_QUERY_TIMEOUT).stdout for key in uninstall_entries.KEYS]
    return uninstall_entries.parse("\n".join(output))


def _wait_until_gone(server: Server, limits: Limits) -> HostState:
    def look() -> tuple[HostState | None, str]:
        state = server.observe()
        left = [f"service {name}" for name in state.services] + [*state.installation.connector_exes, *state.installation.updater_exes]
        return (None if left else state), ", ".join(left)

    return server.wait("the removal of connector and updater", look, timeout=limits.timeout, interval=limits.interval)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Carry out the plan of a removal: the given installer's own uninstall, then whatever the registry still knows.

An uninstaller that fails does not end the removal: the other product goes, and what is left of the first is removed by hand. Its failure is
the news only when something stays.
"""

from __future__ import annotations

import contextlib
import dataclasses

from ansible_collections.entra.app_proxy.plugins.module_utils.host import uninstall_entries
from ansible_collections.entra.app_proxy.plugins.module_utils.host.apply_leftovers import remove_folders, remove_service
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer import SILENT_UNINSTALL, ExitCode
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_restart import awaited, restart_if_due, until_restart
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_run import InstallerFailed, Limits, Restarts, run_installer
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_source import Source, bring
from ansible_collections.entra.app_proxy.plugins.module_utils.host.leftovers import product_folders
from ansible_collections.entra.app_proxy.plugins.module_utils.host.plan_removal import FOLDER, PRODUCT
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server, WaitTimeout
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Plan

REMOVAL = "a removal of the connector"
"""What the note says of the restart that a removal ends with."""

_QUERY_TIMEOUT = 120.0
# Microsoft's own script waits this long after the installer's uninstall [MS, powershell-get-token].
_AFTER_INSTALLER = 60.0


@dataclasses.dataclass
class _Uninstallers:
    """The uninstallers of one removal, and how they ended."""

    restarts: Restarts
    ran: bool = False
    failed: list[InstallerFailed] = dataclasses.field(default_factory=list)

    def run(self, server: Server, name: str, path: str, arguments: tuple[str, ...], limits: Limits) -> ExitCode:
        """Run one to its end.

        :raises InstallerFailed: when its turn did not come. By hand nothing is removed while another installation runs.
        """
        self.ran = True
        try:
            return run_installer(server, path, arguments, f"remove: {name}", limits, self.restarts, removing=True)
        except InstallerFailed as error:
            if error.outcome.busy:
                raise
            self.failed.append(error)
            server.done.append(f"remove: {name}, exit code {error.outcome.code} ({error.outcome.meaning})")
            return error.outcome

    def forbearance(self, server: Server) -> contextlib.AbstractContextManager[None]:
        """What stays may wait for a restart, unless it stays because an uninstaller failed."""
        return contextlib.nullcontext() if self.failed else until_restart(server, self.restarts)

    def why(self) -> str:
        """What the failures add to the message that something stays."""
        return "".join(f". {error.message}" for error in self.failed)

    def details(self) -> dict[str, object]:
        return dict(self.failed[0].details) if self.failed else {}


def apply(plan: Plan, state: HostState, source: Source, server: Server, limits: Limits, restarts: Restarts) -> HostState:
    """Remove connector and updater, restart the server where that is due and allowed, then remove the folders that the plan names.

    :raises HostError: when something of them stays, and not only until a restart that is not allowed.
    """
    uninstallers = _Uninstallers(restarts)
    only_listed = any(change.kind == PRODUCT for change in plan.changes)
    if not state.absent:
        _remove(state, source, uninstallers, server, limits)
    elif only_listed:
        _uninstall_listed(uninstallers, server, limits)
    restart_if_due(server, restarts)
    with uninstallers.forbearance(server):
        remove_folders(server, [change.name for change in plan.changes if change.kind == FOLDER])
        if uninstallers.ran or only_listed:
            _require_unlisted(uninstallers, server, limits)
    return server.observe()


def remove_products(state: HostState, server: Server, limits: Limits, restarts: Restarts) -> None:
    """Remove connector and updater, for another installation right after it.

    :raises HostError: when something of them stays. Where an uninstaller failed, nothing is removed by hand: the connector may serve on.
    """
    _remove(state, None, _Uninstallers(restarts), server, limits)


def remove_listed(server: Server, limits: Limits, restarts: Restarts) -> None:
    """Uninstall what Windows lists as installed, before what is left of it is removed by hand.

    :raises HostError: when it stays.
    """
    uninstallers = _Uninstallers(restarts)
    _uninstall_listed(uninstallers, server, limits)
    _require_unlisted(uninstallers, server, limits)


def listed_names(server: Server) -> list[str]:
    """The display names of what Windows lists as installed."""
    return sorted({entry.display_name for entry in registered_products(server)})


def registered_products(server: Server) -> list[uninstall_entries.Entry]:
    """What can still be uninstalled by the registry.

    :raises HostError: when the registry cannot be searched, which is not the same as finding nothing.
    """
    return uninstall_entries.parse("\n".join(_search(server, key) for key in uninstall_entries.KEYS))


def _search(server: Server, key: str) -> str:
    """What reg.exe prints. It ends with 1 both when it finds nothing and when it fails; only then it writes to standard error."""
    result = server.run("reg.exe", *uninstall_entries.query(key), timeout=_QUERY_TIMEOUT)
    said = " ".join(result.stderr.split())
    # Only the key of 32-bit programs may be missing. What else keeps reg.exe from it would have kept it from the first key.
    if result.exit_code == 0 or (result.exit_code == 1 and (not said or key == uninstall_entries.KEY_OF_32_BIT)):
        return result.stdout
    raise HostError(
        f"what Windows lists as installed cannot be read: reg.exe query {key} ended with exit code {result.exit_code}: {said or 'no text'}."
        " So it is not known which uninstallers there are, and nothing was removed by hand. Let the connecting user run reg.exe (the policy"
        " 'Prevent access to registry editing tools' forbids it), and run again",
        operation="look for uninstallers",
        exit_code=result.exit_code,
    )


def _remove(state: HostState, source: Source | None, uninstallers: _Uninstallers, server: Server, limits: Limits) -> None:
    """Remove connector and updater: by their uninstallers, and by hand what has none. What is in use goes with a restart, now or later.

    :param source: the installer that is asked first, if one is given; None: another installation follows.
    """
    if source is not None and source.given:
        with bring(server, source, state.os.windows_directory, limits.timeout) as path:
            uninstallers.run(server, "the installer ran", path, SILENT_UNINSTALL, limits)
        # It goes on after its process has ended; two uninstallers at once would be in each other's way.
        if _is_gone(server, limits):
            return
    _uninstall_listed(uninstallers, server, limits)
    if uninstallers.ran and _is_gone(server, limits):
        return
    if source is None and uninstallers.failed:
        raise uninstallers.failed[0]
    restarts = uninstallers.restarts
    if restarts.allowed and awaited(server):
        # What is in nobody's use goes before the restart: an entry of a service that is marked for deletion goes with it.
        with contextlib.suppress(HostError):
            _sweep(server, limits)
        if restart_if_due(server, restarts) and _is_gone(server, limits):
            return
    with uninstallers.forbearance(server):
        _sweep(server, limits)
        _require_gone(uninstallers, server, limits)


def _uninstall_listed(uninstallers: _Uninstallers, server: Server, limits: Limits) -> None:
    entries = registered_products(server)
    while entries:
        entry, *entries = entries
        path, arguments = entry.command()
        outcome = uninstallers.run(server, entry.display_name, path, arguments, limits)
        if outcome.reboot_started:
            # The start of Windows may have removed what was listed.
            listed = registered_products(server)
            entries = [entry for entry in entries if entry in listed]


def _require_unlisted(uninstallers: _Uninstallers, server: Server, limits: Limits) -> None:
    """What is listed although nothing else is left keeps the next installation from its work.

    :raises HostError: when it stays.
    """

    def look() -> tuple[bool | None, str]:
        left = listed_names(server)
        return (None if left else True), ", ".join(left)

    try:
        server.wait("Windows to list the products no more", look, timeout=_shortly(limits).timeout, interval=limits.interval)
    except WaitTimeout as error:
        why = uninstallers.why() or ". Its uninstaller tells of no failure: restart the server and run again"
        raise HostError(
            f"Windows still lists as installed: {error.seen}{why}",
            **{**uninstallers.details(), "operation": "remove the connector"},
        ) from error


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


def _is_gone(server: Server, limits: Limits) -> bool:
    """Whether everything is gone shortly after an uninstaller has ended, or Windows has started."""
    try:
        _wait_until_gone(server, _shortly(limits))
    except WaitTimeout:
        return False
    return True


def _require_gone(uninstallers: _Uninstallers, server: Server, limits: Limits) -> None:
    try:
        _wait_until_gone(server, limits)
    except WaitTimeout as error:
        raise HostError(
            f"after the uninstallers have ended and {error.seconds:.0f} seconds more, something is left: {error.seen}. Restart the server"
            f" (files in use go then) and run again; if it stays, run Microsoft's installer there by hand and choose Uninstall"
            f"{uninstallers.why()}",
            **{**uninstallers.details(), "operation": "remove the connector"},
        ) from error


def _wait_until_gone(server: Server, limits: Limits) -> None:
    def look() -> tuple[bool | None, str]:
        state = server.observe()
        left = [f"service {name}" for name in state.services] + [*state.installation.connector_exes, *state.installation.updater_exes]
        return (None if left else True), ", ".join(left)

    server.wait("the removal of connector and updater", look, timeout=limits.timeout, interval=limits.interval)

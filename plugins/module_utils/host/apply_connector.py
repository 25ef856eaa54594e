# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Carry out the plan of an installation: run the installer, wait until the product is there, see to the services."""

from __future__ import annotations

import dataclasses

from ansible_collections.entra.app_proxy.plugins.module_utils.host import service_control
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer import SILENT_INSTALL, ExitCode, explain
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_source import Source, bring
from ansible_collections.entra.app_proxy.plugins.module_utils.host.plan_connector import (
    INSTALLER_ACTIONS,
    Desired,
    service_changes,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.host.plan_connector import plan as plan_connector
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server, WaitTimeout
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan

# Characters of what an installer printed; most print nothing.
_OUTPUT_TAIL = 300


@dataclasses.dataclass(frozen=True)
class Limits:
    """Seconds: how long one step may take, and how often to look."""

    timeout: float
    interval: float


@dataclasses.dataclass(frozen=True)
class Applied:
    """The host as it is after the plan."""

    state: HostState
    reboot_required: bool = False


def apply(plan: Plan, desired: Desired, state: HostState, source: Source, server: Server, limits: Limits) -> Applied:
    """Carry the plan out.

    :raises HostError: when a step fails; C(server.done) then says what was done before.
    """
    reboot_required = False
    for change in plan.changes:
        if change.action in INSTALLER_ACTIONS:
            reboot_required = _install(change, desired, state, source, server, limits)
            state = server.observe()
    # Read again after an installer: it starts services itself, and may leave others in need.
    for change in service_changes(state):
        service_control.apply(change, server, timeout=limits.timeout, interval=limits.interval)
    return Applied(server.observe(), reboot_required)


def _install(change: Change, desired: Desired, state: HostState, source: Source, server: Server, limits: Limits) -> bool:
    with bring(server, source, state.os.windows_directory, limits.timeout) as path:
        exit_code = run_installer(server, path, SILENT_INSTALL, limits)
        if exit_code.reboot_required:
            # A restart, now or at any moment, takes the shell with it; what comes next opens a new one.
            server.shell.close()
        server.done.append(f"{change.action}: the installer ran, exit code {exit_code.code} ({exit_code.meaning})")
        _wait_until_installed(change, desired, exit_code, server, limits)
    return exit_code.reboot_required


def run_installer(server: Server, path: str, arguments: tuple[str, ...], limits: Limits) -> ExitCode:
    """Run an installer to its end; when another one is running, wait for that first.

    :raises HostError: for an exit code that means failure.
    """

    said: list[str] = []

    def attempt() -> tuple[ExitCode | None, str]:
        result = server.run(path, *arguments, timeout=limits.timeout)
        said[:] = [" ".join((result.stderr or result.stdout).split())[-_OUTPUT_TAIL:].rstrip(".")]
        outcome = explain(result.exit_code)
        return (None if outcome.busy else outcome), outcome.meaning

    try:
        outcome = server.wait("the installer's turn", attempt, timeout=limits.timeout, interval=limits.interval)
    except WaitTimeout as error:
        outcome = explain(1618)
        raise _failed(path, outcome, f"still so after {error.seconds:.0f} seconds") from error
    if not outcome.succeeded:
        raise _failed(path, outcome, f"it said: {said[0]}" if said[0] else "")
    return outcome


def _failed(path: str, outcome: ExitCode, more: str) -> HostError:
    name = path.rpartition("\\")[2]
    return HostError(
        f"{name} ended with exit code {outcome.code}: {outcome.meaning}{', ' + more if more else ''}. What to do: {outcome.remedy}",
        operation=f"run {name}",
        exit_code=outcome.code,
    )


def _wait_until_installed(change: Change, desired: Desired, exit_code: ExitCode, server: Server, limits: Limits) -> None:
    """Files and services appear after the installer has ended [MS and observed], so its end proves nothing."""

    def look() -> tuple[bool | None, str]:
        state = server.observe()
        open_steps = [step for step in plan_connector(desired, state).changes if step.action in INSTALLER_ACTIONS]
        missing = ", ".join(state.missing_parts())
        seen = f"missing: {missing}" if missing else f"version {state.installation.version}"
        return (None if open_steps else True), seen

    try:
        server.wait("files and services of the connector", look, timeout=limits.timeout, interval=limits.interval)
    except WaitTimeout as error:
        raise HostError(
            f"the installer ended with exit code {exit_code.code} ({exit_code.meaning}), but after {error.seconds:.0f} seconds the"
            f" {change.action} is not complete: {error.seen}. Leftovers of an earlier installation are the usual cause: remove them"
            " (state=absent, then the folders below Program Files) and run again; the installer's logs are in the TEMP folder of the"
            " connecting user",
            operation=change.action,
            exit_code=exit_code.code,
        ) from error

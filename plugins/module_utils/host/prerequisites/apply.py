# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Mend what the plan says."""

from __future__ import annotations

from ansible_collections.entra.app_proxy.plugins.module_utils.host import restart_note
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.plan import REGISTRY, WANTED_PORTS, needing_reboot
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.state import Prerequisites
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import Registry


def apply(plan: Plan, state: Prerequisites, server: Server, *, timeout: float) -> None:
    """Carry the plan out; C(server.done) says what was done.

    :raises HostError: netsh refused.
    """
    registry = Registry(server.session)
    if needing_reboot(plan):
        restart_note.add(registry, state.os, needing_reboot(plan), server.now())
    made: set[str] = set()
    for change in plan.changes:
        if change.kind != REGISTRY:
            _widen(change, server, timeout)
            continue
        setting = change.data["setting"]
        if setting.key not in made:
            registry.create_key(setting.key)
            made.add(setting.key)
        registry.set_dword(setting.key, setting.value, setting.wanted)
        server.done.append(f"{setting.name} set to {setting.wanted}")


def _widen(change: Change, server: Server, timeout: float) -> None:
    stack, protocol = change.name.split()
    wanted = (f"start={WANTED_PORTS.start}", f"num={WANTED_PORTS.count}")
    result = server.run("netsh.exe", "int", stack, "set", "dynamicport", protocol, *wanted, timeout=timeout)
    if result.exit_code != 0:
        said = " ".join((result.stderr or result.stdout).split())[-300:]
        raise HostError(
            f"netsh int {stack} set dynamicport {protocol} {' '.join(wanted)} ended with exit code {result.exit_code}: {said}."
            " Try it on the server as an administrator",
            operation=f"set the dynamic ports of {change.name}",
            exit_code=result.exit_code,
        )
    server.done.append(f"dynamic ports of {change.name} set to {WANTED_PORTS.count} from {WANTED_PORTS.start}")

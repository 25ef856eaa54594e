# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Carry out the plan of an outbound proxy: write files and registry, and restart the services that run."""

from __future__ import annotations

import base64
import hashlib

from ansible_collections.entra.app_proxy.plugins.module_utils.host import notes
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import SERVICES
from ansible_collections.entra.app_proxy.plugins.module_utils.host.observe import operating_system, service_states
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.observe import NOTE
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.plan import CONFIGURE, SET, restarts
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.state import BACKEND_VALUE, ProxyState
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server, WaitTimeout, require
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import RUNNING, STOPPED
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import services
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import Registry

# Behind the name of the file as it was before the first edit.
ORIGINAL = ".original"


def apply(plan: Plan, state: ProxyState, server: Server, *, timeout: float, interval: float) -> list[str]:
    """Carry the plan out; returns the services that were restarted.

    A service that is stopped stays so: that of a connector without registration has nothing to do, and one that should run is the
    business of entra.app_proxy.connector. When it starts, it reads the new settings.

    What is about to be restarted is noted on the server before anything is written, so that a run that is killed in between leaves
    its restarts to the next one.
    """
    registry = Registry(server.session)
    due = _due(plan, state, server)
    if due:
        _machine, os = operating_system(server.session)
        notes.write(registry, NOTE, due, os, server.now())
    for change in plan.changes:
        if change.action == CONFIGURE:
            _write(change, server, timeout)
        elif change.action == SET:
            _set(change, server)
    restarted = [name for name in due if _restart(name, server, state, timeout=timeout, interval=interval)]
    if due:
        notes.erase(registry, NOTE)
    return restarted


def running(plan: Plan, state: ProxyState, server: Server) -> list[str]:
    """The services that apply would restart."""
    return list(_due(plan, state, server))


def _due(plan: Plan, state: ProxyState, server: Server) -> dict[str, int | None]:
    """The services that have to be restarted, with their present processes."""
    found = service_states(server.session)
    wanted = restarts(plan)
    return {
        name: found[name].process_id
        for name in SERVICES
        if name in wanted and name in found and (found[name].state != STOPPED or name in state.unfinished)
    }


def _write(change: Change, server: Server, timeout: float) -> None:
    path = change.data["path"]
    doing = f"writing {path}"
    arguments = {
        "path": path,
        "content": base64.b64encode(change.data["content"]).decode(),
        "expected_sha256": hashlib.sha256(change.data["former"]).hexdigest(),
        "copy_to": path + ORIGINAL,
    }
    answer = require(server.script("write_file", arguments, timeout=timeout), doing)
    copied = f" (the original is in {path}{ORIGINAL})" if answer.get("copied") else ""
    server.done.append(f"{path} changed{copied}")


def _set(change: Change, server: Server) -> None:
    registry = Registry(server.session)
    registry.create_key(change.data["key"])
    registry.set_dword(change.data["key"], BACKEND_VALUE, int((change.after or {})["data"]))
    server.done.append(f"{change.name} set")


def _restart(name: str, server: Server, state: ProxyState, *, timeout: float, interval: float) -> bool:
    """Stop and start a service that runs, or start one that an earlier run has stopped. False when it is stopped.

    :raises HostError: when it does not come back in time.
    """
    found = _settled(name, server, timeout, interval)
    if found == RUNNING:
        services.stop(server.session, name)
        _await(name, STOPPED, server, timeout, interval)
    elif found != STOPPED or name not in state.unfinished:
        return False
    services.start(server.session, name)
    _await(name, RUNNING, server, timeout, interval)
    server.done.append(f"service {name} restarted")
    return True


def _settled(name: str, server: Server, timeout: float, interval: float) -> str | None:
    """Running, stopped, or no such service: one that is just starting may still have read the former settings."""

    def look() -> tuple[str | None, str]:
        service = service_states(server.session).get(name)
        if service is None:
            return "", "no such service"
        return (None if service.state.endswith("Pending") else service.state), service.state

    try:
        return server.wait(f"service {name} to settle", look, timeout=timeout, interval=interval)
    except WaitTimeout as error:
        raise _stuck(name, error) from error


def _await(name: str, state: str, server: Server, timeout: float, interval: float) -> None:
    def look() -> tuple[bool | None, str]:
        service = service_states(server.session).get(name)
        seen = "no such service" if service is None else service.state
        return (True if seen == state else None), seen

    try:
        server.wait(f"service {name} to be {state}", look, timeout=timeout, interval=interval)
    except WaitTimeout as error:
        raise _stuck(name, error) from error


def _stuck(name: str, error: WaitTimeout) -> HostError:
    return HostError(
        f"restarting service {name}: {error}. The new settings are written but not in use until it starts: run again, or restart it on"
        f" the server (Restart-Service {name}), and see the System log and the connector's Admin log there",
        operation=f"restart service {name}",
    )

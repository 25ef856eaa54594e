# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Carry out service changes, and look again whether they took."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.logged_reason import logged_reason
from ansible_collections.entra.app_proxy.plugins.module_utils.host.observe import service_states
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server, WaitTimeout
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import (
    AUTOMATIC,
    PAUSED,
    RUNNING,
    STOPPED,
    HostState,
    ServiceState,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import services

# Seconds that a service may take to start with Windows, or to end. One that takes longer is judged as it is then.
_ON_ITS_WAY = 60.0


def settled(server: Server, interval: float) -> HostState:
    """The host as it is when no service of the product is just starting or stopping, as one is for a while after a start of Windows."""
    state = server.observe()
    if not _on_their_way(state.services):
        return state

    def look() -> tuple[bool | None, str]:
        seen = _on_their_way(service_states(server.session))
        return (None if seen else True), ", ".join(seen)

    with contextlib.suppress(WaitTimeout):
        server.wait("the services to settle", look, timeout=_ON_ITS_WAY, interval=interval)
    return server.observe()


def apply(change: Change, server: Server, *, timeout: float, interval: float) -> None:
    """Make one service as the change wants it. Decided by looking, not by return codes: a slow service is still starting then.

    :raises HostError: when it does not become so in time, with the reason from the event logs.
    """
    after = change.after or {}
    began = server.clock()
    codes: dict[str, int] = {}
    if "start_mode" in after:
        codes["ChangeStartMode"] = services.set_start_mode(server.session, change.name, "Automatic")
        server.done.append(f"service {change.name} set to start automatically")
    if "state" in after:
        codes["StartService"] = services.start(server.session, change.name)
        server.done.append(f"service {change.name} started")

    def look() -> tuple[bool | None, str]:
        service = service_states(server.session).get(change.name)
        if service is None:
            return None, "the service does not exist"
        if "state" in after:
            _ask_again(service, codes, server)
        right = ("start_mode" not in after or service.start_mode == AUTOMATIC) and ("state" not in after or service.state == RUNNING)
        return (True if right else None), f"{service.state}, {service.start_mode}"

    try:
        server.wait(f"service {change.name}", look, timeout=timeout, interval=interval)
    except WaitTimeout as error:
        reason = logged_reason(server, server.clock() - began) if "state" in after else ""
        answered = ", ".join(f"{method} returned {code}" for method, code in codes.items())
        raise HostError(
            f"service {change.name} did not become {', '.join(str(value) for value in after.values())} within {error.seconds:.0f} seconds:"
            f" {error.seen} ({answered}){reason}. See the System log and the connector's Admin log on the server; the account of the"
            " service must be the one the installer gave it",
            operation=f"{change.action} service {change.name}",
            return_values=codes,
        ) from error


def _ask_again(service: ServiceState, codes: dict[str, int], server: Server) -> None:
    """Ask a service that could not be started as it was: it was still stopping then, or it is paused."""
    if service.state == STOPPED and codes["StartService"] == services.ALREADY_RUNNING:
        codes["StartService"] = services.start(server.session, service.name)
    elif service.state == PAUSED and "ResumeService" not in codes:
        codes["ResumeService"] = services.resume(server.session, service.name)


def _on_their_way(found: t.Mapping[str, ServiceState]) -> list[str]:
    return [f"{name} {service.state}" for name, service in found.items() if service.is_on_its_way]

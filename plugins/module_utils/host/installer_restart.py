# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The restart that an installation or a removal asks for, and the services of a registered host after it."""

from __future__ import annotations

import datetime

from ansible_collections.entra.app_proxy.plugins.module_utils.host import service_control
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_run import Applied
from ansible_collections.entra.app_proxy.plugins.module_utils.host.observe import operating_system
from ansible_collections.entra.app_proxy.plugins.module_utils.host.plan_connector import service_changes
from ansible_collections.entra.app_proxy.plugins.module_utils.host.restart import restart
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server, WaitTimeout
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import AuthenticationError

_DELAY = 2


def restart_after(applied: Applied, before: HostState, server: Server, timeout: float, interval: float) -> Applied:
    """Restart, unless the installer has begun that itself, wait for the new boot, and see that a registered connector runs again.

    :param before: the host as it was before the installer ran.
    :param timeout: seconds until the server must be up again.
    :raises HostError: when the order is refused, or the server does not come back in time.
    """
    server.shell.close()
    if applied.reboot_started:
        _wait_for_boot(before.os.local_time or server.now(), server, timeout, interval)
    else:
        options = {"reason": "the connector was installed or removed", "delay": _DELAY, "timeout": timeout, "poll_interval": interval}
        restart(server, options, False)
    server.done.append("the server is up again")
    for change in service_changes(server.observe()):
        service_control.apply(change, server, timeout=timeout, interval=interval)
    return Applied(server.observe())


def _wait_for_boot(since: datetime.datetime, server: Server, timeout: float, interval: float) -> None:
    def look() -> tuple[bool | None, str]:
        try:
            _machine, found = operating_system(server.session)
        except AuthenticationError as error:
            # Right after its start a server may not reach its domain yet.
            return None, str(error)
        return (True if found.last_boot is not None and found.last_boot > since else None), f"running since {found.last_boot}"

    try:
        server.wait("the restart that the installer has begun", look, timeout=timeout, interval=interval)
    except WaitTimeout as error:
        raise HostError(
            f"the installer has begun a restart, but after {error.seconds:.0f} seconds the server is not up again; last seen: {error.seen}."
            " Look at its console, then run again",
            operation="wait for the restart",
        ) from error

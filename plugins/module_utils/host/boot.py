# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Wait for a new start of Windows, whatever a server says while it goes down and comes up."""

from __future__ import annotations

import datetime

from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.observe import operating_system
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server, WaitTimeout
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import OperatingSystem
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import WSManError


def wait_for_boot(
    server: Server, machine: str, since: datetime.datetime, after: str, *, timeout: float, interval: float
) -> OperatingSystem:
    """Look until Windows has been started later than C(since), by its own clock. Another boot time is not enough: a correction of the clock
    moves it, too.

    Refusals, faults and empty answers are what a server that shuts down or has just started says as well [inferred; an account of the
    domain is refused until the server reaches it]: all of them mean that it is not up yet, and the last one is what a failure shows.

    :param after: what the restart follows, such as C(its restart was ordered).
    :param timeout: seconds.
    :raises HostError: at the deadline.
    """

    def look() -> tuple[OperatingSystem | None, str]:
        try:
            _machine, found = operating_system(server.session)
        except (WSManError, HostError) as error:
            return None, str(error)
        is_new = found.last_boot is not None and found.last_boot > since
        return (found if is_new else None), f"running since {shown(found)}"

    try:
        return server.wait("the server to come up again", look, timeout=timeout, interval=interval)
    except WaitTimeout as error:
        raise HostError(
            f"{machine} did not come up again within {error.seconds:.0f} seconds after {after}; last seen: {error.seen}."
            " Look at its console, then run again",
            operation="wait for the restart",
        ) from error


def shown(system: OperatingSystem) -> str | None:
    return system.last_boot.strftime("%Y-%m-%dT%H:%M:%SZ") if system.last_boot else None

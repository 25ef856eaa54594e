# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Restart a Windows server and wait until it has come up again, told by a boot that is later than the order."""

from __future__ import annotations

import contextlib
import datetime
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.observe import operating_system
from ansible_collections.entra.app_proxy.plugins.module_utils.host.options import Option, Options, positive
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server, WaitTimeout
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import OperatingSystem
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import AuthenticationError, TransportError

RESTART = Options(
    options=(
        Option("reason", default="maintenance of the connector"),
        Option("delay", type="int", default=2, rule=positive),
        Option("timeout", type="int", default=900, rule=positive),
        Option("poll_interval", type="float", default=2.0, rule=positive),
    )
)

_ORDER_SECONDS = 60.0
_ALREADY_ORDERED = 1115
"""ERROR_SHUTDOWN_IN_PROGRESS, and 1190 for one that is scheduled (documented, Windows error codes)."""
_SCHEDULED = 1190


def restart(server: Server, options: t.Mapping[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """The module.

    :raises HostError: the order was refused, or the server did not come back in time.
    """
    machine, before = operating_system(server.session)
    plan = Plan.of([Change("restart", "server", machine, {"running since": _shown(before)}, {"running since": "now"}, options["reason"])])
    result = {"changed": True, "plan": plan.as_dict(), "diff": plan.diff(), "last_boot_before": _shown(before)}
    if check_mode:
        return {**result, "last_boot": _shown(before), "seconds": 0}
    started = server.clock()
    _order(server, machine, options)
    after = _come_back(server, machine, before, options)
    return {**result, "last_boot": _shown(after), "seconds": round(server.clock() - started)}


def _order(server: Server, machine: str, options: t.Mapping[str, t.Any]) -> None:
    """A delay of some seconds, so that the answer to the order arrives before the server goes down."""
    arguments = ("/r", "/t", str(options["delay"]), "/c", f"Ansible: {options['reason']}")
    try:
        outcome = server.run("shutdown.exe", *arguments, timeout=_ORDER_SECONDS)
    except TransportError as error:
        # It may have gone down while it answered: the boot time will tell.
        server.progress(f"the answer to the order was lost ({error})")
        return
    finally:
        server.done.append("restart: ordered")
        with contextlib.suppress(Exception):
            server.shell.close()
    if outcome.exit_code not in (0, _ALREADY_ORDERED, _SCHEDULED):
        said = outcome.stderr.strip(" .\r\n") or "no text"
        raise HostError(
            f"restarting {machine}: shutdown.exe ended with exit code {outcome.exit_code}: {said}."
            " The account needs the right to shut the system down",
            operation="restart the server",
            exit_code=outcome.exit_code,
        )


def _come_back(server: Server, machine: str, before: OperatingSystem, options: t.Mapping[str, t.Any]) -> OperatingSystem:
    # A correction of the clock moves the boot time, too: it must be later than the order, not only another one.
    ordered = before.local_time or server.now()

    def look() -> tuple[OperatingSystem | None, str]:
        try:
            _machine, found = operating_system(server.session)
        except AuthenticationError as error:
            # Right after its start a server may not reach its domain yet.
            return None, str(error)
        return (found if _is_new(found, ordered) else None), f"running since {_shown(found)}"

    try:
        return server.wait("the server to come up again", look, timeout=options["timeout"], interval=options["poll_interval"])
    except WaitTimeout as error:
        raise HostError(
            f"{machine} did not come up again within {error.seconds:.0f} seconds after its restart was ordered; last seen: {error.seen}."
            " Look at its console, then run again",
            operation="wait for the restart",
        ) from error


def _is_new(found: OperatingSystem, ordered: datetime.datetime) -> bool:
    return found.last_boot is not None and found.last_boot > ordered


def _shown(system: OperatingSystem) -> str | None:
    return system.last_boot.strftime("%Y-%m-%dT%H:%M:%SZ") if system.last_boot else None

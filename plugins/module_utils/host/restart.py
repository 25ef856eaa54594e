# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Restart a Windows server and wait until it has come up again, told by a boot that is later than the order."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.boot import shown, wait_for_boot
from ansible_collections.entra.app_proxy.plugins.module_utils.host.claim import require_free
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.observe import operating_system
from ansible_collections.entra.app_proxy.plugins.module_utils.host.options import Option, Options, one_line, positive
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.faults import WSManFault
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import TransportError

RESTART = Options(
    options=(
        Option("reason", default="maintenance of the connector", rule=one_line),
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
    plan = Plan.of([Change("restart", "server", machine, {"running since": shown(before)}, {"running since": "now"}, options["reason"])])
    result = {"changed": True, "plan": plan.as_dict(), "diff": plan.diff(), "last_boot_before": shown(before)}
    if check_mode:
        return {**result, "last_boot": shown(before), "seconds": 0}
    require_free(server)
    started = server.clock()
    _order(server, machine, options)
    ordered = before.local_time or server.now()
    limits = {"timeout": options["timeout"], "interval": options["poll_interval"]}
    after = wait_for_boot(server, machine, ordered, "its restart was ordered", **limits)
    return {**result, "last_boot": shown(after), "seconds": round(server.clock() - started)}


def _order(server: Server, machine: str, options: t.Mapping[str, t.Any]) -> None:
    """A delay of some seconds, so that the answer to the order arrives before the server goes down."""
    arguments = ("/r", "/t", str(options["delay"]), "/c", f"Ansible: {options['reason']}")
    try:
        outcome = server.run("shutdown.exe", *arguments, timeout=_ORDER_SECONDS)
    except TransportError as error:
        # It may have gone down while it answered: the boot time will tell.
        server.progress(f"the answer to the order was lost ({error})")
        return
    except WSManFault as fault:
        if not fault.is_shutting_down:
            raise
        server.progress(f"the server is going down already ({fault})")
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

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The restart that an installation or a removal asks for, and what is put off until then."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import restart_note
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer import ASKED
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_run import InstallerFailed, Restarts
from ansible_collections.entra.app_proxy.plugins.module_utils.host.observe import operating_system
from ansible_collections.entra.app_proxy.plugins.module_utils.host.restart import restart
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import Registry

_DELAY = 2


def awaited(server: Server) -> tuple[str, ...]:
    """What waits for a restart of the server now."""
    _machine, os = operating_system(server.session)
    return restart_note.awaited(Registry(server.session), os)


def restart_if_due(server: Server, restarts: Restarts) -> bool:
    """Restart the server when something waits for it and it is allowed; whether that was done. It is up again then.

    :raises HostError: when the order is refused, or the server does not come back in time.
    """
    if not restarts.allowed or not awaited(server):
        return False
    server.shell.close()
    options = {
        "reason": "the connector was installed or removed",
        "delay": _DELAY,
        "timeout": restarts.timeout,
        "poll_interval": restarts.interval,
    }
    restart(server, options, False)
    server.done.append("the server is up again")
    return True


def is_put_off(server: Server, restarts: Restarts) -> bool:
    """Whether an installer has asked for a restart that this run may not make: what is not right may be right after it [inferred]."""
    return not restarts.allowed and ASKED in awaited(server)


@contextlib.contextmanager
def until_restart(server: Server, restarts: Restarts) -> t.Iterator[None]:
    """What stays while a restart is put off is told, and is no error: the restart lets go of what is in use. An installer that fails is."""
    try:
        yield
    except InstallerFailed:
        raise
    except HostError as error:
        if not is_put_off(server, restarts):
            raise
        server.warn(f"an installer has asked for a restart of the server, which reboot=false puts off. Until then: {error.message}")

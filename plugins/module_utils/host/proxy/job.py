# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What connector_proxy does, from validated options to its result."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.claim import require_free
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.outcome import outcome
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.apply import apply, running
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.observe import observe
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.plan import Desired, plan, predicted
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.state import ProxyState
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server


def connector_proxy(server: Server, options: t.Mapping[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """Both files and the registry value as declared; what runs with other settings is restarted."""
    desired = Desired.of(options)
    timeout, interval = options["timeout"], options["poll_interval"]

    def look() -> ProxyState:
        return observe(server, read_contents=not desired.only_backend, may_be_absent=check_mode, timeout=timeout)

    state = look()
    steps = plan(desired, state)
    restarted: list[str] = []
    if steps and check_mode:
        restarted = running(steps, state, server)
        state = predicted(steps, state)
    elif steps:
        require_free(server)
        restarted = apply(steps, state, server, timeout=timeout, interval=interval)
        state = look()
        _check(plan(desired, state).lines(), state)
    return {**outcome(steps, server, check_mode), "proxy": state.as_dict(), "restarted": restarted}


def _check(still_to_do: t.Sequence[str], state: ProxyState) -> None:
    if still_to_do:
        raise HostError(
            f"the outbound proxy of {state.machine_name} was changed, but reads otherwise again: {'; '.join(still_to_do)}."
            " Something else on the server writes it: a group policy, or another management tool",
            operation="read back the outbound proxy",
        )

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The options of connector_proxy, declared once, and how they go together."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.options import POLL_INTERVAL, Option, Options, positive, proxy_address
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.config_file import DEFAULT, DIRECT, PROXY

# What only means something for a proxy of its own.
_OF_A_PROXY = ("address", "bypass_on_local", "use_system_default", "bypass_list")


def _filled(value: t.Any) -> str | None:
    return None if all(str(item).strip() for item in value) else "it has an empty element"


@dataclasses.dataclass(frozen=True)
class ProxyOptions(Options):
    """Judges also what goes together."""

    def problems(self, values: t.Mapping[str, t.Any]) -> list[str]:
        found = super().problems(values)
        if values.get("mode") == PROXY:
            missing = [] if values.get("address") else ["option mode has the value 'proxy': option address is required then"]
            return [*found, *missing]
        idle = [name for name in _OF_A_PROXY if values.get(name) is not None]
        if idle:
            found.append(f"{', '.join(idle)}: these belong to a proxy; give mode=proxy, or leave them out")
        return found


CONNECTOR_PROXY = ProxyOptions(
    options=(
        Option("mode", choices=(PROXY, DIRECT, DEFAULT)),
        Option("address", rule=proxy_address),
        Option("bypass_on_local", type="bool"),
        Option("use_system_default", type="bool"),
        Option("bypass_list", type="list", elements="str", rule=_filled),
        Option("use_for_backend", type="bool"),
        Option("timeout", type="int", default=120, rule=positive),
        POLL_INTERVAL,
    ),
)

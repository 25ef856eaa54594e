# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server's way out: which endpoints it reaches, and its dynamic ports."""

from __future__ import annotations

import dataclasses
import typing as t

STACKS = ("ipv4", "ipv6")
PROTOCOLS = ("tcp", "udp")
DEFAULT_RANGE = (49152, 16384)
"""Start and number since Windows Server 2008 [DOC, KB 929851]."""
LOWEST_START, HIGHEST_PORT, SMALLEST = 1025, 65535, 255
"""What netsh takes [DOC, KB 929851]."""
ADDRESS = "192.0.2.10"
"""What every name resolves to."""
REFUSED = "No connection could be made because the target machine actively refused it"


@dataclasses.dataclass
class Network:
    """Everything is reached, but what `endpoints` says otherwise."""

    endpoints: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    """By "host:port": {"error": text} = no connection; {"answer": first line} = what a proxy says to CONNECT, by the proxy's address."""
    ports: dict[str, tuple[int, int]] = dataclasses.field(
        default_factory=lambda: {f"{stack} {protocol}": DEFAULT_RANGE for stack in STACKS for protocol in PROTOCOLS}
    )
    fixed: set[str] = dataclasses.field(default_factory=set)
    """Ranges that netsh refuses to set, by the names of `ports`."""

    def patch_endpoints(self, values: t.Mapping[str, t.Any]) -> None:
        """{"host:port": "blocked" | {"error": ...} | {"answer": ...} | null}. Raises ValueError for anything else."""
        for name, value in values.items():
            if value is None:
                self.endpoints.pop(name, None)
            elif value == "blocked":
                self.endpoints[name] = {"error": REFUSED}
            elif isinstance(value, dict) and len(value) == 1 and set(value) <= {"error", "answer"}:
                self.endpoints[name] = {key: str(text) for key, text in value.items()}
            else:
                raise ValueError(f"unknown state {value!r} of endpoint {name!r}")

    def patch_ports(self, values: t.Mapping[str, t.Any]) -> None:
        """{"ipv4 tcp": [start, number]}. Raises ValueError for an unknown name."""
        for name, value in values.items():
            if name not in self.ports:
                raise ValueError(f"unknown port range {name!r}; known: {', '.join(self.ports)}")
            start, number = value
            self.ports[name] = (int(start), int(number))

    def patch_fixed(self, values: t.Iterable[str]) -> None:
        """["ipv6 tcp", ...]: all ranges that cannot be set from now on. Raises ValueError for an unknown name."""
        names = set(values)
        if names - set(self.ports):
            raise ValueError(f"unknown port ranges {sorted(names - set(self.ports))}; known: {', '.join(self.ports)}")
        self.fixed = names

    def error(self, host: str, port: int) -> str | None:
        """Why no connection comes about, or None."""
        return self.endpoints.get(f"{host}:{port}", {}).get("error")

    def answer(self, host: str, port: int) -> str | None:
        """What is answered to CONNECT instead of 200, or None."""
        return self.endpoints.get(f"{host}:{port}", {}).get("answer")

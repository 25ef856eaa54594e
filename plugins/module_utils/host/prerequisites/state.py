# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What was observed of the prerequisites of one host. Plain values."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.endpoints import Target
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.settings import Setting
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import OperatingSystem


@dataclasses.dataclass(frozen=True)
class PortRange:
    """The ports that Windows gives to outgoing connections."""

    start: int
    count: int

    def as_dict(self) -> dict[str, int]:
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Probe:
    """How one probe ended.

    :param name: what a person calls it: C(host:port), or the URL that was given.
    :param via: the proxy it went through.
    :param answer: the first line of the proxy's answer.
    """

    name: str
    target: Target
    connected: bool
    address: str | None = None
    via: str | None = None
    answer: str | None = None
    error: str | None = None

    @property
    def reached(self) -> bool:
        if self.via is None:
            return self.connected
        return self.connected and (self.answer or "").split(" ")[1:2] == ["200"]


@dataclasses.dataclass(frozen=True)
class Prerequisites:
    """:param generation: of the installed connector; None when none is installed.
    :param net_release: number of the .NET release; None when .NET 4.5 or later is missing.
    :param awaiting_restart: what an earlier run of this collection has changed since Windows started, and which needs a restart.
    :param ports: by such names as C(ipv4 tcp); empty when they were not asked for.
    :param endpoints: None when they were not asked for; C(backends) likewise.
    """

    machine_name: str
    os: OperatingSystem
    generation: str | None = None
    config_path: str | None = None
    net_release: int | None = None
    settings: t.Mapping[Setting, int | None] = dataclasses.field(default_factory=dict)
    password_protection_proxy: bool = False
    scripts_enabled: int | None = None
    execution_policy: str | None = None
    pending_reboot: tuple[str, ...] = ()
    awaiting_restart: tuple[str, ...] = ()
    ports: t.Mapping[str, PortRange] = dataclasses.field(default_factory=dict)
    endpoints: tuple[Probe, ...] | None = None
    backends: tuple[Probe, ...] | None = None

    @property
    def build(self) -> int | None:
        """Windows' build number, the third of its version; None when the server tells none."""
        parts = (self.os.version or "").split(".")
        return int(parts[2]) if len(parts) > 2 and parts[2].isdigit() else None

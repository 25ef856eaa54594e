# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What was observed of the outbound proxy of one host. Plain values."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import SERVICES
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.config_file import ProxySettings

BACKEND_VALUE = "UseDefaultProxyForBackendRequests"


@dataclasses.dataclass(frozen=True)
class ConfigFile:
    """The configuration file of one service.

    :param path: None on a host where nothing is installed yet.
    :param content: None when it was not read because nothing in it is managed.
    """

    path: str | None
    content: bytes | None
    settings: ProxySettings | None

    def as_dict(self) -> dict[str, t.Any]:
        settings = self.settings or ProxySettings(None)
        return {"path": self.path, **settings.as_dict()}


@dataclasses.dataclass(frozen=True)
class ProxyState:
    """:param files: by service.
    :param backend: the registry value that sends requests to the backend through the proxy, too; None when it is not there.
    :param unfinished: services whose settings an earlier run has changed, and which it did not live to restart.
    """

    machine_name: str
    generation: str
    registry_key: str
    files: t.Mapping[str, ConfigFile]
    backend: int | None
    unfinished: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, t.Any]:
        service, updater = (self.files[name].as_dict() for name in SERVICES)
        return {
            "machine_name": self.machine_name,
            "generation": self.generation,
            "service": service,
            "updater": updater,
            "use_for_backend": bool(self.backend),
        }

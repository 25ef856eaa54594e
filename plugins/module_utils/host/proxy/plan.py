# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What has to happen for the outbound proxy to be as declared. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import CONNECTOR_SERVICE
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.config_file import ProxySettings, differences, edit, read
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.state import BACKEND_VALUE, ConfigFile, ProxyState
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan

CONFIGURE = "configure"
SET = "set"
RESTART = "restart"


@dataclasses.dataclass(frozen=True)
class Desired:
    """:param settings: of both files; its mode None = the files are not managed.
    :param use_for_backend: None = not managed.
    """

    settings: ProxySettings
    use_for_backend: bool | None = None

    @classmethod
    def of(cls, options: t.Mapping[str, t.Any]) -> Desired:
        listed = options["bypass_list"]
        return cls(
            ProxySettings(
                options["mode"],
                options["address"],
                options["bypass_on_local"],
                options["use_system_default"],
                None if listed is None else tuple(listed),
            ),
            options["use_for_backend"],
        )

    @property
    def manages_nothing(self) -> bool:
        return self.settings.mode is None and self.use_for_backend is None

    @property
    def only_backend(self) -> bool:
        return self.settings.mode is None and self.use_for_backend is not None


def plan(desired: Desired, state: ProxyState) -> Plan:
    """The steps from C(state) to the declared proxy. Which services are restarted after them follows from L(restarts)."""
    changes = [*_files(desired, state), *_backend(desired, state)]
    if not desired.manages_nothing:
        changes += _unfinished(state, {change.data["service"] for change in changes})
    return Plan.of(changes)


def restarts(plan_: Plan) -> list[str]:
    """The services that read what the plan changes: they do so only when they start."""
    services = {change.data["service"] for change in plan_.changes}
    return sorted(services)


def predicted(plan_: Plan, state: ProxyState) -> ProxyState:
    """The state as it will be after the plan."""
    files = dict(state.files)
    backend = state.backend
    for change in plan_.changes:
        if change.action == CONFIGURE:
            content = change.data["content"]
            files[change.name] = ConfigFile(files[change.name].path, content, read(content))
        elif change.action == SET:
            backend = (change.after or {})["data"]
    return dataclasses.replace(state, files=files, backend=backend)


def _files(desired: Desired, state: ProxyState) -> t.Iterator[Change]:
    for service, file in state.files.items():
        if file.content is None or file.settings is None:
            continue
        before, after = differences(desired.settings, file.settings)
        if after:
            data = {"service": service, "path": file.path, "former": file.content, "content": edit(file.content, desired.settings)}
            yield Change(CONFIGURE, "outbound_proxy", service, before, after, "its configuration file says otherwise", data=data)


def _backend(desired: Desired, state: ProxyState) -> t.Iterator[Change]:
    wanted = desired.use_for_backend
    if wanted is None or wanted == bool(state.backend):
        return
    name = rf"HKLM\{state.registry_key}\{BACKEND_VALUE}"
    reason = "requests to the backend go through the proxy, too" if wanted else "requests to the backend do not go through the proxy"
    data = {"service": CONNECTOR_SERVICE, "key": state.registry_key}
    yield Change(SET, "registry_value", name, {"data": state.backend}, {"data": int(wanted)}, reason, data=data)


def _unfinished(state: ProxyState, restarted_anyway: t.Collection[str]) -> t.Iterator[Change]:
    reason = "an earlier run changed its settings and ended before it had restarted it"
    for service in state.unfinished:
        if service not in restarted_anyway:
            before, after = {"settings": "those before"}, {"settings": "as they are written"}
            yield Change(RESTART, "service", service, before, after, reason, rank=1, data={"service": service})

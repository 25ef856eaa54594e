# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Observe the outbound proxy: where the product is and the registry value without a shell, the files through one script."""

from __future__ import annotations

import base64
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import notes
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import CONNECTOR_SERVICE, ENTRA, UPDATER_SERVICE, by_name
from ansible_collections.entra.app_proxy.plugins.module_utils.host.observe import installed_files, operating_system, service_states
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.config_file import FRESH, read
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.state import BACKEND_VALUE, ConfigFile, ProxyState
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.xml_file import XmlError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import STOPPED, ServiceState
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import Registry

NOTE = "ServiceRestarts"
"""The note of the services that a run is about to restart, with the number of the process that has the former settings."""

# The real ones have some kilobytes.
_MAX_BYTES = 256 * 1024


def observe(server: Server, *, read_contents: bool, may_be_absent: bool, timeout: float) -> ProxyState:
    """The state of both files and of the registry value.

    :param read_contents: False when nothing in the files is managed: then no shell is opened.
    :param may_be_absent: take a host without connector as one where it has just been installed (check mode).
    :raises HostError: there is no connector, or a file of it cannot be read.
    """
    machine_name, os = operating_system(server.session)
    found_services = service_states(server.session)
    installation = installed_files(server.session, os.drive, found_services)
    executables = {CONNECTOR_SERVICE: installation.connector_exes[:1], UPDATER_SERVICE: installation.updater_exes[:1]}
    missing = [name for name, found in executables.items() if not found]
    if missing and not may_be_absent:
        raise HostError(
            f"{machine_name} has no complete connector (no executable of {', '.join(missing)}), so there is nothing to configure."
            " Run entra.app_proxy.connector first",
            operation="observe the outbound proxy",
        )
    generation = by_name(installation.generation) if installation.generation else ENTRA
    paths = {name: f"{found[0]}.config" for name, found in executables.items() if found}
    contents = read_configs(server, paths.values(), timeout=timeout) if read_contents and paths else {}
    registry = Registry(server.session)
    return ProxyState(
        machine_name=machine_name,
        generation=generation.name,
        registry_key=generation.registry_key,
        files={name: _file(paths.get(name), contents, read_contents) for name in executables},
        backend=registry.dword(generation.registry_key, BACKEND_VALUE),
        unfinished=_unfinished(notes.read(registry, NOTE, os), found_services),
    )


def read_configs(server: Server, paths: t.Iterable[str], *, timeout: float) -> dict[str, bytes]:
    """The contents of configuration files by path.

    :raises HostError: one of them is missing or cannot be read.
    """
    wanted = list(paths)
    answer = server.script("read_files", {"paths": wanted, "max_bytes": _MAX_BYTES}, timeout=timeout)
    contents = {}
    for path in wanted:
        encoded = (answer.get("files") or {}).get(path)
        if encoded is None:
            why = (answer.get("errors") or {}).get(path) or "there is no such file"
            raise HostError(
                f"reading {path}: {why}. It belongs to the product: repair the installation (run the installer again)",
                operation="read a configuration file",
                path=path,
            )
        contents[path] = base64.b64decode(encoded)
    return contents


def _file(path: str | None, contents: t.Mapping[str, bytes], read_contents: bool) -> ConfigFile:
    if not read_contents:
        return ConfigFile(path, None, None)
    content = FRESH if path is None else contents[path]
    try:
        return ConfigFile(path, content, read(content))
    except XmlError as error:
        raise HostError(
            f"{path} cannot be edited: {error}. Correct it by hand, or repair the installation",
            operation="read a configuration file",
            path=path,
        ) from error


def _unfinished(noted: t.Mapping[str, t.Any], found: t.Mapping[str, ServiceState]) -> tuple[str, ...]:
    """The services that still run as they did when the note was made, or were stopped for their restart and not started again.

    Another process has read the settings when it started. A number that Windows has given again costs a restart that was not needed.
    """
    return tuple(
        name for name, service in found.items() if name in noted and (service.state == STOPPED or service.process_id in (None, noted[name]))
    )

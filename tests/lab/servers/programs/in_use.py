# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Executables of the product that are in use: Windows Installer replaces and removes them when Windows starts again, and asks for that with
3010 [MS, Windows Installer: System Reboots]. That the connector's installers do so is [INF]."""

from __future__ import annotations

import functools
import typing as t

from tests.lab.servers.state.filesystem import File
from tests.lab.servers.state.products import GENERATIONS

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer


def executables(server: WindowsServer) -> list[File]:
    """Return those that are there and in use."""
    paths = [path for one in GENERATIONS.values() for path in (one.connector_path, one.updater_path)]
    found = [server.files.get(path) for path in paths] if server.product.in_use else []
    return [file for file in found if file is not None]


def remove_around(server: WindowsServer, remove: t.Callable[[], t.Any]) -> bool:
    """Remove the rest now, and what is in use when Windows starts again. Say whether something waits for that."""
    before = executables(server)
    remove()
    kept = [file for file in before if server.files.get(file.path) is None]
    for file in kept:
        server.files.put(file.path, file.content, version=file.version)
        server.at_boot.append(functools.partial(server.files.remove, file.path))
    return bool(kept)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What an earlier installation has left: services without their program, folders without their product. Pure.

Leftovers make a silent installation end well and install nothing [MS, powershell-get-token]; Microsoft's pages say to delete
"any related folders" [MS, how-to-configure-connectors]. Deleting a service's entry by hand is the ordinary way to remove what
its uninstaller has left [inferred].
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import GENERATIONS
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change

REMOVE_LEFTOVER = "remove leftover"
SERVICE = "service"
FOLDER = "folder"


@dataclasses.dataclass(frozen=True)
class Leftovers:
    """Names of services and paths of folders."""

    services: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.services or self.folders)

    def __str__(self) -> str:
        return ", ".join([*(f"service {name}" for name in self.services), *(f"folder {path}" for path in self.folders)])

    def changes(self, reason: str, rank: int) -> list[Change]:
        """A step for each."""
        return [
            *(Change(REMOVE_LEFTOVER, SERVICE, name, {"present": True}, None, reason, rank) for name in self.services),
            *(Change(REMOVE_LEFTOVER, FOLDER, path, {"present": True}, None, reason, rank) for path in self.folders),
        ]


def product_folders(state: HostState, *, data: bool = False) -> list[str]:
    """All folders that the product ever has: both generations; with C(data) also those that hold the registration."""
    drive = state.os.drive
    folders = [folder for generation in GENERATIONS for folder in generation.program_folders(drive)]
    return folders + [generation.data_dir(drive) for generation in GENERATIONS] if data else folders


def leftovers(state: HostState, folders: t.Sequence[str]) -> Leftovers:
    """What does not belong to a whole installation.

    :param folders: the product's folders that exist. Those of the installed generation belong to it.
    """
    if not state.installed:
        return Leftovers(tuple(sorted(state.services)), tuple(folders))
    # The first executable of each is the one that its service points to.
    exes = [*state.installation.connector_exes[:1], *state.installation.updater_exes[:1]]
    in_use = {exe.lower().rpartition("\\")[0] for exe in exes}
    return Leftovers((), tuple(folder for folder in folders if folder.lower() not in in_use))

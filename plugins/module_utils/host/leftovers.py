# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What an earlier installation has left: services without their program, folders without their product, products that Windows lists
without either. Pure.

Leftovers make a silent installation end well and install nothing [MS, powershell-get-token]; Microsoft's pages say to delete
"any related folders" [MS, how-to-configure-connectors]. Deleting a service's entry by hand is the ordinary way to remove what
its uninstaller has left [inferred]. An installer finds nothing to do where Windows lists its product as installed [inferred].
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
PRODUCT = "product"


@dataclasses.dataclass(frozen=True)
class Leftovers:
    """Names of services, paths of folders, display names of products."""

    services: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    products: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.services or self.folders or self.products)

    def __str__(self) -> str:
        return ", ".join(f"{kind} {name}" for kind, name in self._each())

    def changes(self, reason: str, rank: int) -> list[Change]:
        """A step for each."""
        return [Change(REMOVE_LEFTOVER, kind, name, {"present": True}, None, reason, rank) for kind, name in self._each()]

    def _each(self) -> t.Iterator[tuple[str, str]]:
        for kind, names in ((SERVICE, self.services), (FOLDER, self.folders), (PRODUCT, self.products)):
            for name in names:
                yield kind, name


def product_folders(state: HostState, *, data: bool = False) -> list[str]:
    """All folders that the product ever has: both generations; with C(data) also those that hold the registration."""
    drive = state.os.drive
    folders = [folder for generation in GENERATIONS for folder in generation.program_folders(drive)]
    return folders + [generation.data_dir(drive) for generation in GENERATIONS] if data else folders


def leftovers(state: HostState, folders: t.Sequence[str], products: t.Sequence[str] = ()) -> Leftovers:
    """What does not belong to a whole installation.

    :param folders: the product's folders that exist. Those of the installed generation belong to it.
    :param products: what Windows lists as installed. With a whole installation it is right.
    """
    if not state.installed:
        return Leftovers(tuple(sorted(state.services)), tuple(folders), tuple(products))
    # The first executable of each is the one that its service points to.
    exes = [*state.installation.connector_exes[:1], *state.installation.updater_exes[:1]]
    in_use = {exe.lower().rpartition("\\")[0] for exe in exes}
    return Leftovers((), tuple(folder for folder in folders if folder.lower() not in in_use))

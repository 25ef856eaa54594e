# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Is there room for the installer and what it installs? Asked before anything is copied."""

from __future__ import annotations

from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.instances import number
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.wql import any_of

MIB = 1024 * 1024


def free_bytes(session: Session, drive: str) -> int | None:
    """Free bytes of a drive such as C(C:); None when the server does not tell."""
    rows = session.query(f"SELECT DeviceID,FreeSpace FROM Win32_LogicalDisk WHERE {any_of('DeviceID', [drive])}")
    return number(rows[0], "FreeSpace") if rows else None


def check_space(session: Session, drive: str, installer_bytes: int, minimum_mib: int) -> None:
    """Refuse to begin what would end half-installed. What is not told is not judged.

    :param installer_bytes: what is going to be copied; 0 when that is not known.
    :raises HostError: when the drive has less.
    """
    free = free_bytes(session, drive)
    needed = installer_bytes + minimum_mib * MIB
    if free is None or free >= needed:
        return
    raise HostError(
        f"drive {drive} has {free // MIB} MiB free, the installation needs {needed // MIB} MiB (minimum_free_mib={minimum_mib} and the"
        f" installer's {installer_bytes // MIB} MiB). Nothing was copied. Make room there, or lower minimum_free_mib",
        operation="check disk space",
        free_bytes=free,
        needed_bytes=needed,
    )

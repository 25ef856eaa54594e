# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Win32_LogicalDisk and Win32_Directory: room on the drive, and folders by Name [DOC; a folder's Name in lower case INF]."""

from __future__ import annotations

import typing as t

from tests.lab.servers.protocol.instances import Properties
from tests.lab.servers.protocol.wql import Query
from tests.lab.servers.routes.cim_class import CimClass

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer

_SIZE = 127 * 1024**3


def _disks(server: WindowsServer) -> list[Properties]:
    return [
        {
            "Caption": "C:",
            "CreationClassName": "Win32_LogicalDisk",
            "Description": "Local Fixed Disk",
            "DeviceID": "C:",
            "DriveType": 3,
            "FileSystem": "NTFS",
            "FreeSpace": server.product.free_bytes,
            "Name": "C:",
            "Size": _SIZE,
            "SystemName": server.machine_name,
            "VolumeName": "",
        }
    ]


def _folders(server: WindowsServer) -> list[Properties]:
    return [
        {
            "Caption": folder.lower(),
            "CreationClassName": "CIM_LogicalFile",
            "Description": folder.lower(),
            "Drive": folder[:2].lower(),
            "Name": folder.lower(),
        }
        for folder in server.files.folders()
    ]


def _objection(query: Query) -> str | None:
    """A real server walks all its disks for a query without this."""
    return None if "name" in query.equalities else "Win32_Directory must be asked by Name ="


LOGICAL_DISK = CimClass(
    name="Win32_LogicalDisk",
    namespaces=("root/cimv2",),
    properties=(
        *("Caption", "CreationClassName", "Description", "DeviceID", "DriveType", "FileSystem", "FreeSpace", "Name", "Size"),
        *("SystemName", "VolumeName"),
    ),
    keys=("DeviceID",),
    instances=_disks,
)
DIRECTORY = CimClass(
    name="Win32_Directory",
    namespaces=("root/cimv2",),
    properties=("Caption", "CreationClassName", "Description", "Drive", "Name"),
    keys=("Name",),
    instances=_folders,
    objection=_objection,
)

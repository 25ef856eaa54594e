# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CIM_DataFile: files by Name, or by Drive and Path. Names come in lower case, as WMI gives them [INF: commonly seen]."""

from __future__ import annotations

import ntpath
import typing as t

from tests.lab.servers.protocol.instances import Properties
from tests.lab.servers.protocol.wql import Query
from tests.lab.servers.routes.cim_class import CimClass
from tests.lab.servers.state.filesystem import File

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer


def _instances(server: WindowsServer) -> list[Properties]:
    return [_properties(server, file) for file in sorted(server.files.files(), key=lambda file: file.path.lower())]


def _properties(server: WindowsServer, file: File) -> Properties:
    name = file.path.lower()
    drive, rest = ntpath.splitdrive(name)
    stem, extension = ntpath.splitext(ntpath.basename(name))
    folder = ntpath.dirname(rest)
    return {
        "AccessMask": 18809343,
        "Archive": True,
        "Caption": name,
        "Compressed": False,
        "CreationClassName": "CIM_LogicalFile",
        "CreationDate": file.created,
        "CSCreationClassName": "Win32_ComputerSystem",
        "CSName": server.machine_name,
        "Description": name,
        "Drive": drive,
        "EightDotThreeFileName": name,
        "Encrypted": False,
        "Extension": extension.removeprefix("."),
        "FileName": stem,
        "FileSize": len(file.content),
        "FSCreationClassName": "Win32_FileSystem",
        "FSName": "NTFS",
        "Hidden": False,
        "InstallDate": file.created,
        "InUseCount": None,
        "LastAccessed": file.modified,
        "LastModified": file.modified,
        "Manufacturer": "Microsoft Corporation" if file.version else None,
        "Name": name,
        "Path": folder if folder.endswith("\\") else folder + "\\",
        "Readable": True,
        "Status": "OK",
        "System": False,
        "Version": file.version,
        "Writeable": True,
    }


def _objection(query: Query) -> str | None:
    """A real server walks all its disks for a query without these."""
    if "name" in query.equalities or {"drive", "path"} <= query.equalities:
        return None
    return "CIM_DataFile must be asked by Name =, or by Drive = and Path ="


CLASS = CimClass(
    name="CIM_DataFile",
    namespaces=("root/cimv2",),
    properties=(
        *("AccessMask", "Archive", "Caption", "Compressed", "CreationClassName", "CreationDate", "CSCreationClassName", "CSName"),
        *("Description", "Drive", "EightDotThreeFileName", "Encrypted", "Extension", "FileName", "FileSize", "FSCreationClassName"),
        *("FSName", "Hidden", "InstallDate", "InUseCount", "LastAccessed", "LastModified", "Manufacturer", "Name", "Path", "Readable"),
        *("Status", "System", "Version", "Writeable"),
    ),
    keys=("Name",),
    instances=_instances,
    objection=_objection,
)

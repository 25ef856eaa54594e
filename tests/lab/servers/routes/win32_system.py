# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Win32_OperatingSystem and Win32_ComputerSystem: properties as recorded from Server 2012 [REAL], values of a Server 2022."""

from __future__ import annotations

import datetime
import typing as t

from tests.lab.servers.protocol.instances import Properties
from tests.lab.servers.routes.cim_class import CimClass

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer

_INSTALLED = datetime.datetime(2024, 1, 15, 8, 30, tzinfo=datetime.timezone.utc)
_MEMORY_KB = 8 * 1024 * 1024


def _operating_system(server: WindowsServer) -> list[Properties]:
    system = server.system
    build = system.version.rsplit(".", 1)[-1]
    return [
        {
            "BootDevice": r"\Device\HarddiskVolume1",
            "BuildNumber": build,
            "BuildType": "Multiprocessor Free",
            "Caption": system.caption,
            "CodeSet": "1252",
            "CountryCode": "1",
            "CreationClassName": "Win32_OperatingSystem",
            "CSCreationClassName": "Win32_ComputerSystem",
            "CSDVersion": None,
            "CSName": server.machine_name,
            "CurrentTimeZone": 0,
            "Debug": False,
            "Description": "",
            "Distributed": False,
            "EncryptionLevel": 256,
            "FreePhysicalMemory": _MEMORY_KB // 2,
            "FreeVirtualMemory": _MEMORY_KB,
            "InstallDate": _INSTALLED,
            "LastBootUpTime": server.boot_time,
            "LocalDateTime": server.world.clock.now(),
            "Locale": "0409",
            "Manufacturer": "Microsoft Corporation",
            "MUILanguages": ["en-US"],
            "Name": rf"{system.caption}|C:\Windows|\Device\Harddisk0\Partition2",
            "NumberOfProcesses": 60,
            "NumberOfUsers": 0,
            "OperatingSystemSKU": system.sku,
            "Organization": "",
            "OSArchitecture": "64-bit",
            "OSLanguage": 1033,
            "OSType": 18,
            "PlusProductID": None,
            "Primary": True,
            "ProductType": 3,
            "RegisteredUser": server.user,
            "SerialNumber": "00000-00000-00000-AA000",
            "ServicePackMajorVersion": 0,
            "ServicePackMinorVersion": 0,
            "Status": "OK",
            "SystemDevice": r"\Device\HarddiskVolume2",
            "SystemDirectory": r"C:\Windows\system32",
            "SystemDrive": "C:",
            "TotalVirtualMemorySize": _MEMORY_KB * 2,
            "TotalVisibleMemorySize": _MEMORY_KB,
            "Version": system.version,
            "WindowsDirectory": r"C:\Windows",
        }
    ]


def _computer_system(server: WindowsServer) -> list[Properties]:
    domain = server.system.domain
    return [
        {
            "AdminPasswordStatus": 3,
            "AutomaticManagedPagefile": True,
            "BootupState": "Normal boot",
            "Caption": server.machine_name,
            "CreationClassName": "Win32_ComputerSystem",
            "CurrentTimeZone": 0,
            "DaylightInEffect": None,
            "Description": "AT/AT COMPATIBLE",
            "DNSHostName": server.machine_name.lower(),
            "Domain": domain,
            "DomainRole": 3,
            "HypervisorPresent": True,
            "InstallDate": None,
            "Manufacturer": "Lab",
            "Model": "Loopback",
            "Name": server.machine_name,
            "NumberOfLogicalProcessors": 4,
            "NumberOfProcessors": 1,
            "PartOfDomain": True,
            "PowerState": 0,
            "PrimaryOwnerContact": None,
            "PrimaryOwnerName": server.user,
            "Roles": ["LM_Workstation", "LM_Server", "NT", "Server_NT"],
            "Status": "OK",
            "SystemType": "x64-based PC",
            "TotalPhysicalMemory": _MEMORY_KB * 1024,
            "UserName": None,
            "WakeUpType": 6,
            "Workgroup": None,
        }
    ]


_OS_PROPERTIES = (
    *("BootDevice", "BuildNumber", "BuildType", "Caption", "CodeSet", "CountryCode", "CreationClassName", "CSCreationClassName"),
    *("CSDVersion", "CSName", "CurrentTimeZone", "Debug", "Description", "Distributed", "EncryptionLevel", "FreePhysicalMemory"),
    *("FreeVirtualMemory", "InstallDate", "LastBootUpTime", "LocalDateTime", "Locale", "Manufacturer", "MUILanguages", "Name"),
    *("NumberOfProcesses", "NumberOfUsers", "OperatingSystemSKU", "Organization", "OSArchitecture", "OSLanguage", "OSType"),
    *("PlusProductID", "Primary", "ProductType", "RegisteredUser", "SerialNumber", "ServicePackMajorVersion"),
    *("ServicePackMinorVersion", "Status", "SystemDevice", "SystemDirectory", "SystemDrive", "TotalVirtualMemorySize"),
    *("TotalVisibleMemorySize", "Version", "WindowsDirectory"),
)
_COMPUTER_PROPERTIES = (
    *("AdminPasswordStatus", "AutomaticManagedPagefile", "BootupState", "Caption", "CreationClassName", "CurrentTimeZone"),
    *("DaylightInEffect", "Description", "DNSHostName", "Domain", "DomainRole", "HypervisorPresent", "InstallDate", "Manufacturer"),
    *("Model", "Name", "NumberOfLogicalProcessors", "NumberOfProcessors", "PartOfDomain", "PowerState", "PrimaryOwnerContact"),
    *("PrimaryOwnerName", "Roles", "Status", "SystemType", "TotalPhysicalMemory", "UserName", "WakeUpType", "Workgroup"),
)

OPERATING_SYSTEM = CimClass("Win32_OperatingSystem", ("root/cimv2",), _OS_PROPERTIES, ("Name",), _operating_system)
COMPUTER_SYSTEM = CimClass("Win32_ComputerSystem", ("root/cimv2",), _COMPUTER_PROPERTIES, ("Name",), _computer_system)

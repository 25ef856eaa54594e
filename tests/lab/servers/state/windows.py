# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fresh Windows Server has before anything of the connector is on it."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.lab.servers.state import windows_defaults
from tests.lab.servers.state.filesystem import FileSystem
from tests.lab.servers.state.registry import DWORD, SZ, Registry
from tests.lab.servers.state.services import Service, ServiceTable
from tests.lab.servers.state.trust import MACHINE_STORE, SERVICE_STORE

_SVCHOST = r"C:\Windows\System32\svchost.exe -k"
_LOCAL, _NETWORK, _SYSTEM = r"NT AUTHORITY\LocalService", r"NT AUTHORITY\NetworkService", "LocalSystem"
_SERVICES = (
    ("AppMgmt", "Application Management", f"{_SVCHOST} netsvcs -p", _SYSTEM, "Manual", "Stopped"),
    ("BFE", "Base Filtering Engine", f"{_SVCHOST} LocalServiceNoNetworkFirewall -p", _LOCAL, "Auto", "Running"),
    ("BITS", "Background Intelligent Transfer Service", f"{_SVCHOST} netsvcs -p", _SYSTEM, "Manual", "Stopped"),
    ("CryptSvc", "Cryptographic Services", f"{_SVCHOST} NetworkService -p", _NETWORK, "Auto", "Running"),
    ("DcomLaunch", "DCOM Server Process Launcher", f"{_SVCHOST} DcomLaunch -p", _SYSTEM, "Auto", "Running"),
    ("Dhcp", "DHCP Client", f"{_SVCHOST} LocalServiceNetworkRestricted -p", _LOCAL, "Auto", "Running"),
    ("Dnscache", "DNS Client", f"{_SVCHOST} NetworkService -p", _NETWORK, "Auto", "Running"),
    ("EventLog", "Windows Event Log", f"{_SVCHOST} LocalServiceNetworkRestricted -p", _LOCAL, "Auto", "Running"),
    ("LanmanServer", "Server", f"{_SVCHOST} netsvcs -p", _SYSTEM, "Auto", "Running"),
    ("LanmanWorkstation", "Workstation", f"{_SVCHOST} NetworkService -p", _NETWORK, "Auto", "Running"),
    ("mpssvc", "Windows Defender Firewall", f"{_SVCHOST} LocalServiceNoNetworkFirewall -p", _LOCAL, "Auto", "Running"),
    ("msiserver", "Windows Installer", r"C:\Windows\system32\msiexec.exe /V", _SYSTEM, "Manual", "Stopped"),
    ("Netlogon", "Netlogon", r"C:\Windows\system32\lsass.exe", _SYSTEM, "Auto", "Running"),
    ("NlaSvc", "Network Location Awareness", f"{_SVCHOST} NetworkService -p", _NETWORK, "Auto", "Running"),
    ("RpcSs", "Remote Procedure Call (RPC)", f"{_SVCHOST} rpcss -p", _NETWORK, "Auto", "Running"),
    ("SamSs", "Security Accounts Manager", r"C:\Windows\system32\lsass.exe", _SYSTEM, "Auto", "Running"),
    ("Schedule", "Task Scheduler", f"{_SVCHOST} netsvcs -p", _SYSTEM, "Auto", "Running"),
    ("SENS", "System Event Notification Service", f"{_SVCHOST} netsvcs -p", _SYSTEM, "Auto", "Running"),
    ("Spooler", "Print Spooler", r"C:\Windows\System32\spoolsv.exe", _SYSTEM, "Disabled", "Stopped"),
    ("TermService", "Remote Desktop Services", f"{_SVCHOST} termsvcs", _NETWORK, "Manual", "Running"),
    ("TrustedInstaller", "Windows Modules Installer", r"C:\Windows\servicing\TrustedInstaller.exe", _SYSTEM, "Manual", "Stopped"),
    ("UsoSvc", "Update Orchestrator Service", f"{_SVCHOST} netsvcs -p", _SYSTEM, "Manual", "Stopped"),
    ("W32Time", "Windows Time", f"{_SVCHOST} LocalService", _LOCAL, "Auto", "Running"),
    ("WinDefend", "Microsoft Defender Antivirus Service", r"C:\Program Files\Windows Defender\MsMpEng.exe", _SYSTEM, "Auto", "Running"),
    ("Winmgmt", "Windows Management Instrumentation", f"{_SVCHOST} netsvcs -p", _SYSTEM, "Auto", "Running"),
    ("WinRM", "Windows Remote Management (WS-Management)", f"{_SVCHOST} NetworkService -p", _NETWORK, "Auto", "Running"),
)
_FOLDERS = (r"C:\Windows\Temp", r"C:\Windows\System32", r"C:\Program Files", r"C:\ProgramData\Microsoft", r"C:\Users\Public", r"C:\Temp")
_FILES = (
    (r"C:\Windows\System32\cmd.exe", "10.0.20348.1"),
    (r"C:\Windows\System32\msiexec.exe", "5.0.20348.1"),
    (r"C:\Windows\System32\reg.exe", "10.0.20348.1"),
    (r"C:\Windows\System32\shutdown.exe", "10.0.20348.1"),
    (r"C:\Windows\System32\wevtutil.exe", "10.0.20348.1"),
    (r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe", "10.0.20348.1"),
)


@dataclasses.dataclass
class OperatingSystem:
    """The edition of Windows."""

    caption: str = "Microsoft Windows Server 2022 Datacenter"
    version: str = "10.0.20348"
    sku: int = 8
    """OperatingSystemSKU: 7, 8 Server with desktop; 12, 13 Server Core [DOC]."""
    net_release: int = 528449
    """NDP\\v4\\Full Release: 528449 = .NET 4.8 of Server 2022 [DOC]."""
    domain: str = "lab.example"

    def patch(self, values: t.Mapping[str, t.Any]) -> None:
        """Set fields. Raises ValueError for an unknown one."""
        for name, value in values.items():
            current = getattr(self, name, None)
            if current is None or name.startswith("_") or type(current) is not type(value):
                raise ValueError(f"unknown field or wrong type in os: {name!r}")
            setattr(self, name, value)


def furnish(files: FileSystem, registry: Registry, services: ServiceTable, system: OperatingSystem, user: str) -> None:
    """Put the files, keys and services of a fresh server in place."""
    for folder in (*_FOLDERS, rf"C:\Users\{user}\AppData\Local\Temp", SERVICE_STORE):
        files.make_folder(folder)
    for path, version in _FILES:
        files.put(path, b"MZ Windows\n", version=version)
    for name, display_name, path, account, mode, state in _SERVICES:
        services.add(Service(name, display_name, path, account, mode, state))
    registry.create(MACHINE_STORE)
    windows_defaults.furnish(registry)
    write_facts(registry, system)


def write_facts(registry: Registry, system: OperatingSystem) -> None:
    """Write what the registry says of Windows itself: .NET release, TLS settings of connector.md 11."""
    full = r"SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full"
    registry.set(full, "Release", DWORD, system.net_release)
    registry.set(full, "Version", SZ, "4.8.04161")
    net = r"SOFTWARE\Microsoft\.NETFramework\v4.0.30319"
    registry.set(net, "SchUseStrongCrypto", DWORD, 1)
    current = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
    registry.set(current, "ProductName", SZ, system.caption.removeprefix("Microsoft "))
    registry.set(current, "CurrentBuild", SZ, system.version.rsplit(".", 1)[-1])
    other = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\Unrelated"
    registry.set(other, "DisplayName", SZ, "An unrelated program")
    registry.set(other, "UninstallString", SZ, r"C:\Program Files\Unrelated\uninstall.exe")

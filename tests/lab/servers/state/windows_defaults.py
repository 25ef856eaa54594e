# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registry values of a fresh Windows Server 2022 with desktop that have to do with a connector's prerequisites.

TLS 1.2 is on although nothing says so: the key below Protocols is not there [DOC, Schannel: absent means the system's default].
"""

from __future__ import annotations

from tests.lab.servers.state.registry import DWORD, MULTI_SZ, SZ, Registry

_PROTOCOLS = r"SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols"
_COMPONENTS = r"SOFTWARE\Microsoft\Active Setup\Installed Components"
_ENHANCED_SECURITY = ("{A509B1A7-37EF-4b3f-8CFC-4F3A74704073}", "{A509B1A8-37EF-4b3f-8CFC-4F3A74704073}")
_SESSION_MANAGER = r"SYSTEM\CurrentControlSet\Control\Session Manager"
_RENAMES = "PendingFileRenameOperations"
_CURRENT = r"SOFTWARE\Microsoft\Windows\CurrentVersion"


def furnish(registry: Registry) -> None:
    """Write them. No restart is pending: the keys that would say so are not there."""
    registry.set(rf"{_PROTOCOLS}\SSL 2.0\Client", "DisabledByDefault", DWORD, 1)
    for component in _ENHANCED_SECURITY:
        registry.set(rf"{_COMPONENTS}\{component}", "IsInstalled", DWORD, 1)
    registry.set(_SESSION_MANAGER, "ProtectionMode", DWORD, 1)
    registry.create(rf"{_CURRENT}\Component Based Servicing\Packages")
    registry.create(rf"{_CURRENT}\WindowsUpdate\Auto Update")
    registry.create(rf"{_CURRENT}\Internet Settings\WinHttp")
    registry.set(r"SOFTWARE\Microsoft\PowerShell\1\ShellIds\Microsoft.PowerShell", "ExecutionPolicy", SZ, "RemoteSigned")


def is_reboot_pending(registry: Registry) -> bool:
    """Say whether files wait to be replaced at the next start."""
    return registry.value(_SESSION_MANAGER, _RENAMES) is not None


def set_reboot_pending(registry: Registry, is_pending: bool) -> None:
    """What an installer does that cannot replace a file in use, and what the next start undoes."""
    key = registry.create(_SESSION_MANAGER)
    if is_pending:
        registry.set(_SESSION_MANAGER, _RENAMES, MULTI_SZ, [r"\??\C:\Config.Msi\1a2b3.rbf", ""])
    else:
        key.values.pop(_RENAMES.lower(), None)


def dwords(registry: Registry) -> dict[str, int]:
    """Every number below HKLM, by key and name: for the admin API."""
    return {
        rf"{name.removeprefix('HKEY_LOCAL_MACHINE' + chr(92))}\{value.name}": value.data
        for name, key in registry.walk("")
        for value in key.values.values()
        if isinstance(value.data, int)
    }

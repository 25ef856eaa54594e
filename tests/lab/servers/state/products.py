# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two product generations of the connector, as connector.md 1 lists them [MS VER]. The lab's own copy: it imports no collection."""

from __future__ import annotations

import dataclasses
import uuid

PROGRAM_FILES = r"C:\Program Files"
PROGRAM_DATA = r"C:\ProgramData"
CONNECTOR_SERVICE = "WAPCSvc"
UPDATER_SERVICE = "WAPCUpdaterSvc"
UNINSTALL = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
UNINSTALL_32 = r"SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall"
PACKAGE_CACHE = rf"{PROGRAM_DATA}\Package Cache"


@dataclasses.dataclass(frozen=True)
class Generation:
    """Names of one generation. Folders are full paths."""

    name: str
    installer: str
    install_dir: str
    updater_dir: str
    data_dir: str
    module: str
    cmdlet: str
    connector_exe: str
    updater_exe: str
    display_name: str
    updater_display_name: str
    registry_key: str
    updater_registry_key: str
    channel: str
    updater_channel: str
    event_source: str
    uninstall_name: str
    """DisplayName of the connector's entry in the Uninstall key: legacy [3P], entra [UNV]."""
    updater_uninstall_name: str

    @property
    def module_dir(self) -> str:
        """Folder of the PowerShell module."""
        return rf"{self.install_dir}\Modules\{self.module}"

    @property
    def connector_path(self) -> str:
        """Executable of WAPCSvc."""
        return rf"{self.install_dir}\{self.connector_exe}"

    @property
    def updater_path(self) -> str:
        """Executable of WAPCUpdaterSvc."""
        return rf"{self.updater_dir}\{self.updater_exe}"

    @property
    def trust_settings(self) -> str:
        """TrustSettings.xml; the folder is inferred, TRB prints another one (connector.md 9.1 [INF])."""
        return rf"{self.data_dir}\Config\TrustSettings.xml"

    def product_code(self, what: str, version: str) -> str:
        """Return {GUID} of a product ("connector", "updater", "bundle") of a version. Invented: real codes are [UNV]."""
        return "{" + str(uuid.uuid5(uuid.NAMESPACE_URL, f"lab:{self.name}:{what}:{version}")).upper() + "}"


LEGACY = Generation(
    name="legacy",
    installer="AADApplicationProxyConnectorInstaller.exe",
    install_dir=rf"{PROGRAM_FILES}\Microsoft AAD App Proxy Connector",
    updater_dir=rf"{PROGRAM_FILES}\Microsoft AAD App Proxy Connector Updater",
    data_dir=rf"{PROGRAM_DATA}\Microsoft\Microsoft AAD Application Proxy Connector",
    module="AppProxyPSModule",
    cmdlet="Register-AppProxyConnector",
    connector_exe="ApplicationProxyConnectorService.exe",
    updater_exe="ApplicationProxyConnectorUpdaterService.exe",
    display_name="Microsoft AAD Application Proxy Connector",
    updater_display_name="Microsoft AAD Application Proxy Connector Updater",
    registry_key=r"SOFTWARE\Microsoft\Microsoft AAD App Proxy Connector",
    updater_registry_key=r"SOFTWARE\Microsoft\Microsoft AAD App Proxy Connector Updater",
    channel="Microsoft-AadApplicationProxy-Connector/Admin",
    updater_channel="Microsoft-AadApplicationProxy-Updater/Admin",
    event_source="Microsoft AAD Application Proxy Connector",
    uninstall_name="Microsoft Azure Active Directory Application Proxy Connector",
    updater_uninstall_name="Microsoft Azure AD Application Proxy Connector Updater",
)
ENTRA = Generation(
    name="entra",
    installer="MicrosoftEntraPrivateNetworkConnectorInstaller.exe",
    install_dir=rf"{PROGRAM_FILES}\Microsoft Entra private network connector",
    updater_dir=rf"{PROGRAM_FILES}\Microsoft Entra private network connector Updater",
    data_dir=rf"{PROGRAM_DATA}\Microsoft\Microsoft Entra private network connector",
    module="MicrosoftEntraPrivateNetworkConnectorPSModule",
    cmdlet="Register-MicrosoftEntraPrivateNetworkConnector",
    connector_exe="MicrosoftEntraPrivateNetworkConnectorService.exe",
    updater_exe="MicrosoftEntraPrivateNetworkConnectorUpdaterService.exe",
    display_name="Microsoft Entra private network connector",
    updater_display_name="Microsoft Entra private network connector updater",
    registry_key=r"SOFTWARE\Microsoft\Microsoft Entra private network connector",
    updater_registry_key=r"SOFTWARE\Microsoft\Microsoft Entra private network connector Updater",
    channel="Microsoft-Microsoft Entra private network-Connector/Admin",
    updater_channel="Microsoft-Microsoft Entra private network-Updater/Admin",
    event_source="Microsoft Entra private network connector",
    uninstall_name="Microsoft Entra private network connector",
    updater_uninstall_name="Microsoft Entra private network connector updater",
)
GENERATIONS = {generation.name: generation for generation in (LEGACY, ENTRA)}


def version_key(version: str) -> tuple[int, ...]:
    """Return a version such as 1.5.4287.0 in comparable form. Raises ValueError."""
    return tuple(int(part) for part in version.split("."))

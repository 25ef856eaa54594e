# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The two generations of the connector as data: names, folders, services, modules, event sources.

Ground: Microsoft's version history and how-to-register-connector-powershell; which of the trust settings folders is the
real one is not verified, so all that are documented anywhere are candidates.
"""

from __future__ import annotations

import dataclasses

from ansible_collections.entra.app_proxy.plugins.module_utils.host.versions import at_least

# The services kept their names across the renaming [MS, version history].
CONNECTOR_SERVICE = "WAPCSvc"
UPDATER_SERVICE = "WAPCUpdaterSvc"
SERVICES = (CONNECTOR_SERVICE, UPDATER_SERVICE)

# The current build, without sign-in; no versioned address and no digest is documented.
DOWNLOAD_URL = "https://download.msappproxy.net/Subscription/d3c8b69d-6bf7-42be-a529-3fe9c2e70c90/Connector/DownloadConnectorInstaller"

_TRUST_SETTINGS_FOLDERS = (
    "Microsoft Entra private network connector",
    "Microsoft AAD private network connector",
    "Microsoft AAD Application Proxy Connector",
)


@dataclasses.dataclass(frozen=True)
class Generation:
    """One generation of the product. Folders are names below C(Program Files).

    :param listed_as: what the display names in the Uninstall keys of Windows contain, as a regular expression without regard to case.
        Legacy is third-party knowledge, entra inferred.
    """

    name: str
    product: str
    updater_product: str
    installer: str
    folder: str
    updater_folder: str
    service_exe: str
    updater_exe: str
    module_name: str
    cmdlet: str
    event_source: str
    admin_channel: str
    updater_channel: str
    data_folder: str
    counter_set: str
    listed_as: str

    @property
    def registry_key(self) -> str:
        """Below HKLM. The key has the name of the folder [MS, version history]."""
        return rf"SOFTWARE\Microsoft\{self.folder}"

    @property
    def updater_registry_key(self) -> str:
        return rf"SOFTWARE\Microsoft\{self.updater_folder}"

    @property
    def channels(self) -> tuple[str, str]:
        """The Admin channels of connector and updater, which show their errors."""
        return self.admin_channel, self.updater_channel

    def program_folders(self, drive: str) -> list[str]:
        """The two folders below C(Program Files)."""
        return [rf"{drive}\Program Files\{folder}" for folder in (self.folder, self.updater_folder)]

    def data_dir(self, drive: str) -> str:
        return rf"{drive}\ProgramData\Microsoft\{self.data_folder}"

    def install_dir(self, drive: str) -> str:
        return rf"{drive}\Program Files\{self.folder}"

    def service_path(self, drive: str) -> str:
        return rf"{self.install_dir(drive)}\{self.service_exe}"

    def updater_path(self, drive: str) -> str:
        return rf"{drive}\Program Files\{self.updater_folder}\{self.updater_exe}"

    def register_script_path(self, drive: str) -> str:
        return rf"{self.install_dir(drive)}\RegisterConnector.ps1"


LEGACY = Generation(
    name="legacy",
    product="Microsoft AAD Application Proxy Connector",
    updater_product="Microsoft AAD Application Proxy Connector Updater",
    installer="AADApplicationProxyConnectorInstaller.exe",
    folder="Microsoft AAD App Proxy Connector",
    updater_folder="Microsoft AAD App Proxy Connector Updater",
    service_exe="ApplicationProxyConnectorService.exe",
    updater_exe="ApplicationProxyConnectorUpdaterService.exe",
    module_name="AppProxyPSModule",
    cmdlet="Register-AppProxyConnector",
    event_source="Microsoft AAD Application Proxy Connector",
    admin_channel="Microsoft-AadApplicationProxy-Connector/Admin",
    updater_channel="Microsoft-AadApplicationProxy-Updater/Admin",
    data_folder="Microsoft AAD Application Proxy Connector",
    counter_set="Microsoft AAD App Proxy Connector",
    listed_as=r"(Azure Active Directory|Azure AD|AAD) (Application|App) Proxy Connector",
)

ENTRA = Generation(
    name="entra",
    product="Microsoft Entra private network connector",
    updater_product="Microsoft Entra private network connector updater",
    installer="MicrosoftEntraPrivateNetworkConnectorInstaller.exe",
    folder="Microsoft Entra private network connector",
    updater_folder="Microsoft Entra private network connector Updater",
    service_exe="MicrosoftEntraPrivateNetworkConnectorService.exe",
    updater_exe="MicrosoftEntraPrivateNetworkConnectorUpdaterService.exe",
    module_name="MicrosoftEntraPrivateNetworkConnectorPSModule",
    cmdlet="Register-MicrosoftEntraPrivateNetworkConnector",
    event_source="Microsoft Entra private network connector",
    admin_channel="Microsoft-Microsoft Entra private network-Connector/Admin",
    updater_channel="Microsoft-Microsoft Entra private network-Updater/Admin",
    data_folder="Microsoft Entra private network connector",
    counter_set="Microsoft Entra private network connector",
    listed_as="Entra private network connector",
)

# Newest first: where files of both lie about, the newer one is the one that runs.
GENERATIONS = (ENTRA, LEGACY)


def by_name(name: str) -> Generation:
    return next(generation for generation in GENERATIONS if generation.name == name)


# Who the services run as [MS, troubleshoot-connectors]; another account is not supported. Win32_Service writes SYSTEM as LocalSystem.
ACCOUNTS = {
    CONNECTOR_SERVICE: ("nt authority\\networkservice", "nt authority\\network service"),
    UPDATER_SERVICE: ("localsystem", "nt authority\\system"),
}


def of_version(version: str) -> Generation:
    """The generation that a version belongs to: the renaming came with 1.5.3829.0 [MS, version history]."""
    return ENTRA if at_least(version, "1.5.3829.0") else LEGACY


def belongs_to(path: str, generation: Generation) -> bool:
    """Whether a path is that of the generation's own folders."""
    folders = {generation.folder.lower(), generation.updater_folder.lower(), generation.data_folder.lower()}
    return not folders.isdisjoint(path.lower().split("\\"))


def trust_settings_paths(drive: str) -> list[str]:
    """Candidates for TrustSettings.xml, the likely ones first."""
    return [rf"{drive}\ProgramData\Microsoft\{folder}\Config\TrustSettings.xml" for folder in _TRUST_SETTINGS_FOLDERS]


def all_paths(drive: str) -> list[str]:
    """Every file whose presence tells something: for one query."""
    product_files = [
        path(drive)
        for generation in GENERATIONS
        for path in (generation.service_path, generation.updater_path, generation.register_script_path)
    ]
    return [*product_files, *trust_settings_paths(drive)]

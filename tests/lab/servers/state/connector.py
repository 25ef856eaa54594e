# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connector product on one server: what its installer, its uninstaller and its registration leave behind.

The truth is in files, registry and services, as on Windows; this class holds only what those cannot say.
"""

from __future__ import annotations

import datetime
import typing as t

from tests.lab.servers.state import trust as certificates
from tests.lab.servers.state.eventlog import ERROR, EventLog
from tests.lab.servers.state.filesystem import FileSystem
from tests.lab.servers.state.products import (
    CONNECTOR_SERVICE,
    GENERATIONS,
    PACKAGE_CACHE,
    UNINSTALL,
    UNINSTALL_32,
    UPDATER_SERVICE,
    Generation,
    version_key,
)
from tests.lab.servers.state.registry import DWORD, SZ, Registry
from tests.lab.servers.state.services import RUNNING, START_PENDING, Service, ServiceTable

_CONFIG = (
    b'<?xml version="1.0" encoding="utf-8" ?>\r\n<configuration>\r\n  <runtime><gcServer enabled="true"/></runtime>\r\n'
    b'  <appSettings><add key="TraceFilename" value="%s" /></appSettings>\r\n</configuration>\r\n'
)
DIAGNOSTICS_SINCE = (1, 5, 4287, 0)
FAILED = 12000
"""Event id of a failed registration in the Application log. Invented: the documentation prints texts only (connector.md 5.5)."""
ENDED = 12050
"""Event id of a connector service that ends at once. Invented as well."""
EXPIRED = (
    "Connector re-registration failed: The Connector trust certificate expired. Run the PowerShell cmdlet {cmdlet} on the computer on "
    "which the Connector is running to re-register your Connector."
)
SCRIPT_PLACES = ("install_dir", "subfolder", "absent")


class Connector:
    """The product, over the parts of the server it lives in."""

    def __init__(
        self,
        files: FileSystem,
        registry: Registry,
        services: ServiceTable,
        events: EventLog,
        now: t.Callable[[], datetime.datetime],
    ) -> None:
        self._files = files
        self._registry = registry
        self._services = services
        self._events = events
        self._now = now
        self.script_place = "install_dir"
        """Where RegisterConnector.ps1 lies: install_dir [MS REG], subfolder or absent [3P NSP] (connector.md 5.1)."""
        self._told_expired = ""

    # what is there

    @property
    def generation(self) -> Generation | None:
        """The generation whose service executable is on disk; None when there is none."""
        return next((one for one in GENERATIONS.values() if self._files.get(one.connector_path) is not None), None)

    @property
    def version(self) -> str | None:
        """File version of the service executable (connector.md 1.1 [3P])."""
        file = self._files.get(self.generation.connector_path) if self.generation is not None else None
        return file.version if file is not None else None

    @property
    def updater_installed(self) -> bool:
        """Say whether the updater is there."""
        return any(self._files.get(one.updater_path) is not None for one in GENERATIONS.values())

    @property
    def listed(self) -> list[str]:
        """The keys below Uninstall with the product's display names, in the order of the registry."""
        names = {name for one in GENERATIONS.values() for name in (one.uninstall_name, one.updater_uninstall_name)}
        return [
            rf"{root}\{code}"
            for root in (UNINSTALL, UNINSTALL_32)
            if (key := self._registry.key(root)) is not None
            for code in key.subkeys()
            if (value := self._registry.value(rf"{root}\{code}", "DisplayName")) is not None and value.data in names
        ]

    def trust(self) -> tuple[certificates.Trust, bool] | None:
        """Return the certificate that TrustSettings.xml names, and whether it is in the Network Service store."""
        generation = self.generation
        file = self._files.get(generation.trust_settings) if generation is not None else None
        named = certificates.parse_settings(file.content) if file is not None else None
        if named is None:
            return None
        thumbprint, in_user_store = named
        if not in_user_store:
            found = certificates.from_registry(self._registry, thumbprint)
        else:
            stored = self._files.get(rf"{certificates.SERVICE_STORE}\{thumbprint}")
            der = certificates.certificate(stored.content) if stored is not None else None
            found = certificates.read(der) if der is not None else None
        return (found, in_user_store) if found is not None else None

    def running(self) -> tuple[str, datetime.datetime] | None:
        """Return the id of the connector that works here, and since when its service runs."""
        service = self._services.get(CONNECTOR_SERVICE)
        trusted = self.trust()
        if service is None or service.state != RUNNING or trusted is None or service.since is None:
            return None
        found = trusted[0]
        if not found.valid(self._now()):
            self._tell_expired(found)
            return None
        return found.connector_id, service.since

    def may_run(self, service: Service) -> bool:
        """A connector service without registration starts and ends at once [INF]; every other service runs."""
        return service.name != CONNECTOR_SERVICE or self.trust() is not None

    # install, upgrade, remove

    def install(self, generation: Generation, version: str, installer: bytes, *, keeps_registration: bool = True) -> None:
        """Put a product in place, or upgrade: in place, registration kept, services restarted (connector.md 4.2 [MS TRB]).

        From legacy to entra: whether an in-place run keeps folder and registration is [UNV]; `keeps_registration` decides.
        """
        service = self._services.get(CONNECTOR_SERVICE)
        was_running = service is not None and service.state in (RUNNING, START_PENDING)
        before = self.generation
        settings = self._files.get(before.trust_settings) if before is not None else None
        if before is not None:
            self._remove_products(before)
        self._put_files(generation, version)
        self._put_uninstall_entries(generation, version, installer)
        self._put_services(generation)
        if settings is not None and (keeps_registration or before is generation):
            self._files.put(generation.trust_settings, settings.content)
        self._services.start(UPDATER_SERVICE)
        if was_running:
            self._services.start(CONNECTOR_SERVICE)

    def uninstall(self) -> None:
        """Remove both products. Folders with the .config files, data and certificates stay (connector.md 4.3 [MS; extent INF])."""
        generation = self.generation
        for one in (generation,) if generation is not None else GENERATIONS.values():
            self._remove_products(one)

    def remove_product(self, code: str) -> bool:
        """msiexec /x: remove the connector or the updater by product code. False when no such product is installed."""
        path = rf"{UNINSTALL}\{code}"
        name = self._registry.value(path, "DisplayName")
        if name is None:
            return False
        for generation in GENERATIONS.values():
            if name.data == generation.uninstall_name:
                self._remove_connector(generation)
            elif name.data == generation.updater_uninstall_name:
                self._remove_updater(generation)
        return self._registry.delete(path)

    # registration

    def trust_certificate(self, der: bytes, *, in_user_store: bool = False) -> certificates.Trust:
        """Keep a new certificate and name it in TrustSettings.xml; an old one stays where it is (connector.md 9.2 [MS CON])."""
        generation = self.generation
        found = certificates.read(der)
        if generation is None or found is None:
            raise ValueError("no connector is installed, or the certificate is not one of a connector")
        if in_user_store:
            self._files.put(rf"{certificates.SERVICE_STORE}\{found.thumbprint}", certificates.blob(der))
        else:
            certificates.put_into_registry(self._registry, der)
        self._files.put(generation.trust_settings, certificates.settings(found.thumbprint, in_user_store=in_user_store))
        self._registry.set(generation.registry_key, "TenantID", SZ, found.tenant_id)
        self._registry.set(generation.registry_key, "InstanceID", SZ, found.connector_id)
        return found

    def forget(self) -> None:
        """Undo a registration: settings and certificates go (admin API)."""
        for generation in GENERATIONS.values():
            self._files.remove(generation.trust_settings)
        key = self._registry.key(certificates.MACHINE_STORE)
        for name in key.subkeys() if key is not None else []:
            self._registry.delete(rf"{certificates.MACHINE_STORE}\{name}")
        for file in self._files.below(certificates.SERVICE_STORE):
            self._files.remove(file.path)

    def log_failure(self, message: str) -> None:
        """Write the event of a failed registration into the Application log (connector.md 5.5 [MS TRB])."""
        generation = self.generation
        if generation is not None:
            self._events.write("Application", generation.event_source, FAILED, ERROR, message)

    def log_end(self, reason: str) -> None:
        """Write why the service has ended into the connector's Admin channel. Number and text are made up."""
        generation = self.generation
        if generation is not None:
            self._events.write(generation.channel, generation.event_source, ENDED, ERROR, f"The connector service has ended: {reason}.")

    # parts

    def _put_files(self, generation: Generation, version: str) -> None:
        install, module = generation.install_dir, generation.module_dir
        self._files.put(generation.connector_path, b"MZ connector\n", version=version)
        self._files.put(f"{generation.connector_path}.config", _CONFIG % f"{generation.module}.log".encode())
        self._files.put(rf"{module}\{generation.module}.psd1", b"@{ ModuleVersion = '1.5' }\r\n")
        self._files.put(rf"{module}\Microsoft.Identity.Client.dll", b"MZ library\n", version="4.60.3.0")
        self._files.put(generation.updater_path, b"MZ updater\n", version=version)
        self._files.put(f"{generation.updater_path}.config", _CONFIG % b"Updater.log")
        if self.script_place != "absent":
            folder = rf"{install}\Scripts" if self.script_place == "subfolder" else install
            self._files.put(rf"{folder}\RegisterConnector.ps1", b"param($modulePath, $moduleName)\r\n")
        if generation.name == "entra" and version_key(version) >= DIAGNOSTICS_SINCE:
            self._files.put(rf"{install}\ConnectorDiagnosticsTool.exe", b"MZ tool\n", version=version)
        self._files.make_folder(rf"{generation.data_dir}\Config")
        self._events.channels.setdefault(generation.channel.lower(), generation.channel)
        self._events.channels.setdefault(generation.updater_channel.lower(), generation.updater_channel)

    def _put_uninstall_entries(self, generation: Generation, version: str, installer: bytes) -> None:
        """A WiX bundle of two packages [INF, connector.md 4.1]: two 64-bit MSI entries and the bundle's own 32-bit one."""
        bundle = generation.product_code("bundle", version)
        cached = rf"{PACKAGE_CACHE}\{bundle}\{generation.installer}"
        self._files.put(cached, installer, version=version)
        msis = (("connector", generation.uninstall_name), ("updater", generation.updater_uninstall_name))
        for what, name in msis:
            code = generation.product_code(what, version)
            self._entry(rf"{UNINSTALL}\{code}", name, version, rf"MsiExec.exe /X{code}")
            self._registry.set(rf"{UNINSTALL}\{code}", "SystemComponent", DWORD, 1)
        self._entry(rf"{UNINSTALL_32}\{bundle}", generation.uninstall_name, version, f'"{cached}" /uninstall')
        self._registry.set(rf"{UNINSTALL_32}\{bundle}", "QuietUninstallString", SZ, f'"{cached}" /uninstall /quiet')
        self._registry.set(generation.registry_key, "Version", SZ, version)

    def _entry(self, path: str, name: str, version: str, command: str) -> None:
        values = (("DisplayName", name), ("DisplayVersion", version), ("Publisher", "Microsoft Corporation"), ("UninstallString", command))
        for value, data in values:
            self._registry.set(path, value, SZ, data)

    def _put_services(self, generation: Generation) -> None:
        """Accounts: connector.md 6 [MS]. An unregistered connector service is there, Automatic and stopped [INF]."""
        network, system = r"NT AUTHORITY\NetworkService", "LocalSystem"
        connector, updater = f'"{generation.connector_path}"', f'"{generation.updater_path}"'
        self._services.add(Service(CONNECTOR_SERVICE, generation.display_name, connector, network, "Auto"))
        self._services.add(Service(UPDATER_SERVICE, generation.updater_display_name, updater, system, "Auto"))

    def _remove_products(self, generation: Generation) -> None:
        self._remove_connector(generation)
        self._remove_updater(generation)
        for root in (UNINSTALL, UNINSTALL_32):
            key = self._registry.key(root)
            for code in key.subkeys() if key is not None else []:
                name = self._registry.value(rf"{root}\{code}", "DisplayName")
                if name is not None and name.data in (generation.uninstall_name, generation.updater_uninstall_name):
                    self._registry.delete(rf"{root}\{code}")
                    self._files.remove(rf"{PACKAGE_CACHE}\{code}")

    def _remove_connector(self, generation: Generation) -> None:
        self._services.remove(CONNECTOR_SERVICE)
        self._remove_all_but_config(generation.install_dir)
        self._registry.delete(generation.registry_key)

    def _remove_updater(self, generation: Generation) -> None:
        self._services.remove(UPDATER_SERVICE)
        self._remove_all_but_config(generation.updater_dir)

    def _remove_all_but_config(self, folder: str) -> None:
        for file in self._files.below(folder):
            if not file.path.lower().endswith(".config"):
                self._files.remove(file.path)
        if folder and self._files.is_folder(rf"{folder}\Modules"):
            self._files.remove(rf"{folder}\Modules")

    def _tell_expired(self, found: certificates.Trust) -> None:
        """Event 1000 in the Admin channel, once per certificate (connector.md 7 [MS TRB])."""
        generation = self.generation
        if generation is None or self._told_expired == found.thumbprint:
            return
        self._told_expired = found.thumbprint
        message = EXPIRED.format(cmdlet=generation.cmdlet)
        self._events.write(generation.channel, generation.event_source, 1000, ERROR, message)

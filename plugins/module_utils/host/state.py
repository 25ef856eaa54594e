# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What was observed of one connector host. Plain values: no I/O, no clock."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import CONNECTOR_SERVICE, SERVICES, UPDATER_SERVICE
from ansible_collections.entra.app_proxy.plugins.module_utils.host.trust_certificate import TrustCertificate

REGISTERED = "registered"
UNREGISTERED = "unregistered"
EXPIRED = "expired"

RUNNING = "Running"
STOPPED = "Stopped"
PAUSED = "Paused"
AUTOMATIC = "Auto"


@dataclasses.dataclass(frozen=True)
class OperatingSystem:
    """Win32_OperatingSystem, as far as it matters here.

    :param local_time: aware moment of the server's own clock, which is what its certificate is judged by.
    """

    caption: str | None
    version: str | None
    windows_directory: str
    last_boot: datetime.datetime | None
    local_time: datetime.datetime | None

    @property
    def drive(self) -> str:
        """Such as C(C:)."""
        return self.windows_directory[:2]

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "caption": self.caption,
            "version": self.version,
            "windows_directory": self.windows_directory,
            "last_boot": _stamp(self.last_boot),
            "local_time": _stamp(self.local_time),
        }


@dataclasses.dataclass(frozen=True)
class ServiceState:
    """One Windows service. Words of Win32_Service: C(Running), C(Stopped); C(Auto), C(Manual), C(Disabled)."""

    name: str
    state: str
    start_mode: str
    account: str | None = None
    path: str | None = None
    process_id: int | None = None

    @property
    def is_on_its_way(self) -> bool:
        """Whether it is just starting, stopping, pausing or going on."""
        return self.state.endswith("Pending")

    def as_dict(self) -> dict[str, t.Any]:
        return {"state": self.state, "start_mode": self.start_mode, "account": self.account, "path": self.path}


@dataclasses.dataclass(frozen=True)
class Installation:
    """The product's files.

    :param generation: C(legacy) or C(entra); None when neither is there.
    :param version: file version of the service executable; None when the file is missing or tells none.
    :param connector_exes: paths of the connector's service executables that exist (of either generation).
    """

    generation: str | None = None
    install_dir: str | None = None
    version: str | None = None
    connector_exes: tuple[str, ...] = ()
    updater_exes: tuple[str, ...] = ()
    register_script: str | None = None
    trust_settings: str | None = None

    def files(self) -> dict[str, t.Any]:
        return {
            "connector": list(self.connector_exes),
            "updater": list(self.updater_exes),
            "register_script": self.register_script,
            "trust_settings": self.trust_settings,
        }


@dataclasses.dataclass(frozen=True)
class Registration:
    """Whether this host is registered, and as whom.

    :param in_user_store: the certificate was renewed, and the new one is in the store of NETWORK SERVICE.
    :param estimated: that certificate was not read (it takes a shell): C(not_before) is then the moment its file was written,
        and C(not_after) supposes that it lives as long as the first one.
    :param renewal_overdue: it is older than the age at which it ought to have renewed itself; None when that is not known.
    """

    state: str = UNREGISTERED
    connector_id: str | None = None
    tenant_id: str | None = None
    thumbprint: str | None = None
    not_before: datetime.datetime | None = None
    not_after: datetime.datetime | None = None
    days_left: int | None = None
    in_user_store: bool = False
    subject: str | None = None
    issuer: str | None = None
    estimated: bool = False
    renewal_overdue: bool | None = None

    def as_dict(self) -> dict[str, t.Any]:
        return {
            **dataclasses.asdict(self),
            "not_before": _stamp(self.not_before),
            "not_after": _stamp(self.not_after),
        }


@dataclasses.dataclass(frozen=True)
class HostState:
    """One host as it was observed."""

    machine_name: str
    os: OperatingSystem
    services: t.Mapping[str, ServiceState] = dataclasses.field(default_factory=dict)
    installation: Installation = Installation()
    certificates: tuple[TrustCertificate, ...] = ()
    registration: Registration = Registration()

    @property
    def connector_present(self) -> bool:
        return CONNECTOR_SERVICE in self.services or bool(self.installation.connector_exes)

    @property
    def updater_present(self) -> bool:
        return UPDATER_SERVICE in self.services or bool(self.installation.updater_exes)

    @property
    def absent(self) -> bool:
        return not self.connector_present and not self.updater_present

    @property
    def serving(self) -> bool:
        """Whether applications may be using this connector: it is registered, and its service is not stopped."""
        service = self.services.get(CONNECTOR_SERVICE)
        return self.registration.state == REGISTERED and service is not None and service.state != STOPPED

    def missing_parts(self) -> list[str]:
        """What keeps this from being a whole installation, for a person; empty when it is whole."""
        parts = [f"service {name}" for name in SERVICES if name not in self.services]
        if not self.installation.connector_exes:
            parts.append("the connector's executable")
        if not self.installation.updater_exes:
            parts.append("the updater's executable")
        return parts

    @property
    def installed(self) -> bool:
        return not self.missing_parts()

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "machine_name": self.machine_name,
            "installed": self.installed,
            "generation": self.installation.generation,
            "version": self.installation.version,
            "install_dir": self.installation.install_dir,
            "serving": self.serving,
            "services": {name: service.as_dict() for name, service in sorted(self.services.items())},
            "registration": self.registration.as_dict(),
            "os": self.os.as_dict(),
            "files": self.installation.files(),
        }


def _stamp(moment: datetime.datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

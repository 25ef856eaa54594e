# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Observe one host: a handful of CIM reads, none of which opens a shell.

Operating system, services, files, the list of machine certificates: one operation each, and one for each machine
certificate. On a host that has neither the product nor trust settings the certificates are not asked for.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import generations
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.registration_state import (
    StoredFile,
    is_certain,
    judge,
    user_store_needed,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import (
    RUNNING,
    HostState,
    Installation,
    OperatingSystem,
    ServiceState,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.host.trust_certificate import TrustCertificate, read
from ansible_collections.entra.app_proxy.plugins.module_utils.host.versions import readable
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import files, instances, services
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import Registry
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session

MACHINE_CERTIFICATES = r"SOFTWARE\Microsoft\SystemCertificates\MY\Certificates"
# Below the Windows directory [third-party knowledge].
USER_CERTIFICATES = r"ServiceProfiles\NetworkService\AppData\Roaming\Microsoft\SystemCertificates\My\Certificates"

_OS_QUERY = (
    "SELECT CSName, Caption, Version, BuildNumber, LastBootUpTime, LocalDateTime, WindowsDirectory, SystemDrive FROM Win32_OperatingSystem"
)


# Reads files of NETWORK SERVICE: their contents by lower-case path. It takes a shell, so it is not done unless it is handed in.
FileReader = t.Callable[[t.Sequence[str]], t.Mapping[str, bytes]]


def observe(session: Session, now: datetime.datetime, read_files: FileReader | None = None, *, always: bool = False) -> HostState:
    """Everything the plans look at.

    :param now: the controller's clock, for a server that does not tell its own.
    :param read_files: how to read a renewed certificate where an estimate is not enough; None: it is estimated.
    :param always: read it also where an estimate is enough.
    """
    machine_name, os = operating_system(session)
    found = service_states(session)
    installation = installed_files(session, os.drive, found)
    certificates: tuple[TrustCertificate, ...] = ()
    if found or installation.connector_exes or installation.trust_settings:
        certificates = machine_certificates(session)
    moment = os.local_time or now
    trust_settings = _own_trust_settings(installation)
    connector = found.get(generations.CONNECTOR_SERVICE)
    running = connector is not None and connector.state == RUNNING
    user_store: list[StoredFile] = []
    if trust_settings and user_store_needed(certificates, trust_settings, moment):
        user_store = user_certificates(session, os)
    registration = judge(certificates, user_store, trust_settings=trust_settings, connector_running=running, now=moment)
    if read_files is not None and registration.estimated and (always or not is_certain(registration, certificates, moment)):
        user_store = _with_certificates(user_store, read_files)
        registration = judge(certificates, user_store, trust_settings=trust_settings, connector_running=running, now=moment)
    return HostState(
        machine_name=machine_name,
        os=os,
        services=found,
        installation=installation,
        certificates=certificates,
        registration=registration,
    )


def operating_system(session: Session) -> tuple[str, OperatingSystem]:
    """The machine's name and its operating system.

    :raises HostError: when the server tells none (WMI broken or the account has no right to read it).
    """
    rows = session.query(_OS_QUERY)
    if not rows:
        raise HostError(
            "reading Win32_OperatingSystem: the server answered with no instance; its WMI repository may be damaged (check it with"
            " 'winmgmt /verifyrepository'), or the account may not read root\\cimv2",
            operation="query Win32_OperatingSystem",
        )
    row = rows[0]
    return instances.text(row, "CSName") or "", OperatingSystem(
        caption=instances.text(row, "Caption"),
        version=instances.text(row, "Version"),
        windows_directory=instances.text(row, "WindowsDirectory") or r"C:\Windows",
        last_boot=instances.moment(row, "LastBootUpTime"),
        local_time=instances.moment(row, "LocalDateTime"),
    )


def service_states(session: Session) -> dict[str, ServiceState]:
    """The connector's services that exist, by their usual names."""
    found = services.services(session, generations.SERVICES)
    return {
        name: ServiceState(
            name=name,
            state=service.state or "",
            start_mode=service.start_mode or "",
            account=service.account,
            path=service.path,
            process_id=service.process_id,
        )
        for name in generations.SERVICES
        if (service := found.get(name.lower())) is not None
    }


def installed_files(session: Session, drive: str, found: t.Mapping[str, ServiceState]) -> Installation:
    """Which of the product's files exist, in the usual folders and where the services point to."""
    connector_paths = _candidates(found.get(generations.CONNECTOR_SERVICE), [g.service_path(drive) for g in generations.GENERATIONS])
    updater_paths = _candidates(found.get(generations.UPDATER_SERVICE), [g.updater_path(drive) for g in generations.GENERATIONS])
    wanted = _unique([*connector_paths, *updater_paths, *generations.all_paths(drive)])
    present = files.files(session, wanted)
    connector_exes = [path for path in connector_paths if path.lower() in present]
    script = [path for g in generations.GENERATIONS if (path := g.register_script_path(drive)).lower() in present]
    exe = connector_exes[0] if connector_exes else None
    generation = _generation_of(exe)
    trust_settings = [path for path in generations.trust_settings_paths(drive) if path.lower() in present]
    return Installation(
        generation=generation,
        install_dir=None if exe is None else exe.rpartition("\\")[0],
        version=None if exe is None else readable(present[exe.lower()].version),
        connector_exes=tuple(connector_exes),
        updater_exes=tuple(path for path in updater_paths if path.lower() in present),
        register_script=script[0] if script else None,
        trust_settings=min(trust_settings, key=lambda path: _foreign(path, generation), default=None),
    )


def machine_certificates(session: Session) -> tuple[TrustCertificate, ...]:
    """The connector's certificates in the machine store, oldest first."""
    registry = Registry(session)
    certificates = []
    for thumbprint in registry.subkeys(MACHINE_CERTIFICATES) or []:
        blob = registry.binary(rf"{MACHINE_CERTIFICATES}\{thumbprint}", "Blob")
        certificate = None if blob is None else read(thumbprint, blob)
        if certificate is not None:
            certificates.append(certificate)
    return tuple(sorted(certificates, key=lambda certificate: certificate.not_before))


def user_certificates(session: Session, os: OperatingSystem) -> list[StoredFile]:
    """What lies in the personal store of NETWORK SERVICE: thumbprints and ages only."""
    folder = "\\".join([os.windows_directory[2:], USER_CERTIFICATES, ""])
    return [
        StoredFile(thumbprint=file.name.rpartition("\\")[2].upper(), modified=file.modified, path=file.name)
        for file in files.directory(session, os.drive, folder)
        if file.modified is not None
    ]


def _with_certificates(stored: t.Sequence[StoredFile], read_files: FileReader) -> list[StoredFile]:
    """The files that hold a certificate of the connector; a file that cannot be read stays as it is."""
    contents = read_files([file.path for file in stored])
    known = [
        dataclasses.replace(file, certificate=None if (blob := contents.get(file.path.lower())) is None else read(file.thumbprint, blob))
        for file in stored
    ]
    return [file for file in known if file.certificate is not None or file.path.lower() not in contents]


def _own_trust_settings(installation: Installation) -> bool:
    """Whether there is a TrustSettings.xml, and not only that of the other generation."""
    return installation.trust_settings is not None and not _foreign(installation.trust_settings, installation.generation)


def _foreign(path: str, generation: str | None) -> bool:
    """Whether a path is that of another generation than the installed one."""
    others = [other for other in generations.GENERATIONS if generation is not None and other.name != generation]
    return any(generations.belongs_to(path, other) for other in others)


def _candidates(service: ServiceState | None, usual: t.Sequence[str]) -> list[str]:
    """The executable a service points to comes first: it is the one that runs."""
    path = _executable(service.path) if service is not None and service.path else None
    return _unique([*([path] if path else []), *usual])


def _executable(path_name: str) -> str:
    """The executable of a service's PathName, which may be quoted and carry arguments."""
    if path_name.startswith('"'):
        return path_name[1:].partition('"')[0]
    end = path_name.lower().find(".exe")
    return path_name if end < 0 else path_name[: end + len(".exe")]


def _generation_of(exe: str | None) -> str | None:
    name = (exe or "").rpartition("\\")[2].lower()
    return next((g.name for g in generations.GENERATIONS if g.service_exe.lower() == name), None)


def _unique(paths: t.Iterable[str]) -> list[str]:
    return list({path.lower(): path for path in paths}.values())

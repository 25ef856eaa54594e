# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Host states, certificates and registry blobs for the tests, and hypothesis strategies that make them."""

from __future__ import annotations

import datetime
import struct
import typing as t
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.host import generations, registration_state
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState, Installation, OperatingSystem, ServiceState
from ansible_collections.entra.app_proxy.plugins.module_utils.host.trust_certificate import CONNECTOR_ID, ISSUER, TrustCertificate

NOW = datetime.datetime(2026, 7, 1, 12, 0, tzinfo=datetime.timezone.utc)
TENANT = "11111111-2222-3333-4444-555555555555"
OTHER_TENANT = "99999999-8888-7777-6666-555555555555"
CONNECTOR = "0d1f6f6e-6b1c-4e57-8f0d-6d2c1a4a9a11"
THUMBPRINT = "4905CC64B2D81BBED60962ECC5DCF63F643CCD55"


def days(number: float) -> datetime.timedelta:
    return datetime.timedelta(days=number)


BEGUN = NOW - days(10)
ENDS = NOW + days(170)

_KEY = ec.generate_private_key(ec.SECP256R1())


def encoded_certificate(
    *,
    issuer: str = ISSUER,
    subject: str = TENANT,
    connector_id: bytes | None = uuid.UUID(CONNECTOR).bytes_le,
    extensions: t.Sequence[tuple[str, bytes]] = (),
    not_before: datetime.datetime = BEGUN,
    not_after: datetime.datetime = ENDS,
) -> bytes:
    """A real certificate, DER encoded."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(_KEY.public_key())
        .serial_number(1)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    if connector_id is not None:
        extensions = [(CONNECTOR_ID, connector_id), *extensions]
    for identifier, value in extensions:
        builder = builder.add_extension(x509.UnrecognizedExtension(ObjectIdentifier(identifier), value), critical=False)
    return builder.sign(_KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def blob(certificate: bytes, *, before: tuple[tuple[int, bytes], ...] = ((3, b"\x01" * 20), (2, b"provider"))) -> bytes:
    """A registry blob: other properties first, as Windows writes them, then the certificate."""
    return b"".join(struct.pack("<III", number, 1, len(data)) + data for number, data in (*before, (32, certificate)))


def certificate(
    *,
    tenant_id: str | None = TENANT,
    thumbprint: str = THUMBPRINT,
    not_before: datetime.datetime = BEGUN,
    not_after: datetime.datetime = ENDS,
) -> TrustCertificate:
    return TrustCertificate(thumbprint, tenant_id or "", ISSUER, CONNECTOR, tenant_id, not_before, not_after)


def operating_system(local_time: datetime.datetime | None = NOW) -> OperatingSystem:
    return OperatingSystem("Microsoft Windows Server 2022 Standard", "10.0.20348", r"C:\Windows", NOW - days(30), local_time)


def service(name: str, state: str = "Running", start_mode: str = "Auto") -> ServiceState:
    account = r"NT AUTHORITY\NetworkService" if name == generations.CONNECTOR_SERVICE else "LocalSystem"
    return ServiceState(name, state, start_mode, account, r'"C:\some.exe"')


def installation(generation: generations.Generation = generations.ENTRA, version: str | None = "1.5.4892.0") -> Installation:
    return Installation(
        generation=generation.name,
        install_dir=generation.install_dir("C:"),
        version=version,
        connector_exes=(generation.service_path("C:"),),
        updater_exes=(generation.updater_path("C:"),),
        register_script=generation.register_script_path("C:"),
        trust_settings=None,
    )


def host(
    *,
    services: dict[str, ServiceState] | None = None,
    installed: Installation | None = None,
    certificates: tuple[TrustCertificate, ...] = (),
    trust_settings: bool = True,
) -> HostState:
    """A whole installation with running services; registered when it has a valid certificate."""
    found = {name: service(name) for name in generations.SERVICES} if services is None else services
    running = generations.CONNECTOR_SERVICE in found and found[generations.CONNECTOR_SERVICE].state == "Running"
    return HostState(
        machine_name="NAM-WEB-01",
        os=operating_system(),
        services=found,
        installation=installation() if installed is None else installed,
        certificates=certificates,
        registration=registration_state.judge(certificates, [], trust_settings=trust_settings, connector_running=running, now=NOW),
    )


def absent() -> HostState:
    return host(services={}, installed=Installation(), trust_settings=False)


_STATES = ("Running", "Stopped", "Start Pending", "Stop Pending", "Paused")
_MODES = ("Auto", "Manual", "Disabled")
_VERSIONS = ("1.5.1626.0", "1.5.3437.0", "1.5.3829.0", "1.5.4892.0", None)


@st.composite
def _services(draw: st.DrawFn) -> dict[str, ServiceState]:
    names = draw(st.sets(st.sampled_from(generations.SERVICES)))
    return {name: service(name, draw(st.sampled_from(_STATES)), draw(st.sampled_from(_MODES))) for name in names}


@st.composite
def _installations(draw: st.DrawFn) -> Installation:
    generation = draw(st.sampled_from(generations.GENERATIONS))
    has_connector, has_updater = draw(st.booleans()), draw(st.booleans())
    return Installation(
        generation=generation.name if has_connector else None,
        install_dir=generation.install_dir("C:") if has_connector else None,
        version=draw(st.sampled_from(_VERSIONS)) if has_connector else None,
        connector_exes=(generation.service_path("C:"),) if has_connector else (),
        updater_exes=(generation.updater_path("C:"),) if has_updater else (),
    )


@st.composite
def _certificates(draw: st.DrawFn) -> TrustCertificate:
    age = draw(st.integers(min_value=0, max_value=400))
    return certificate(
        tenant_id=draw(st.sampled_from([TENANT, OTHER_TENANT, None])),
        thumbprint=f"{age:040X}",
        not_before=NOW - days(age),
        not_after=NOW + days(180 - age),
    )


@st.composite
def host_states(draw: st.DrawFn) -> HostState:
    """Absent, half installed, stopped, unregistered, expired, of another tenant, of either generation, and any mixture."""
    return host(
        services=draw(_services()),
        installed=draw(_installations()),
        certificates=tuple(draw(st.lists(_certificates(), max_size=2))),
        trust_settings=draw(st.booleans()),
    )

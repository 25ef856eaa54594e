# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connector's trust: TrustSettings.xml, and certificates as Windows keeps them in the registry or in a user's store."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import hashlib
import re
import struct
import uuid

from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.lab.servers.state.registry import BINARY, Registry

MACHINE_STORE = r"SOFTWARE\Microsoft\SystemCertificates\MY\Certificates"
SERVICE_STORE = r"C:\Windows\ServiceProfiles\NetworkService\AppData\Roaming\Microsoft\SystemCertificates\My\Certificates"
"""The personal store of Network Service on disk: one file per certificate, named by thumbprint (connector.md 9.2 [3P], form [INF])."""
CONNECTOR_ID = x509.ObjectIdentifier("1.3.6.1.4.1.311.82.1")
SHA1_PROPERTY, KEY_ID_PROPERTY, CERTIFICATE_PROPERTY = 3, 20, 32
"""CERT_HASH_PROP_ID, CERT_KEY_IDENTIFIER_PROP_ID, CERT_CERT_PROP_ID [DOC wincrypt.h]."""
_SETTINGS = """<?xml version="1.0" encoding="utf-8"?>
<ConnectorTrustSettingsFile xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <CloudProxyTrust>
    <Thumbprint>{thumbprint}</Thumbprint>
    <IsInUserStore>{in_user_store}</IsInUserStore>
  </CloudProxyTrust>
</ConnectorTrustSettingsFile>
"""
_THUMBPRINT = re.compile(rb"<Thumbprint>\s*([0-9A-Fa-f]{40})\s*</Thumbprint>")
_IN_USER_STORE = re.compile(rb"<IsInUserStore>\s*(true|false)\s*</IsInUserStore>", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Trust:
    """What a trust certificate says."""

    connector_id: str
    tenant_id: str
    thumbprint: str
    not_before: datetime.datetime
    not_after: datetime.datetime

    def valid(self, now: datetime.datetime) -> bool:
        """Say whether the certificate is in its time."""
        return self.not_before <= now < self.not_after


def thumbprint(der: bytes) -> str:
    """Return the thumbprint (SHA-1, upper case) of a certificate."""
    return hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()


def blob(der: bytes) -> bytes:
    """Serialize a certificate as the registry holds it: records (property id, 1, length, data), the certificate last [INF, wincrypt]."""
    digest = hashlib.sha1(der, usedforsecurity=False).digest()
    records = ((SHA1_PROPERTY, digest), (KEY_ID_PROPERTY, digest[::-1]), (CERTIFICATE_PROPERTY, der))
    return b"".join(struct.pack("<III", number, 1, len(data)) + data for number, data in records)


def certificate(serialized: bytes) -> bytes | None:
    """Return the certificate in a serialized blob; None when there is none."""
    position = 0
    while position + 12 <= len(serialized):
        number, _unused, length = struct.unpack_from("<III", serialized, position)
        if number == CERTIFICATE_PROPERTY:
            return serialized[position + 12 : position + 12 + length]
        position += 12 + length
    return None


@functools.lru_cache(maxsize=64)
def read(der: bytes) -> Trust | None:
    """Read a trust certificate; None when it is not one of the connector service."""
    found = x509.load_der_x509_certificate(der)
    try:
        extension = found.extensions.get_extension_for_oid(CONNECTOR_ID).value
    except x509.ExtensionNotFound:
        return None
    assert isinstance(extension, x509.UnrecognizedExtension)
    tenant = str(found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    identity = str(uuid.UUID(bytes_le=extension.value))
    return Trust(identity, tenant, thumbprint(der), found.not_valid_before_utc, found.not_valid_after_utc)


def settings(of_thumbprint: str, *, in_user_store: bool) -> bytes:
    """Return TrustSettings.xml [MS TRB]."""
    return _SETTINGS.format(thumbprint=of_thumbprint, in_user_store="true" if in_user_store else "false").encode()


def parse_settings(content: bytes) -> tuple[str, bool] | None:
    """Return thumbprint and IsInUserStore of a TrustSettings.xml; None when it holds none."""
    found = _THUMBPRINT.search(content)
    if found is None:
        return None
    where = _IN_USER_STORE.search(content)
    return found.group(1).decode().upper(), where is not None and where.group(1).lower() == b"true"


def put_into_registry(registry: Registry, der: bytes) -> str:
    """Put a certificate into the machine store; returns its thumbprint."""
    name = thumbprint(der)
    registry.set(rf"{MACHINE_STORE}\{name}", "Blob", BINARY, blob(der))
    return name


def from_registry(registry: Registry, of_thumbprint: str) -> Trust | None:
    """Return a certificate of the machine store."""
    value = registry.value(rf"{MACHINE_STORE}\{of_thumbprint}", "Blob")
    der = certificate(value.data) if value is not None and isinstance(value.data, bytes) else None
    return read(der) if der is not None else None

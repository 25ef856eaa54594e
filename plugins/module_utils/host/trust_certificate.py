# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The connector's trust certificate, read from the machine store as the registry keeps it.

A value C(Blob) below HKLM\\SOFTWARE\\Microsoft\\SystemCertificates\\MY\\Certificates\\THUMBPRINT is a list of properties:
three little-endian 32-bit numbers (property id, encoding, length), then the data. Property 32 is the certificate itself
(CERT_CERT_PROP_ID of wincrypt.h). Issuer: Microsoft, troubleshoot-connectors. That the connector id is in the extension
below and the tenant id in the subject is third-party knowledge.
"""

from __future__ import annotations

import dataclasses
import datetime
import struct
import types
import typing as t
import uuid
import warnings

from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError

if t.TYPE_CHECKING:
    from cryptography import x509

# Sibling products (pass-through authentication) have a CA whose name ends the same way: compare whole names.
ISSUER = "connectorregistrationca.msappproxy.net"
CONNECTOR_ID = "1.3.6.1.4.1.311.82.1"

_CERTIFICATE_PROPERTY = 32
_COMMON_NAME = "2.5.4.3"
_HEADER = struct.Struct("<III")
_GUID_LENGTH = 16


@dataclasses.dataclass(frozen=True)
class TrustCertificate:
    """A certificate of the connector's CA.

    :param thumbprint: upper-case SHA-1, the name Windows gives it.
    :param connector_id: lower-case GUID text; None when the certificate does not carry it.
    :param tenant_id: lower-case GUID text; None when the subject is not a GUID.
    """

    thumbprint: str
    subject: str
    issuer: str
    connector_id: str | None
    tenant_id: str | None
    not_before: datetime.datetime
    not_after: datetime.datetime


def certificate_of_blob(blob: bytes) -> bytes | None:
    """The DER certificate inside a registry blob; None when there is none or the blob is cut short."""
    for property_id, data in _properties(blob):
        if property_id == _CERTIFICATE_PROPERTY:
            return data
    return None


def read(thumbprint: str, blob: bytes) -> TrustCertificate | None:
    """The connector's certificate in this blob; None when it is no certificate, or one of somebody else.

    :raises HostError: when the library that reads certificates is missing on the controller.
    """
    encoded = certificate_of_blob(blob)
    if encoded is None:
        return None
    library = _library()
    try:
        with warnings.catch_warnings():
            # The library warns of what it will refuse one day. That is nobody's business who looks for one certificate among others.
            warnings.simplefilter("ignore")
            return _connectors_own(thumbprint.upper(), library.load_der_x509_certificate(encoded))
    except (ValueError, TypeError, library.InvalidVersion, library.DuplicateExtension, library.UnsupportedGeneralNameType):
        return None


def _connectors_own(thumbprint: str, certificate: x509.Certificate) -> TrustCertificate | None:
    issuer = _common_name(certificate.issuer)
    # Only of our own anything more is looked at: other people's certificates need not be well formed.
    if issuer is None or issuer.casefold() != ISSUER:
        return None
    subject = _common_name(certificate.subject)
    return TrustCertificate(
        thumbprint=thumbprint,
        subject=subject or "",
        issuer=issuer,
        connector_id=_connector_id(certificate),
        tenant_id=_guid_text(subject),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )


def _library() -> types.ModuleType:
    # Not at the top: a missing library is to be an error with a way out, and only where it is needed.
    try:
        from cryptography import x509
    except ImportError as error:
        raise HostError(
            f"the Python package cryptography is missing on the controller: {error}. Install it with pip",
            operation="read the trust certificate",
        ) from error
    return x509


def _properties(blob: bytes) -> t.Iterator[tuple[int, bytes]]:
    position = 0
    while position + _HEADER.size <= len(blob):
        property_id, _encoding, length = _HEADER.unpack_from(blob, position)
        position += _HEADER.size
        if position + length > len(blob):
            return
        yield property_id, blob[position : position + length]
        position += length


def _common_name(name: x509.Name) -> str | None:
    names = [attribute.value for attribute in name if attribute.oid.dotted_string == _COMMON_NAME]
    return str(names[0]) if names else None


def _connector_id(certificate: x509.Certificate) -> str | None:
    values = [extension.value.public_bytes() for extension in certificate.extensions if extension.oid.dotted_string == CONNECTOR_ID]
    if not values:
        return None
    # Either the bare 16 bytes, or wrapped in an OCTET STRING (tag 4, length 16).
    data = values[0][2:] if values[0][:2] == b"\x04\x10" else values[0]
    return str(uuid.UUID(bytes_le=data)) if len(data) == _GUID_LENGTH else None


def _guid_text(text: str | None) -> str | None:
    try:
        return str(uuid.UUID(text or ""))
    except ValueError:
        return None

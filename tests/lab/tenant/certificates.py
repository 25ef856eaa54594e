# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The trust certificate that the service signs for a connector."""

from __future__ import annotations

import datetime
import functools
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ISSUER = "connectorregistrationca.msappproxy.net"
"""connector.md 9.2 (MS TRB)."""
CONNECTOR_ID = x509.ObjectIdentifier("1.3.6.1.4.1.311.82.1")
"""Extension with the connector id as 16 bytes in the order of a Windows GUID; the tenant id is the subject's CN (connector.md 9.2, 3P)."""


def trust_certificate(connector_id: str, tenant_id: str, now: datetime.datetime, days: float) -> bytes:
    """Return a certificate (DER) for a connector, valid from `now` for `days`."""
    key = _key()
    return (
        x509.CertificateBuilder()
        .subject_name(_name(tenant_id))
        .issuer_name(_name(ISSUER))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.UnrecognizedExtension(CONNECTOR_ID, uuid.UUID(connector_id).bytes_le), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


@functools.lru_cache(maxsize=1)
def _key() -> rsa.RSAPrivateKey:
    """One RSA key serves all: nothing in the lab looks at it, and making one takes a tenth of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)

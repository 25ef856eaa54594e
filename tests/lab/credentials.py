# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways to sign in to the lab's tenant, written down for the state document: client secret, certificate, federated token, user."""

from __future__ import annotations

import datetime
import os
import pathlib
import time
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.lab.tenant.assertions import FEDERATION_AUDIENCE
from tests.lab.tenant.identity import Identity

LIFE = datetime.timedelta(days=30)


def describe(identity: Identity, directory: pathlib.Path) -> dict[str, t.Any]:
    """Make the client's certificate and federated token below `directory` (private) and return what the state document says."""
    client = next(iter(identity.clients.values()))
    certificate_file, token_file = directory / "client-certificate.pem", directory / "federated-token"
    certificate, pem = _client_certificate(client.client_id)
    client.certificates.append(certificate)
    _write_private(certificate_file, pem)
    issuer, subject = client.federated[0]
    claims = {"iss": issuer, "sub": subject, "aud": FEDERATION_AUDIENCE, "exp": int(time.time() + LIFE.total_seconds())}
    _write_private(token_file, identity.signer.sign(claims).encode())
    return {
        "tenant_id": identity.tenant_id,
        "tenant_domain": identity.domain,
        "tenant_user": identity.user.upn,
        "tenant_password": identity.user.password,
        "client_id": client.client_id,
        "client_secret": client.secret,
        "client_certificate_file": str(certificate_file),
        "federated_token_file": str(token_file),
    }


def _client_certificate(client_id: str) -> tuple[x509.Certificate, bytes]:
    """Return a certificate, and it with its key as PEM. RSA: azure-identity takes no other key (graph.md 7.3)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, client_id)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + LIFE)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate, secret + certificate.public_bytes(serialization.Encoding.PEM)


def _write_private(path: pathlib.Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's own certificate authority, made anew at each start, and the one leaf certificate of all its TLS listeners."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import pathlib
import ssl
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.lab.servers.protocol import client_certificates

HOSTS = ("localhost",)
ADDRESSES = ("127.0.0.1", "::1")
VALID = datetime.timedelta(days=30)


class Tls:
    """A certificate authority and a leaf for localhost, 127.0.0.1 and ::1, below `directory` (which must be private).

    `hosts`: names in the leaf; without addresses when they are given. `ends`: how long from now until the leaf is not valid any more.
    """

    ca_file: pathlib.Path
    certificate_file: pathlib.Path
    key_file: pathlib.Path
    certificate_der: bytes
    """The leaf as DER: what channel binding tokens are computed from."""

    def __init__(
        self,
        directory: pathlib.Path,
        name: str = "lab",
        *,
        hosts: t.Sequence[str] | None = None,
        ends: datetime.timedelta = VALID,
    ) -> None:
        self.ca_file = directory / f"{name}-ca.pem"
        self.certificate_file = directory / f"{name}-server.pem"
        self.key_file = directory / f"{name}-server.key"
        # P-256 keys: made in a millisecond, so that the lab starts at once.
        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca = _certificate(f"{name} certificate authority", ca_key, ca_key, None)
        key = ec.generate_private_key(ec.SECP256R1())
        names = _names(HOSTS, ADDRESSES) if hosts is None else _names(hosts)
        server_use = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        leaf = _certificate("localhost", key, ca_key, ca, (names, server_use), ends)
        self._directory, self._authority = directory, (ca_key, ca)
        self.certificate_der = leaf.public_bytes(serialization.Encoding.DER)
        self.ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        self.certificate_file.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
        _write_key(self.key_file, key)

    def server_context(self, *, ask_client: bool = False) -> ssl.SSLContext:
        """Return a new server side TLS context with the leaf. `ask_client`: ask for a certificate of this authority, and do without."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate_file, self.key_file)
        if ask_client:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(self.ca_file)
        return context

    def channel_bindings(self) -> bytes:
        """Return the channel bindings of the leaf: tls-server-end-point, SHA-256 as in its signature [DOC RFC 5929]."""
        return b"tls-server-end-point:" + hashlib.sha256(self.certificate_der).digest()

    def issue_client(self, name: str, upn: str) -> tuple[pathlib.Path, pathlib.Path]:
        """Issue a client certificate with a user principal name. Returns the files of certificate and key (PEM)."""
        ca_key, ca = self._authority
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.OtherName(client_certificates.UPN, client_certificates.encoded(upn))])
        certificate = _certificate(name, key, ca_key, ca, (names, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])))
        certificate_file, key_file = self._directory / f"{name}.pem", self._directory / f"{name}.key"
        certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        _write_key(key_file, key)
        return certificate_file, key_file


def _certificate(
    common_name: str,
    key: ec.EllipticCurvePrivateKey,
    signing_key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    extensions: t.Sequence[x509.ExtensionType] = (),
    ends: datetime.timedelta = VALID,
) -> x509.Certificate:
    """Build a CA certificate (no issuer) or a leaf with further extensions. Real time: TLS does not follow the lab's clock."""
    now = datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    is_ca = issuer is None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=3))
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=0 if is_ca else None), critical=True)
        .add_extension(_key_usage(is_ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(signing_key, hashes.SHA256())


def _names(hosts: t.Sequence[str], addresses: t.Sequence[str] = ()) -> x509.SubjectAlternativeName:
    names: list[x509.GeneralName] = [x509.DNSName(host) for host in hosts]
    return x509.SubjectAlternativeName([*names, *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses)])


def _write_key(path: pathlib.Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def _key_usage(is_ca: bool) -> x509.KeyUsage:
    """Python 3.13 and later check strictly (VERIFY_X509_STRICT): a CA must say that it may sign certificates."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )

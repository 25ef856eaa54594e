# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The user principal name in a client certificate: what Windows maps to an account [DOC]."""

from __future__ import annotations

from cryptography import x509

UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
PROFILE = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
"""The Authorization header of a client that authenticates with its certificate [DOC MS-WSMV]."""
_UTF8_STRING = 0x0C


def principal(certificate_der: bytes | None) -> str | None:
    """Return the user principal name of a certificate that TLS has verified, or None."""
    if certificate_der is None:
        return None
    try:
        extension = x509.load_der_x509_certificate(certificate_der).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return None
    for name in extension.value:
        if isinstance(name, x509.OtherName) and name.type_id == UPN and name.value[:1] == bytes((_UTF8_STRING,)):
            return name.value[2:].decode("utf-8", "replace")
    return None


def encoded(upn: str) -> bytes:
    """Return a name as the DER UTF8String of an otherName. Raises ValueError above 127 bytes (the short form of a length)."""
    data = upn.encode()
    if len(data) > 127:
        raise ValueError("a user principal name of the lab has at most 127 bytes")
    return bytes((_UTF8_STRING, len(data))) + data

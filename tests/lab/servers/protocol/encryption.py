# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Message encryption of WS-Management over HTTP: the body `multipart/encrypted` of MS-WSMV 2.2.9.1 [DOC; RUN, wsman.md 12]."""

from __future__ import annotations

import re
import struct
import typing as t

_BOUNDARY = b"--Encrypted Boundary"
_OCTETS = b"\tContent-Type: application/octet-stream\r\n"
_LENGTH = re.compile(rb"OriginalContent:\s*type=[^;]+;\s*charset=UTF-8;\s*Length=(\d+)", re.IGNORECASE)
_PROTOCOL = re.compile(r'protocol="([^"]+)"')
PROTOCOLS = ("application/HTTP-SPNEGO-session-encrypted", "application/HTTP-Kerberos-session-encrypted")


class Wrapped(t.Protocol):
    """What wrap_winrm() of a security context returns."""

    header: bytes
    data: bytes
    padding_length: int


class SecurityContext(t.Protocol):
    """The part of a pyspnego context that message encryption needs."""

    def wrap_winrm(self, data: bytes) -> Wrapped:
        """Encrypt one message."""

    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes:
        """Decrypt one message."""


class BadEncryption(ValueError):
    """The body is not what MS-WSMV describes, or does not decrypt: HTTP 400, as Windows answers [SRC, wsman.md 1]."""


def is_encrypted(content_type: str) -> bool:
    """Say whether a request comes as multipart/encrypted."""
    return content_type.lower().startswith("multipart/encrypted")


def protocol_of(content_type: str) -> str:
    """Return the protocol parameter of a Content-Type. Raises BadEncryption for one that is not SPNEGO or Kerberos."""
    match = _PROTOCOL.search(content_type)
    if match is None or match.group(1) not in PROTOCOLS:
        raise BadEncryption(f"unknown encryption protocol in {content_type!r}")
    return match.group(1)


def decrypt(context: SecurityContext, body: bytes) -> bytes:
    """Return the message in an encrypted body. Raises BadEncryption."""
    length = _LENGTH.search(body)
    head, found, rest = body.partition(_OCTETS)
    end = rest.rfind(_BOUNDARY + b"--")
    if length is None or not found or end < 4:
        raise BadEncryption("the body is not multipart/encrypted as MS-WSMV 2.2.9.1 wants it")
    part = rest[:end]
    header_length = struct.unpack("<I", part[:4])[0]
    try:
        message = context.unwrap_winrm(part[4 : 4 + header_length], part[4 + header_length :])
    except Exception as error:  # pyspnego and GSSAPI raise many kinds
        raise BadEncryption(f"the message does not decrypt: {error}") from error
    if len(message) > int(length.group(1)):
        raise BadEncryption("the message is longer than its OriginalContent says")
    return message


def encrypt(context: SecurityContext, message: bytes, protocol: str) -> tuple[bytes, str]:
    """Return the encrypted body and its Content-Type."""
    wrapped = context.wrap_winrm(message)
    original = b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=%d\r\n" % (len(message) + wrapped.padding_length)
    body = b"".join(
        (
            _BOUNDARY + b"\r\n",
            b"\tContent-Type: " + protocol.encode() + b"\r\n",
            original,
            _BOUNDARY + b"\r\n",
            _OCTETS,
            struct.pack("<I", len(wrapped.header)),
            wrapped.header,
            wrapped.data,
            _BOUNDARY + b"--\r\n",
        )
    )
    return body, f'multipart/encrypted;protocol="{protocol}";boundary="Encrypted Boundary"'

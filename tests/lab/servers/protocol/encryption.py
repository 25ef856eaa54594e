# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Message encryption of WS-Management over HTTP: multipart/encrypted and, for CredSSP, multipart/x-multi-encrypted.

MS-WSMV 2.2.9.1 [DOC; RUN, wsman.md 12].
"""

from __future__ import annotations

import re
import struct
import typing as t

_BOUNDARY = b"--Encrypted Boundary"
_OCTETS = b"\tContent-Type: application/octet-stream\r\n"
_LENGTH = re.compile(rb"OriginalContent:\s*type=[^;]+;\s*charset=UTF-8;\s*Length=(\d+)", re.IGNORECASE)
_PROTOCOL = re.compile(r'protocol="([^"]+)"')
CREDSSP = "application/HTTP-CredSSP-session-encrypted"
PROTOCOLS = ("application/HTTP-SPNEGO-session-encrypted", "application/HTTP-Kerberos-session-encrypted", CREDSSP)
SINGLE, MULTI = "multipart/encrypted", "multipart/x-multi-encrypted"
CHUNK = 16384
"""A CredSSP message is encrypted in pieces of this many bytes, those of a TLS record [DOC MS-WSMV 2.2.9.1.3]."""


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
    """Say whether a request comes encrypted."""
    return content_type.lower().startswith((SINGLE, MULTI))


def protocol_of(content_type: str) -> str:
    """Return the protocol parameter of a Content-Type. Raises BadEncryption for one that is not known."""
    match = _PROTOCOL.search(content_type)
    if match is None or match.group(1) not in PROTOCOLS:
        raise BadEncryption(f"unknown encryption protocol in {content_type!r}")
    return match.group(1)


def decrypt(context: SecurityContext, body: bytes) -> bytes:
    """Return the message in an encrypted body of one or several pieces. Raises BadEncryption."""
    content = body.removesuffix(_BOUNDARY + b"--\r\n")
    pieces = content.split(_BOUNDARY + b"\r\n")
    # Before the first boundary there is nothing; then come pairs of a header and what it describes.
    if content == body or pieces[0] or len(pieces) < 3 or len(pieces) % 2 == 0:
        raise BadEncryption("the body is not multipart/encrypted as MS-WSMV 2.2.9.1 wants it")
    return b"".join(_decrypt_piece(context, head, part) for head, part in zip(pieces[1::2], pieces[2::2], strict=True))


def encrypt(context: SecurityContext, message: bytes, protocol: str) -> tuple[bytes, str]:
    """Return the encrypted body and its Content-Type."""
    size = CHUNK if protocol == CREDSSP else len(message)
    chunks = [message[start : start + size] for start in range(0, len(message), size)] or [b""]
    body = b"".join(_encrypt_piece(context, chunk, protocol) for chunk in chunks) + _BOUNDARY + b"--\r\n"
    kind = SINGLE if len(chunks) == 1 else MULTI
    return body, f'{kind};protocol="{protocol}";boundary="Encrypted Boundary"'


def _decrypt_piece(context: SecurityContext, head: bytes, part: bytes) -> bytes:
    length = _LENGTH.search(head)
    sealed = part.removeprefix(_OCTETS)
    if length is None or len(sealed) == len(part) or len(sealed) < 4:
        raise BadEncryption("the body is not multipart/encrypted as MS-WSMV 2.2.9.1 wants it")
    header_length = struct.unpack("<I", sealed[:4])[0]
    try:
        message = context.unwrap_winrm(sealed[4 : 4 + header_length], sealed[4 + header_length :])
    except Exception as error:  # pyspnego and GSSAPI raise many kinds
        raise BadEncryption(f"the message does not decrypt: {error}") from error
    if len(message) > int(length.group(1)):
        raise BadEncryption("the message is longer than its OriginalContent says")
    return message


def _encrypt_piece(context: SecurityContext, message: bytes, protocol: str) -> bytes:
    wrapped = context.wrap_winrm(message)
    length = len(message) + wrapped.padding_length
    return b"".join(
        (
            _BOUNDARY + b"\r\n",
            b"\tContent-Type: " + protocol.encode() + b"\r\n",
            b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=%d\r\n" % length,
            _BOUNDARY + b"\r\n",
            _OCTETS,
            struct.pack("<I", len(wrapped.header)),
            wrapped.header,
            wrapped.data,
        )
    )

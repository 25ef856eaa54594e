# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON Web Tokens of the lab: HS256 with a key of its own, claims as in v1 access tokens of Microsoft Entra."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import typing as t

Claims = dict[str, t.Any]


class TokenInvalid(Exception):
    """A token that this lab did not sign, or that is malformed."""


class Signer:
    """Signs and reads tokens with a key made at start."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def sign(self, claims: t.Mapping[str, t.Any]) -> str:
        """Return the compact token."""
        header = {"typ": "JWT", "alg": "HS256", "kid": "lab"}
        signed = f"{encode_json(header)}.{encode_json(claims)}"
        return f"{signed}.{encode(self._mac(signed))}"

    def read(self, token: str) -> Claims:
        """Return the claims of a token of this lab. Raises TokenInvalid; it does not look at the times."""
        parts = token.split(".")
        if len(parts) != 3:
            raise TokenInvalid("not a compact JSON Web Token")
        try:
            signature = decode(parts[2])
            claims = json.loads(decode(parts[1]))
        except ValueError as error:
            raise TokenInvalid("not base64url or JSON") from error
        if not hmac.compare_digest(signature, self._mac(f"{parts[0]}.{parts[1]}")):
            raise TokenInvalid("signature does not match")
        if not isinstance(claims, dict):
            raise TokenInvalid("claims are not an object")
        return claims

    def _mac(self, text: str) -> bytes:
        return hmac.new(self._key, text.encode(), hashlib.sha256).digest()


def encode(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def encode_json(document: t.Mapping[str, t.Any]) -> str:
    """Return compact JSON as base64url."""
    return encode(json.dumps(document, separators=(",", ":")).encode())


def decode(text: str) -> bytes:
    """Read base64url without padding. Raises ValueError; unlike the standard library it refuses stray characters."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except UnicodeEncodeError as error:
        raise ValueError("not ASCII") from error

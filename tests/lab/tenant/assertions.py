# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Client assertions: proof of a confidential client by certificate or by a federated token (RFC 7523)."""

from __future__ import annotations

import json
import time
import typing as t

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.lab.tenant.identity import Client
from tests.lab.tenant.tokens import Claims, Signer, TokenInvalid, decode, encode

FEDERATION_AUDIENCE = "api://AzureADTokenExchange"


def accepts(client: Client, assertion: str, token_endpoint: str, signer: Signer) -> bool:
    """Say whether `assertion` proves `client`. Real time counts: the client's clock is not the lab's."""
    try:
        header, claims = _json_part(assertion, 0), _json_part(assertion, 1)
    except (ValueError, IndexError):
        return False
    if not isinstance(claims.get("exp"), (int, float)) or claims["exp"] <= time.time():
        return False
    if claims.get("aud") == FEDERATION_AUDIENCE:
        return _is_federated(client, assertion, signer)
    own = claims.get("iss") == claims.get("sub") == client.client_id and claims.get("aud") == token_endpoint
    return own and _is_signed(client, assertion, header)


def _is_federated(client: Client, assertion: str, signer: Signer) -> bool:
    """The lab is the foreign issuer as well."""
    try:
        claims = signer.read(assertion)
    except TokenInvalid:
        return False
    return (claims.get("iss"), claims.get("sub")) in client.federated


def _is_signed(client: Client, assertion: str, header: t.Mapping[str, t.Any]) -> bool:
    signed, _dot, signature = assertion.rpartition(".")
    schemes: dict[str, padding.AsymmetricPadding] = {
        "RS256": padding.PKCS1v15(),
        "PS256": padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH),
    }
    scheme = schemes.get(str(header.get("alg")))
    for certificate in client.certificates:
        prints = {
            "x5t": encode(certificate.fingerprint(hashes.SHA1())),
            "x5t#S256": encode(certificate.fingerprint(hashes.SHA256())),
        }
        key = certificate.public_key()
        named = any(str(header.get(name, "")).rstrip("=") == value for name, value in prints.items())
        if scheme is None or not named or not isinstance(key, rsa.RSAPublicKey):
            continue
        try:
            key.verify(decode(signature), signed.encode(), scheme, hashes.SHA256())
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


def _json_part(token: str, index: int) -> Claims:
    part = json.loads(decode(token.split(".")[index]))
    if not isinstance(part, dict):
        raise ValueError("not an object")
    return part

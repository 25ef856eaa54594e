# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The registration token: what its claims say, read without checking the signature (only the service can do that).

The check exists so that a stale, pasted or foreign token is refused on the controller, with the reason, before a
server is touched. Facts (client id, scope, resource, life time, no guests): Microsoft, how-to-register-connector-powershell
and troubleshoot-connectors.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime
import json
import re
import typing as t

RESOURCE = "https://proxy.cloudwebappproxy.net/registerapp"
SCOPE = f"{RESOURCE}/user_impersonation"
CLIENT_ID = "55747057-9b5d-4bd4-b387-abf52a8bd489"

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

_HOW_TO_GET_ONE = (
    "Get a fresh one with the module entra.app_proxy.registration_token, or with: az account get-access-token --scope " + SCOPE
)


@dataclasses.dataclass(frozen=True)
class Claims:
    """What a registration token says of itself.

    :param tenant_id: lower-case GUID text of claim C(tid).
    :param expires_on: aware UTC moment of claim C(exp).
    :param account: the user it was issued to, when the token names one.
    """

    tenant_id: str
    audience: str
    expires_on: datetime.datetime
    account: str | None
    client_id: str | None


class TokenError(Exception):
    """The token cannot register a connector. Holds every reason at once; never the token."""

    def __init__(self, reasons: t.Sequence[str]) -> None:
        self.reasons = list(reasons)
        super().__init__(f"the registration token cannot be used: {'; '.join(self.reasons)}. {_HOW_TO_GET_ONE}")


def check_token(token: str, tenant_id: str | None, now: datetime.datetime) -> Claims:
    """Claims of a token that is fit to register a connector in C(tenant_id).

    :param tenant_id: the tenant the connector must belong to; None = any.
    :param now: aware moment to judge the life time by.
    :raises TokenError: with every reason against the token.
    """
    claims = _read_claims(token)
    reasons = [
        reason
        for reason in (
            _wrong_audience(claims),
            _wrong_tenant(claims, tenant_id),
            _guest(claims),
            _app_only(claims),
            _expired(claims, now),
        )
        if reason
    ]
    if reasons:
        raise TokenError(reasons)
    return Claims(
        tenant_id=str(claims["tid"]).lower(),
        audience=_audience(claims),
        expires_on=_moment(claims["exp"]),
        account=_first_text(claims, "upn", "preferred_username", "unique_name", "email"),
        client_id=_first_text(claims, "appid", "azp"),
    )


def seconds_left(token: str, now: datetime.datetime) -> float | None:
    """How long a token will live; negative for one that has expired, None when it does not say."""
    try:
        return (_moment(_read_claims(token)["exp"]) - now).total_seconds()
    except (TokenError, KeyError, TypeError, ValueError, OverflowError, OSError):
        return None


def _read_claims(token: str) -> dict[str, t.Any]:
    # "Spaces or newlines from pasting break it" [MS, powershell-get-token].
    if any(character.isspace() for character in token):
        raise TokenError(["it contains white space (pasted with a line break?)"])
    parts = token.split(".")
    if len(parts) != 3:
        raise TokenError([f"it is not a JSON Web Token: {len(parts)} part(s) instead of 3"])
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = json.loads(payload)
    except (binascii.Error, ValueError) as error:
        raise TokenError(["it is not a JSON Web Token: its second part is not base64 of JSON"]) from error
    if not isinstance(claims, dict):
        raise TokenError(["it is not a JSON Web Token: its second part is not a JSON object"])
    return claims


def _audience(claims: t.Mapping[str, t.Any]) -> str:
    return str(claims.get("aud") or "").rstrip("/")


def _wrong_audience(claims: t.Mapping[str, t.Any]) -> str | None:
    if _audience(claims).casefold() == RESOURCE:
        return None
    # Tokens of version 2 name the resource by its application id, which is not published: the scope speaks for it [inferred].
    if _GUID.fullmatch(_audience(claims)) and "user_impersonation" in str(claims.get("scp") or "").split():
        return None
    return f"it is for the audience {_audience(claims) or 'none'}, registration needs {RESOURCE}"


def _wrong_tenant(claims: t.Mapping[str, t.Any], tenant_id: str | None) -> str | None:
    issued = str(claims.get("tid") or "").lower()
    if not issued:
        return "it names no tenant (claim tid)"
    if tenant_id is not None and issued != tenant_id.strip().lower():
        return f"it is of tenant {issued}, the connector is to be registered in tenant {tenant_id.strip().lower()}"
    return None


def _guest(claims: t.Mapping[str, t.Any]) -> str | None:
    """Guests register in their home tenant, so the service refuses them [MS, troubleshoot-connectors].

    A guest shows in one of three claims, none of which must be there: C(acct), C(idp) (only when it is not the issuer), C(upn).
    """
    issuer, provider = str(claims.get("iss") or ""), str(claims.get("idp") or "")
    tenant = str(claims.get("tid") or "").lower()
    names = [str(claims.get(claim) or "") for claim in ("upn", "preferred_username", "unique_name")]
    foreign = bool(provider) and provider != issuer and (not tenant or tenant not in provider.lower())
    if str(claims.get("acct", "")) == "1" or foreign or any("#ext#" in name.lower() for name in names):
        return "it was issued to a guest user; registration needs a user of the tenant itself"
    return None


def _app_only(claims: t.Mapping[str, t.Any]) -> str | None:
    """Service principals cannot register: the scope is delegated [MS, FAQ; inferred for registration]."""
    if claims.get("idtyp") == "app":
        return "it was issued to an application; registration needs a user (Application Administrator)"
    return None


def _expired(claims: t.Mapping[str, t.Any], now: datetime.datetime) -> str | None:
    try:
        expires_on = _moment(claims["exp"])
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return "it names no moment of expiry (claim exp)"
    if expires_on <= now:
        minutes = int((now - expires_on).total_seconds() // 60)
        return f"it expired at {expires_on:%Y-%m-%dT%H:%M:%SZ}, {minutes} minute(s) ago (such tokens live 60 to 90 minutes)"
    return None


def _moment(value: t.Any) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(int(value), tz=datetime.timezone.utc)


def _first_text(claims: t.Mapping[str, t.Any], *names: str) -> str | None:
    for name in names:
        if isinstance(claims.get(name), str) and claims[name]:
            return str(claims[name])
    return None

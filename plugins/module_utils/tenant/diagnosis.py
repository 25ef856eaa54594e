# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Every step that the tenant modules need, tried one by one and told without secrets. The result is no contract."""

from __future__ import annotations

import importlib.metadata
import platform
import ssl
import time
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import paths
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.auth import claims_of, token_kind
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import VERSION, GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.clouds import CLOUDS
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.connection import Connection
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.deadline import Deadline
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import LoginError, TenantError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.probe import Probe, look

Result = dict[str, t.Any]

SHOWN = ("aud", "iss", "tid", "appid", "azp", "app_displayname", "idtyp", "upn", "unique_name", "oid", "ver", "iat", "nbf", "exp")
"""Claims that say who and what for. None of them lets anyone in."""
NEEDED_SCOPES = frozenset({"Directory.ReadWrite.All", "Directory.AccessAsUser.All"})
"""Any of these (documented, Graph permissions reference)."""
SKEW = 120.0
"""Seconds from which on a clock is called wrong. Tokens are refused from about 300 s on (inferred from msal's default)."""
LIBRARIES = ("ansible-core", "azure-core", "azure-identity", "msal", "requests", "urllib3", "cryptography")


def diagnose(connection: Connection, deadline: Deadline) -> Result:
    """The whole diagnosis.

    :raises LoginError: the options do not fit together, so there is nothing to try.
    """
    endpoints = _endpoints(connection)
    client = GraphClient(connection, deadline)
    try:
        login, claims = _login(client, connection)
        answer = _read_profile(client) if login["ok"] else None
    finally:
        client.close()
    token = _token(claims, time.time()) if claims else None
    result = {
        "endpoints": {name: probe.as_dict() for name, probe in endpoints.items()},
        "login": login,
        "token": token,
        "application_proxy": answer,
        "libraries": _libraries(),
    }
    problems = [*_endpoint_problems(endpoints), *_token_problems(login, token, connection), *_read_problems(answer)]
    return {"ok": not problems, "problems": problems, **result}


def _endpoints(connection: Connection) -> dict[str, Probe]:
    authority = (connection.authority or CLOUDS[connection.cloud].login).rstrip("/")
    tenant = connection.tenant_id or "organizations"
    urls = {
        "graph": f"{connection.graph_root}/{VERSION}{paths.PROFILE}",
        "authority": f"{authority}/{tenant}/v2.0/.well-known/openid-configuration",
    }
    return {name: look(url, ca_file=connection.ca_file, proxy=connection.proxy) for name, url in urls.items()}


def _login(client: GraphClient, connection: Connection) -> tuple[Result, Result | None]:
    started = time.monotonic()
    try:
        token = client.sign_in()
    except LoginError as error:
        return {"ok": False, "auth_source": connection.source, "seconds": None, "error": str(error)}, None
    seconds = round(time.monotonic() - started, 3)
    claims = claims_of(token)
    kind = token_kind(token)
    return {"ok": True, "auth_source": connection.source, "seconds": seconds, "error": None}, {**claims, "kind": kind} if claims else None


def _token(claims: Result, now: float) -> Result:
    expiry = claims.get("exp")
    return {
        "kind": claims["kind"],
        "scopes": sorted(str(claims.get("scp") or "").split()),
        "roles": sorted(str(role) for role in claims.get("roles") or []),
        "directory_roles": sorted(str(role) for role in claims.get("wids") or []),
        "expires_in": int(expiry - now) if isinstance(expiry, (int, float)) else None,
        "claims": {name: claims[name] for name in SHOWN if name in claims},
    }


def _read_profile(client: GraphClient) -> Result:
    try:
        answer = client.call(paths.PROFILE_ITSELF)
    except TenantError as error:
        return {"ok": False, **error.as_dict(), "explanation": str(error)}
    return {"ok": True, "status": answer.status, "is_enabled": answer.body.get("isEnabled"), "request_id": answer.headers.get("request-id")}


def _endpoint_problems(endpoints: t.Mapping[str, Probe]) -> t.Iterator[str]:
    for name, probe in endpoints.items():
        if not probe.reachable:
            yield f"{name} cannot be reached at {probe.url}: {probe.error}. See the options proxy and ca_file, and this machine's way out"
        elif probe.skew is not None and abs(probe.skew) > SKEW:
            side = "ahead of" if probe.skew > 0 else "behind"
            yield f"the clock of this machine is {abs(probe.skew):.0f} s {side} that of {name}: tokens may be refused. Set it right"


def _token_problems(login: Result, token: Result | None, connection: Connection) -> t.Iterator[str]:
    if not login["ok"]:
        yield str(login["error"])
    if token is None:
        return
    issued = token["claims"].get("tid")
    if connection.tenant_id and issued and str(issued).lower() != connection.tenant_id.strip().lower():
        yield f"the token is of tenant {issued}, and tenant_id is {connection.tenant_id}"
    if token["expires_in"] is not None and token["expires_in"] <= 0:
        yield "the token has expired"
    if token["kind"] == "user" and not NEEDED_SCOPES & set(token["scopes"]):
        yield f"the token has none of the delegated permissions {', '.join(sorted(NEEDED_SCOPES))}, of which connectors need one"


def _read_problems(answer: Result | None) -> t.Iterator[str]:
    if answer is not None and not answer["ok"]:
        yield str(answer["explanation"])


def _libraries() -> dict[str, str | None]:
    return {"python": platform.python_version(), "openssl": ssl.OPENSSL_VERSION, **{name: _version(name) for name in LIBRARIES}}


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The OAuth 2.0 endpoints that azure-identity 1.27 and msal 1.39 really call: discovery, device code, token."""

from __future__ import annotations

import dataclasses
import datetime
import secrets
import typing as t
import uuid

from tests.lab.tenant import assertions
from tests.lab.tenant.errors import LoginError
from tests.lab.tenant.identity import PUBLIC_CLIENTS, Client
from tests.lab.tenant.models import Tenant
from tests.lab.tenant.tokens import encode_json

Document = dict[str, t.Any]
Form = t.Mapping[str, str]

OPENID_SCOPES = {"openid", "profile", "offline_access", "email"}
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
DEVICE_CODE_LIFE = datetime.timedelta(seconds=900)


@dataclasses.dataclass
class DeviceCode:
    """A device code flow under way."""

    client_id: str
    scope: str
    expires_at: datetime.datetime
    polls: int = 0


class Login:
    """Sign-in for one tenant. `root` is the authority's root, such as https://localhost:1234."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._identity = tenant.identity
        self.device_codes: dict[str, DeviceCode] = {}
        self._refresh_tokens: dict[str, str] = {}

    def discover(self, root: str, tenant_name: str) -> Document:
        """Return the OpenID configuration of a tenant."""
        self._check_tenant(tenant_name)
        base = f"{root}/{self._tenant.tenant_id}"
        return {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["HS256"],
        }

    def start_device_code(self, root: str, tenant_name: str, form: Form) -> Document:
        """Begin a device code flow."""
        self._check_tenant(tenant_name)
        client_id = self._public_client(form)
        self._audience(form.get("scope", ""))
        device_code = secrets.token_urlsafe(32)
        user_code = secrets.token_hex(5)[:9].upper()
        expires_at = self._tenant.clock.now() + DEVICE_CODE_LIFE
        self.device_codes[device_code] = DeviceCode(client_id, form.get("scope", ""), expires_at)
        page = f"{root}/devicelogin"
        return {
            "user_code": user_code,
            "device_code": device_code,
            "verification_uri": page,
            "expires_in": int(DEVICE_CODE_LIFE.total_seconds()),
            "interval": self._tenant.timing.device_code_interval,
            "message": f"To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate.",
        }

    def token(self, root: str, tenant_name: str, form: Form) -> Document:
        """Answer a token request."""
        self._check_tenant(tenant_name)
        grant = form.get("grant_type", "")
        if grant == "client_credentials":
            client = self._confidential_client(root, form)
            audience = self._audience(form.get("scope", ""), application=True)
            return self._answer(self._identity.application_token(audience, client.client_id))
        if grant == DEVICE_GRANT:
            flow = self._finished_flow(form)
            return self._delegated(flow.client_id, flow.scope)
        if grant == "refresh_token":
            client_id = self._public_client(form)
            if self._refresh_tokens.get(form.get("refresh_token", "")) != client_id:
                raise LoginError(400, "invalid_grant", 70000, "Provided grant is invalid or malformed.")
            return self._delegated(client_id, form.get("scope", ""))
        raise LoginError(400, "unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{grant}'.")

    def new_refresh_token(self, client_id: str) -> str:
        """Issue a refresh token of the administrator (also what `az login` would have left behind)."""
        token = secrets.token_urlsafe(48)
        self._refresh_tokens[token] = client_id
        return token

    def resource_of(self, form: Form) -> str:
        """Return the audience a request asks for, or what it asks for when there is none: for the journal."""
        scope = form.get("scope", "")
        flow = self.device_codes.get(form.get("device_code", ""))
        try:
            return self._audience(flow.scope if flow else scope)
        except LoginError:
            return scope

    def _delegated(self, client_id: str, scope: str) -> Document:
        token = self._identity.delegated_token(self._audience(scope), client_id)
        asked = scope.split()
        document = self._answer(token) | {"scope": " ".join(name for name in asked if name not in OPENID_SCOPES)}
        if "offline_access" in asked:
            document["refresh_token"] = self.new_refresh_token(client_id)
        if "openid" in asked:
            document["id_token"] = self._identity.id_token(client_id)
            document["client_info"] = encode_json({"uid": self._identity.user.oid, "utid": self._tenant.tenant_id})
        return document

    def _answer(self, token: str) -> Document:
        life = int(self._tenant.timing.access_token)
        return {"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": token}

    def _check_tenant(self, name: str) -> None:
        known = (self._tenant.tenant_id, self._identity.domain, "organizations", "common")
        if name.lower() not in known:
            text = f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
            raise LoginError(400, "invalid_tenant", 90002, text)

    def _audience(self, scope: str, *, application: bool = False) -> str:
        """Return the audience of the one resource that the scopes name."""
        resources = {name.rpartition("/")[0] for name in scope.split() if name not in OPENID_SCOPES}
        if len(resources) != 1 or (application and not scope.endswith("/.default")):
            raise LoginError(400, "invalid_scope", 70011, f"The provided value for the input parameter 'scope' is not valid: '{scope}'.")
        resource = resources.pop()
        audience = self._identity.audience(resource)
        if audience is None:
            text = f"The resource principal named {resource} was not found in the tenant named {self._identity.domain}."
            raise LoginError(400, "invalid_resource", 500011, text)
        return audience

    def _public_client(self, form: Form) -> str:
        client_id = form.get("client_id", "").lower()
        if client_id in PUBLIC_CLIENTS:
            return client_id
        if client_id in self._identity.clients:
            text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            raise LoginError(401, "invalid_client", 7000218, text)
        raise self._unknown_client(client_id)

    def _confidential_client(self, root: str, form: Form) -> Client:
        client_id = form.get("client_id", "").lower()
        client = self._identity.clients.get(client_id)
        if client is None:
            raise self._unknown_client(client_id)
        if "client_secret" in form:
            if not secrets.compare_digest(form["client_secret"].encode(), client.secret.encode()):
                raise LoginError(401, "invalid_client", 7000215, "Invalid client secret provided.")
            return client
        endpoint = f"{root}/{self._tenant.tenant_id}/oauth2/v2.0/token"
        right_type = form.get("client_assertion_type") == ASSERTION_TYPE
        if right_type and assertions.accepts(client, form.get("client_assertion", ""), endpoint, self._identity.signer):
            return client
        raise LoginError(401, "invalid_client", 700027, "Client assertion failed signature validation.")

    def _unknown_client(self, client_id: str) -> LoginError:
        text = f"Application with identifier '{client_id}' was not found in the directory '{self._identity.domain}'."
        return LoginError(400, "unauthorized_client", 700016, text)

    def _finished_flow(self, form: Form) -> DeviceCode:
        """Return the approved flow of a poll, which then is over."""
        code = form.get("device_code", "")
        flow = self.device_codes.get(code)
        if flow is None or flow.client_id != form.get("client_id", "").lower():
            raise LoginError(400, "bad_verification_code", 70018, "Invalid verification code.")
        flow.polls += 1
        if self._tenant.clock.now() >= flow.expires_at:
            raise LoginError(400, "expired_token", 70020, "The provided device code has expired.")
        if self._tenant.settings.device_code == "deny":
            raise LoginError(400, "authorization_declined", 70022, "The user declined to sign in.")
        if flow.polls < 2:
            raise LoginError(400, "authorization_pending", 70016, "OAuth 2.0 device flow error. Authorization is pending.")
        return self.device_codes.pop(code)


def error_document(error: LoginError, now: datetime.datetime) -> Document:
    """Return the body of a refusal, as the token service writes it."""
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    stamp = now.strftime("%Y-%m-%d %H:%M:%SZ")
    text = f"AADSTS{error.number}: {error.text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"
    return {
        "error": error.error,
        "error_description": text,
        "error_codes": [error.number],
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": correlation,
    }

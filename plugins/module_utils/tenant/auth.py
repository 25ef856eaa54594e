# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Where access tokens come from: one azure-identity credential for each O(auth_source), or a token handed over."""

from __future__ import annotations

import base64
import dataclasses
import json
import time
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import sdk
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.clouds import CLOUDS
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.connection import CONNECT_TIMEOUT, NEEDS, Connection
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import UNTRUSTED, LoginError, is_untrusted

CLI_UNREACHED = "Max retries exceeded with url"
"""What Azure CLI says when it does not reach the token service (observed, Azure/azure-cli#11829 and #14910)."""
CLI_MISSING = "Azure CLI not found"
"""What azure-identity says when there is no program C(az)."""
INSTALL_CLI = "Install Azure CLI where this task runs, and sign in with: az login --allow-no-subscriptions"
CLI_TIMEOUT = 60
"""Seconds for C(az): its start alone takes several."""
SIGN_IN_REPEATS = 3
"""Of one request to the sign-in service; azure-core would repeat it ten times."""

Prompt = t.Callable[[str], None]


class TokenSource:
    """Access tokens of one scope. Asks the credential once, and again when the token ran out or was refused.

    :param make: makes a credential.
    :raises LoginError: none can be made.
    """

    def __init__(self, make: t.Callable[[], t.Any], scope: str, now: t.Callable[[], float]) -> None:
        self._make = make
        self._credential = make()
        self._scope = scope
        self._now = now
        self._token: str | None = None
        self._renew_at = 0.0

    def token(self) -> str:
        """A token that is not about to run out.

        :raises LoginError: the credential gave none.
        """
        if self._token is None or self._now() >= self._renew_at:
            self._fetch()
        return t.cast(str, self._token)

    def renewed(self) -> str:
        """A fresh token; the same one again when the credential has no other."""
        # A credential keeps its tokens until they run out, so the one that was refused would come back.
        self._credential = self._make()
        self._fetch()
        return t.cast(str, self._token)

    def renew(self) -> bool:
        """Get a fresh token, and say whether it is another one.

        :raises LoginError: the credential gave none.
        """
        refused = self._token
        return self.renewed() != refused

    @property
    def kind(self) -> str | None:
        """C(app) for an application, C(user) for a user; None when the token is opaque or none was got yet."""
        return token_kind(self._token or "")

    def _fetch(self) -> None:
        try:
            got = self._credential.get_token(self._scope)
        except (sdk.AzureError, ValueError, OSError) as error:
            text = f"could not get an access token for Microsoft Graph: {first_lines(error)}{_remedy(error)}"
            raise LoginError(text, unreachable=_unreached(error)) from error
        self._token = got.token
        self._renew_at = got.expires_on - 300


@dataclasses.dataclass(frozen=True)
class GivenToken:
    """A credential that has one token only."""

    value: str = dataclasses.field(repr=False)

    def get_token(self, *_scopes: str, **_options: t.Any) -> t.Any:
        # When it runs out is the service's to say; there is no other to take instead.
        return sdk.AccessToken(self.value.strip(), 2**40)


def credential_for(connection: Connection, prompt: Prompt | None = None) -> t.Any:
    """The credential of a connection.

    :param prompt: shows the user where to enter which device code.
    :raises LoginError: options are missing, or the credential cannot be made of them.
    """
    if connection.auth_source == "auto" and not connection.access_token and len(connection.given) > 1:
        raise LoginError(f"auth_source=auto, and there is more than one to choose from: {', '.join(connection.given)}. Say which")
    missing = [name for name in NEEDS.get(connection.source, ()) if not getattr(connection, name)]
    if missing:
        raise LoginError(f"auth_source={connection.source} needs also: {', '.join(missing)}")
    try:
        return _BUILDERS[connection.source](connection, prompt)
    except (ValueError, OSError) as error:
        raise LoginError(f"auth_source={connection.source} cannot be used: {first_lines(error)}") from error


def sign_in(connection: Connection, prompt: Prompt) -> str:
    """A token of the connection, got now.

    :raises LoginError: there is none.
    """
    return token_source(connection, prompt).token()


def token_source(connection: Connection, prompt: Prompt | None = None) -> TokenSource:
    """The tokens for Graph of a connection.

    :raises LoginError: options are missing, or the credential cannot be made of them.
    """
    return TokenSource(lambda: credential_for(connection, prompt), connection.scope, now=time.time)


def http_options(connection: Connection) -> dict[str, t.Any]:
    """What azure-identity passes to its own HTTP pipeline: CA bundle, proxy, and how long to wait (its own default is 300 s)."""
    options: dict[str, t.Any] = {"connection_timeout": CONNECT_TIMEOUT, "read_timeout": connection.request_timeout}
    if connection.ca_file:
        options["connection_verify"] = connection.ca_file
    if connection.proxy:
        options["proxies"] = {"http": connection.proxy, "https": connection.proxy}
    return options


def login_options(connection: Connection) -> dict[str, t.Any]:
    """C(http_options), the tenant, and the login to use. An own authority is not looked up at Microsoft's."""
    options = {**http_options(connection), "retry_total": SIGN_IN_REPEATS}
    options["authority"] = connection.authority or CLOUDS[connection.cloud].login
    options["disable_instance_discovery"] = connection.authority is not None
    if connection.tenant_id:
        options["tenant_id"] = connection.tenant_id
    return options


def token_kind(token: str) -> str | None:
    """Whether a token is of an application (C(app)) or of a user (C(user)). Only for explanations: the signature is not checked."""
    claims = claims_of(token)
    if claims.get("idtyp") == "app":
        return "app"
    if "scp" in claims:
        return "user"
    return "app" if "roles" in claims else None


def claims_of(token: str) -> dict[str, t.Any]:
    """What a token says of itself, its signature unchecked; nothing when it is opaque."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _access_token(connection: Connection, _prompt: Prompt | None) -> t.Any:
    return GivenToken(connection.access_token or "")


def _client_secret(connection: Connection, _prompt: Prompt | None) -> t.Any:
    return sdk.identity.ClientSecretCredential(
        client_id=connection.client_id or "", client_secret=connection.client_secret or "", **login_options(connection)
    )


def _client_certificate(connection: Connection, _prompt: Prompt | None) -> t.Any:
    return sdk.identity.CertificateCredential(
        client_id=connection.client_id or "",
        certificate_path=connection.certificate_path,
        password=connection.certificate_password,
        send_certificate_chain=True,
        **login_options(connection),
    )


def _federated_token(connection: Connection, _prompt: Prompt | None) -> t.Any:
    return sdk.identity.WorkloadIdentityCredential(
        client_id=connection.client_id, token_file_path=connection.federated_token_file, **login_options(connection)
    )


def _managed_identity(connection: Connection, _prompt: Prompt | None) -> t.Any:
    options = http_options(connection)
    options.pop("proxies", None)  # the endpoint is on this machine, or on its link
    return sdk.identity.ManagedIdentityCredential(client_id=connection.client_id, **options)


def _azure_cli(connection: Connection, _prompt: Prompt | None) -> t.Any:
    return sdk.identity.AzureCliCredential(tenant_id=connection.tenant_id or "", process_timeout=CLI_TIMEOUT)


def _device_code(connection: Connection, prompt: Prompt | None) -> t.Any:
    if prompt is None:
        raise LoginError("auth_source=device_code needs the terminal of the controller: do not run the task asynchronously")
    return device_code_credential(connection, prompt, client_id=connection.client_id)


def device_code_credential(connection: Connection, prompt: Prompt, *, client_id: str | None, timeout: int = 900) -> t.Any:
    """A credential that shows a code to enter in a browser.

    :param client_id: the application to sign in as; without one, azure-identity signs in as Azure CLI.
    :param timeout: seconds in which the code must be entered.
    """

    def on_code(uri: str, code: str, _expires: t.Any) -> None:
        prompt(f"To sign in, open {uri} and enter the code {code}")

    options = login_options(connection) | ({"client_id": client_id} if client_id else {})
    return sdk.identity.DeviceCodeCredential(prompt_callback=on_code, timeout=timeout, **options)


def _environment(connection: Connection, _prompt: Prompt | None) -> t.Any:
    options = login_options(connection)
    options.pop("tenant_id", None)  # AZURE_TENANT_ID is part of that environment
    return sdk.identity.EnvironmentCredential(**options)


_BUILDERS: dict[str, t.Callable[[Connection, Prompt | None], t.Any]] = {
    "access_token": _access_token,
    "client_secret": _client_secret,
    "client_certificate": _client_certificate,
    "federated_token": _federated_token,
    "managed_identity": _managed_identity,
    "azure_cli": _azure_cli,
    "device_code": _device_code,
    "environment": _environment,
}


def _remedy(error: BaseException) -> str:
    """The way out of an error that does not name it."""
    if is_untrusted(error):
        return f". {UNTRUSTED}"
    if CLI_MISSING in str(error):
        return f". {INSTALL_CLI}. Or sign in by another auth_source (in the roles app_proxy_auth_source)"
    return ""


def _unreached(error: BaseException) -> bool:
    """Whether the token service was not reached. azure-identity wraps the reason into an error of its own."""
    reasons = list(_causes(error))
    if any(is_untrusted(one) for one in reasons):
        return False
    return any(isinstance(one, (sdk.ServiceRequestError, sdk.ServiceResponseError)) or CLI_UNREACHED in str(one) for one in reasons)


def _causes(error: BaseException | None) -> t.Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def first_lines(error: Exception) -> str:
    """The reason in an error of azure-identity, which writes novels: its first two lines."""
    text = getattr(error, "message", None) or str(error)
    return " ".join(line.strip() for line in str(text).splitlines()[:2]).rstrip(". ")

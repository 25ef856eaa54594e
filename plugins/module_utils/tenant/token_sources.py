# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Where the token that registers connectors comes from: handed over, the Azure CLI, or a device code."""

from __future__ import annotations

import datetime
import json
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils import registration_token
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import sdk
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.auth import Prompt, device_code_credential, first_lines
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.connection import Connection
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import LoginError


def get_token(module: t.Any) -> str:
    """The token that the options of the module registration_token ask for.

    :raises LoginError: there is none.
    """
    source, value = module.params["source"], module.params["value"]
    if source == "device_code":
        raise LoginError("source=device_code needs the terminal of the controller: do not run the task asynchronously")
    if source == "azure_cli":
        return from_azure_cli(module, module.params["tenant_id"])
    if not value:
        raise LoginError("source=given needs the option value")
    return str(value).strip()


def checked(token: str, tenant_id: str | None, margin: int = 0) -> dict[str, t.Any]:
    """The token with what it says of itself.

    :param margin: seconds that it must live at least to be called fresh.
    :raises LoginError: it cannot register a connector, with every reason.
    """
    now = datetime.datetime.now(datetime.timezone.utc)
    try:
        claims = registration_token.check_token(token, tenant_id, now)
    except registration_token.TokenError as error:
        raise LoginError(str(error)) from error
    left = (claims.expires_on - now).total_seconds()
    return {
        "token": token,
        "expires_in": int(left),
        "fresh": left > margin,
        "expires_on": claims.expires_on.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tenant_id": claims.tenant_id,
        "account": claims.account,
    }


def outlives(token: str, margin: float) -> bool:
    """Whether a token lives longer than that many seconds. One that does not say is left to those who check the rest of it."""
    left = registration_token.seconds_left(token, datetime.datetime.now(datetime.timezone.utc))
    return left is None or left > margin


def from_azure_cli(module: t.Any, tenant_id: str | None) -> str:
    """Ask C(az), which then signs in with what C(az login) left (practised by HMCTS: the service takes tokens of that client).

    azure-identity is of no use here: its AzureCliCredential asks for a resource, and this needs one scope of it.
    """
    az = module.get_bin_path("az")
    if az is None:
        raise LoginError("the Azure CLI (az) is not installed, or not on the PATH of the machine where this task runs")
    command = [az, "account", "get-access-token", "--scope", registration_token.SCOPE, "--output", "json"]
    if tenant_id:
        command += ["--tenant", tenant_id]
    code, output, errors = module.run_command(command)
    if code != 0:
        said = " ".join(errors.split())[-400:]
        raise LoginError(
            f"the Azure CLI gave no registration token (exit code {code}): {said or 'it gave no reason'}. Sign in with: az login --scope"
            f" {registration_token.SCOPE}" + (f" --tenant {tenant_id}" if tenant_id else "")
        )
    try:
        return str(json.loads(output)["accessToken"])
    except (ValueError, KeyError, TypeError) as error:
        raise LoginError("the Azure CLI answered something else than a token") from error


def from_device_code(connection: Connection, prompt: Prompt, timeout: int) -> str:
    """Let a user sign in with a browser anywhere, as the client application that registers connectors.

    :param prompt: shows the user where to enter which code.
    """
    credential = device_code_credential(connection, prompt, client_id=registration_token.CLIENT_ID, timeout=timeout)
    try:
        return str(credential.get_token(registration_token.SCOPE).token)
    except sdk.AzureError as error:
        raise LoginError(f"signing in with a device code gave no registration token: {first_lines(error)}") from error

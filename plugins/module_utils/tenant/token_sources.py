# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Where the token that registers connectors comes from: handed over, the Azure CLI, or a device code."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils import registration_token
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import sdk
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.auth import (
    CLI_TIMEOUT,
    INSTALL_CLI,
    Prompt,
    device_code_credential,
    first_lines,
)
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
        return from_azure_cli(module.params["tenant_id"], os.environ)
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


def from_azure_cli(tenant_id: str | None, environment: t.Mapping[str, str]) -> str:
    """Ask C(az), which then signs in with what C(az login) left (practised by HMCTS: the service takes tokens of that client).

    azure-identity is of no use here: its AzureCliCredential asks for a resource, and this needs one scope of it.

    :param environment: with which C(az) runs, its PATH included.
    :raises LoginError: it gave none, or nothing within C(CLI_TIMEOUT).
    """
    az = shutil.which("az", path=environment.get("PATH"))
    if az is None:
        raise LoginError(
            f"the Azure CLI (az) is not installed, or not on the PATH of the machine where this task runs. {INSTALL_CLI}. Or get the token"
            " by source=device_code (in the roles connector_registration_token_source), or hand one over (connector_registration_token)"
        )
    command = [az, "account", "get-access-token", "--scope", registration_token.SCOPE, "--output", "json"]
    if tenant_id:
        command += ["--tenant", tenant_id]
    try:
        # A module's run_command has no limit of time, and a lookup has no run_command.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            command, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=CLI_TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = f"did not end within {CLI_TIMEOUT} s" if isinstance(error, subprocess.TimeoutExpired) else f"could not be run: {error}"
        raise LoginError(f"the Azure CLI {reason}, and gave no registration token. Try it by hand: {' '.join(command)}") from error
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[-400:]
        raise LoginError(
            f"the Azure CLI gave no registration token (exit code {done.returncode}): {said or 'it gave no reason'}. Sign in with: az login"
            f" --allow-no-subscriptions --scope {registration_token.SCOPE}" + (f" --tenant {tenant_id}" if tenant_id else "")
        )
    try:
        return str(json.loads(done.stdout)["accessToken"])
    except (ValueError, KeyError, TypeError) as error:
        raise LoginError("the Azure CLI answered something else than a token") from error


def from_device_code(connection: Connection, prompt: Prompt, timeout: int) -> str:
    """Let a user sign in with a browser anywhere, as the client application that registers connectors.

    :param prompt: shows the user where to enter which code.
    :raises LoginError: nobody did in time, or the options do not fit together.
    """
    try:
        credential = device_code_credential(connection, prompt, client_id=registration_token.CLIENT_ID, timeout=timeout)
        return str(credential.get_token(registration_token.SCOPE).token)
    except (sdk.AzureError, ValueError, OSError) as error:
        raise LoginError(f"signing in with a device code gave no registration token: {first_lines(error)}") from error

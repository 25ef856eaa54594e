# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registration as RegisterConnector.ps1 and the cmdlet do it (connector.md 5).

How a failure is signalled is not known ([UNV], 5.1): here it is silent in PowerShell by default and writes the event of 5.5 into
the Application log; with a user that needs MFA nothing is written at all (5.4 [LIVE]). Success must be judged by effect.
"""

from __future__ import annotations

import base64
import binascii
import json
import typing as t

from tests.lab.servers.state.connector import Connector
from tests.lab.servers.state.products import CONNECTOR_SERVICE, version_key
from tests.lab.tenant.errors import RegistrationDenied
from tests.lab.tenant.models import Registered

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer

SERVER_CORE = (12, 13)
CORE_FIXED_IN = (1, 5, 3437, 0)
"""Credentials on Server Core failed before this version (connector.md 5.4 [LIVE; version INF])."""
ONE_OR_MORE = (
    "Connector registration failed: Make sure you enabled application proxy in the Azure Management Portal and that you entered your "
    "Active Directory user name and password correctly. Error: 'One or more errors occurred.'"
)
ENVIRONMENTS = ("AzureCloud", "AzureUSGovernment")


class _Failed(Exception):
    """Registration failed with a message; `logged`: it also stands in the Application log."""

    def __init__(self, message: str, *, logged: bool = True) -> None:
        super().__init__(message)
        self.logged = logged


def register(server: WindowsServer, arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Register the connector of this server. Returns {invoked, ok, error} as register_connector.ps1 prints it."""
    invoked, problem = _door(server.connector, server, arguments)
    if problem is not None:
        return {"invoked": invoked, "ok": False, "error": problem}
    try:
        registered = _ask(server, arguments)
    except RegistrationDenied as error:
        return _report(server, invoked, error.message, logged=not error.silent)
    except _Failed as error:
        return _report(server, invoked, str(error), logged=error.logged)
    found = server.connector.trust_certificate(registered.certificate_der)
    server.changed(
        "powershell.exe", "register", connector_id=found.connector_id, tenant_id=found.tenant_id, environment=arguments.get("environment")
    )
    _restart(server)
    return {"invoked": invoked, "ok": True, "error": None}


def _door(connector: Connector, server: WindowsServer, arguments: t.Mapping[str, t.Any]) -> tuple[str, str | None]:
    """Say what is called, script or cmdlet, and why that fails before it begins."""
    folder = str(arguments["install_dir"])
    names = {file.name.lower() for file in server.files.below(folder)} if server.files.is_folder(folder) else set()
    # EnvironmentName is documented on the cmdlet; the script of the lab does not have it (connector.md 5.1 [UNV]).
    script = "registerconnector.ps1" in names and not arguments.get("environment")
    module = f"{arguments['module_name']}.psd1"
    generation = connector.generation
    if module.lower() not in names or generation is None:
        invoked = "script" if script else "cmdlet"
        return invoked, f"no registration script and no module below {folder}"
    if not script and str(arguments["cmdlet"]).lower() != generation.cmdlet.lower():
        return "cmdlet", f"The term '{arguments['cmdlet']}' is not recognized as the name of a cmdlet, function, script file."
    if arguments.get("environment") not in (None, *ENVIRONMENTS):
        return "cmdlet", "Cannot validate argument on parameter 'EnvironmentName'."
    return ("script" if script else "cmdlet"), None


def _ask(server: WindowsServer, arguments: t.Mapping[str, t.Any]) -> Registered:
    """Show token or password to the service. Raises RegistrationDenied or _Failed."""
    tenant, version = server.world.tenant, server.connector.version or "0.0.0.0"
    if arguments["feature"] != "ApplicationProxy":
        raise _Failed(f"feature {arguments['feature']} is not one of the connector", logged=False)
    if arguments["mode"] == "Credentials":
        if server.system.sku in SERVER_CORE and version_key(version) < CORE_FIXED_IN:
            raise _Failed(ONE_OR_MORE)
        return tenant.register_with_credentials(server.known_as, arguments["user"], arguments["secrets"]["password"], version)
    token = str(arguments["secrets"]["token"])
    wanted = arguments.get("tenant_id")
    if wanted and _tenant_of(token) != str(wanted).lower():
        # A token of one tenant with -TenantId of another: refused [INF].
        raise _Failed(ONE_OR_MORE)
    return tenant.register(server.known_as, token, version)


def _report(server: WindowsServer, invoked: str, message: str, *, logged: bool) -> dict[str, t.Any]:
    if logged:
        server.connector.log_failure(message)
    if server.registration_signals_errors:
        return {"invoked": invoked, "ok": False, "error": message}
    return {"invoked": invoked, "ok": True, "error": None}


def _restart(server: WindowsServer) -> None:
    """The service comes up with the new certificate."""
    service = server.services.get(CONNECTOR_SERVICE)
    if service is None:
        return
    server.services.stop(CONNECTOR_SERVICE)
    server.services.start(CONNECTOR_SERVICE)


def _tenant_of(token: str) -> str | None:
    """Return claim tid of a JWT; None when it is not one (whitespace breaks a token, connector.md 5.2 [MS TOK])."""
    parts = token.split(".")
    if len(parts) != 3 or any(character.isspace() for character in token):
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    return str(claims.get("tid", "")).lower() if isinstance(claims, dict) else None

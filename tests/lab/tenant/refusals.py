# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Graph says 401 and 403: each kind that is on record."""

from __future__ import annotations

import typing as t

from tests.lab.tenant.errors import GraphError

CHALLENGE = (
    'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
    'client_id="00000003-0000-0000-c000-000000000000"'
)
"""With every 401 (LIVE microsofthackathons/tdi#24)."""

Forbidden = t.Literal["role", "directory", "denied"]
_PRIVILEGES = "Insufficient privileges to complete the operation."
FORBIDDEN: dict[str, tuple[str, str]] = {
    "role": ("NotAdminRoleNoEnoughCustomPermission_UnauthorizedAccess", _PRIVILEGES),
    "directory": ("Authorization_RequestDenied", _PRIVILEGES),
    "denied": ("accessDenied", "Access denied"),
}
"""Code and message. role: below the publishing profile (LIVE msgraph-sdk-powershell#2428; that app-only gets it as well is inferred).
directory: applications and other directory objects (MS, resolve-auth-errors; LIVE). denied: the general code of the errors page (MS)."""


def unauthorized(message: str) -> GraphError:
    """A token that is missing, wrong or expired: code and header LIVE (microsofthackathons/tdi#24)."""
    return GraphError(401, "InvalidAuthenticationToken", message, {"WWW-Authenticate": CHALLENGE})


def forbidden(kind: str) -> GraphError:
    """A token that is valid and not enough."""
    return GraphError(403, *FORBIDDEN[kind])

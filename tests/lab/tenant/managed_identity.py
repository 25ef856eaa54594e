# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The token endpoints that Azure puts beside a program: of a virtual machine (IMDS) and of App Service. Plain HTTP, as there.

Requests and answers are documented: managed-identities-azure-resources/how-to-use-vm-token, app-service/overview-managed-identity.
"""

from __future__ import annotations

import secrets
import time
import typing as t

from aiohttp import web

from tests.lab.journal import Journal
from tests.lab.tenant.identity import Identity
from tests.lab.tenant.settings import Settings

VM_PATH, VM_VERSION = "/metadata/identity/oauth2/token", "2018-02-01"
APP_PATH, APP_VERSION = "/msi/token", "2019-08-01"
SYSTEM_ASSIGNED = "6f7b1c3e-0b1f-4a55-9d0e-2f8a7c5d1e90"
USER_ASSIGNED = "b58d2e17-93c4-4f0a-8a6b-7d1c9e3f5a24"
"""Client ids of the two identities that this lab's machine has."""


class Refusal(Exception):
    """What the endpoint answers instead of a token."""

    def __init__(self, status: int, document: dict[str, t.Any]) -> None:
        super().__init__(document)
        self.status = status
        self.document = document


class ManagedIdentity:
    """Both endpoints of one machine."""

    def __init__(self, identity: Identity, settings: Settings, journal: Journal) -> None:
        self._identity = identity
        self._settings = settings
        self._journal = journal
        self._header = secrets.token_urlsafe(24)

    def application(self) -> web.Application:
        """Return the web application."""
        application = web.Application()
        application.router.add_routes([web.get(VM_PATH, self._of_machine), web.get(APP_PATH, self._of_app_service)])
        return application

    def describe(self, port: int) -> dict[str, str]:
        """Return what the state document says: the environment that Azure would set, and the user-assigned identity."""
        root = f"http://127.0.0.1:{port}"
        return {
            "imds_endpoint": root,
            "identity_endpoint": f"{root}{APP_PATH}",
            "identity_header": self._header,
            "managed_identity_client_id": USER_ASSIGNED,
        }

    async def _of_machine(self, request: web.Request) -> web.Response:
        if request.headers.get("Metadata") != "true":
            refused = {"error": "invalid_request", "error_description": "Required metadata header not specified"}
            return self._answer(request, 400, refused)
        try:
            token = self._token(request, VM_VERSION)
        except Refusal as refusal:
            return self._answer(request, refusal.status, refusal.document)
        life, now = int(token["expires_on"]) - int(time.time()), int(time.time())
        more = {"expires_in": str(life), "ext_expires_in": str(life), "not_before": str(now)}
        return self._answer(request, 200, {**token, **more})

    async def _of_app_service(self, request: web.Request) -> web.Response:
        if not secrets.compare_digest(request.headers.get("X-IDENTITY-HEADER", "").encode(), self._header.encode()):
            return self._answer(request, 401, {"statusCode": 401, "message": "Unauthorized"})
        try:
            return self._answer(request, 200, self._token(request, APP_VERSION))
        except Refusal as refusal:
            message = str(refusal.document["error_description"])
            return self._answer(request, refusal.status, {"statusCode": refusal.status, "message": message})

    def _token(self, request: web.Request, version: str) -> dict[str, str]:
        query = request.query
        client_id = query.get("client_id", SYSTEM_ASSIGNED)
        if query.get("api-version") != version:
            raise Refusal(400, {"error": "invalid_request", "error_description": "Invalid api-version"})
        if not self._settings.managed_identity or client_id.lower() not in (SYSTEM_ASSIGNED, USER_ASSIGNED):
            raise Refusal(400, {"error": "invalid_request", "error_description": "Identity not found"})
        resource = query.get("resource", "")
        audience = self._identity.audience(resource)
        if audience is None:
            raise Refusal(400, {"error": "invalid_resource", "error_description": f"AADSTS500011: no resource named {resource}."})
        token = self._identity.application_token(audience, client_id.lower())
        expires_on = int(self._identity.read(token, audience)["exp"])
        return {"access_token": token, "expires_on": str(expires_on), "resource": resource, "token_type": "Bearer", "client_id": client_id}

    def _answer(self, request: web.Request, status: int, document: dict[str, t.Any]) -> web.Response:
        self._journal.record(
            plane="login",
            target="tenant",
            kind="auth",
            method="GET",
            path=request.path,
            action="managed_identity",
            resource=request.query.get("resource", ""),
            status=status,
            detail={"client_id": request.query["client_id"]} if "client_id" in request.query else None,
        )
        return web.json_response(document, status=status)

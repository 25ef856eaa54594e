# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What can go wrong with Graph, as one exception that says what was done, to what, what came back and what to do."""

from __future__ import annotations

import typing as t

APP_ONLY = (
    "The token is app-only (an application, not a user). Microsoft documents reading and changing connectors, connector groups and their"
    " assignment as not supported with application permissions, whatever was consented. Sign in as a user with at least the role"
    " Application Administrator: run 'az login --allow-no-subscriptions' and use auth_source=azure_cli, or use auth_source=device_code, or"
    " hand over the access_token of such a user"
)
DELEGATED = (
    "The signed-in user needs at least the role Application Administrator, and the token the delegated permission Directory.ReadWrite.All"
    " (documented even for reading connectors)"
)

UNREACHABLE = "Check that this machine reaches the endpoint (options graph_endpoint and proxy)"
UNTRUSTED = "The certificate of the endpoint is not trusted: name the CA bundle that signed it in the option ca_file"


class TenantError(Exception):
    """Anything this half of the collection reports to the user. C(as_dict) is the task result's C(error)."""

    unreachable = False
    """The service was not reached, or cannot serve just now: the same question may be answered later."""

    def as_dict(self) -> dict[str, t.Any]:
        return {}


class GraphError(TenantError):
    """A request that Graph refused, or that did not come through.

    :param operation: what was being done, such as C(list connector groups).
    :param status: HTTP status; None when there was no answer.
    :param code: Graph's error code; may be empty, the service sends empty ones (observed, microsoft-graph-docs#8929).
    :param retry_after: seconds that the service asked to wait, when it did.
    :param may_have_run: the request may have taken effect although no answer, or no clear one, was received.
    """

    def __init__(
        self,
        operation: str,
        resource: str,
        *,
        status: int | None = None,
        code: str = "",
        message: str = "",
        request_id: str | None = None,
        retry_after: float | None = None,
        remedy: str = "",
        may_have_run: bool = False,
        unreachable: bool = False,
    ) -> None:
        self.operation = operation
        self.resource = resource
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id
        self.retry_after = retry_after
        self.remedy = remedy
        self.may_have_run = may_have_run
        self.unreachable = unreachable
        super().__init__(self._text())

    def _text(self) -> str:
        what = f"could not {self.operation}" + (f" ({self.resource})" if self.resource else "")
        answer = " ".join(part for part in (f"HTTP {self.status}" if self.status else "", self.code) if part)
        said = ": ".join(part for part in (answer, self.message.rstrip(". ")) if part)
        request = f" [request-id {self.request_id}]" if self.request_id else ""
        return ". ".join(part for part in (f"{what}: {said}{request}", self.remedy) if part)

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "operation": self.operation,
            "resource": self.resource,
            "status": self.status,
            "code": self.code,
            "message": self.message,
            "request_id": self.request_id,
            "retry_after": self.retry_after,
        }


class LoginError(TenantError):
    """No access token could be got. The message is that of azure-identity, which holds no secret."""

    def __init__(self, message: str, *, unreachable: bool = False) -> None:
        self.unreachable = unreachable
        super().__init__(message)


class DesiredError(TenantError):
    """The declared groups cannot be meant as they stand. Holds every reason at once."""

    def __init__(self, reasons: t.Sequence[str]) -> None:
        self.reasons = list(reasons)
        super().__init__("; ".join(self.reasons))

    def as_dict(self) -> dict[str, t.Any]:
        return {"reasons": self.reasons}


class ApplicationsError(DesiredError):
    """Applications that cannot be meant.

    :param applications: the names that were given, each with why it cannot be meant.
    """

    def __init__(self, applications: t.Mapping[str, str]) -> None:
        self.applications = dict(applications)
        super().__init__(list(self.applications.values()))

    def as_dict(self) -> dict[str, t.Any]:
        return {**super().as_dict(), "applications": self.applications}


def is_untrusted(error: BaseException) -> bool:
    """Whether the other side's certificate was refused, or our CA file: no repeat will mend that."""
    text = str(error).lower()
    return "certificate_verify_failed" in text or "certificate verify failed" in text or "[x509" in text


def remedy_for(status: int | None, token_kind: str | None) -> str:
    """What the user can do about a refusal.

    :param token_kind: C(app), C(user), or None when the token does not say.
    """
    if status == 401:
        return "The token was not accepted: sign in again, and check the clock of this machine and the options cloud and tenant_id"
    if status == 403:
        # Code NotAdminRoleNoEnoughCustomPermission_UnauthorizedAccess (observed, msgraph-sdk-powershell#2428) covers both cases.
        return APP_ONLY if token_kind == "app" else DELEGATED if token_kind == "user" else f"{DELEGATED}. {APP_ONLY}"
    return ""

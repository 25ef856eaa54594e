# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Microsoft Graph over azure-core's pipeline: one request in, one answer out, every failure a GraphError."""

from __future__ import annotations

import ipaddress
import os
import typing as t
import urllib.parse
import uuid

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import sdk
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.auth import Prompt, claims_of, token_source
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.connection import CONNECT_TIMEOUT, Connection
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.deadline import Deadline
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import (
    UNREACHABLE,
    UNTRUSTED,
    GraphError,
    LoginError,
    is_untrusted,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.messages import Answer, Request, decipher, refusal
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.policies import AuthPolicy, RetryPolicy, never_sent

VERSION = "beta"
"""Connectors and connector groups exist in the beta of Graph only (metadata of all clouds, documented)."""


class GraphClient:
    """One signed-in client for one task.

    :param deadline: by when everything must be done, repeats and waits included.
    :raises LoginError: the options for signing in do not fit together, or the endpoint would get the token unencrypted.
    """

    def __init__(self, connection: Connection, deadline: Deadline, *, prompt: Prompt | None = None) -> None:
        self.root = connection.graph_root
        _require_encryption(self.root)
        _require_file(connection.ca_file)
        _require_time(connection.request_timeout)
        self.deadline = deadline
        self.requests = 0
        self.unsupported: set[str] = set()
        """Query options of lists that the service has refused to this task."""
        self._tokens = token_source(connection, prompt)
        policies: list[t.Any] = [
            sdk.UserAgentPolicy("ansible-entra.app_proxy"),
            RetryPolicy(deadline, connection.request_timeout),
            AuthPolicy(self._tokens, self.root),
        ]
        if connection.proxy:
            policies.append(sdk.ProxyPolicy({"http": connection.proxy, "https": connection.proxy}))
        transport = sdk.RequestsTransport(connection_verify=connection.ca_file or True, connection_timeout=CONNECT_TIMEOUT)
        transport.open()
        # Else requests takes a password for the host from ~/.netrc, and puts it in the place of the token.
        transport.session.auth = _as_it_is
        # No redirect policy: Graph does not redirect these paths, and a token should not travel after a Location header.
        self._pipeline: t.Any = sdk.Pipeline(transport=transport, policies=policies)

    def reference(self, path: str) -> dict[str, str]:
        """The body of a C($ref) request; its URL must carry the Graph root of the same cloud (practised by Entra PowerShell)."""
        return {"@odata.id": f"{self.root}/{VERSION}{path}"}

    def call(self, request: Request) -> Answer:
        """Send a request and take only a success for an answer.

        :raises GraphError: refused, or no answer.
        """
        answer = self.exchange(request)
        if not answer.ok:
            raise self.refused(request, answer)
        return answer

    def exchange(self, request: Request, *, safe: bool | None = None) -> Answer:
        """Send a request and return the answer, whatever it says.

        :param safe: the request may be repeated blindly; by default reads may, writes may not.
        :raises GraphError: no answer came. C(may_have_run) says whether the request may have taken effect.
        """
        self.requests += 1
        may_repeat = request.reads if safe is None else safe
        request_id = str(uuid.uuid4())
        http_request = sdk.HttpRequest(
            request.method,
            self._absolute(request.url),
            headers={"Accept": "application/json", "client-request-id": request_id},
            json=request.body,
        )
        try:
            response = self._pipeline.run(http_request, safe=may_repeat).http_response
            return decipher(response.status_code, response.headers, _text(response))
        except sdk.AzureError as error:
            raise _unanswered(request, error, request_id, writes=not may_repeat) from error

    @property
    def tenant(self) -> str:
        """What tells this tenant from others on this controller, by whichever options it was named. Signs in when that was not done."""
        return f"{self.root} {claims_of(self._tokens.token()).get('tid', '')}".casefold()

    @property
    def token_kind(self) -> str | None:
        """C(app) for an application, C(user) for a user; None when the token is opaque or none was needed yet."""
        return self._tokens.kind

    def sign_in(self) -> str:
        """The token that requests would carry.

        :raises LoginError: there is none.
        """
        return self._tokens.token()

    def renew_token(self) -> bool:
        """Get a token in place of one that was refused, and say whether it is another one.

        :raises LoginError: there is none.
        """
        return self._tokens.renew()

    def refused(self, request: Request, answer: Answer) -> GraphError:
        """The error for an answer that is no success, with what the user can do about it."""
        error = refusal(request, answer, self._tokens.kind)
        asked = error.retry_after
        if asked is not None and asked > self.deadline.remaining():
            error.remedy = f"The service asked to wait {asked:.0f} s, longer than the option timeout leaves; raise it or try again later"
            error.args = (error._text(),)
        return error

    def close(self) -> None:
        """Close the connections."""
        self._pipeline.__exit__()

    def _absolute(self, url: str) -> str:
        return url if url.startswith(("https://", "http://")) else f"{self.root}/{VERSION}{url}"


def _as_it_is(request: t.Any) -> t.Any:
    return request


def _text(response: t.Any) -> str:
    try:
        return str(response.text())
    except (LookupError, UnicodeDecodeError):
        return "\N{REPLACEMENT CHARACTER}"  # no JSON, so the answer counts as broken


def _unanswered(request: Request, error: Exception, request_id: str, *, writes: bool) -> GraphError:
    untrusted = is_untrusted(error)
    remedy = UNTRUSTED if untrusted else UNREACHABLE
    harmed = writes and not never_sent(error)
    return GraphError(
        request.operation,
        request.resource,
        message=f"no answer: {error}",
        request_id=request_id,
        remedy=remedy,
        may_have_run=harmed,
        unreachable=not untrusted,
    )


def _require_encryption(root: str) -> None:
    parts = urllib.parse.urlsplit(root)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and _is_loopback(parts.hostname or ""):
        return
    raise LoginError(f"graph_endpoint must be an https URL, not {root}: the access token would travel unencrypted")


def _require_file(ca_file: str | None) -> None:
    if ca_file and not os.path.isfile(ca_file):
        raise LoginError(f"the file {ca_file} of the option ca_file does not exist")


def _require_time(seconds: float) -> None:
    if seconds <= 0:
        raise LoginError(f"request_timeout is {seconds}, and must be more than 0: the seconds to wait for one answer")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

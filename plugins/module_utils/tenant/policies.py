# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The two policies of the pipeline that are ours: retrying under one deadline, and authorising only our own Graph host."""

from __future__ import annotations

import typing as t
import urllib.parse

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import sdk
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.auth import TokenSource
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.deadline import Deadline
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import is_untrusted
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.messages import (
    FAILED_DEPENDENCY,
    TRANSIENT,
    UNAUTHORIZED,
    parse_retry_after,
)

RETRIES = 5
"""Repeats of one request after failures that say nothing about when to come back. With the pauses below: about 15 s."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
PORTS = {"https": 443, "http": 80}
LEAST_WAIT = 1.0
"""Seconds that the last try gets at least, so that it fails by its own answer and not by our clock."""


def backoff(attempt: int) -> float:
    """Seconds to wait before repeat number C(attempt), counted from 0: 0.5, 1, 2, ... 30."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempt, 16))


def pause_for(asked: float | None, attempt: int) -> float:
    """Seconds to wait before repeat number C(attempt): what the service asked for, though never nothing, else those of C(backoff)."""
    return backoff(attempt) if asked is None else max(asked, FIRST_PAUSE)


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL: who gets to see the token."""
    parts = urllib.parse.urlsplit(url)
    scheme = parts.scheme.lower()
    return (scheme, (parts.hostname or "").lower(), parts.port or PORTS.get(scheme))


class RetryPolicy(sdk.HTTPPolicy):  # type: ignore[type-arg]
    """Repeats what may be repeated, until the deadline of the task.

    Throttled (429) requests were not carried out and are repeated whatever they are, as long as the deadline allows. A failed
    connection was not carried out either, nor was a failed dependency (424). Everything else is repeated only when C(safe), because the
    write may have taken effect: whoever wrote must read first. azure-core's own policy repeats a POST after 500 and sleeps past its
    deadline; hence this one.

    :param request_timeout: seconds to wait for one answer.
    """

    def __init__(self, deadline: Deadline, request_timeout: float) -> None:
        super().__init__()
        self._deadline = deadline
        self._request_timeout = request_timeout

    def send(self, request: t.Any) -> t.Any:
        safe = request.context.options.pop("safe", False)
        attempt = 0
        while True:
            left = max(LEAST_WAIT, self._deadline.remaining())
            request.context.options["read_timeout"] = min(self._request_timeout, left)
            try:
                response = self.next.send(request)
            except sdk.AzureError as error:
                if attempt >= RETRIES or not _unharmed(error, safe) or not self._deadline.pause(backoff(attempt)):
                    raise
            else:
                pause = _pause(response.http_response, safe, attempt)
                if pause is None or not self._deadline.pause(pause):
                    return response
            attempt += 1


def never_sent(error: BaseException) -> bool:
    """Whether a request surely did not reach the service: no connection came about, or none that could be trusted.

    azure-core's ServiceRequestError says less: a connection that breaks within TLS while the answer is read is one, too.
    """
    return is_untrusted(error) or any(isinstance(one, (sdk.NewConnectionError, sdk.ConnectTimeoutError)) for one in _reasons(error))


def _reasons(error: BaseException) -> t.Iterator[BaseException]:
    """An error of azure-core and what it wraps: one of requests, which wraps one of urllib3, which may name a reason."""
    wrapped: t.Any = error
    while isinstance(wrapped, BaseException):
        yield wrapped
        wrapped = getattr(wrapped, "inner_exception", None) or getattr(wrapped, "reason", None) or next(iter(wrapped.args), None)


def _unharmed(error: Exception, safe: bool) -> bool:
    """Whether a request that got no answer may be sent again."""
    if is_untrusted(error):
        return False
    return safe or never_sent(error)


def _pause(response: t.Any, safe: bool, attempt: int) -> float | None:
    """Seconds to wait before the next try, or None to take the answer as it is."""
    pause = pause_for(parse_retry_after(response.headers.get("Retry-After"), response.headers.get("Date")), attempt)
    if response.status_code == 429:
        return pause
    if attempt >= RETRIES or not (safe or response.status_code == FAILED_DEPENDENCY):
        return None
    if response.status_code in TRANSIENT:
        return pause
    return backoff(attempt) if _is_broken(response) else None


def _is_broken(response: t.Any) -> bool:
    """A success whose body is cut off or no JSON."""
    if response.status_code != 200:
        return False
    try:
        response.json()
    except ValueError:
        return True
    return False


class AuthPolicy(sdk.HTTPPolicy):  # type: ignore[type-arg]
    """Adds the token to requests for our Graph host and takes it off all others (a next link may point anywhere)."""

    def __init__(self, tokens: TokenSource, graph_root: str) -> None:
        super().__init__()
        self._tokens = tokens
        self._origin = origin(graph_root)

    def send(self, request: t.Any) -> t.Any:
        headers = request.http_request.headers
        headers.pop("Authorization", None)
        if origin(request.http_request.url) != self._origin:
            return self.next.send(request)
        token = self._tokens.token()
        headers["Authorization"] = f"Bearer {token}"
        response = self.next.send(request)
        if response.http_response.status_code != UNAUTHORIZED:
            return response
        # A refused token was not used for anything: once more with a fresh one, when there is a fresh one.
        fresh = self._tokens.renewed()
        if fresh == token:
            return response
        headers["Authorization"] = f"Bearer {fresh}"
        return self.next.send(request)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The one door to a Windows host: a byte string in, a byte string out; and what can go wrong on the way."""

from __future__ import annotations

import typing as t

# Seconds the server may take for one operation when the transport does not say otherwise. The same as the server's own
# default of MaxTimeoutms, which cuts anything longer (DOC: MS-WSMV).
DEFAULT_OPERATION_TIMEOUT = 60

_HTTP_HINTS: dict[int, str] = {
    403: "The account is known but not allowed: use an administrator of the server.",
    400: "It could not read the message, which under message encryption is what follows an interrupted connection.",
    404: "No WinRM listener answers at this path: the server may still be starting, or the path is wrong.",
    413: "The request is larger than the server's MaxEnvelopeSizekb.",
    503: "The WinRM service is not ready: try again, or look at the service on the server.",
}
_EMPTY_500_HINT = (
    "The server refused the message without saying why. That is its answer to a message in clear: use https, or an"
    " authentication with message encryption (ntlm, kerberos, credssp)."
)


class WSManError(Exception):
    """Anything that keeps a WS-Management exchange from its result. C(doing) says what was being done, and to what."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.doing = ""

    def __str__(self) -> str:
        return f"{self.doing}: {self.message}" if self.doing else self.message


class HttpError(WSManError):
    """The server answered with an HTTP status other than 200. The body may hold a SOAP fault, another text, or nothing.

    :param status: the HTTP status.
    :param body: the decrypted body.
    """

    def __init__(self, status: int, body: bytes) -> None:
        hint = _EMPTY_500_HINT if status == 500 and not body.strip() else _HTTP_HINTS.get(status, "")
        super().__init__(f"the server answered HTTP {status}{'. ' + hint if hint else _excerpt(body)}")
        self.status = status
        self.body = body

    @property
    def is_not_ready(self) -> bool:
        """The listener is there and the service behind it is not, so nothing was taken in: 503, or 404 without a word (SRC)."""
        return self.status == 503 or (self.status == 404 and not self.body.strip())


class TransportError(WSManError):
    """The exchange broke below HTTP: name, socket, TLS or timeout.

    :param request_may_have_run: False only when it is certain that the server never saw the request.
    """

    def __init__(self, message: str, *, request_may_have_run: bool) -> None:
        super().__init__(message)
        self.request_may_have_run = request_may_have_run


class AuthenticationError(WSManError):
    """The server, or the authentication library on this side, refused the credentials (HTTP 401).

    :param request_may_have_run: True only when it was the server that did not prove who it is, after it had taken the request.
    """

    def __init__(self, message: str, *, request_may_have_run: bool = False) -> None:
        super().__init__(message)
        self.request_may_have_run = request_may_have_run


class ProtocolError(WSManError):
    """The server's answer is not WS-Management as we know it: not XML, no envelope, not the answer to this request."""


class Transport(t.Protocol):
    """One host. An implementation may also have C(operation_timeout): int, the seconds its read timeout leaves the server."""

    def send(self, envelope: bytes) -> bytes:
        """Exchange one SOAP message.

        :raises HttpError: any HTTP status but 200.
        :raises TransportError: sockets, TLS, timeouts.
        :raises AuthenticationError: the credentials were refused.
        """

    def close(self) -> None:
        """Close the sockets. Never raises; the transport may be used again afterwards."""


def _excerpt(body: bytes) -> str:
    text = " ".join(body[:400].decode("utf-8", "replace").split())
    return f": {text[:200]}" if text else ""

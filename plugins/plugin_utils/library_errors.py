# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What pywinrm, pypsrp and the libraries below them raise, as our few kinds of trouble."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import (
    AuthenticationError,
    HttpError,
    TransportError,
    WSManError,
)
from ansible_collections.entra.app_proxy.plugins.plugin_utils import certificate_hints
from ansible_collections.entra.app_proxy.plugins.plugin_utils.authentication_hints import missing_library, reason, way_out

# Names instead of classes: kerberos, ntlm and credssp come with libraries that need not be installed.
_REFUSED = {
    "AuthenticationError",
    "AuthenticationException",
    "GSSError",
    "InvalidCredentialsError",
    "KerberosExchangeError",
    "Krb5Error",
    "MutualAuthenticationError",
    "NTStatusException",
    "SpnegoError",
}
# HTTP 401 (pypsrp, pywinrm); what comes before the server has taken the request. All others may be about its answer, such as one that
# cannot be decrypted.
_PLAIN_REFUSALS = {"AuthenticationError", "InvalidCredentialsError"}
_BEFORE_THE_REQUEST = {*_PLAIN_REFUSALS, "KerberosExchangeError", "NTStatusException"}
# requests-credssp sends the request along with its last step. Encrypted for the context before, it cannot be read then.
_BEFORE_AN_ENCRYPTED_REQUEST = {"AuthenticationException"}


def leaves_session_whole(error: WSManError) -> bool:
    """The session behind it can go on: the server answered, and not with a complaint about the session itself."""
    return isinstance(error, HttpError) and error.status != 400


@dataclasses.dataclass(frozen=True)
class Way:
    """How a message travels.

    :param kind: C(winrm) or C(psrp), for the option names in the way out.
    :param encrypted: each message is encrypted for the security context of its connection, and of no use on another one.
    :param advice: what else may be the matter with an authentication that the server refused.
    :param cut: the same for one in which the connection broke.
    """

    kind: str
    endpoint: str
    encrypted: bool = False
    advice: str = ""
    cut: str = ""


def translated(error: Exception, way: Way, *, sent: bool) -> WSManError:
    """A library's exception as ours. The texts of these libraries' exceptions hold no password (SRC).

    :param sent: False when the request itself was certainly not yet on its way.
    """
    if isinstance(error, WSManError):
        return error
    # Both libraries have a WinRMTransportError with the same properties.
    if type(error).__name__ == "WinRMTransportError":
        return _http_error(error)
    install = missing_library(str(error), way.kind)
    if install:
        return AuthenticationError(f"a library for this authentication is missing: {error}. {install}")
    if any(base.__name__ in _REFUSED for base in type(error).__mro__):
        return _authentication_error(error, way, sent=sent)
    message, may_have_run = _broken_exchange(error, way.kind, way.endpoint)
    if way.cut and may_have_run and isinstance(error, OSError):
        message = f"{message}. {way.cut}"
    return TransportError(message, request_may_have_run=sent and may_have_run)


def _http_error(error: t.Any) -> HttpError:
    text = error.response_text
    return HttpError(int(error.code), text.encode("utf-8") if isinstance(text, str) else bytes(text))


def _authentication_error(error: Exception, way: Way, *, sent: bool) -> AuthenticationError:
    name = type(error).__name__
    may_have_run = sent and name not in _BEFORE_THE_REQUEST and not (way.encrypted and name in _BEFORE_AN_ENCRYPTED_REQUEST)
    if name == "MutualAuthenticationError":
        # It comes after the answer (SRC: requests_kerberos in pywinrm); an expired ticket ends so (RUN).
        text = "the server took the request, but the ticket does not prove that it is the right server"
        return AuthenticationError(f"{way.endpoint}: {text}. {way_out('Ticket expired', way.kind)}", request_may_have_run=may_have_run)
    text = reason(str(error))
    # Of the options only a refusal can come; everything else says itself what it is.
    more = f" {way.advice}" if way.advice and name in _PLAIN_REFUSALS else ""
    message = f"no authentication at {way.endpoint}: {text}. {way_out(text, way.kind)}{more}"
    return AuthenticationError(message, request_may_have_run=may_have_run)


def _broken_exchange(error: Exception, kind: str, endpoint: str) -> tuple[str, bool]:
    """What broke, and whether the request may have run, had it been sent."""
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        hint = certificate_hints.way_out(str(error), kind)
        # A certificate is refused before anything is sent.
        return f"no TLS connection to {endpoint}: {_cause(error)}{f'. {hint}' if hint else ''}", hint is None
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return f"no connection to {endpoint} in time: {_cause(error)}", False
    if isinstance(error, requests.exceptions.Timeout):
        return f"{endpoint} did not answer in time: {_cause(error)}", True
    if isinstance(error, requests.exceptions.ConnectionError):
        if _never_connected(error):
            return f"no connection to {endpoint}: {_cause(error)}", False
        return f"the connection to {endpoint} broke: {_cause(error)}", True
    # Errors of the libraries' own making, such as a reply that they cannot decrypt, or an authentication they cannot do.
    return f"the {kind} library failed at {endpoint}: {type(error).__name__}: {error}", True


def _never_connected(error: Exception) -> bool:
    import requests
    import urllib3.exceptions

    if isinstance(error, requests.exceptions.ProxyError):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    # Name resolution errors are NewConnectionErrors, too.
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _cause(error: Exception) -> str:
    """The innermost reason, without the object addresses of urllib3's texts."""
    reason: t.Any = error.args[0] if error.args else error
    reason = getattr(reason, "reason", reason)
    text = str(reason) or type(error).__name__
    return text.rsplit(">: ", 1)[-1]

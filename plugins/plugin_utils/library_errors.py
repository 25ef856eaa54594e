# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What pywinrm, pypsrp and the libraries below them raise, as our few kinds of trouble."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import (
    AuthenticationError,
    HttpError,
    TransportError,
    WSManError,
)

_TRUST_HINT = {
    "winrm": "Give its CA with ansible_winrm_ca_trust_path; ansible_winrm_server_cert_validation=ignore is for trying out only.",
    "psrp": "Give its CA with ansible_psrp_ca_cert; ansible_psrp_cert_validation=ignore is for trying out only.",
}
_CREDENTIALS_HINT = {
    "winrm": "Check ansible_user, ansible_password and ansible_winrm_transport, and what the server's WinRM service allows.",
    "psrp": "Check ansible_user, ansible_password and ansible_psrp_auth, and what the server's WinRM service allows.",
}


def leaves_session_whole(error: WSManError) -> bool:
    """The session behind it can go on: the server answered, and not with a complaint about the session itself."""
    return isinstance(error, HttpError) and error.status != 400


def translated(error: Exception, kind: str, endpoint: str, *, sent: bool) -> WSManError:
    """A library's exception as ours. The texts of these libraries' exceptions hold no password (SRC).

    :param kind: C(winrm) or C(psrp), for the option names in the way out.
    :param sent: False when the request itself was certainly not yet on its way.
    """
    if isinstance(error, WSManError):
        return error
    # Both libraries have a WinRMTransportError with the same properties.
    if type(error).__name__ == "WinRMTransportError":
        return _http_error(error)
    if _is_authentication(error):
        return AuthenticationError(f"{endpoint} did not accept the credentials: {error}. {_CREDENTIALS_HINT[kind]}")
    message, may_have_run = _broken_exchange(error, kind, endpoint)
    return TransportError(message, request_may_have_run=sent and may_have_run)


def _http_error(error: t.Any) -> HttpError:
    text = error.response_text
    return HttpError(int(error.code), text.encode("utf-8") if isinstance(text, str) else bytes(text))


def _is_authentication(error: Exception) -> bool:
    # Names instead of classes: kerberos, ntlm and credssp come with libraries that need not be installed.
    refused = {
        "AuthenticationError",
        "AuthenticationException",
        "GSSError",
        "KerberosExchangeError",
        "MutualAuthenticationError",
        "SpnegoError",
    }
    return any(base.__name__ in refused for base in type(error).__mro__)


def _broken_exchange(error: Exception, kind: str, endpoint: str) -> tuple[str, bool]:
    """What broke, and whether the request may have run, had it been sent."""
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
        hint = f". The server's certificate is not trusted here. {_TRUST_HINT[kind]}" if untrusted else ""
        return f"no TLS connection to {endpoint}: {_cause(error)}{hint}", not untrusted
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

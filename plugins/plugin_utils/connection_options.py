# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What the options of a connection tell before anything is sent, and what they may have to do with a refusal."""

from __future__ import annotations

from ansible.errors import AnsibleError

# Authentications that carry a channel binding token over https.
_BINDING = ("kerberos", "negotiate", "ntlm")
_NO_BINDINGS = (
    "{option} is off: a server whose WinRM service has CbtHardeningLevel Strict refuses clients without channel binding token; leave it on."
)
CUT = {"certificate": "A server that does not trust the authority of a client certificate may end the connection so."}
# What a bare HTTP 401 may mean, beyond a wrong password.
_WITHOUT_WORDS = {
    "certificate": "A certificate has to be mapped to an account on the server (WSMan:\\localhost\\ClientCertificate), and Certificate"
    " allowed in its WinRM service.",
    "kerberos": "A ticket is refused, too, when the server's clock is off by more than five minutes, or its service name belongs to another"
    " account.",
    "negotiate": "When there is no Kerberos ticket to be had, negotiate falls back to NTLM without saying why: ansible_psrp_auth=kerberos"
    " shows it.",
}


def advice(authentication: str, binding_option: str, *, binds: bool) -> str:
    """What in the options may be why a server refuses an authentication; may be empty.

    :param binds: the connection sends its channel binding token.
    """
    if authentication in _BINDING and not binds:
        return _NO_BINDINGS.format(option=binding_option)
    return _WITHOUT_WORDS.get(authentication, "")


def check_timeouts(read: int, operation: int, read_option: str, operation_option: str) -> None:
    """See that the server's answer comes before the socket gives up. Times in seconds, and the names of their options.

    :raises AnsibleError: it would not.
    """
    # Otherwise the socket would give up before the server says that nothing has happened yet, and every wait would look like a break.
    if not 0 < operation < read:
        raise AnsibleError(
            f"the timeouts of the connection do not fit together: {read_option} is {read} and {operation_option} is {operation} seconds."
            " The read timeout has to be longer, because the server answers only when the operation timeout is over;"
            f" set {read_option} to {max(operation, 0) + 10} or more, or lower {operation_option} (at least 1)."
        )

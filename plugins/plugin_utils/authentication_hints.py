# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The way out of an authentication that failed, by the words of MIT Kerberos and of the libraries (RUN: against a real KDC)."""

from __future__ import annotations

import ast
import contextlib
import re

_GENERAL = {
    "winrm": "Check ansible_user, ansible_password and ansible_winrm_transport, and what the server's WinRM service allows.",
    "psrp": "Check ansible_user, ansible_password and ansible_psrp_auth, and what the server's WinRM service allows.",
}
_INSTALL = "Install {package} on the controller{more}, or choose another authentication with {option}."
_OPTION = {"winrm": "ansible_winrm_transport", "psrp": "ansible_psrp_auth"}
_PACKAGE = {"winrm": "pywinrm", "psrp": "pypsrp"}

# The first that fits counts. A hint for one connection only stands under its name.
_HINTS: tuple[tuple[str, str | dict[str, str]], ...] = (
    (r"password (of .* )?(has )?expired|Password has expired", "The password itself has expired: change it in the domain."),
    (
        r"Password incorrect|Preauthentication failed",
        "The domain does not accept the password: check ansible_user and ansible_password.",
    ),
    (
        r"Client '?\S+ not found in Kerberos database",
        "The realm does not know the user: write ansible_user as user@REALM, with the realm in capital letters.",
    ),
    (
        r"Server \S+ not found in Kerberos database",
        {
            "winrm": "The realm knows no service of that name: set ansible_host to the server's full name in the domain (an address or an"
            " alias has no service principal), or say it with ansible_winrm_kerberos_hostname_override.",
            "psrp": "The realm knows no service of that name: set ansible_host to the server's full name in the domain (an address or an"
            " alias has no service principal), or say it with ansible_psrp_negotiate_hostname_override; ansible_psrp_negotiate_service"
            " is the part before the slash.",
        },
    ),
    (
        r"Cannot (find|contact any|resolve network address for) KDC|Cannot determine realm",
        {
            "winrm": "No KDC of that realm can be found or reached from the controller: write the realm in capital letters, and check its"
            " krb5.conf or DNS. A KRB5_CONFIG of the environment reaches kinit only when ansible_winrm_kinit_env_vars names it.",
            "psrp": "No KDC of that realm can be found or reached from the controller: write the realm in capital letters, and check its"
            " krb5.conf or DNS.",
        },
    ),
    (
        r"Clock skew too great|not yet valid",
        "The clocks differ by more than the five minutes that Kerberos allows: set those of controller, domain controllers and server.",
    ),
    (
        r"Ticket expired|credential has expired|context has expired",
        "The Kerberos ticket has expired: run kinit again, or set ansible_password so that each task gets a ticket of its own.",
    ),
    (
        r"Can't find client principal|No credentials were supplied|No Kerberos credentials|contained no credentials",
        "There is no Kerberos ticket of this user: run kinit before (KRB5CCNAME says where tickets are), or set ansible_password.",
    ),
    (
        r"when calling kinit cmd",
        "The program kinit is missing on the controller: install it (Debian: krb5-user, Red Hat: krb5-workstation), say with"
        " ansible_winrm_kinit_cmd where it is, or use the connection psrp, which needs none.",
    ),
    (
        r"STATUS_LOGON_FAILURE|0xc000006d|0x8009030c",
        "The server does not accept user or password: check ansible_user and ansible_password.",
    ),
    (
        r"did not response? (with )?(one of|CredSSP being)",
        "The server does not offer this authentication: allow it in its WinRM service (winrm/config/service/auth), or choose another one.",
    ),
    (r"both cert_pem and cert_key_pem must be", "Set ansible_winrm_cert_pem and ansible_winrm_cert_key_pem."),
    (r"path to the certificate( key)? pem file must be", "Set ansible_psrp_certificate_pem and ansible_psrp_certificate_key_pem."),
)
_MISSING = (
    (r"pykerberos|gssapi", "kerberos", ", with the headers of MIT Kerberos and a C compiler to build it"),
    (r"requests.credssp", "credssp", ""),
)


def reason(text: str) -> str:
    """The telling part of a library's text.

    pykerberos shows GSSAPI's pairs of text and code as nested tuples, pyspnego a list of majors and minors, krb5 a code at the end.
    """
    _stage, found, pairs = text.partition(" failed: ")
    if found and pairs.startswith("(("):
        with contextlib.suppress(ValueError, SyntaxError):
            return str(ast.literal_eval(pairs)[-1][0])
    minor = re.search(r"Minor \(\d+\): (.+?), Context: ", text)
    if minor and minor.group(1) != "Success":
        return minor.group(1)
    major = re.search(r"Major \(\d+\): (.+?), Minor ", text)
    return major.group(1) if major else re.sub(r" -\d{6,}$", "", text)


def missing_library(text: str, kind: str) -> str | None:
    """What to install when a library says that another one is not there; None when it says something else.

    :param kind: C(winrm) or C(psrp).
    """
    if not re.search(r"not installed|No module named|requires the Python", text):
        return None
    for pattern, extra, more in _MISSING:
        if re.search(pattern, text):
            return _INSTALL.format(package=f"{_PACKAGE[kind]}[{extra}]", more=more, option=_OPTION[kind])
    return None


def way_out(text: str, kind: str) -> str:
    """What the user can do about an authentication that failed with this text; always something.

    :param kind: C(winrm) or C(psrp), for the names of the options.
    """
    for pattern, hint in _HINTS:
        if re.search(pattern, text, re.IGNORECASE):
            return hint if isinstance(hint, str) else hint[kind]
    return _GENERAL[kind]

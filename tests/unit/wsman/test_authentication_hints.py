# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The texts of MIT Kerberos and of the libraries, as they came from a real KDC, and what is made of them."""

from __future__ import annotations

import pytest

from ansible_collections.entra.app_proxy.plugins.plugin_utils.authentication_hints import missing_library, reason, way_out

KINIT = "Kerberos auth failure for principal a@B: kinit: "


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        (
            "authGSSClientStep() failed: (('Unspecified GSS failure.  Minor code may provide more information', 851968),"
            " ('Server HTTP/127.0.0.1@LAB.TEST not found in Kerberos database', -1765328377))",
            "Server HTTP/127.0.0.1@LAB.TEST not found in Kerberos database",
        ),
        (
            "authGSSClientInit() failed: (('No credentials were supplied', 458752),"
            ' ("Can\'t find client principal a@B in cache collection", -1765328243))',
            "Can't find client principal a@B in cache collection",
        ),
        (
            "SpnegoError (4294967295): Major (851968): Unspecified GSS failure.  Minor code may provide more information,"
            " Minor (2529638919): Server host/127.0.0.1@LAB.TEST not found in Kerberos database, Context: Processing security token",
            "Server host/127.0.0.1@LAB.TEST not found in Kerberos database",
        ),
        (
            "SpnegoError (11): Major (720896): The referenced credential has expired, Minor (100001): Success, Context: Getting it",
            "The referenced credential has expired",
        ),
        ("Preauthentication failed -1765328360", "Preauthentication failed"),
        ("authGSSClientStep() failed: ((broken", "authGSSClientStep() failed: ((broken"),
        ("the specified credentials were rejected by the server", "the specified credentials were rejected by the server"),
    ],
)
def test_the_telling_part(text: str, telling: str) -> None:
    assert reason(text) == telling


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (KINIT + "Password incorrect while getting initial credentials", "does not accept the password"),
        (KINIT + "Password has expired while getting initial credentials", "The password itself has expired"),
        (KINIT + "Client 'a@B' not found in Kerberos database while getting initial credentials", "The realm does not know the user"),
        (KINIT + 'Cannot find KDC for realm "B" while getting initial credentials', "No KDC of that realm"),
        (KINIT + "Cannot contact any KDC for realm 'B' while getting initial credentials", "No KDC of that realm"),
        (KINIT + "Clock skew too great while getting initial credentials", "The clocks differ"),
        ("Ticket not yet valid", "The clocks differ"),
        ("Ticket expired", "The Kerberos ticket has expired"),
        ("Kerberos auth failure when calling kinit cmd 'kinit': [Errno 2] No such file or directory", "install it (Debian: krb5-user"),
        ("Received error status from the server: (2148074252) UNKOWN_STATUS 0x8009030c", "does not accept user or password"),
        ("something else", "what the server's WinRM service allows"),
    ],
)
@pytest.mark.parametrize("kind", ["winrm", "psrp"])
def test_the_way_out(text: str, hint: str, kind: str) -> None:
    assert hint in way_out(text, kind)
    other = {"winrm": "ansible_psrp", "psrp": "ansible_winrm"}[kind]
    assert other not in way_out(text, kind) or "kinit" in text


@pytest.mark.parametrize(
    ("text", "kind", "install"),
    [
        (
            "requested auth method is kerberos, but pykerberos is not installed",
            "winrm",
            "pywinrm[kerberos] on the controller, with the headers",
        ),
        ("GSSAPIProxy requires the Python gssapi library: No module named 'gssapi'", "psrp", "pypsrp[kerberos]"),
        ("requests auth method is credssp, but requests-credssp is not installed", "winrm", "pywinrm[credssp] on the controller, or"),
        ("Cannot use CredSSP auth as requests-credssp is not installed: No module named 'requests_credssp'", "psrp", "pypsrp[credssp]"),
        ("No module named 'something'", "psrp", None),
        ("the specified credentials were rejected by the server", "winrm", None),
    ],
)
def test_a_missing_library(text: str, kind: str, install: str | None) -> None:
    found = missing_library(text, kind)
    assert found is None if install is None else install in str(found)

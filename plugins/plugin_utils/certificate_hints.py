# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The way out when a server's certificate is refused here, by the words of OpenSSL and urllib3 (RUN: against certificates like these)."""

from __future__ import annotations

import re

_AUTHORITY = {
    "winrm": "Give its CA with ansible_winrm_ca_trust_path; ansible_winrm_server_cert_validation=ignore is for trying out only.",
    "psrp": "Give its CA with ansible_psrp_ca_cert; ansible_psrp_cert_validation=ignore is for trying out only.",
}
# The first that fits counts. A hint that differs by connection stands under its name.
_HINTS: tuple[tuple[str, str | dict[str, str]], ...] = (
    (
        r"mismatch|doesn't match",
        "The server's certificate is for another name: set ansible_host to a name that it holds, or have one issued that holds this one.",
    ),
    (
        r"has expired|not yet valid",
        "The server's certificate is not valid at this time: have it renewed, and compare the clocks of server and controller.",
    ),
    (
        r"issuer certificate|self[- ]signed|unable to verify the first",
        {kind: f"The server's certificate is not trusted here. {way_out}" for kind, way_out in _AUTHORITY.items()},
    ),
    (r"CERTIFICATE_VERIFY_FAILED", "The server's certificate is not as OpenSSL wants it: have another one issued for the server."),
)


def way_out(text: str, kind: str) -> str | None:
    """What the user can do about a TLS error with this text; None when it is not about the server's certificate.

    :param kind: C(winrm) or C(psrp), for the names of the options.
    """
    for pattern, hint in _HINTS:
        if re.search(pattern, text, re.IGNORECASE):
            return hint if isinstance(hint, str) else hint[kind]
    return None

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The reason of a failed registration, from the Application log.

Registration errors go to the Application log under the product's name [MS, troubleshoot-connectors]. Read with
wevtutil, because an event's text is not to be had by a plain CIM read.
"""

from __future__ import annotations

import typing as t
from xml.etree import ElementTree

from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import Generation
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.reply import without_forbidden

_ERROR_LEVEL = 2

# A piece of the message [MS, troubleshoot-connectors] and what to do.
_REMEDIES = (
    ("AADSTS50059", "use a user of the tenant itself, not a Microsoft account"),
    ("AADSTS50076", "the account needs multifactor authentication: register with a token instead of user and password"),
    ("AADSTS50079", "the account needs multifactor authentication: register with a token instead of user and password"),
    ("multifactor authentication", "register with a token instead of user and password"),
    ("AADSTS50126", "the user name or the password is wrong"),
    (
        "registration request was denied",
        "the token's user must be Application Administrator in this tenant, and the token must be of this tenant and not expired",
    ),
    (
        "current execution policy",
        "the group policy 'Turn on Script Execution' must be 'Not configured', or allow local scripts and remote signed ones",
    ),
    (
        "enabled application proxy",
        "check user name and password (an account with multifactor authentication needs a token instead), that Application Proxy is"
        " enabled in the tenant (licence P1 or P2), and that the server reaches the service on port 443",
    ),
    ("networking issues", "the server must reach *.msappproxy.net on port 443, directly or through its configured proxy"),
    ("download the configuration", "NETWORK SERVICE and SYSTEM must reach the internet on ports 443 and 80"),
)


def last_error_query(generation: Generation, seconds: int) -> tuple[str, ...]:
    """Arguments of C(wevtutil.exe): the newest error of the product, at most C(seconds) old."""
    condition = (
        f"*[System[Provider[@Name='{generation.event_source}'] and Level={_ERROR_LEVEL}"
        f" and TimeCreated[timediff(@SystemTime) <= {seconds * 1000}]]]"
    )
    return ("qe", "Application", "/c:1", "/rd:true", "/f:RenderedXml", f"/q:{condition}")


def message(output: str) -> str | None:
    """The text of the first event in wevtutil's output; None when there is none."""
    start = output.find("<Event")
    if start < 0:
        return None
    try:
        event = ElementTree.fromstring(without_forbidden(output[start:]).strip())
    except ElementTree.ParseError:
        return None
    # Rendered where the message file is installed; else the bare texts.
    for name in ("Message", "Data"):
        texts = [(element.text or "").strip() for element in event.iter() if element.tag.rpartition("}")[2] == name]
        if any(texts):
            return " ".join(text for text in texts if text)
    return None


def remedy(text: str | None) -> str:
    """What to do about a registration error, or where to look when its text is not known."""
    for piece, advice in _REMEDIES:
        if piece.casefold() in (text or "").casefold():
            return advice
    return "see the Application log and the connector's Admin log on the server; ConnectorDiagnosticsTool in its folder checks the network"


def first(texts: t.Iterable[str | None]) -> str | None:
    """The first text that says something."""
    return next((text for text in texts if text), None)

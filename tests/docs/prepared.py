# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server as single examples suppose it, which the example before them does not leave behind: orders to the lab, by module and task."""

from __future__ import annotations

import typing as t

SERVER = "nam-web-01"
SHARE = r"\\files.example.com\software\MicrosoftEntraPrivateNetworkConnectorInstaller.exe"

Orders = list[tuple[str, dict[str, t.Any]]]
"""Paths of the lab's admin API, with a body each."""


def _server(**state: t.Any) -> Orders:
    return [(f"/servers/{SERVER}", state)]


def _registered(**connector: t.Any) -> Orders:
    """A whole connector with just one certificate, of yesterday."""
    return [*_server(connector={"registered": False}), *_server(connector={"registered": True, "age_days": 1, **connector})]


BEFORE: dict[str, dict[str, Orders]] = {
    "connector": {
        "Have at least this version, installed from a share, and only this very file": _server(
            connector={"version": "1.5.3437.0"}, files=[{"path": SHARE, "installer": {}}], winrm={"CredSSP": True}
        ),
        "Let the server download Microsoft's current installer through a proxy": _server(
            connector={"installed": False}, blocked_urls=["https://"]
        ),
        "Let the server download the installer from an address of your own": _server(connector={"installed": False}, blocked_urls=[]),
        "Have the version of this installer, and remove what an earlier installation has left": _server(
            connector={"installed": False}, leftovers=True
        ),
        "Come to the renamed generation by a removal and a new installation": _server(
            connector={"generation": "legacy", "registered": True}
        ),
        "Install what is new, and leave connectors that serve at their version": _server(
            connector={"version": "1.5.4287.0", "registered": True}
        ),
        "Install into an image from which servers are made": [
            *_server(connector={"registered": False}),
            *_server(connector={"installed": False}),
        ],
    },
    "connector_registration": {
        "Register the connector with a token": _server(connector={"registered": False}),
        "Registered hosts need no token": _registered(),
        "Bring a server from another tenant into this one": _registered(tenant_id="99999999-8888-4777-8666-555555555555"),
        "Give a server that was copied after its registration one of its own": _registered(),
        "Read what the tenant knows": [*_registered(), ("/seed", {"groups": 1})],
        "Register with an account that has no multifactor authentication, in the US Government cloud": _server(
            connector={"registered": False}
        ),
    },
}

UNCHANGED = {
    "connector": {"Install what is new, and leave connectors that serve at their version"},
    "connector_registration": {"Registered hosts need no token"},
}
"""The examples of these modules that change nothing, because that is what they show."""

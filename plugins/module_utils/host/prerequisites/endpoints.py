# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What a connector must reach, per cloud, and how targets are written. Data and pure functions.

Ground: how-to-configure-connectors [MS, 2026-02] and, for the US Government, reference-connect-government-cloud [MS, 2025-04].
"""

from __future__ import annotations

import dataclasses
import re
import urllib.parse

# The same words as in the tenant half.
GLOBAL = "global"
US_GOV_L4 = "us_gov_l4"
US_GOV_L5 = "us_gov_l5"
CHINA = "china"
CLOUDS = (GLOBAL, US_GOV_L4, US_GOV_L5, CHINA)

_PORTS = {"http": 80, "https": 443}
_HOST_AND_PORT = re.compile(r"^(?:\[(?P<bracketed>[0-9A-Fa-f:.]+)\]|(?P<plain>[^\s:/@\[\]]{1,253})):(?P<port>\d{1,5})$")


@dataclasses.dataclass(frozen=True)
class Target:
    """A host name or address without brackets, and a TCP port.

    :param essential: the connector does not work without it. Of the others, some may be unreachable: of several certificate hosts
        one may be enough, and names made with the tenant's id are not documented.
    """

    host: str
    port: int
    essential: bool = True

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclasses.dataclass(frozen=True)
class Cloud:
    """The endpoints of one cloud. C(wildcards) are documented, but only a firewall can allow them: there is nothing to probe.

    :param service: the domain of the proxy service, below which each tenant has names of its own [third-party knowledge].
    """

    secure: tuple[str, ...]
    plain: tuple[str, ...]
    wildcards: tuple[str, ...]
    service: str


_COMMERCIAL = Cloud(
    secure=(
        "download.msappproxy.net",
        "login.windows.net",
        # One of *.microsoftonline.com: where everybody signs in.
        "login.microsoftonline.com",
        "secure.aadcdn.microsoftonline-p.com",
        "enterpriseregistration.windows.net",
        "management.azure.com",
        "ctldl.windowsupdate.com",
        "www.microsoft.com",
    ),
    plain=(
        "crl3.digicert.com",
        "crl4.digicert.com",
        "ocsp.digicert.com",
        "crl.microsoft.com",
        "oneocsp.microsoft.com",
        "ocsp.msocsp.com",
        "ctldl.windowsupdate.com",
        "www.microsoft.com",
    ),
    wildcards=(
        "*.msappproxy.net",
        "*.servicebus.windows.net",
        "*.microsoftonline.com",
        "*.microsoftonline-p.com",
        "*.msauth.net",
        "*.msauthimages.net",
        "*.msecnd.net",
        "*.msftauth.net",
        "*.msftauthimages.net",
        "*.phonefactor.net",
    ),
    service="msappproxy.net",
)
_GOVERNMENT = Cloud(
    secure=(
        "login.windows.us",
        "login.microsoftonline.us",
        "secure.aadcdn.microsoftonline-p.com",
        "enterpriseregistration.windows.net",
        "management.azure.com",
        "policykeyservice.dc.ad.msft.net",
    ),
    plain=("mscrl.microsoft.us", "crl.microsoft.us", "ocsp.msocsp.us", "www.microsoft.us", "ctldl.windowsupdate.us"),
    wildcards=(
        "*.msappproxy.us",
        "*.servicebus.usgovcloudapi.net",
        "*.microsoftonline.us",
        "*.microsoftonline-p.us",
        "*.msauth.net",
        "*.msauthimages.net",
        "*.msecnd.net",
        "*.msftauth.net",
        "*.msftauthimages.net",
        "*.phonefactor.net",
    ),
    service="msappproxy.us",
)
# Of the cloud in China no list of addresses is known.
_CLOUDS = {GLOBAL: _COMMERCIAL, US_GOV_L4: _GOVERNMENT, US_GOV_L5: _GOVERNMENT}


def targets(cloud: str, tenant_id: str | None) -> list[Target]:
    """What can be probed; empty for a cloud whose addresses are not known."""
    table = _CLOUDS.get(cloud)
    if table is None:
        return []
    own = [] if tenant_id is None else [f"{tenant_id.lower()}.{name}.{table.service}" for name in ("registration", "bootstrap")]
    return [
        *(Target(host, 443) for host in table.secure),
        *(Target(host, 443, essential=False) for host in own),
        *(Target(host, 80, essential=False) for host in table.plain),
    ]


def wildcards(cloud: str) -> tuple[str, ...]:
    """What a firewall or proxy must let pass as well, and no probe can see."""
    table = _CLOUDS.get(cloud)
    return () if table is None else table.wildcards


def parse(text: str) -> Target | None:
    """C(host:port), or an http or https URL; None for anything else."""
    if "://" in text:
        return _from_url(text)
    match = _HOST_AND_PORT.match(text)
    if match is None or not 0 < int(match["port"]) < 65536:
        return None
    return Target(match["bracketed"] or match["plain"], int(match["port"]))


def _from_url(text: str) -> Target | None:
    try:
        url = urllib.parse.urlsplit(text)
        host, port = url.hostname, url.port
    except ValueError:
        return None
    if url.scheme not in _PORTS or not host or port == 0 or re.search(r"\s", text):
        return None
    return Target(host, _PORTS[url.scheme] if port is None else port)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The national clouds: where Graph and the login of each live.

Source: Microsoft, "National cloud deployments" and azure-identity 1.27.0. The login host of China is in motion (msal 1.39.0 calls the
documented one deprecated), so every entry can be overridden.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Cloud:
    """One cloud. Tokens do not cross clouds, so the scope is always that of the cloud's own Graph."""

    graph: str
    login: str

    @property
    def scope(self) -> str:
        return f"{self.graph}/.default"


CLOUDS = {
    "global": Cloud("https://graph.microsoft.com", "https://login.microsoftonline.com"),
    "us_gov_l4": Cloud("https://graph.microsoft.us", "https://login.microsoftonline.us"),
    "us_gov_l5": Cloud("https://dod-graph.microsoft.us", "https://login.microsoftonline.us"),
    "china": Cloud("https://microsoftgraph.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
}

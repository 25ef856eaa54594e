# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The options of connector_prerequisites, declared once."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.options import TENANT_ID, Option, Options, positive, proxy_address
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.endpoints import CLOUDS, GLOBAL, parse

CHECKED = "checked"
ENFORCED = "enforced"


def _targets(value: t.Any) -> str | None:
    wrong = [str(item) for item in value if parse(str(item)) is None]
    if not wrong:
        return None
    return f"{', '.join(wrong)}: each must be a URL (https://intranet.contoso.com/) or host:port (intranet.contoso.com:8443)"


PREREQUISITES = Options(
    options=(
        Option("state", default=CHECKED, choices=(CHECKED, ENFORCED)),
        Option("kerberos_sso", type="bool", default=False),
        Option("interactive_registration", type="bool", default=False),
        Option("dynamic_ports", type="bool", default=False),
        Option("endpoints", type="bool", default=False),
        Option("cloud", default=GLOBAL, choices=CLOUDS),
        TENANT_ID,
        Option("proxy", rule=proxy_address),
        Option("backends", type="list", elements="str", rule=_targets),
        Option("clock_skew_seconds", type="int", default=300, rule=positive),
        Option("probe_timeout", type="int", default=10, rule=positive),
        Option("timeout", type="int", default=120, rule=positive),
        Option("fail_on", default="never", choices=("never", "warning", "critical")),
    ),
)

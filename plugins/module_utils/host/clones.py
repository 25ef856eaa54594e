# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Machines that were cloned after their registration: the same connector on two hosts. Pure.

Cloning a registered machine is documented as unsupported for a sibling product only; for the connector it is assumed: images are to be
made of machines that are not registered [MS, how-to-register-connector-powershell].
"""

from __future__ import annotations

import typing as t


def clones(identities: t.Mapping[str, str | None]) -> dict[str, list[str]]:
    """Connector ids that were seen on more than one host, each with its hosts, sorted.

    :param identities: host to the id of the connector on it; None = none, or not known.
    """
    hosts: dict[str, list[str]] = {}
    for host, connector_id in sorted(identities.items()):
        if connector_id:
            hosts.setdefault(connector_id.lower(), []).append(host)
    return {connector_id: seen for connector_id, seen in sorted(hosts.items()) if len(seen) > 1}

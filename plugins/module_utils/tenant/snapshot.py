# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""One look at a tenant as plain data that can be kept, and back. It holds what the service told, and nothing of who asked. Pure."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.service import folded
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.connection import Connection
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import Application, Connector, ConnectorGroup, TenantState

FORMAT = 1
"""Raised when the data change: what was kept by another version of this collection is then read anew."""


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A look at a tenant.

    :param tenant: the tenant and the Graph that were asked, see C(tenant_key).
    :param applications: whether the applications of the groups were read as well.
    :param taken: when, in UTC.
    """

    tenant: str
    applications: bool
    taken: datetime.datetime
    state: TenantState

    def serves(self, tenant: str, applications: bool) -> bool:
        """Whether it answers a question about that tenant."""
        return self.tenant == tenant and (self.applications or not applications)


def tenant_key(connection: Connection) -> str:
    """Tells tenants apart, as far as the options do: without a tenant_id it is that of whoever signs in."""
    return f"{folded(connection.tenant_id)}@{folded(connection.graph_root)}"


def to_data(snapshot: Snapshot) -> dict[str, t.Any]:
    """The snapshot as mappings, lists and texts."""
    state = snapshot.state
    return {
        "format": FORMAT,
        "tenant": snapshot.tenant,
        "with_applications": snapshot.applications,
        "taken": snapshot.taken.isoformat(),
        "groups": [dataclasses.asdict(one) for one in state.groups],
        "connectors": [dataclasses.asdict(one) for one in state.connectors],
        "applications": [dataclasses.asdict(one) for one in state.applications],
    }


def from_data(data: t.Any) -> Snapshot | None:
    """The snapshot that C(to_data) made these data of; None when they are none, or of another version."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        return None
    try:
        state = TenantState(
            tuple(ConnectorGroup(**one) for one in data["groups"]),
            tuple(Connector(**one) for one in data["connectors"]),
            tuple(Application(**one) for one in data["applications"]),
        )
        taken = datetime.datetime.fromisoformat(data["taken"])
        return Snapshot(str(data["tenant"]), bool(data["with_applications"]), taken, state)
    except (KeyError, TypeError, ValueError):
        return None

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tenant without sockets, for the tests of its rules and of its Graph."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from tests.lab.clock import Clock
from tests.lab.faults import Fault, Faults
from tests.lab.journal import Journal
from tests.lab.tenant import seed
from tests.lab.tenant.http import Answer, Request
from tests.lab.tenant.identity import GRAPH, REGISTRATION, REGISTRATION_CLIENT
from tests.lab.tenant.models import Tenant
from tests.lab.tenant.service import Graph
from tests.lab.tenant.state import Application, Connector, Group
from tests.lab.timing import Timing

ROOT = "https://localhost:1"
P = "/onPremisesPublishingProfiles/applicationProxy"
DEFINITION: dict[str, t.Any] = {
    "domain": "lab.example",
    "settings": {"default_region": "nam"},
    "groups": [
        {"name": "NAM", "region": "nam"},
        {"name": "EUR", "region": "eur"},
        {"name": "EUR 2", "region": "eur"},
        {"name": "Sync", "type": "syncFabric", "region": None},
    ],
    "connectors": [
        {"machine_name": "IN-DEFAULT"},
        {"machine_name": "IN-NAM", "group": "NAM"},
        {"machine_name": "IN-EUR", "group": "EUR"},
    ],
    "applications": [
        {"display_name": "Intranet", "group": "NAM"},
        {"display_name": "Payroll"},
        {"display_name": "Unpublished", "published": False},
    ],
}


@dataclasses.dataclass
class TenantWorld:
    """The tenant, its Graph, and what a test needs to look at."""

    tenant: Tenant
    clock: Clock
    journal: Journal
    faults: Faults
    graph: Graph
    running: dict[str, datetime.datetime]

    def group(self, name: str) -> Group:
        """Find a group by name."""
        return next(group for group in self.tenant.now_state.groups.values() if group.name == name)

    def connector(self, machine_name: str) -> Connector:
        """Find a connector by machine name."""
        return next(one for one in self.tenant.now_state.connectors.values() if one.machine_name == machine_name)

    def application(self, name: str) -> Application:
        """Find an application by name."""
        return next(one for one in self.tenant.now_state.applications.values() if one.display_name == name)

    def registration_token(self, **changes: t.Any) -> str:
        """Issue a registration token."""
        return self.tenant.identity.delegated_token(REGISTRATION, REGISTRATION_CLIENT, **changes)

    def call(
        self,
        method: str,
        path: str,
        body: t.Any = None,
        *,
        token: str | None = None,
        query: str = "",
        fault: Fault | None = None,
        **headers: str,
    ) -> Answer:
        """Send one request as the administrator, or with another token. `fault` hits it."""
        bearer = token if token is not None else self.tenant.identity.delegated_token(GRAPH, "client")
        sent = {"authorization": f"Bearer {bearer}"} | ({"content-type": "application/json"} if body is not None else {}) | headers
        pairs = tuple(tuple(part.split("=", 1)) for part in query.split("&") if part)
        request = Request(method, path, pairs, sent, body, ROOT, request_id="r")  # type: ignore[arg-type]
        answer, _entry = self.graph.handle(request, fault)
        return answer

    def reference(self, collection: str, object_id: str) -> dict[str, str]:
        """Return a reference body."""
        return {"@odata.id": f"{ROOT}/beta{P}/{collection}/{object_id}"}


def make(**settings: t.Any) -> TenantWorld:
    """Return a new tenant with the given switches."""
    clock, faults = Clock(), Faults()
    journal = Journal(clock)
    tenant = seed.build(DEFINITION, clock, Timing())
    tenant.settings.patch(settings)
    running: dict[str, datetime.datetime] = {}
    tenant.liveness = lambda: running
    return TenantWorld(tenant, clock, journal, faults, Graph(tenant, journal, faults), running)


def codes(answer: Answer) -> tuple[int, str]:
    """Return status and error code of a refusal."""
    assert answer.document is not None
    return answer.status, answer.document["error"]["code"]

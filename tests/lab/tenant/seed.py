# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tenant from its entry in a world file."""

from __future__ import annotations

import datetime
import secrets
import typing as t
import uuid

from tests.lab.clock import Clock
from tests.lab.tenant.identity import Client, Identity, User
from tests.lab.tenant.models import Tenant
from tests.lab.tenant.settings import Settings
from tests.lab.tenant.state import Application, Connector, Group, History, Snapshot
from tests.lab.timing import Timing

Definition = t.Mapping[str, t.Any]

KEYS = {"tenant_id", "domain", "settings", "groups", "connectors", "applications"}
FEDERATED_SUBJECT = ("https://federation.lab.invalid", "system:serviceaccount:deploy:controller")
"""Issuer and subject that the lab's confidential client trusts for federated tokens."""


def build(definition: Definition, clock: Clock, timing: Timing) -> Tenant:
    """Return the tenant of a definition. Secrets are made at random. Raises ValueError for what it does not know."""
    _refuse_unknown(definition, KEYS, "tenant")
    domain = definition.get("domain", "lab.example")
    settings = Settings()
    settings.patch(definition.get("settings", {}))
    identity = Identity(
        tenant_id=definition.get("tenant_id", str(uuid.uuid4())).lower(),
        domain=domain,
        user=User(str(uuid.uuid4()), f"proxy-admin@{domain}", "Proxy Admin", secrets.token_urlsafe(18)),
        clients=[Client(str(uuid.uuid4()), secrets.token_urlsafe(24), federated=[FEDERATED_SUBJECT])],
        settings=settings,
        clock=clock,
        timing=timing,
    )
    snapshot = _snapshot(definition, settings, clock.now())
    return Tenant(identity=identity, settings=settings, clock=clock, timing=timing, snapshot=snapshot)


def reset(tenant: Tenant, definition: Definition) -> None:
    """Return a tenant to its definition. Identities, keys and tokens stay valid."""
    tenant.settings.patch(vars(Settings()))
    tenant.settings.patch(definition.get("settings", {}))
    tenant.forget(History(_snapshot(definition, tenant.settings, tenant.clock.now())))


def application(definition: Definition, groups: t.Mapping[str, Group]) -> Application:
    """Return an application: display_name, published (default true), id, app_id, group (a group's name)."""
    _refuse_unknown(definition, {"display_name", "published", "id", "app_id", "group"}, "application")
    name = definition["display_name"]
    group = _by_name(groups.values(), definition["group"]) if definition.get("group") else None
    return Application(
        id=definition.get("id", str(uuid.uuid4())).lower(),
        app_id=definition.get("app_id", str(uuid.uuid4())).lower(),
        display_name=name,
        publishing=publishing(name) if definition.get("published", True) else None,
        group_id=group.id if group else None,
    )


def publishing(display_name: str) -> dict[str, t.Any]:
    """Return onPremisesPublishing of a published application."""
    host = "".join(letter if letter.isalnum() else "-" for letter in display_name.lower())
    return {
        "externalAuthenticationType": "aadPreAuthentication",
        "externalUrl": f"https://{host}-lab.msappproxy.net/",
        "internalUrl": f"https://{host}.lab.example/",
        "isOnPremPublishingEnabled": True,
    }


def connector(definition: Definition, groups: t.Mapping[str, Group], now: datetime.datetime) -> Connector:
    """Return a connector that no server runs: machine_name, status (default active), version, id, group (a group's name), silent_days.

    `silent_days`: how long ago it was last heard of, for an inactive one; the service forgets it after ten (graph.md 4, MS).
    """
    _refuse_unknown(definition, {"machine_name", "status", "version", "id", "group", "silent_days"}, "connector")
    return Connector(
        id=definition.get("id", str(uuid.uuid4())).lower(),
        machine_name=definition["machine_name"],
        version=definition.get("version", "1.5.4892.0"),
        group_id=_by_name(groups.values(), definition.get("group", "Default")).id,
        registered_at=now - datetime.timedelta(days=definition.get("silent_days", 0)),
        pinned_status=definition.get("status", "active"),
    )


def group(definition: Definition, default_region: str) -> Group:
    """Return a group: name, region (default: the tenant's), type, id."""
    _refuse_unknown(definition, {"name", "region", "type", "id"}, "group")
    return Group(
        id=definition.get("id", str(uuid.uuid4())).lower(),
        name=definition["name"],
        region=definition.get("region", default_region),
        kind=definition.get("type", "applicationProxy"),
    )


def default_group(region: str) -> Group:
    """Return a Default group; its name is Default in tenants (graph.md 4)."""
    return Group(str(uuid.uuid4()), "Default", region, is_default=True)


def _snapshot(definition: Definition, settings: Settings, now: datetime.datetime) -> Snapshot:
    groups = [default_group(settings.default_region), *(group(entry, settings.default_region) for entry in definition.get("groups", ()))]
    by_id = {one.id: one for one in groups}
    connectors = [connector(entry, by_id, now) for entry in definition.get("connectors", ())]
    applications = [application(entry, by_id) for entry in definition.get("applications", ())]
    return Snapshot.build(groups, connectors, applications)


def _by_name(groups: t.Iterable[Group], name: str) -> Group:
    for one in groups:
        if one.name == name:
            return one
    raise ValueError(f"no connector group named {name!r}")


def _refuse_unknown(definition: Definition, known: t.Collection[str], what: str) -> None:
    unknown = sorted(set(definition) - set(known))
    if unknown:
        raise ValueError(f"unknown fields {unknown} of {what}; known: {sorted(known)}")

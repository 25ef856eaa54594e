# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Whether a host has to be registered, and why. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import EXPIRED, REGISTERED, HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan

REGISTER = "register"

Known: t.TypeAlias = "frozenset[str] | None"


@dataclasses.dataclass(frozen=True)
class Desired:
    """:param tenant_id: lower-case GUID text of the tenant the host must be registered in.
    :param known: ids of the connectors that the tenant knows; None = not asked.
    """

    tenant_id: str
    allow_tenant_change: bool = False
    force: bool = False
    known: Known = None


def known_ids(connectors: t.Sequence[t.Mapping[str, t.Any]] | None) -> Known:
    """The ids in what M(tenant_connector_info) returns; None when it was not given."""
    return None if connectors is None else frozenset(str(connector.get("id")).lower() for connector in connectors)


def reason_to_register(state: HostState, tenant_id: str | None, known: Known = None) -> str | None:
    """Why a registration is needed; None when it is not. Without a tenant id any tenant will do.

    :param known: ids of the connectors that the tenant knows; a connector is removed there when it was inactive for ten days.
    """
    registration = state.registration
    if registration.state == EXPIRED:
        return "the trust certificate has expired"
    if registration.state != REGISTERED:
        return "the host is not registered"
    if _other_tenant(state, tenant_id):
        return "the host is registered in another tenant"
    if known is not None and registration.connector_id is not None and registration.connector_id not in known:
        return "the tenant does not know this connector any more"
    return None


def plan(desired: Desired, state: HostState) -> Plan:
    """One step or none.

    :raises HostError: when the host belongs to another tenant and that may not be changed.
    """
    reason = reason_to_register(state, desired.tenant_id, desired.known)
    if reason is None and not desired.force:
        return Plan()
    if _other_tenant(state, desired.tenant_id) and not desired.allow_tenant_change:
        raise HostError(
            f"{state.machine_name} is registered in tenant {state.registration.tenant_id}, not in {desired.tenant_id}. If it is to move,"
            " set allow_tenant_change=true; if not, correct tenant_id",
            operation="plan registration",
            registered_tenant_id=state.registration.tenant_id,
            tenant_id=desired.tenant_id,
        )
    before = {"state": state.registration.state, "tenant_id": state.registration.tenant_id}
    after = {"state": REGISTERED, "tenant_id": desired.tenant_id}
    return Plan.of([Change(REGISTER, "registration", state.machine_name, before, after, reason or "it is forced")])


def _other_tenant(state: HostState, tenant_id: str | None) -> bool:
    # A renewed certificate cannot be read from outside: an unknown tenant is not another one.
    known = state.registration.tenant_id
    return tenant_id is not None and known is not None and known != tenant_id.lower()

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The rules of the service, each with its source, and the warnings that its behaviour deserves. Pure; nothing else knows them.

Grades: documented = Microsoft's pages; observed = seen live by a named public project; inferred = our conclusion, never tried.
"""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.service import KNOWN_REGIONS, KNOWN_STATUSES, MINIMUM, folded, version_numbers
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import Connector, ConnectorGroup, TenantState, gather, same_text

READ_ONLY = ("status", "version", "external_ip", "active", "group")
"""What the service alone says of a connector (documented: all of its properties are read-only). Where such a value comes with a
declaration, as from an info module, it says nothing, as the service itself ignores read-only properties on POST (observed)."""


def region_obstacle(group: ConnectorGroup, state: TenantState) -> str:
    """Why the region of a group cannot be set. Only while no connector and no application uses it (documented)."""
    if group.is_default:
        return "the Default group is the service's own"
    if state.is_empty(group.id):
        return ""
    return (
        f"the service sets a region only on an empty group, and this one has {usage(group, state)}. Declare a new group of that region and"
        " move them there"
    )


def rename_obstacle(group: ConnectorGroup, name: str, state: TenantState) -> str:
    """Why a group cannot have that name. Whether Default could be renamed is not documented, so it is not tried."""
    if group.is_default:
        return "the Default group is the service's own"
    others = [one.id for one in state.groups_named(name) if one.id != group.id]
    return f"the tenant has a connector group {name} already ({', '.join(sorted(others))})" if others else ""


def delete_obstacle(group: ConnectorGroup, state: TenantState) -> str:
    """Why a group cannot be deleted. Only when all connectors and applications are gone (documented); Default never (practised)."""
    if group.is_default:
        return "the Default group is the service's own and is never deleted"
    return "" if state.is_empty(group.id) else f"it still has {usage(group, state)}"


def usage(group: ConnectorGroup, state: TenantState) -> str:
    """Who uses a group, in numbers."""
    return f"{len(state.members(group.id))} connector(s) and {len(state.applications_of(group.id))} application(s)"


def needs_detour(source: ConnectorGroup | None, target_id: str, region: str | None, default: ConnectorGroup | None) -> bool:
    """Whether a move has to go through Default.

    "You can only move connectors to your connector group if it is in a connector group using the default region. Start with a connector
    in the default connector group" (documented, application-proxy-network-topology).

    :param region: that of the group to move to.
    """
    if source is None or default is None or default.id in (source.id, target_id):
        return False
    return not same_text(source.region, region) and not same_text(source.region, default.region)


def region_warning(region: str | None) -> str:
    """That a declared region is none of those known. It is sent all the same: the set is open."""
    if region is None or folded(region) in KNOWN_REGIONS:
        return ""
    return f"region {region} is none of those known so far ({', '.join(KNOWN_REGIONS)}). It is sent as it is: the service decides"


def status_warning(connector: Connector) -> str:
    """That a connector has a status that this collection does not know."""
    if folded(connector.status) in KNOWN_STATUSES:
        return ""
    return f"connector {connector.machine_name} has the unknown status {connector.status!r}, which is taken for not active"


def default_in_use_warning(state: TenantState) -> str:
    """That connectors in Default serve applications that nobody chose them for.

    New connectors join Default, and an application published without a group uses it (both documented).
    """
    default = state.default_group
    if default is None:
        return ""
    users, members = len(state.applications_of(default.id)), state.active_members(default.id)
    if not users or not members:
        return ""
    return (
        f"{members} active connector(s) in the Default group serve the {users} application(s) that use it. Every new connector joins"
        " Default and serves them at once, whether or not its network reaches them; so they fail for some users some of the time. Assign"
        " these applications to a connector group of their own"
    )


def default_deserted_warning(before: TenantState, after: TenantState) -> str:
    """That applications keep Default while its connectors leave it, as someone accepted: otherwise that is refused."""
    default = before.default_group
    if default is None:
        return ""
    users, had, left = after.applications_of(default.id), before.active_members(default.id), after.active_members(default.id)
    if not users or left >= had or left >= MINIMUM:
        return ""
    return (
        f"{len(users)} application(s) keep the Default group, and {left} of its {had} active connector(s) are left to serve them. Assign"
        " them to a connector group, or leave connectors in Default for them. application_info names them"
    )


def stale_connectors(connectors: t.Iterable[Connector]) -> dict[str, list[Connector]]:
    """Machines with more than one connector, the one in use first. A registration always makes a new one (inferred)."""
    machines = gather((one for one in connectors if one.machine_name), lambda one: folded(one.machine_name))
    return {name: sorted(same, key=newness, reverse=True) for name, same in machines.items() if len(same) > 1}


def duplicate_warning(chosen: Connector, others: t.Sequence[Connector], shown: str) -> str:
    """That a machine has more connectors than the one in use."""
    listed = ", ".join(f"{one.id} ({one.status})" for one in others)
    return (
        f"machine {chosen.machine_name} has {len(others)} more connector(s) in the tenant: {listed}; {shown} is used."
        " The service removes inactive connectors after ten days"
    )


def newness(connector: Connector) -> tuple[bool, tuple[int, ...], str]:
    """Graph tells no date of a connector: active before inactive, then the higher version; the id makes it repeatable."""
    return (connector.active, version_numbers(connector.version), connector.id)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The checks that are made only when they are asked for: event logs, counters, endpoints, and what the tenant sees. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.event_log import Reading
from ansible_collections.entra.app_proxy.plugins.module_utils.host.health import CRITICAL, OK, UNKNOWN, WARNING, Check, Thresholds
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.state import Probe
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.service import is_active

TENANT_VIEW = "tenant_view"

# The trust certificate has expired [MS, troubleshoot-connectors]. Elsewhere it is read as "started": that contradicts Microsoft.
_EXPIRED_EVENT = 1000
_EXPIRED_TEXT = "certificate expired"
_SHOWN = 3
_READ_LOGS = "connect as an administrator or as a member of Event Log Readers"


def events_check(found: Reading, since: str, thresholds: Thresholds) -> Check:
    """Errors of the product since a moment. Logs that could not be read hide nothing that the others say."""
    errors = found.errors
    unread = "".join(f"; {channel} could not be read: {reason}" for channel, reason in found.unread.items())
    if not errors:
        evidence = f"no error since {since}, {_count(len(found.warnings), found.more_warnings)} warning(s){unread}"
        return Check("events", UNKNOWN if unread else OK, evidence, _READ_LOGS if unread else "")
    newest = "; ".join(f"{event.at} {event.provider} {event.id}: {event.message}" for event in errors[:_SHOWN])
    evidence = f"{_count(len(errors), found.more_errors)} error(s) since {since}, such as {newest}{unread}"
    if any(event.id == _EXPIRED_EVENT and _EXPIRED_TEXT in event.message.lower() for event in errors):
        return Check(
            "events", CRITICAL, evidence, "the trust certificate has expired: run entra.app_proxy.connector_registration with a token"
        )
    remedy = "see the Admin channels of connector and updater and the Application log on the server"
    if thresholds.errors_critical is not None and len(errors) >= thresholds.errors_critical:
        return Check("events", CRITICAL, evidence, remedy)
    if len(errors) >= thresholds.errors_warning:
        return Check("events", WARNING, evidence, remedy)
    return Check("events", UNKNOWN if unread else OK, evidence, _READ_LOGS if unread else remedy)


def _count(number: int, more: bool) -> str:
    return f"at least {number}" if more else str(number)


def counters_check(counters: t.Mapping[str, float]) -> Check:
    """Which counters there are is documented nowhere, so they are shown and not judged."""
    if not counters:
        return Check("counters", UNKNOWN, "the product's performance counters cannot be read (its service may not run)")
    return Check("counters", OK, f"{len(counters)} counter(s)")


def endpoints_check(probes: t.Sequence[Probe]) -> Check:
    """Reachability of the service from this server."""
    if not probes:
        return Check("endpoints", UNKNOWN, "no address is known for this cloud")
    missing = [probe for probe in probes if not probe.reached]
    essential = [probe for probe in missing if probe.target.essential]
    evidence = f"{len(probes) - len(missing)} of {len(probes)} reached"
    if missing:
        evidence += "; not reached: " + ", ".join(f"{probe.name} ({probe.error or probe.answer})" for probe in missing)
    remedy = "let the server through the firewall or the proxy; entra.app_proxy.connector_prerequisites tells what must be reachable"
    if essential:
        return Check("endpoints", CRITICAL, evidence, remedy)
    return Check("endpoints", WARNING, evidence, remedy) if missing else Check("endpoints", OK, evidence)


def tenant_check(state: HostState, connectors: t.Sequence[t.Mapping[str, t.Any]]) -> Check:
    """What the tenant says of this connector.

    :param connectors: as M(tenant_connector_info) returns them.
    """
    own = state.registration.connector_id
    if own is None:
        return Check(TENANT_VIEW, UNKNOWN, "the certificate that would tell the connector's id cannot be read")
    found = next((one for one in connectors if str(one.get("id")).lower() == own), None)
    if found is None:
        remedy = "it was removed there, which happens after ten days of inactivity: run entra.app_proxy.connector_registration with a token"
        return Check(TENANT_VIEW, CRITICAL, "the tenant does not know this connector", remedy)
    group = (found.get("group") or {}).get("name")
    evidence = f"{found.get('status')}{f', in connector group {group}' if group else ''}"
    if not is_active(found.get("status")):
        remedy = "see that its service runs and reaches the service's endpoints; after ten days the tenant forgets it"
        return Check(TENANT_VIEW, CRITICAL, evidence, remedy)
    stale = _stale(state, connectors, own)
    if stale:
        remedy = "they are left by earlier registrations and vanish by themselves after ten days"
        return Check(TENANT_VIEW, OK, f"{evidence}; {stale} more connector(s) of this machine name", remedy)
    return Check(TENANT_VIEW, OK, evidence)


def _stale(state: HostState, connectors: t.Sequence[t.Mapping[str, t.Any]], own: str) -> int:
    name = state.machine_name.lower()
    return sum(1 for one in connectors if _host_name(one) == name and str(one.get("id")).lower() != own)


def _host_name(connector: t.Mapping[str, t.Any]) -> str:
    return str(connector.get("machine_name") or "").partition(".")[0].lower()

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Is this host fit to carry traffic? Checks over one observed state. Pure."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import ACCOUNTS, SERVICES
from ansible_collections.entra.app_proxy.plugins.module_utils.host.registration_state import RENEWAL_AGE
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import AUTOMATIC, EXPIRED, REGISTERED, RUNNING, HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.host.versions import at_least

OK = "ok"
UNKNOWN = "unknown"
WARNING = "warning"
CRITICAL = "critical"
# By weight: an unknown does not make a host unhealthy, and does not hide anything worse.
_ORDER = (OK, UNKNOWN, WARNING, CRITICAL)

_REGISTER = "run entra.app_proxy.connector_registration with a registration token"
_INSTALL = "run entra.app_proxy.connector"


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """What counts as a warning and what as critical; None = not judged."""

    tenant_id: str | None = None
    version: str | None = None
    certificate_warning_days: int = 30
    certificate_critical_days: int = 7
    clock_skew_seconds: int = 300
    errors_warning: int = 1
    errors_critical: int | None = None


@dataclasses.dataclass(frozen=True)
class Check:
    """:param evidence: what was seen. :param remedy: what to do; empty when there is nothing to do."""

    name: str
    status: str
    evidence: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        return dataclasses.asdict(self)


def checks(state: HostState, thresholds: Thresholds, now: datetime.datetime) -> list[Check]:
    """Every check, always in the same order.

    :param now: the controller's clock.
    """
    return [
        _installation(state),
        *(_service(state, name) for name in SERVICES),
        *(_account(state, name) for name in SERVICES),
        _version(state, thresholds),
        _registration(state),
        _tenant(state, thresholds),
        _certificate(state, thresholds),
        _renewal(state),
        _clock(state, thresholds, now),
    ]


def worst(results: t.Iterable[Check]) -> str:
    return max((check.status for check in results), key=_ORDER.index, default=OK)


def reaches(status: str, limit: str) -> bool:
    """Whether a status is as bad as C(limit) or worse."""
    return _ORDER.index(status) >= _ORDER.index(limit)


def _installation(state: HostState) -> Check:
    if state.absent:
        return Check("installation", CRITICAL, "no connector is installed", _INSTALL)
    if not state.installed:
        return Check("installation", CRITICAL, f"missing: {', '.join(state.missing_parts())}", _INSTALL)
    return Check("installation", OK, f"{state.installation.generation} in {state.installation.install_dir}")


def _service(state: HostState, name: str) -> Check:
    service = state.services.get(name)
    if service is None:
        return Check(f"service {name}", CRITICAL, "the service does not exist", _INSTALL)
    evidence = f"{service.state}, start mode {service.start_mode}, account {service.account or 'unknown'}"
    if service.state != RUNNING:
        return Check(f"service {name}", CRITICAL, evidence, f"start it: {_INSTALL}; if it stops again see the System log")
    if service.start_mode != AUTOMATIC:
        return Check(f"service {name}", WARNING, evidence, f"it will not start with the server: {_INSTALL}")
    return Check(f"service {name}", OK, evidence)


def _account(state: HostState, name: str) -> Check:
    """Another logon account is not supported [MS, application-proxy-faq]. It is never changed here."""
    service = state.services.get(name)
    if service is None or not service.account:
        return Check(f"account {name}", UNKNOWN, "no account can be read")
    if service.account.lower() not in ACCOUNTS[name]:
        remedy = "Microsoft does not support another account: set it back in the service's properties, or install the connector anew"
        return Check(f"account {name}", WARNING, f"runs as {service.account}", remedy)
    return Check(f"account {name}", OK, service.account)


def _version(state: HostState, thresholds: Thresholds) -> Check:
    version = state.installation.version
    if version is None:
        return Check("version", UNKNOWN, "no version can be read")
    if thresholds.version is not None and not at_least(version, thresholds.version):
        return Check("version", WARNING, f"{version}, below {thresholds.version}", f"{_INSTALL} with version={thresholds.version}")
    return Check("version", OK, version)


def _registration(state: HostState) -> Check:
    registration = state.registration
    if registration.state == EXPIRED:
        return Check("registration", CRITICAL, "the trust certificate has expired", _REGISTER)
    if registration.state != REGISTERED:
        return Check("registration", CRITICAL, "the host is not registered", _REGISTER)
    return Check("registration", OK, f"connector {registration.connector_id or 'of unknown id'}")


def _tenant(state: HostState, thresholds: Thresholds) -> Check:
    known = state.registration.tenant_id
    if known is None:
        return Check("tenant", UNKNOWN, "the certificate that would tell the tenant cannot be read")
    if thresholds.tenant_id is not None and known != thresholds.tenant_id.lower():
        evidence = f"registered in {known}, expected {thresholds.tenant_id.lower()}"
        return Check("tenant", CRITICAL, evidence, f"{_REGISTER} and allow_tenant_change=true, or correct tenant_id")
    return Check("tenant", OK, known)


def _certificate(state: HostState, thresholds: Thresholds) -> Check:
    days, until = state.registration.days_left, state.registration.not_after
    if days is None or until is None:
        return Check("certificate", UNKNOWN, "no trust certificate can be read")
    estimated = " (estimated: renewed, in the store of NETWORK SERVICE)" if state.registration.estimated else ""
    evidence = f"valid until {until:%Y-%m-%d}, {days} day(s) left{estimated}"
    remedy = f"it should renew itself: see the connector's Admin log, or {_REGISTER} and force=true"
    if state.registration.state == EXPIRED or days < thresholds.certificate_critical_days:
        return Check("certificate", CRITICAL, evidence, remedy)
    if days < thresholds.certificate_warning_days:
        return Check("certificate", WARNING, evidence, remedy)
    return Check("certificate", OK, evidence)


def _renewal(state: HostState) -> Check:
    """A certificate is renewed when it is more than 180 days old [MS, application-proxy-security]."""
    begun, here = state.registration.not_before, state.os.local_time
    if begun is None or here is None:
        return Check("renewal", UNKNOWN, "no trust certificate can be read")
    age = here - begun
    if state.registration.renewal_overdue:
        remedy = "the connector renews it by itself when it runs and reaches the service: see its Admin log"
        return Check("renewal", WARNING, f"the certificate is {age.days} days old, renewal comes after {RENEWAL_AGE.days}", remedy)
    return Check("renewal", OK, f"the certificate is {age.days} days old")


def _clock(state: HostState, thresholds: Thresholds, now: datetime.datetime) -> Check:
    if state.os.local_time is None:
        return Check("clock", UNKNOWN, "the server does not tell its time")
    skew = (state.os.local_time - now).total_seconds()
    evidence = f"{abs(skew):.0f} seconds {'ahead of' if skew > 0 else 'behind'} the controller"
    if abs(skew) > thresholds.clock_skew_seconds:
        return Check("clock", WARNING, evidence, "tokens and certificates are judged by the clock: set up time synchronisation (w32tm)")
    return Check("clock", OK, evidence)

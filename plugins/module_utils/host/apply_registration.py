# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Register the connector and judge it by effect: a new trust certificate of the tenant, and the service running.

How Microsoft's registration tells a failure is not known (exit code, exception, or nothing at all: with an MFA account it
"completes successfully" and registers nothing). So its own answer only shortens the wait and words the error.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import events, generations, notes, service_control
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_run import Limits
from ansible_collections.entra.app_proxy.plugins.module_utils.host.logged_reason import logged_reason
from ansible_collections.entra.app_proxy.plugins.module_utils.host.observe import machine_certificates
from ansible_collections.entra.app_proxy.plugins.module_utils.host.plan_connector import service_changes
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server, WaitTimeout
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import REGISTERED, HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.host.trust_certificate import TrustCertificate
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.redaction import redacted
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import Registry
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import WSManError

NOTE = "Registration"
_FEATURE = "ApplicationProxy"
_EVENT_TIMEOUT = 60.0
# After the registration itself has reported an error: how often to look for its effect all the same.
_LOOKS_AFTER_ERROR = 3


@dataclasses.dataclass(frozen=True)
class Credentials:
    """Either a token, or user and password. Never shown."""

    token: str | None = dataclasses.field(default=None, repr=False)
    user: str | None = None
    password: str | None = dataclasses.field(default=None, repr=False)

    @property
    def given(self) -> bool:
        return self.token is not None or self.password is not None

    def by_name(self) -> dict[str, str]:
        return {name: secret for name, secret in (("token", self.token), ("password", self.password)) if secret}

    def secrets(self) -> list[str]:
        return list(self.by_name().values())


def apply(state: HostState, tenant_id: str, credentials: Credentials, environment: str | None, server: Server, limits: Limits) -> HostState:
    """Register and return the host as it is then.

    While a registration is under way the server has a note of it: one that was begun by a run that is gone goes on there, and a second
    one beside it would leave the tenant with two connectors.

    :raises HostError: when no certificate of the tenant comes, with the reason from the event log.
    """
    generation = _generation(state)
    registry = Registry(server.session)
    if _is_completed(state, tenant_id, registry, server, limits):
        server.done.append(f"the registration in tenant {tenant_id} that an earlier run had begun is complete")
    else:
        moment = state.os.local_time or server.now()
        until = (moment + datetime.timedelta(seconds=limits.timeout)).isoformat()
        note = {"tenant_id": tenant_id, "until": until, "known": sorted(_thumbprints(state))}
        notes.write(registry, NOTE, note, state.os, server.now())
        _obtain(state, generation, tenant_id, credentials, environment, registry, server, limits)
        server.done.append(f"registered in tenant {tenant_id}")
    notes.erase(registry, NOTE)
    return _settle(server, limits, credentials.secrets())


def _is_completed(state: HostState, tenant_id: str, registry: Registry, server: Server, limits: Limits) -> bool:
    """Whether what an earlier run has begun comes to its end in the time that it was given, or has come to it.

    What it has obtained is a certificate that was not there before it, even where the host does not look registered by it: the service may
    be stopped, and the folder of the trust settings another one than those that are known.
    """
    note = notes.read(registry, NOTE, state.os)
    if note.get("tenant_id") != tenant_id:
        return False
    try:
        remaining = (datetime.datetime.fromisoformat(note["until"]) - (state.os.local_time or server.now())).total_seconds()
        known = {str(thumbprint) for thumbprint in note["known"]}
    except (KeyError, ValueError, TypeError):
        return False
    if state.registration.state == REGISTERED:
        # It is registered by this one already, and is to be registered anew all the same.
        known.add(str(state.registration.thumbprint))
    patience = max(0.0, min(remaining, limits.timeout))
    try:
        _wait_for_certificate(known, tenant_id, server, Limits(patience, limits.interval))
    except WaitTimeout:
        return False
    return True


def _obtain(
    state: HostState,
    generation: generations.Generation,
    tenant_id: str,
    credentials: Credentials,
    environment: str | None,
    registry: Registry,
    server: Server,
    limits: Limits,
) -> None:
    """Register, and wait for the certificate."""
    started = server.clock()
    answer = _register(state, generation, tenant_id, credentials, environment, server, limits)
    said = redacted(str(answer.get("error") or ""), credentials.secrets())
    patience = limits.timeout if not said else min(limits.timeout, limits.interval * _LOOKS_AFTER_ERROR)
    try:
        _wait_for_certificate(_thumbprints(state), tenant_id, server, Limits(patience, limits.interval))
    except WaitTimeout as error:
        notes.erase(registry, NOTE)
        seconds = int(server.clock() - started) + 1
        raise _failed(state, generation, tenant_id, said, error, credentials, server, seconds) from error


def _thumbprints(state: HostState) -> set[str]:
    return {certificate.thumbprint for certificate in state.certificates}


def _generation(state: HostState) -> generations.Generation:
    if not state.installed or state.installation.generation is None:
        missing = "" if state.absent else f" (missing: {', '.join(state.missing_parts())})"
        raise HostError(
            f"no whole connector is installed on {state.machine_name}{missing}: run entra.app_proxy.connector before"
            " entra.app_proxy.connector_registration",
            operation="register the connector",
        )
    return generations.by_name(state.installation.generation)


def _register(
    state: HostState,
    generation: generations.Generation,
    tenant_id: str,
    credentials: Credentials,
    environment: str | None,
    server: Server,
    limits: Limits,
) -> dict[str, t.Any]:
    by_token = credentials.token is not None
    arguments = {
        "install_dir": state.installation.install_dir,
        # Every Microsoft sample ends the path with a backslash.
        "module_dir": rf"{state.installation.install_dir}\Modules" + "\\",
        "module_name": generation.module_name,
        "cmdlet": generation.cmdlet,
        "mode": "Token" if by_token else "Credentials",
        "user": credentials.user,
        # In Microsoft's samples the tenant goes with a token only: credentials name it themselves.
        "tenant_id": tenant_id if by_token else None,
        "feature": _FEATURE,
        "environment": environment,
    }
    return server.script("register_connector", arguments, timeout=limits.timeout, secrets=credentials.by_name())


def _wait_for_certificate(known: t.Container[str], tenant_id: str, server: Server, limits: Limits) -> TrustCertificate:
    def look() -> tuple[TrustCertificate | None, str]:
        new = [certificate for certificate in machine_certificates(server.session) if certificate.thumbprint not in known]
        ours = [certificate for certificate in new if certificate.tenant_id in (None, tenant_id)]
        if ours:
            return ours[-1], ""
        others = ", ".join(sorted({str(certificate.tenant_id) for certificate in new}))
        return None, f"a certificate of tenant {others}" if others else "no new trust certificate"

    return server.wait(f"the trust certificate of tenant {tenant_id}", look, timeout=limits.timeout, interval=limits.interval)


def _settle(server: Server, limits: Limits, secrets: t.Collection[str]) -> HostState:
    """The services run, and the host says itself that it is registered."""
    began = server.clock()
    try:
        for change in service_changes(server.observe(), just_registered=True):
            service_control.apply(change, server, timeout=limits.timeout, interval=limits.interval)
    except HostError as error:
        message = redacted(error.message, secrets)
        raise HostError(f"the connector received its trust certificate, but {message}", **error.details) from error

    def look() -> tuple[HostState | None, str]:
        state = server.observe()
        right = state.registration.state == REGISTERED and not service_changes(state)
        return (state if right else None), f"{state.registration.state}, connector service {_connector_state(state)}"

    try:
        return server.wait("the registered connector to run", look, timeout=limits.timeout, interval=limits.interval)
    except WaitTimeout as error:
        reason = redacted(logged_reason(server, server.clock() - began), secrets)
        raise HostError(
            f"the connector received its trust certificate, but {error}{reason}. See the connector's Admin log on the server",
            operation="start the registered connector",
        ) from error


def _connector_state(state: HostState) -> str:
    service = state.services.get(generations.CONNECTOR_SERVICE)
    return "missing" if service is None else service.state


def _failed(
    state: HostState,
    generation: generations.Generation,
    tenant_id: str,
    said: str,
    error: WaitTimeout,
    credentials: Credentials,
    server: Server,
    seconds: int,
) -> HostError:
    logged = redacted(_registration_error(generation, server, seconds) or "", credentials.secrets())
    reason = events.first([logged, said]) or (
        "neither the registration nor the event log gave a reason, which is what an account with multifactor authentication looks like"
        if credentials.token is None
        else "neither the registration nor the event log gave a reason"
    )
    return HostError(
        f"registering {state.machine_name} in tenant {tenant_id} failed: {reason} ({error.seconds:.0f} seconds waited; {error.seen})."
        f" What to do: {events.remedy(reason)}. The installation stays as it is; running again registers it",
        operation="register the connector",
        event=logged or None,
        answer=said or None,
    )


def _registration_error(generation: generations.Generation, server: Server, seconds: int) -> str | None:
    try:
        result = server.run("wevtutil.exe", *events.last_error_query(generation, seconds), timeout=_EVENT_TIMEOUT)
    except WSManError as error:
        # The registration's failure is the news, not that its reason could not be read.
        server.progress(f"the Application log could not be read: {error}")
        return None
    return events.message(result.stdout) if result.exit_code == 0 else None

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What each host module does, from validated options to its result: observe, plan, and, unless it is check mode, apply."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import (
    apply_connector,
    apply_registration,
    apply_removal,
    health,
    plan_connector,
    plan_registration,
    plan_removal,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.host.apply_connector import Applied, Limits
from ansible_collections.entra.app_proxy.plugins.module_utils.host.apply_registration import Credentials
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_source import Source, check_controller_file
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server, WaitTimeout
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Plan
from ansible_collections.entra.app_proxy.plugins.module_utils.registration_token import TokenError, check_token

Values = t.Mapping[str, t.Any]
Result = dict[str, t.Any]


def connector(server: Server, options: Values, check_mode: bool) -> Result:
    """Installed (or absent), in at least the declared version, with both services right."""
    absent = options["state"] == "absent"
    source = _source(options)
    desired = plan_connector.Desired(version=options["version"])
    before = server.observe()
    plan = plan_removal.plan(before) if absent else plan_connector.plan(desired, before)
    if _needs_installer(plan, absent, source):
        check_controller_file(source)
    after = Applied(before)
    if plan and not check_mode:
        limits = Limits(options["install_timeout"], options["poll_interval"])
        if absent:
            after = apply_removal.apply(before, source, server, limits)
        else:
            after = apply_connector.apply(plan, desired, before, source, server, limits)
    required = None if absent else plan_registration.reason_to_register(after.state, options["tenant_id"])
    return {
        **_changed(plan, server, check_mode),
        "connector": after.state.as_dict(),
        "registration": _judged(after.state, required),
        "reboot_required": after.reboot_required,
    }


def registration(server: Server, options: Values, check_mode: bool) -> Result:
    """Registered in the declared tenant."""
    desired = plan_registration.Desired(
        tenant_id=options["tenant_id"].lower(), allow_tenant_change=options["allow_tenant_change"], force=options["force"]
    )
    before = server.observe()
    plan = plan_registration.plan(desired, before)
    credentials = Credentials(options["token"], options["user"], options["password"])
    if plan:
        _check_credentials(credentials, desired.tenant_id, before, server, check_mode)
    after = before
    if plan and not check_mode:
        limits = Limits(options["timeout"], options["poll_interval"])
        after = apply_registration.apply(before, desired.tenant_id, credentials, options["environment_name"], server, limits)
    required = plan_registration.reason_to_register(after, desired.tenant_id)
    return {
        **_changed(plan, server, check_mode),
        "connector": after.as_dict(),
        "registration": _judged(after, required),
    }


def info(server: Server, options: Values, _check_mode: bool) -> Result:
    """Raw facts."""
    state = server.observe()
    required = plan_registration.reason_to_register(state, options["tenant_id"])
    return {"changed": False, "connector": state.as_dict(), "registration": _judged(state, required)}


def connector_health(server: Server, options: Values, _check_mode: bool) -> Result:
    """Checks with status, evidence and remedy; waits for them to become good when that is asked for.

    :raises HostError: when they are as bad as C(fail_on) or worse. The checks are in its details.
    """
    thresholds = health.Thresholds(
        tenant_id=options["tenant_id"],
        version=options["version"],
        certificate_warning_days=options["certificate_warning_days"],
        certificate_critical_days=options["certificate_critical_days"],
        clock_skew_seconds=options["clock_skew_seconds"],
    )
    state, results = _look_until_healthy(server, thresholds, options["wait_timeout"], options["poll_interval"])
    worst = health.worst(results)
    result = {
        "changed": False,
        "checks": [check.as_dict() for check in results],
        "healthy": not health.reaches(worst, health.WARNING),
        "status": worst,
        "connector": state.as_dict(),
    }
    if options["fail_on"] != "never" and health.reaches(worst, options["fail_on"]):
        raise HostError(_complaint(state, results, options["fail_on"]), operation="judge the connector's health", result=result)
    return result


def _source(options: Values) -> Source:
    return Source(
        file=options["installer_file"],
        path=options["installer_path"],
        url=options["installer_url"],
        proxy=options["installer_proxy"],
        sha256=options["installer_sha256"],
        verify_publisher=options["verify_publisher"],
        minimum=None if options["state"] == "absent" else options["version"],
    )


def _needs_installer(plan: Plan, absent: bool, source: Source) -> bool:
    if absent:
        return bool(plan) and source.given
    return any(change.action in plan_connector.INSTALLER_ACTIONS for change in plan.changes)


def _check_credentials(credentials: Credentials, tenant_id: str, state: HostState, server: Server, check_mode: bool) -> None:
    """Refuse what cannot work before anything is changed. Check mode does not need a secret, but judges one that is there."""
    if credentials.token is not None:
        try:
            check_token(credentials.token, tenant_id, server.now())
        except TokenError as error:
            raise HostError(str(error), operation="check the registration token", reasons=error.reasons) from error
    elif not credentials.given and not check_mode:
        raise HostError(
            f"{state.machine_name} has to be registered, and neither token nor user and password are given. Get a token with"
            " entra.app_proxy.registration_token and hand it over in the option token",
            operation="check the registration token",
        )


def _changed(plan: Plan, server: Server, check_mode: bool) -> Result:
    outcome = "; ".join(server.done) or ("nothing to do" if not plan else f"would do: {plan.summary()}" if check_mode else plan.summary())
    for warning in plan.warnings:
        server.warn(warning)
    return {"changed": bool(plan), "plan": plan.as_dict(), "outcome": outcome, "diff": plan.diff()}


def _judged(state: HostState, reason: str | None) -> Result:
    return {"required": reason is not None, "reason": reason, "state": state.registration.state}


def _look_until_healthy(
    server: Server, thresholds: health.Thresholds, timeout: float, interval: float
) -> tuple[HostState, list[health.Check]]:
    state = server.observe()
    seen = [(state, health.checks(state, thresholds, server.now()))]

    def look() -> tuple[bool | None, str]:
        again = server.observe()
        results = health.checks(again, thresholds, server.now())
        seen.append((again, results))
        bad = [check.name for check in results if health.reaches(check.status, health.WARNING)]
        return (None if bad else True), f"not well: {', '.join(bad)}"

    if timeout > 0 and health.reaches(health.worst(seen[0][1]), health.WARNING):
        # What was seen last is the result, well or not.
        with contextlib.suppress(WaitTimeout):
            server.wait("a healthy connector", look, timeout=timeout, interval=interval)
    return seen[-1]


def _complaint(state: HostState, results: t.Sequence[health.Check], limit: str) -> str:
    bad = [check for check in results if health.reaches(check.status, limit)]
    sentences = [f"{check.name}: {check.evidence} ({check.remedy})" for check in bad]
    return f"the connector on {state.machine_name} is not healthy. {'; '.join(sentences)}"

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What connector_health does, from validated options to its result: look, judge, wait, look again."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import generations, health, health_extras, moments
from ansible_collections.entra.app_proxy.plugins.module_utils.host.counters import read_counters
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.event_log import MOST, Reading, read_events
from ansible_collections.entra.app_proxy.plugins.module_utils.host.health import Check, Thresholds
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.endpoints import targets
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.observe import probe, proxy_of
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server, WaitTimeout
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import ProcessLost
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import TransportError

Values = t.Mapping[str, t.Any]

_TIMEOUT = 60


@dataclasses.dataclass(frozen=True)
class Look:
    """What one look saw."""

    state: HostState
    checks: t.Sequence[Check]
    log: Reading = Reading()
    counters: t.Mapping[str, float] = dataclasses.field(default_factory=dict)


def connector_health(server: Server, options: Values, _check_mode: bool) -> dict[str, t.Any]:
    """Checks with status, evidence and remedy; waits for them to become good when that is asked for.

    :raises HostError: when they are as bad as C(fail_on) or worse. The checks are in its details.
    """
    server.reads_renewed = options["read_certificate"]
    seen = _look_until_healthy(server, options)
    worst = health.worst(seen.checks)
    result = {
        "changed": False,
        "checks": [check.as_dict() for check in seen.checks],
        "healthy": not health.reaches(worst, health.WARNING),
        "status": worst,
        "connector": seen.state.as_dict(),
        "events": [event.as_dict() for event in seen.log.events],
        "counters": dict(seen.counters),
    }
    if seen.log.unread:
        names = ", ".join(seen.log.unread)
        server.warn(f"{seen.state.machine_name}: event logs could not be read, so errors in them are not seen: {names}")
    if options["fail_on"] != "never" and health.reaches(worst, options["fail_on"]):
        raise HostError(_complaint(seen, options["fail_on"]), operation="judge the connector's health", result=result)
    return result


def _look(server: Server, options: Values) -> Look:
    state = server.observe()
    thresholds = _thresholds(options)
    checks = health.checks(state, thresholds, server.now())
    log = Reading()
    counters: dict[str, float] = {}
    if options["known_connectors"] is not None:
        checks.append(health_extras.tenant_check(state, options["known_connectors"]))
    if options["since"] is not None:
        # By the server's clock, which is what its events are stamped with.
        since = moments.since(options["since"], state.os.local_time or server.now())
        log = read_events(server, since, max(MOST, thresholds.errors_warning, thresholds.errors_critical or 0))
        checks.append(health_extras.events_check(log, options["since"], thresholds))
    if options["counters"]:
        generation = state.installation.generation
        counters = {} if generation is None else read_counters(server, generations.by_name(generation))
        checks.append(health_extras.counters_check(counters))
    if options["endpoints"]:
        checks.append(_endpoints(server, options, state))
    return Look(state, checks, log, counters)


def _endpoints(server: Server, options: Values, state: HostState) -> Check:
    wanted = [(str(target), target) for target in targets(options["cloud"], options["tenant_id"])]
    exes = state.installation.connector_exes
    proxy = proxy_of(server, options["proxy"], f"{exes[0]}.config" if exes else None, timeout=_TIMEOUT)
    found = probe(server, wanted, proxy, probe_timeout=options["probe_timeout"], timeout=_TIMEOUT) if wanted else ()
    return health_extras.endpoints_check(found)


def _thresholds(options: Values) -> Thresholds:
    names = [field.name for field in dataclasses.fields(Thresholds)]
    return Thresholds(**{name: options[name] for name in names})


def _look_until_healthy(server: Server, options: Values) -> Look:
    """One look, or the last of several.

    :raises TransportError: the server does not answer, or not any more when the time is over.
    """
    if options["wait_timeout"] == 0:
        return _look(server, options)
    seen: list[Look] = []
    # A warning may stand for months, such as a renewal that is overdue. Who fails on critical checks only does not wait for it to go.
    limit = health.WARNING if options["fail_on"] == "never" else options["fail_on"]

    def again() -> tuple[Look | None, str]:
        # Forgotten first: when the server is away, what was there before is not what is there now.
        seen.clear()
        seen.append(_look_and_let_go(server, options))
        bad = [check.name for check in seen[0].checks if _worth_waiting(check, limit)]
        return (None if bad else seen[0]), f"not well: {', '.join(bad)}"

    try:
        return server.wait("a healthy connector", again, timeout=options["wait_timeout"], interval=options["poll_interval"])
    except WaitTimeout:
        # What was seen last is the result, well or not. If the server was away, this says why.
        return seen[0] if seen else _look(server, options)


def _look_and_let_go(server: Server, options: Values) -> Look:
    """A look of which nothing is left on the server: a shell does not survive a restart between two looks.

    :raises TransportError: also when it broke while a program was running: they all only read, so that they may be run again.
    """
    try:
        return _look(server, options)
    except ProcessLost as error:
        raise TransportError(error.message, request_may_have_run=True) from error
    finally:
        server.shell.close()


def _worth_waiting(check: Check, limit: str) -> bool:
    """The tenant is not asked here, so what it says of the connector stays as it was given."""
    return check.name != health_extras.TENANT_VIEW and health.reaches(check.status, limit)


def _complaint(seen: Look, limit: str) -> str:
    bad = [check for check in seen.checks if health.reaches(check.status, limit)]
    sentences = [f"{check.name}: {check.evidence} ({check.remedy})" for check in bad]
    return f"the connector on {seen.state.machine_name} is not healthy. {'; '.join(sentences)}"

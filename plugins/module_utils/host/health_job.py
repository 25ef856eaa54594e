# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What connector_health does, from validated options to its result: look, judge, wait, look again."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import generations, health, health_extras, moments
from ansible_collections.entra.app_proxy.plugins.module_utils.host.counters import read_counters
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.event_log import Event, read_events
from ansible_collections.entra.app_proxy.plugins.module_utils.host.health import Check, Thresholds
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.endpoints import targets
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.observe import probe, proxy_of
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server, WaitTimeout
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState

Values = t.Mapping[str, t.Any]

_TIMEOUT = 60


@dataclasses.dataclass(frozen=True)
class Look:
    """What one look saw."""

    state: HostState
    checks: t.Sequence[Check]
    events: t.Sequence[Event] = ()
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
        "events": [event.as_dict() for event in seen.events],
        "counters": dict(seen.counters),
    }
    if options["fail_on"] != "never" and health.reaches(worst, options["fail_on"]):
        raise HostError(_complaint(seen, options["fail_on"]), operation="judge the connector's health", result=result)
    return result


def _look(server: Server, options: Values) -> Look:
    state = server.observe()
    thresholds = _thresholds(options)
    checks = health.checks(state, thresholds, server.now())
    events: list[Event] = []
    counters: dict[str, float] = {}
    if options["known_connectors"] is not None:
        checks.append(health_extras.tenant_check(state, options["known_connectors"]))
    if options["since"] is not None:
        # By the server's clock, which is what its events are stamped with.
        events = read_events(server, moments.since(options["since"], state.os.local_time or server.now()))
        checks.append(health_extras.events_check(events, options["since"], thresholds))
    if options["counters"]:
        generation = state.installation.generation
        counters = {} if generation is None else read_counters(server, generations.by_name(generation))
        checks.append(health_extras.counters_check(counters))
    if options["endpoints"]:
        checks.append(_endpoints(server, options, state))
    return Look(state, checks, events, counters)


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
    seen = [_look(server, options)]

    def again() -> tuple[bool | None, str]:
        seen.append(_look(server, options))
        bad = [check.name for check in seen[-1].checks if health.reaches(check.status, health.WARNING)]
        return (None if bad else True), f"not well: {', '.join(bad)}"

    if options["wait_timeout"] > 0 and health.reaches(health.worst(seen[0].checks), health.WARNING):
        # What was seen last is the result, well or not.
        with contextlib.suppress(WaitTimeout):
            server.wait("a healthy connector", again, timeout=options["wait_timeout"], interval=options["poll_interval"])
    return seen[-1]


def _complaint(seen: Look, limit: str) -> str:
    bad = [check for check in seen.checks if health.reaches(check.status, limit)]
    sentences = [f"{check.name}: {check.evidence} ({check.remedy})" for check in bad]
    return f"the connector on {seen.state.machine_name} is not healthy. {'; '.join(sentences)}"

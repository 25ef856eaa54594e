# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Windows services through Win32_Service."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.faults import WSManFault
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.instances import Instance, number, text
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.lost_answers import write_or_look
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.wql import any_of

# Return codes of StartService, StopService and ResumeService (DOC: Win32_Service). Decide by reading the state again, not by them.
OK = 0
NOT_ACTIVE = 6  # stop: it is stopped already
TIMED_OUT = 7
ALREADY_RUNNING = 10  # start: it is not stopped, which one that is still stopping is not either

_STARTED = ("Start Pending", "Running")
_RESUMED = ("Continue Pending", "Running")
_STOPPED = ("Stop Pending", "Stopped")
_PROPERTIES = "Name,DisplayName,State,StartMode,StartName,PathName,ProcessId"


@dataclasses.dataclass(frozen=True)
class Service:
    """One service as Windows tells it: state such as C(Running), start_mode C(Auto), C(Manual) or C(Disabled)."""

    name: str
    display_name: str
    state: str
    start_mode: str
    account: str | None
    path: str | None
    process_id: int | None


def services(session: Session, names: t.Iterable[str]) -> dict[str, Service]:
    """The named services that exist, by lower-case name; one query for all."""
    wanted = list(names)
    if not wanted:
        return {}
    rows = session.query(f"SELECT {_PROPERTIES} FROM Win32_Service WHERE {any_of('Name', wanted)}")
    found = [_service(row) for row in rows]
    return {service.name.lower(): service for service in found}


def start(session: Session, name: str) -> int:
    """Ask a service to start; returns the service manager's code at once, not when it runs."""
    return write_or_look(lambda: _ask(session, name, "StartService"), lambda: _is(session, name, "state", _STARTED), OK)


def stop(session: Session, name: str) -> int:
    """Ask a service to stop; returns the service manager's code."""
    return write_or_look(lambda: _ask(session, name, "StopService"), lambda: _is(session, name, "state", _STOPPED), OK)


def resume(session: Session, name: str) -> int:
    """Ask a paused service to go on; returns the service manager's code."""
    return write_or_look(lambda: _ask(session, name, "ResumeService"), lambda: _is(session, name, "state", _RESUMED), OK)


def set_start_mode(session: Session, name: str, mode: str) -> int:
    """Change how a service starts: C(Automatic), C(Manual) or C(Disabled)."""

    def change() -> int:
        output = session.invoke("Win32_Service", "ChangeStartMode", {"StartMode": mode}, selectors={"Name": name})
        return number(output, "ReturnValue") or OK

    # The property says Auto for what the method calls Automatic (DOC: Win32_Service).
    return write_or_look(change, lambda: _is(session, name, "start_mode", ("Auto" if mode == "Automatic" else mode,)), OK)


def wait_for_state(
    session: Session,
    name: str,
    state: str,
    deadline_seconds: float,
    sleep: t.Callable[[float], None] = time.sleep,
    clock: t.Callable[[], float] = time.monotonic,
    *,
    interval: float = 1.0,
) -> Service | None:
    """Poll until the service has the state or the time is over; returns it as last seen, None when there is no such service."""
    end = clock() + deadline_seconds
    while True:
        service = services(session, [name]).get(name.lower())
        remaining = end - clock()
        if service is None or service.state == state or remaining <= 0:
            return service
        sleep(min(interval, remaining))


def _ask(session: Session, name: str, method: str) -> int:
    try:
        output = session.invoke("Win32_Service", method, selectors={"Name": name})
    except WSManFault as fault:
        # The server gives up waiting after MaxTimeoutms; the service manager goes on. Whoever asked polls the state.
        if fault.is_timeout:
            return TIMED_OUT
        raise
    return number(output, "ReturnValue") or OK


def _is(session: Session, name: str, attribute: str, wanted: t.Collection[str]) -> bool:
    service = services(session, [name]).get(name.lower())
    return service is not None and getattr(service, attribute) in wanted


def _service(row: Instance) -> Service:
    return Service(
        name=text(row, "Name") or "",
        display_name=text(row, "DisplayName") or "",
        state=text(row, "State") or "",
        start_mode=text(row, "StartMode") or "",
        account=text(row, "StartName"),
        path=text(row, "PathName"),
        process_id=number(row, "ProcessId"),
    )

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows services and their states over time."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

RUNNING, STOPPED, START_PENDING, STOP_PENDING, PAUSED = "Running", "Stopped", "Start Pending", "Stop Pending", "Paused"
STATES = (RUNNING, STOPPED, START_PENDING, STOP_PENDING, PAUSED)
MODES = {"boot": "Boot", "system": "System", "automatic": "Auto", "manual": "Manual", "disabled": "Disabled"}
"""What ChangeStartMode takes, and what StartMode then shows [DOC Win32_Service]."""
OK, NOT_ACCEPTED, NOT_ACTIVE, ALREADY_RUNNING, DISABLED, BAD_PARAMETER = 0, 5, 6, 10, 14, 21
"""Return codes of Win32_Service methods [DOC]; 6 and 10 [RUN, Wine, wsman.md 7]."""
NEVER_STARTED, SPECIFIC_ERROR = 1077, 1066

PATCHABLE = ("state", "start_mode", "account", "path", "display_name")


@dataclasses.dataclass
class Service:
    """One service."""

    name: str
    display_name: str
    path: str
    account: str = "LocalSystem"
    start_mode: str = "Manual"
    """Auto, Manual or Disabled, as Win32_Service shows it."""
    state: str = STOPPED
    description: str = ""
    since: datetime.datetime | None = None
    """When the current state began."""
    until: datetime.datetime | None = None
    """When a pending state ends; None: it stays."""
    exit_code: int = NEVER_STARTED
    process_id: int = 0

    def as_dict(self) -> dict[str, t.Any]:
        """JSON form for the admin API."""
        return {
            "state": self.state,
            "start_mode": self.start_mode,
            "account": self.account,
            "path": self.path,
            "display_name": self.display_name,
            "process_id": self.process_id,
            "since": self.since.isoformat() if self.since else None,
        }


class ServiceTable:
    """The services of one server. `may_run` says whether a starting service comes up (asked when its start delay ends)."""

    def __init__(self, now: t.Callable[[], datetime.datetime], start_delay: t.Callable[[], float]) -> None:
        self._now = now
        self._start_delay = start_delay
        self._services: dict[str, Service] = {}
        self._next_process = 1200
        self.may_run: t.Callable[[Service], bool] = lambda service: True

    def add(self, service: Service) -> Service:
        """Add or replace a service."""
        self._services[service.name.lower()] = service
        self._enter(service, service.state)
        return service

    def remove(self, name: str) -> None:
        """Remove a service, if it is there."""
        self._services.pop(name.lower(), None)

    def get(self, name: str) -> Service | None:
        """Return a service or None."""
        self.settle()
        return self._services.get(name.lower())

    def all(self) -> list[Service]:
        """Return all services by name."""
        self.settle()
        return [self._services[name] for name in sorted(self._services)]

    def start(self, name: str) -> int:
        """StartService: 0 means accepted; Running comes after the start delay [INF], or Stopped when it may not run."""
        service = self._services[name.lower()]
        if service.start_mode == "Disabled":
            return DISABLED
        if service.state != STOPPED:
            return ALREADY_RUNNING
        self._enter(service, START_PENDING)
        service.until = self._now() + datetime.timedelta(seconds=self._start_delay())
        self.settle()
        return OK

    def stop(self, name: str) -> int:
        """StopService: at once in the lab."""
        service = self._services[name.lower()]
        if service.state == STOPPED:
            return NOT_ACTIVE
        if service.state in (START_PENDING, STOP_PENDING):
            return NOT_ACCEPTED
        self._enter(service, STOPPED)
        service.exit_code = 0
        return OK

    def resume(self, name: str) -> int:
        """ResumeService: at once in the lab."""
        service = self._services[name.lower()]
        if service.state != PAUSED:
            return NOT_ACTIVE if service.state == STOPPED else NOT_ACCEPTED
        self._enter(service, RUNNING)
        return OK

    def change_start_mode(self, name: str, mode: str) -> int:
        """ChangeStartMode: Automatic, Manual, Disabled (Boot and System are for drivers: refused [DOC])."""
        shown = MODES.get(mode.lower())
        if shown is None or shown in ("Boot", "System"):
            return BAD_PARAMETER
        self._services[name.lower()].start_mode = shown
        return OK

    def settle(self) -> None:
        """Let pending starts end."""
        now = self._now()
        for service in self._services.values():
            if service.state == START_PENDING and service.until is not None and now >= service.until:
                runs = self.may_run(service)
                at = service.until
                self._enter(service, RUNNING if runs else STOPPED)
                service.since = at
                service.exit_code = 0 if runs else SPECIFIC_ERROR

    def boot(self) -> None:
        """What a start of Windows does: everything stopped, then services with start mode Auto start."""
        for service in self._services.values():
            self._enter(service, STOPPED)
            if service.start_mode == "Auto":
                self.start(service.name)

    def patch(self, name: str, values: t.Mapping[str, t.Any] | None) -> None:
        """Set fields of a service outright (admin API); None removes it. Raises ValueError for what it does not know."""
        if values is None:
            self.remove(name)
            return
        service = self._services.get(name.lower())
        if service is None:
            service = self.add(Service(name, name, f"C:\\Windows\\System32\\{name}.exe"))
        for field, value in values.items():
            if field not in PATCHABLE:
                raise ValueError(f"unknown field {field!r} of service {name!r}; known: {', '.join(PATCHABLE)}")
            if field == "state":
                if value not in STATES:
                    raise ValueError(f"unknown state {value!r} of service {name!r}; known: {', '.join(STATES)}")
                self._enter(service, value)
            elif field == "start_mode":
                if self.change_start_mode(name, {"Auto": "Automatic"}.get(value, value)) != OK:
                    raise ValueError(f"unknown start mode {value!r} of service {name!r}")
            else:
                setattr(service, field, str(value))

    def _enter(self, service: Service, state: str) -> None:
        service.state = state
        service.since = self._now()
        service.until = None
        if state == RUNNING:
            self._next_process += 4
            service.process_id = self._next_process
            service.exit_code = 0
        elif state == STOPPED:
            service.process_id = 0

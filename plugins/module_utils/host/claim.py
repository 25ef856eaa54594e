# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""A note in a server's registry that a run works on it, so that two operators do not work on one server at the same time.

Writing is no test-and-set there. So a claim is written, and after a pause longer than a write takes it is read again: of two that wrote at
the same moment one sees the other's (Fischer's way of mutual exclusion). A claim ends when it is released, when the run that made it is
known to be dead, or when nobody renewed it for the time it was made for, by the server's own clock; never while its run is known to live.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import pathlib
import re
import socket
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.notes import KEY
from ansible_collections.entra.app_proxy.plugins.module_utils.host.observe import operating_system
from ansible_collections.entra.app_proxy.plugins.module_utils.host.options import POLL_INTERVAL, Option, Options, not_negative, positive
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server, WaitTimeout
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import Registry

VALUE = "Maintenance"
SETTLE_SECONDS = 1.0
"""Longer than a registry write takes to arrive."""

CLAIM = Options(
    options=(
        Option("state", required=True, choices=("held", "released")),
        Option("purpose", default="maintenance"),
        Option("lease", type="int", default=7200, rule=positive),
        Option("take_over", type="bool", default=False),
        Option("wait_timeout", type="int", default=0, rule=not_negative),
        POLL_INTERVAL,
    )
)

TAKE_AWAY = "ansible HOST -i INVENTORY -m entra.app_proxy.connector_claim -a 'state=held take_over=true lease=1'"
"""The claim is then one of a run that is over, which nobody heeds: on this controller at once, on others when the second has passed."""

_PROC = pathlib.Path("/proc")
_MACHINE = pathlib.Path("/etc/machine-id")
_MACHINE_ID = re.compile("[0-9a-f]{32}")


@dataclasses.dataclass(frozen=True)
class Owner:
    """One run of ansible-playbook. What the system does not tell is empty, and is then no proof of anything.

    :param boot: which start of which kernel it runs in (C(boot_id), random(4)).
    :param started: when the process began, so that a later one of the same number is not taken for it.
    :param machine: which machine it is (machine-id(5)): the same host name may be that of another one.
    :param namespace: in which processes it has its number (pid_namespaces(7)): two containers of one machine may share all the rest.
    """

    controller: str
    boot: str
    pid: int
    started: str
    machine: str = ""
    namespace: str = ""

    @classmethod
    def this_run(cls) -> Owner:
        """The run that this task is part of. Tasks are carried out by children of its process."""
        pid = os.getppid()
        return cls(socket.gethostname(), _boot(), pid, _started(pid), _machine(), _namespace())

    def is_surely_dead(self) -> bool:
        """Whether the run is over: of an earlier start of this machine, or none of its processes. Of other runs nothing is known."""
        if self.controller != socket.gethostname() or not self.boot:
            return False
        if self.boot != _boot():
            return bool(self.machine) and self.machine == _machine()
        return self._is_among_ours() and self._has_ended()

    def is_surely_alive(self) -> bool:
        """Whether the run goes on. Of a run on another controller nothing is known."""
        return self.controller == socket.gethostname() and self.boot == _boot() and self._is_among_ours() and self._is_running()

    def _is_among_ours(self) -> bool:
        """Whether its number is one of the processes that are seen here."""
        return bool(self.namespace) and self.namespace == _namespace()

    def _is_running(self) -> bool:
        return _runs(self.pid) and self.started == _started(self.pid)

    def _has_ended(self) -> bool:
        """Whether its number is no process any more, or a later one. Of another user's the start may be hidden (C(hidepid), proc(5))."""
        return not _runs(self.pid) or _started(self.pid) not in ("", self.started)


@dataclasses.dataclass(frozen=True)
class Claim:
    """What the note says."""

    owner: Owner
    purpose: str
    until: datetime.datetime

    def text(self) -> str:
        return json.dumps({**dataclasses.asdict(self.owner), "purpose": self.purpose, "until": self.until.isoformat()}, sort_keys=True)

    @property
    def by(self) -> str:
        """Who works on the server, for a person."""
        return f"process {self.owner.pid} on {self.owner.controller} ({self.purpose}, until {self.until:%Y-%m-%d %H:%M} UTC)"

    def as_dict(self) -> dict[str, t.Any]:
        owner = {"controller": self.owner.controller, "pid": self.owner.pid}
        return {**owner, "purpose": self.purpose, "until": self.until.isoformat(), "by": self.by}

    @classmethod
    def read(cls, text: str | None) -> Claim | None:
        """The claim that a note makes; None when there is no note, or one that nobody can read."""
        try:
            found = json.loads(text or "")
            process = (str(found["boot"]), int(found["pid"]), str(found["started"]))
            owner = Owner(str(found["controller"]), *process, str(found.get("machine", "")), str(found.get("namespace", "")))
            return cls(owner, str(found["purpose"]), datetime.datetime.fromisoformat(found["until"]))
        except (ValueError, KeyError, TypeError):
            return None


def claim(server: Server, options: t.Mapping[str, t.Any], check_mode: bool, owner: Owner | None = None) -> dict[str, t.Any]:
    """The module: hold or release the claim.

    :param owner: the run that asks; the one that this process is part of, unless a test says otherwise.
    :raises HostError: another run holds it, and did not let go in time.
    """
    me = owner or Owner.this_run()
    registry = Registry(server.session)
    machine, _os = operating_system(server.session)
    found = Claim.read(registry.string(KEY, VALUE))
    if options["state"] == "released":
        plan = _release_plan(machine, found, me)
        if plan and not check_mode:
            registry.delete_value(KEY, VALUE)
        return _result(plan, None if plan else found)
    before = _wait_until_free(server, registry, me, options)
    left = before if before is not None and before.owner != me else None
    plan = Plan.of([Change("claim", "server", machine, None, {"for": options["purpose"]}, "no other run may work on it meanwhile")])
    if check_mode:
        return _result(plan, None, left)
    mine = Claim(me, options["purpose"], _now(server) + datetime.timedelta(seconds=options["lease"]))
    registry.create_key(KEY)
    registry.set_string(KEY, VALUE, mine.text())
    server.sleep(SETTLE_SECONDS)
    kept = Claim.read(registry.string(KEY, VALUE))
    if kept is None or kept.owner != me:
        raise _taken(machine, kept)
    return _result(plan, mine, left)


def foreign(server: Server) -> Claim | None:
    """The claim of another run, one that lives as far as is known; None when there is none. Takes one exchange where there is no claim."""
    found = Claim.read(Registry(server.session).string(KEY, VALUE))
    if found is None or found.owner == Owner.this_run() or found.owner.is_surely_dead():
        return None
    return found if _holds(found, server) else None


def require_free(server: Server) -> None:
    """Stop before something is changed on a server that another run works on.

    :raises HostError: another run has claimed it, and lives as far as is known.
    """
    refuse(server, foreign(server))


def refuse(server: Server, found: Claim | None) -> None:
    """Stop at another run's claim.

    :raises HostError: there is one.
    """
    if found is not None:
        machine, _os = operating_system(server.session)
        raise _taken(machine, found)


def _holds(found: Claim, server: Server) -> bool:
    """Whether a claim counts, of a run that is not known to be dead."""
    return found.owner.is_surely_alive() or found.until > _now(server)


def _release_plan(machine: str, found: Claim | None, me: Owner) -> Plan:
    """Another run's claim is left alone, unless that run is over."""
    if found is None or (found.owner != me and not found.owner.is_surely_dead()):
        return Plan()
    return Plan.of([Change("release", "server", machine, {"for": found.purpose}, None, "the work on it is over")])


def _wait_until_free(server: Server, registry: Registry, me: Owner, options: t.Mapping[str, t.Any]) -> Claim | None:
    """The claim that stands there and does not count any more."""

    def look() -> tuple[tuple[Claim | None] | None, str]:
        found = Claim.read(registry.string(KEY, VALUE))
        free = found is None or found.owner == me or options["take_over"] or found.owner.is_surely_dead() or not _holds(found, server)
        return ((found,) if free else None), "" if found is None else found.by

    try:
        (ended,) = server.wait(
            "the other run to end its work here", look, timeout=options["wait_timeout"], interval=options["poll_interval"]
        )
    except WaitTimeout as error:
        machine, _os = operating_system(server.session)
        raise _taken(machine, Claim.read(registry.string(KEY, VALUE))) from error
    return ended


def _now(server: Server) -> datetime.datetime:
    """By the server's clock: it is the one that all controllers see."""
    _machine, system = operating_system(server.session)
    return system.local_time or server.now()


def _taken(machine: str, found: Claim | None) -> HostError:
    by = found.by if found else "another run"
    return HostError(
        f"{machine} is being worked on by {by}. Wait until that run has ended and run again. If you know that it is dead (its controller is"
        " gone, say): upgrade_connectors and decommission_connectors take over with -e connector_i_know_that_no_other_run_is_alive=true;"
        f" before anything else, such as deploy_connectors, take the claim away with {TAKE_AWAY}",
        operation="claim the server",
        claim=found.as_dict() if found else None,
    )


def _result(plan: Plan, held: Claim | None, left: Claim | None = None) -> dict[str, t.Any]:
    return {
        "changed": bool(plan),
        "plan": plan.as_dict(),
        "diff": plan.diff(),
        "claim": held.as_dict() if held else None,
        "left": left.as_dict() if left else None,
    }


def _boot() -> str:
    path = _PROC / "sys/kernel/random/boot_id"
    return path.read_text().strip() if path.exists() else ""


def _machine() -> str:
    try:
        text = _MACHINE.read_text().strip()
    except OSError:
        return ""
    # What images hold in its place before their first start names no machine.
    return text if _MACHINE_ID.fullmatch(text) else ""


def _namespace() -> str:
    try:
        return os.readlink(_PROC / "self/ns/pid")
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Clock ticks from boot to the start of the process, field 22 of Linux's C(stat) (proc_pid_stat(5))."""
    fields = _stat(pid)
    return fields[19] if fields else ""


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    # One that was killed, and whose end nobody has asked for, as in a container without an init.
    return _stat(pid)[:1] != ["Z"]


def _stat(pid: int) -> list[str]:
    """The fields of Linux's C(stat) from the third one, the state, on; empty where the system does not tell."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()

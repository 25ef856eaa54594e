# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server belongs to one run at a time; and a restart is over when the server says that it has started later than the order."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.host import boot, claim, restart
from ansible_collections.entra.app_proxy.plugins.module_utils.host.claim import Claim, Owner
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import OperatingSystem
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import ProcessResult
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import TransportError

START = datetime.datetime(2026, 7, 1, 8, tzinfo=datetime.timezone.utc)
ELSEWHERE = Owner("other-controller", "boot", 1, "1")
HELD = {"state": "held", "purpose": "patches", "lease": 600, "take_over": False, "wait_timeout": 0, "poll_interval": 5.0}


@dataclasses.dataclass
class Machine:
    """A server with one registry value and a clock."""

    note: str | None = None
    seconds: float = 0.0
    booted: float = -3600.0
    away: tuple[float, float] = (0.0, 0.0)
    commands: list[str] = dataclasses.field(default_factory=list)
    events: dict[float, t.Callable[[Machine], None]] = dataclasses.field(default_factory=dict)
    exit_code: int = 0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        for moment in sorted(self.events):
            if moment <= self.seconds:
                self.events.pop(moment)(self)

    def system(self, _session: t.Any) -> tuple[str, OperatingSystem]:
        if self.away[0] < self.seconds < self.away[1]:
            raise TransportError("no route", request_may_have_run=False)
        now = START + datetime.timedelta(seconds=self.seconds)
        return "NAM-WEB-01", OperatingSystem("Windows", "10", "C:\\Windows", START + datetime.timedelta(seconds=self.booted), now)

    def run(self, command: str, arguments: t.Sequence[str], *, timeout: float) -> ProcessResult:
        self.commands.append(" ".join([command, *arguments]))
        return ProcessResult(self.exit_code, "", "Access is denied.")

    def close(self) -> None:
        pass

    # registry

    def string(self, _key: str, _value: str) -> str | None:
        return self.note

    def create_key(self, _key: str) -> None:
        pass

    def set_string(self, _key: str, _value: str, data: str) -> None:
        self.note = data

    def delete_value(self, _key: str, _value: str) -> bool:
        self.note = None
        return True

    def server(self) -> Server:
        nothing: t.Any = lambda *_arguments: None  # noqa: E731
        return Server(t.cast(t.Any, self), t.cast(t.Any, self), nothing, nothing, nothing, self.sleep, lambda: self.seconds, lambda: START)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    # Not every system has one.
    monkeypatch.setattr(claim, "_machine", lambda: "3d1219c7c4c5404aaa1f6d2a48adfda4")
    monkeypatch.setattr(claim, "Registry", lambda session: session)
    monkeypatch.setattr(claim, "operating_system", made.system)
    for module in (boot, restart):
        monkeypatch.setattr(module, "operating_system", made.system)
    return made


def note(owner: Owner, minutes: float = 10) -> str:
    return Claim(owner, "upgrade", START + datetime.timedelta(minutes=minutes)).text()


def test_a_free_server_is_claimed_renewed_and_let_go(machine: Machine) -> None:
    first = claim.claim(machine.server(), HELD, False)
    assert first["claim"]["purpose"] == "patches"
    assert claim.claim(machine.server(), HELD, False)["claim"]["pid"] == os.getppid()
    released = claim.claim(machine.server(), {**HELD, "state": "released"}, False)
    assert (released["changed"], machine.note) == (True, None)
    assert claim.claim(machine.server(), {**HELD, "state": "released"}, False)["changed"] is False


def test_check_mode_writes_nothing(machine: Machine) -> None:
    assert claim.claim(machine.server(), HELD, True)["changed"] is True
    assert machine.note is None


def test_another_runs_claim_is_respected_and_named(machine: Machine) -> None:
    machine.note = note(ELSEWHERE)
    with pytest.raises(
        HostError, match=r"NAM-WEB-01 is being worked on by process 1 on other-controller \(upgrade, until 2026-07-01 08:10 UTC\)"
    ):
        claim.claim(machine.server(), HELD, False)
    assert machine.note == note(ELSEWHERE)
    claim.claim(machine.server(), {**HELD, "state": "released"}, False)
    assert machine.note == note(ELSEWHERE)


def test_it_is_waited_for_and_ends_with_its_lease(machine: Machine) -> None:
    machine.note = note(ELSEWHERE, minutes=1)
    claim.claim(machine.server(), {**HELD, "wait_timeout": 120}, False)
    assert 60 <= machine.seconds <= 70
    machine.note = note(ELSEWHERE)
    assert claim.claim(machine.server(), {**HELD, "take_over": True}, False)["claim"]["purpose"] == "patches"


def test_the_claim_of_a_run_that_lives_does_not_end_with_its_lease(machine: Machine) -> None:
    process = subprocess.Popen(["sleep", "60"])
    alive = dataclasses.replace(Owner.this_run(), pid=process.pid, started=claim._started(process.pid))
    machine.note = note(alive, minutes=-60)
    try:
        with pytest.raises(HostError, match="is being worked on"):
            claim.claim(machine.server(), HELD, False)
        with pytest.raises(HostError, match="is being worked on"):
            claim.require_free(machine.server())
    finally:
        process.kill()
        process.wait()


def test_a_run_whose_process_is_hidden_is_not_taken_for_dead(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of other users with hidepid, proc(5)."""
    machine.note = note(dataclasses.replace(Owner.this_run(), pid=os.getpid(), started=claim._started(os.getpid())))
    monkeypatch.setattr(claim, "_stat", lambda _pid: [])
    with pytest.raises(HostError, match="is being worked on"):
        claim.require_free(machine.server())


@pytest.mark.parametrize("owner", [None, "this run", "a dead run", "a run elsewhere whose lease is over"])
def test_a_server_that_nobody_else_works_on_may_be_changed(machine: Machine, owner: str | None) -> None:
    me = Owner.this_run()
    notes = {
        "this run": note(me),
        "a dead run": note(dataclasses.replace(me, boot="before")),
        "a run elsewhere whose lease is over": note(ELSEWHERE, minutes=-1),
    }
    machine.note = notes.get(owner or "")
    claim.require_free(machine.server())


def test_a_server_that_another_run_works_on_is_not_restarted(machine: Machine) -> None:
    machine.note = note(ELSEWHERE)
    with pytest.raises(HostError, match="other-controller"):
        restart.restart(machine.server(), ORDER, False)
    assert machine.commands == []


@pytest.mark.parametrize(
    "different",
    [
        {"machine": "another machine of this name", "boot": "another"},
        {"machine": "", "boot": "another"},
        {"namespace": "pid:[1]", "pid": 2**22 + 1},
        {"namespace": "", "pid": 2**22 + 1},
        {"boot": "", "pid": 2**22 + 1},
    ],
    ids=["another machine", "perhaps another machine", "another container", "perhaps another container", "a system that tells nothing"],
)
def test_a_run_of_the_same_host_name_that_may_live_elsewhere_is_not_taken_for_dead(machine: Machine, different: dict[str, t.Any]) -> None:
    machine.note = note(dataclasses.replace(Owner.this_run(), **different))
    with pytest.raises(HostError, match="is being worked on"):
        claim.require_free(machine.server())


@pytest.mark.parametrize("different", [{"boot": "another"}, {"pid": 2**22 + 1}], ids=["another start", "another process"])
def test_of_a_claim_that_does_not_say_where_its_run_is_the_lease_decides(machine: Machine, different: dict[str, t.Any]) -> None:
    said = json.loads(note(dataclasses.replace(Owner.this_run(), **different)))
    machine.note = json.dumps({key: value for key, value in said.items() if key not in ("machine", "namespace")})
    with pytest.raises(HostError, match="is being worked on"):
        claim.require_free(machine.server())
    machine.seconds += 600
    claim.require_free(machine.server())


@pytest.mark.parametrize(
    ("text", "known"),
    [("3d1219c7c4c5404aaa1f6d2a48adfda4\n", "3d1219c7c4c5404aaa1f6d2a48adfda4"), ("uninitialized\n", ""), ("", ""), (None, "")],
)
def test_what_names_no_machine_is_no_machine_id(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, text: str | None, known: str
) -> None:
    path = tmp_path / "machine-id"
    if text is not None:
        path.write_text(text)
    monkeypatch.setattr(claim, "_MACHINE", path)
    assert Owner.this_run().machine == known


@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is not here")
def test_a_process_of_another_container_is_not_taken_for_dead_by_its_number(machine: Machine) -> None:
    """Real ones: this kernel, this host name, and numbers of their own."""
    code = "import os, sys; print(os.readlink('/proc/self/ns/pid'), flush=True); sys.stdin.read()"
    command = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        namespace = process.stdout.readline().strip()
        if not namespace:
            pytest.skip("unshare is not allowed here")
        machine.note = note(dataclasses.replace(Owner.this_run(), namespace=namespace, pid=2**22 + 1))
        with pytest.raises(HostError, match="is being worked on"):
            claim.require_free(machine.server())
        process.stdin.close()


def test_the_claim_of_a_run_that_is_dead_is_taken_at_once(machine: Machine) -> None:
    me = Owner.this_run()
    for dead in (dataclasses.replace(me, pid=2**22 + 1), dataclasses.replace(me, boot="before"), dataclasses.replace(me, started="1")):
        machine.note = note(dead)
        result = claim.claim(machine.server(), HELD, False)
        assert (result["left"]["pid"], result["left"]["purpose"]) == (dead.pid, "upgrade")
    assert claim.claim(machine.server(), HELD, False)["left"] is None
    assert machine.seconds == 4 * claim.SETTLE_SECONDS


def test_the_claim_of_a_run_that_is_dead_is_taken_away_when_the_server_is_let_go(machine: Machine) -> None:
    machine.note = note(dataclasses.replace(Owner.this_run(), boot="before"))
    assert claim.claim(machine.server(), {**HELD, "state": "released"}, False)["changed"]
    assert machine.note is None


def test_a_run_that_was_killed_is_dead_although_nobody_asked_for_its_end(machine: Machine) -> None:
    """A zombie: in a container without an init it stays for ever."""
    process = subprocess.Popen(["sleep", "60"])
    me = Owner.this_run()
    machine.note = note(dataclasses.replace(me, pid=process.pid, started=claim._started(process.pid)))
    with pytest.raises(HostError, match="is being worked on"):
        claim.claim(machine.server(), HELD, False)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    try:
        assert claim.claim(machine.server(), HELD, False)["changed"]
    finally:
        process.wait()


def test_of_two_that_write_at_the_same_moment_one_sees_the_other(machine: Machine) -> None:
    machine.events[0.5] = lambda server: setattr(server, "note", note(ELSEWHERE))
    with pytest.raises(HostError, match="other-controller"):
        claim.claim(machine.server(), HELD, False)


@pytest.mark.parametrize("unreadable", ["", "{", "[]", '{"pid": "x"}'])
def test_a_note_that_nobody_can_read_is_no_claim(machine: Machine, unreadable: str) -> None:
    machine.note = unreadable
    assert claim.claim(machine.server(), HELD, False)["changed"]


ORDER = {"reason": "patches", "delay": 2, "timeout": 300, "poll_interval": 5.0}


def test_a_restart_is_over_when_the_boot_is_later_than_the_order(machine: Machine) -> None:
    machine.away = (2.0, 60.0)
    machine.events[60.0] = lambda server: setattr(server, "booted", 55.0)
    result = restart.restart(machine.server(), ORDER, False)
    assert machine.commands == ["shutdown.exe /r /t 2 /c Ansible: patches"]
    assert (result["last_boot"], result["seconds"]) == ("2026-07-01T08:00:55Z", 60)


def test_a_corrected_clock_is_no_restart_and_check_mode_orders_none(machine: Machine) -> None:
    machine.events[10.0] = lambda server: setattr(server, "booted", -3500.0)
    with pytest.raises(HostError, match="did not come up again within 300 seconds"):
        restart.restart(machine.server(), ORDER, False)
    machine.commands.clear()
    assert restart.restart(machine.server(), ORDER, True)["changed"]
    assert machine.commands == []


def test_an_order_that_is_refused_is_told(machine: Machine) -> None:
    machine.exit_code = 5
    with pytest.raises(HostError, match=r"exit code 5: Access is denied\. The account needs the right"):
        restart.restart(machine.server(), ORDER, False)


@pytest.mark.parametrize("reason", ["monthly\npatches", "patches\n", "patches\r", "a\0b", "", "  "])
def test_a_reason_that_no_command_line_carries_is_refused_before_anything(reason: str) -> None:
    (problem,) = restart.RESTART.problems({**ORDER, "reason": reason})
    assert problem.startswith("option reason has the value ")
    assert "it must be one line of text" in problem


def test_a_reason_may_hold_what_a_sentence_holds() -> None:
    assert restart.RESTART.problems({**ORDER, "reason": 'Patches of July ("100 %" & more): <all>'}) == []

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""connector_health that waits: for what, how long, and what it says of a server that is away meanwhile."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.host import health_job, options
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import ProcessLost, ProcessResult
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import TransportError
from tests.unit.host.builders import CONNECTOR
from tests.unit.host.windows import Windows

WAIT = 60


@dataclasses.dataclass
class RestartingWindows(Windows):
    """A server that is away while C(away); C(shells) counts those that are open, none of which outlives a restart."""

    away: bool = False
    breaks_in: str | None = None
    shells: int = 0

    def send(self, envelope: bytes) -> bytes:
        if self.away:
            raise TransportError("no connection to server", request_may_have_run=False)
        return super().send(envelope)

    def run(self, command: str, arguments: t.Sequence[str] = (), *, stdin: bytes = b"", timeout: float) -> ProcessResult:
        self.shells = 1
        if command == self.breaks_in:
            self.away, self.breaks_in, self.shells = True, None, 0
            raise ProcessLost(command, TransportError("the connection broke", request_may_have_run=True))
        return super().run(command, arguments, stdin=stdin, timeout=timeout)

    def close(self) -> None:
        self.shells = 0

    def sleep(self, seconds: float) -> None:
        assert self.shells == 0, "nothing is left open on the server between two looks"
        super().sleep(seconds)

    def come_back(self) -> None:
        self.away = False
        self.boot()


def well() -> RestartingWindows:
    windows = RestartingWindows()
    windows.install("Running")
    windows.register()
    return windows


def stopped() -> RestartingWindows:
    windows = well()
    windows.services["WAPCSvc"]["State"] = "Stopped"
    return windows


def health(windows: RestartingWindows, **given: t.Any) -> dict[str, t.Any]:
    declared = {option.name: option.default for option in options.HEALTH.options}
    return health_job.connector_health(windows.server(), {**declared, "wait_timeout": WAIT, **given}, False)


def go(windows: Windows) -> None:
    t.cast(RestartingWindows, windows).away = True


def come_back(windows: Windows) -> None:
    t.cast(RestartingWindows, windows).come_back()


def test_a_server_that_is_restarting_is_waited_for() -> None:
    windows = well()
    windows.away = True
    windows.later(20, come_back)
    assert health(windows)["status"] == "ok"
    assert windows.seconds >= 20
    assert "the server does not answer" in windows.progress[0]


def test_who_does_not_wait_is_told_at_once_that_it_is_away() -> None:
    windows = well()
    windows.away = True
    with pytest.raises(TransportError, match="no connection"):
        health(windows, wait_timeout=0)
    assert windows.seconds == 0


@pytest.mark.parametrize("leaves_after", [0, 10], ids=["from the start", "later"])
def test_a_server_that_is_away_at_the_end_is_never_reported_as_it_was_before(leaves_after: int) -> None:
    windows = stopped()
    windows.away = leaves_after == 0
    windows.later(leaves_after, go)
    with pytest.raises(TransportError, match="no connection"):
        health(windows)
    assert windows.seconds >= WAIT


@pytest.mark.parametrize("program", ["wevtutil.exe", "typeperf.exe"])
def test_a_restart_while_a_program_reads_is_waited_for(program: str) -> None:
    windows = well()
    windows.breaks_in = program
    windows.later(10, come_back)
    assert health(windows, since="1h", counters=True)["healthy"] is True


def test_what_the_tenant_said_before_is_judged_and_not_waited_for() -> None:
    windows = well()
    result = health(windows, known_connectors=[{"id": CONNECTOR, "status": "inactive"}])
    assert (result["status"], windows.seconds) == ("critical", 0)
    windows = stopped()
    windows.later(6, lambda server: server.services["WAPCSvc"].update(State="Running"))
    result = health(windows, known_connectors=[{"id": CONNECTOR, "status": "inactive"}])
    assert [check["name"] for check in result["checks"] if check["status"] == "critical"] == ["tenant_view"]
    assert 6 <= windows.seconds < WAIT

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tool leaves no process behind, however the command behaves."""

from __future__ import annotations

import os
import pathlib
import time

import processes
import pytest

# Started in the background, so that the shell is not what has to be ended.
BACKGROUND = "sleep 60 & echo $! > left; "


def _run(directory: pathlib.Path, script: str, timeout: float = 10) -> int:
    return processes.run(["sh", "-c", script], cwd=directory, environment=os.environ, timeout=timeout)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("rc", [0, 3])
def test_the_exit_code_is_the_commands(tmp_path: pathlib.Path, rc: int) -> None:
    assert _run(tmp_path, f"exit {rc}") == rc


@pytest.mark.skipif(not pathlib.Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize(("script", "rc", "timeout"), [(BACKGROUND + "exit 3", 3, 30), (BACKGROUND + "sleep 60", 124, 2)])
def test_nothing_of_the_group_is_left(tmp_path: pathlib.Path, script: str, rc: int, timeout: float) -> None:
    assert _run(tmp_path, script, timeout=timeout) == rc
    assert not _alive(int((tmp_path / "left").read_text()))


def test_a_command_that_ignores_sigterm_is_killed(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_GRACE_SECONDS", 0.3)
    started = time.monotonic()
    assert _run(tmp_path, "trap '' TERM; while :; do sleep 0.1; done", timeout=0.3) == 124
    assert time.monotonic() - started < 5


def test_output_goes_to_the_log(tmp_path: pathlib.Path) -> None:
    log = tmp_path / "log"
    processes.run(["sh", "-c", "echo out; echo err >&2"], cwd=tmp_path, environment=os.environ, log=log, timeout=10)
    assert log.read_text().splitlines() == ["out", "err"]

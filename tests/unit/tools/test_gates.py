# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every file of tests is run by a gate, and a run that is told to end leaves nothing behind."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys

import environment
import gates
import pytest

from tests.support.waiting import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[3]
TESTS = ROOT / "tests"
WINE = "tests/wine"
"""What tools/wine.py runs."""

RUN_THAT_WAITS = """
import pathlib, subprocess

def test_waits():
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        pathlib.Path("started").write_text(str(child.pid))
        child.wait()
    finally:
        child.kill()
        child.wait()
        pathlib.Path("ended").touch()

def test_goes_on():
    pathlib.Path("went_on").touch()
"""


def _places() -> list[pathlib.Path]:
    words = [word for gate in gates.ALL.values() for command in gate.commands if command[0] == "pytest" for word in command]
    return [ROOT / word for word in (*words, WINE) if word.startswith("tests/")]


@pytest.mark.parametrize("path", sorted(TESTS.rglob("test_*.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_every_file_of_tests_belongs_to_a_gate(path: pathlib.Path) -> None:
    assert any(path == place or place in path.parents for place in _places())


def test_what_a_gate_runs_is_there() -> None:
    assert [place for place in _places() if not place.exists()] == []


def test_the_end_of_every_gate_is_told(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(gates, "LOGS", tmp_path)
    for name in gates.ALL:
        (tmp_path / f"{name}.log").write_text("3 passed\n")
        gates._report(gates.Outcome(name, 0, 1.0))
        assert f"ok     {name}" in capsys.readouterr().out


@pytest.mark.parametrize("workers", ["0", "1"])
def test_sigterm_unwinds_a_run_of_tests(tmp_path: pathlib.Path, workers: str) -> None:
    """As tools/processes.py ends a gate: the whole process group is told. What a test has started is in a session of its own."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_configure\n")
    (tmp_path / "test_it.py").write_text(RUN_THAT_WAITS)
    variables = {**environment.variables(pathlib.Path(sys.executable).parent), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-n", workers, "test_it.py"]
    with (tmp_path / "log").open("wb") as log:
        run = subprocess.Popen(command, cwd=tmp_path, env=variables, stdout=log, stderr=log, start_new_session=True)
        try:
            wait_until("the test", (tmp_path / "started").exists, alive=lambda: run.poll() is None)
            os.killpg(run.pid, signal.SIGTERM)
            wait_until("the end of what it has started", (tmp_path / "ended").exists)
            assert run.wait(60) != 0, (tmp_path / "log").read_text()
            assert not (tmp_path / "went_on").exists()
        finally:
            run.kill()
            run.wait()

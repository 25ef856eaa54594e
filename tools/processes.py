# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Child processes that do not outlive the tool that started them."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import typing as t

_GRACE_SECONDS = 5
_running: set[subprocess.Popen[bytes]] = set()
_guard = threading.Lock()


def end_on_signals() -> None:
    """Let signals unwind the tool, so that what it started is stopped, and end it without a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: sys.exit(128 + received))


def run(
    command: t.Sequence[str], *, cwd: pathlib.Path, environment: t.Mapping[str, str], log: pathlib.Path | None = None, timeout: float
) -> int:
    """Run a command in a process group of its own, return its exit code; 124 when it was killed for taking too long.

    :param log: file that gets its output; without one the output goes where the tool's own goes.
    """
    output = log.open("ab") if log else None
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        start_new_session=True,
    )
    with _guard:
        _running.add(process)
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        return 124
    finally:
        _end(process)
        with _guard:
            _running.discard(process)
        if output:
            output.close()


def stop_all() -> None:
    """End everything that L(run) has running, in whichever thread."""
    with _guard:
        running = list(_running)
    for process in running:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a process and its group.

    SIGTERM first: ansible-playbook ends its workers, which are in sessions of their own, only when it is asked.
    """
    deadline = time.monotonic() + _GRACE_SECONDS
    alive = _signal(process, signal.SIGTERM)
    while alive and time.monotonic() < deadline:
        time.sleep(0.05)
        alive = _signal(process, 0)
    if alive:
        _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> bool:
    """Return whether there was anything left to signal. A process that has ended must be collected to be gone."""
    process.poll()
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        # macOS answers with the second for a group of which only ended processes are left.
        return False
    return True

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""End a run of ansible-playbook as a power cut does: at once, with all its workers, and without a word to anybody."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL for the process and everything below it; the workers are in sessions of their own.

    They are stopped first, so that none of them starts another one meanwhile.
    """
    victims: list[int] = []
    while new := [pid for pid in (process.pid, *descendants(process.pid)) if pid not in victims]:
        victims += new
        for pid in new:
            _signal(pid, signal.SIGSTOP)
    for pid in victims:
        _signal(pid, signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL, "it had ended before it could be killed"


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def descendants(pid: int) -> list[int]:
    """The processes below one."""
    found = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout.split()
    parents = {int(child): int(parent) for child, parent in zip(found[::2], found[1::2], strict=True)}
    below: list[int] = []
    for child in parents:
        ancestor = child
        while ancestor in parents and ancestor != pid:
            ancestor = parents[ancestor]
        if ancestor == pid and child != pid:
            below.append(child)
    return below

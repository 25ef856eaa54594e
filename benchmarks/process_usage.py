# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a process and all below it cost: processor time, and the memory that they hold together at their peak."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import resource
import threading
import typing as t

SAMPLE_SECONDS = 0.5
_PROC = pathlib.Path("/proc")


@dataclasses.dataclass
class Usage:
    """:param cpu: seconds of processor time of all processes that ended meanwhile.
    :param peak: MiB that the tree of processes held together, memory that they share counted once (PSS, sampled).
    """

    cpu: float = 0.0
    peak: float = 0.0


@contextlib.contextmanager
def measured(word: str) -> t.Iterator[Usage]:
    """Measure what runs meanwhile below this process. Linux only.

    :param word: in the command line of the processes at the top of the trees that are sampled.
    """
    usage, before, end = Usage(), _children_seconds(), threading.Event()

    def sample() -> None:
        while not end.wait(SAMPLE_SECONDS):
            usage.peak = max(usage.peak, sum(_pss(pid) for pid in _tree(word)) / 1024)

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield usage
    finally:
        end.set()
        sampler.join()
        usage.cpu = _children_seconds() - before


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tree(word: str) -> list[int]:
    """Children of this process with the word in their command line, and all that those have begun."""
    parents = {pid: _parent(pid) for pid in map(_pid, _PROC.iterdir()) if pid}
    found = [pid for pid, parent in parents.items() if parent == os.getpid() and word in _command_line(pid)]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _pid(path: pathlib.Path) -> int | None:
    return int(path.name) if path.name.isdigit() else None


def _parent(pid: int) -> int | None:
    """None for a process that has ended."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The name, in parentheses, may hold anything.
    return int(stat.rpartition(")")[2].split()[1])


def _command_line(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "cmdline").read_text(errors="replace")
    except OSError:
        return ""


def _pss(pid: int) -> int:
    """KiB; 0 for a process that has ended."""
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)

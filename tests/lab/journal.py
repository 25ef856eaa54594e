# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What reached the lab, in order: the witness that tests question ("nothing was written", "no token was asked for")."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.lab.clock import Clock

Entry = dict[str, t.Any]
Plane = t.Literal["graph", "login", "wsman", "admin"]
Kind = t.Literal["read", "write", "shell", "auth", "error", "unknown"]


@dataclasses.dataclass(frozen=True)
class ProcessStart:
    """A process that was started on a server, with the command line as the server's process list would show it."""

    seq: int
    at: str
    server: str
    command_line: str


class Journal:
    """An append-only list of entries. `seq` keeps counting over clear(), so that a reader can never miss the gap."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seq = 0
        self._entries: list[Entry] = []
        self._processes: list[ProcessStart] = []
        self._listeners: list[t.Callable[[Entry], None]] = []

    def record(
        self,
        *,
        plane: Plane,
        target: str,
        kind: Kind,
        method: str = "",
        path: str = "",
        action: str = "",
        resource: str = "",
        status: int | None = None,
        bytes_in: int = 0,
        bytes_out: int = 0,
        detail: t.Any = None,
    ) -> Entry:
        """Append one entry and return it. `target` is "tenant" or a server's name. Never put a secret into `detail`."""
        entry: Entry = {
            "seq": self._next(),
            "at": self._clock.now().isoformat(),
            "plane": plane,
            "target": target,
            "kind": kind,
            "method": method,
            "path": path,
            "action": action,
            "resource": resource,
            "status": status,
            "bytes_in": bytes_in,
            "bytes_out": bytes_out,
            "detail": detail,
        }
        self._entries.append(entry)
        if _is_change(entry):
            for listener in self._listeners:
                listener(entry)
        return entry

    def on_change(self, listener: t.Callable[[Entry], None]) -> None:
        """Tell `listener` of every write that took effect, as soon as it stands here."""
        self._listeners.append(listener)

    def unknown(self, *, plane: Plane, target: str, what: str, **fields: t.Any) -> Entry:
        """Append an entry of kind "unknown": the lab was asked for something it does not know. Tests fail on any."""
        return self.record(plane=plane, target=target, kind="unknown", detail=what, **fields)

    def process(self, server: str, command_line: str) -> None:
        """Note that a process was started on `server`."""
        self._processes.append(ProcessStart(self._next(), self._clock.now().isoformat(), server, command_line))

    def since(self, seq: int = 0) -> list[Entry]:
        """Return the entries after `seq`."""
        return [entry for entry in self._entries if entry["seq"] > seq]

    def unknowns(self) -> list[Entry]:
        """Return the entries of kind "unknown"."""
        return [entry for entry in self._entries if entry["kind"] == "unknown"]

    def processes(self) -> list[dict[str, t.Any]]:
        """Return every process start."""
        return [dataclasses.asdict(process) for process in self._processes]

    def clear(self) -> None:
        """Forget all entries and processes."""
        self._entries.clear()
        self._processes.clear()

    def _next(self) -> int:
        self._seq += 1
        return self._seq


def _is_change(entry: Entry) -> bool:
    """A write that was not refused. A $batch is not one, its items are; what a program does has no status."""
    return entry["kind"] == "write" and entry["action"] != "batch" and (entry["status"] or 0) < 400

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Run an installer or uninstaller to its end, wait for its turn, and say why it failed, with the end of its log."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import restart_note
from ansible_collections.entra.app_proxy.plugins.module_utils.host.boot import wait_for_boot
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer import ASKED, UNSEEN, ExitCode, explain
from ansible_collections.entra.app_proxy.plugins.module_utils.host.observe import operating_system
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server, WaitTimeout
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import Registry
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import WSManError

BUSY = 1618

# Characters of what an installer printed; most print nothing.
_OUTPUT_TAIL = 300
_LOG_LINES = 15
_LOG_BYTES = 16 * 1024
_LOG_TIMEOUT = 60.0
# A log is begun before the installer's own first line, and the two clocks differ by rounding.
_LOG_SLACK = 60


@dataclasses.dataclass(frozen=True)
class Limits:
    """Seconds: how long one step may take, and how often to look."""

    timeout: float
    interval: float


@dataclasses.dataclass(frozen=True)
class Restarts:
    """Whether the server may be restarted; seconds until it must be up again then, and how often to look."""

    allowed: bool
    timeout: float
    interval: float


class InstallerFailed(HostError):
    """An installer, or uninstaller, ended with an exit code that means failure."""

    def __init__(self, outcome: ExitCode, message: str, **details: t.Any) -> None:
        super().__init__(message, exit_code=outcome.code, **details)
        self.outcome = outcome


def run_installer(
    server: Server, path: str, arguments: tuple[str, ...], what: str, limits: Limits, restarts: Restarts, *, removing: bool = False
) -> ExitCode:
    """Run an installer to its end; when another one is running, try again until its turn comes or the time is over. One that restarts the
    server itself is followed by nothing before the server is up again.

    While it runs, and when it asks for a restart, the server has a note of that: a run that does not live to see how it ends leaves the
    question open, and the next one takes it for a yes.

    :param what: what this is, for C(server.done).
    :param removing: it is run to uninstall, which has ways out of its own.
    :raises InstallerFailed: for an exit code that means failure, with the end of the installer's log.
    :raises HostError: when the server does not come up again.
    """
    said: list[str] = []
    began = server.clock()
    registry = Registry(server.session)
    machine, os = operating_system(server.session)
    open_question = UNSEEN in restart_note.awaited(registry, os)
    restart_note.add(registry, os, [UNSEEN, ASKED] if open_question else [UNSEEN], server.now())

    def attempt() -> tuple[ExitCode | None, str]:
        result = server.run(path, *arguments, timeout=limits.timeout)
        said[:] = [" ".join((result.stderr or result.stdout).split())[-_OUTPUT_TAIL:].rstrip(".")]
        outcome = explain(result.exit_code)
        return (None if outcome.busy else outcome), outcome.meaning

    try:
        outcome = server.wait("the installer's turn", attempt, timeout=limits.timeout, interval=limits.interval)
    except WaitTimeout as error:
        restart_note.replace(registry, os, UNSEEN, [], server.now())
        raise failed(path, explain(BUSY), f"still so after {error.seconds:.0f} seconds", []) from error
    if outcome.succeeded:
        server.done.append(f"{what}, exit code {outcome.code} ({outcome.meaning})")
    if outcome.reboot_started:
        _outlive_restart(server, machine, os.local_time or server.now(), restarts)
        return outcome
    restart_note.replace(registry, os, UNSEEN, [ASKED] if outcome.reboot_required else [], server.now())
    if not outcome.succeeded:
        log = log_tail(server, int(server.clock() - began) + _LOG_SLACK)
        raise failed(path, outcome, f"it said: {said[0]}" if said[0] else "", log, removing=removing)
    return outcome


def _outlive_restart(server: Server, machine: str, began: datetime.datetime, restarts: Restarts) -> None:
    """Nothing is asked of a server that goes down, and the note of the installer ends with the restart."""
    server.shell.close()
    wait_for_boot(server, machine, began, "the installer had begun a restart", timeout=restarts.timeout, interval=restarts.interval)
    server.done.append("the server is up again")
    if not restarts.allowed:
        server.warn(
            f"the installer has begun a restart of {machine} by itself (exit code 1641), although reboot=false and it was run with"
            " /norestart. The server was waited for until it was up again"
        )


def failed(path: str, outcome: ExitCode, more: str, log: t.Sequence[str], *, removing: bool = False) -> InstallerFailed:
    """The error of an installer that failed."""
    name = path.rpartition("\\")[2]
    shown = f". The end of its log: {' | '.join(log)}" if log else ""
    return InstallerFailed(
        outcome,
        f"{name} ended with exit code {outcome.code}: {outcome.meaning}{', ' + more if more else ''}."
        f" What to do: {outcome.way_out(removing=removing)}{shown}",
        operation=f"run {name}",
        log=list(log),
    )


def log_tail(server: Server, seconds: int) -> list[str]:
    """The last lines of the log that an installer wrote in the last C(seconds); empty when there is none.

    Logs lie in TEMP of the user that installs [MS, troubleshoot-connectors]; their names are known for the legacy installer only, so
    the newest one with the product's name is taken, else the newest.
    """
    try:
        answer = server.script("tail_logs", {"seconds": seconds, "max_bytes": _LOG_BYTES}, timeout=_LOG_TIMEOUT)
    except WSManError as error:
        # The installer's failure is the news, not that its log could not be read.
        server.progress(f"the installer's log could not be read: {error}")
        return []
    logs = sorted(answer.get("logs") or [], key=lambda log: "connector" not in str(log.get("path")).lower())
    return last_lines(str(logs[0].get("tail") or ""), _LOG_LINES) if logs else []


def last_lines(tail: str, count: int) -> list[str]:
    """The last lines with text of a piece of a log, which is UTF-8 or, from Windows Installer, UTF-16."""
    try:
        data = base64.b64decode(tail)
    except binascii.Error:
        return []
    wide = data.count(0) > len(data) // 4
    # A piece of UTF-16 may begin in the middle of a character.
    text = data[len(data) % 2 :].decode("utf-16-le", "replace") if wide else data.decode("utf-8", "replace")
    lines = [" ".join(line.replace("\ufeff", "").split()) for line in text.splitlines()]
    return [line for line in lines if line][-count:]

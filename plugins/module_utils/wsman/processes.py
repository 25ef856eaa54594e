# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Programs on the server through a WinRS shell, over the same session as everything else.

The libraries' own shells are not used: theirs repeat Receive for ever, and two libraries would mean two paths.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import dataclasses
import math
import time
import types
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import envelope as messages
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.command_line import quote_argument, quote_command
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.faults import BUSY, OPERATION_QUOTA, WSManFault
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.reply import child, descendants, stripped
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import ProtocolError, TransportError, WSManError

# Bytes of standard input in one message: as base64 it stays below the 150 KB envelope of the oldest servers.
STDIN_CHUNK = 96 * 1024
BUSY_PAUSE = 5.0
BUSY_TRIES = 3


class ProcessTimeout(WSManError):
    """The program did not end in time. It was told to end; whether it did is unknown."""

    def __init__(self, command: str, timeout: float) -> None:
        super().__init__(f"{command} did not end within {timeout:g} seconds and was told to stop")
        self.command = command
        self.timeout = timeout


class ProcessLost(TransportError):
    """The way to the server broke after it was asked to run a program."""

    def __init__(self, command: str, cause: TransportError) -> None:
        super().__init__(
            f"{cause.message}. {command} may still be running or may have ended, and the server may be restarting."
            " Run again when it is back: what has been done is seen, and the rest is done then.",
            request_may_have_run=True,
        )
        self.doing = cause.doing
        self.command = command


@dataclasses.dataclass(frozen=True)
class ProcessResult:
    """How a program ended. Texts are UTF-8, undecodable bytes replaced."""

    exit_code: int
    stdout: str
    stderr: str


class Shell:
    """A WinRS shell: opened by the first C(run), deleted by C(close).

    :param session: the host.
    """

    def __init__(
        self,
        session: Session,
        *,
        sleep: t.Callable[[float], None] = time.sleep,
        clock: t.Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._sleep = sleep
        self._clock = clock
        self._shell_id: str | None = None

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None) -> None:
        self.close()

    def run(self, command: str, arguments: t.Sequence[str] = (), *, stdin: bytes = b"", timeout: float) -> ProcessResult:
        """Run a program through cmd.exe and wait for its end.

        Nothing is retried: a program that was started may have run. Never put a secret into the arguments; use stdin.

        :param timeout: seconds from the start of the program.
        :raises ProcessTimeout: it did not end in time.
        :raises ProcessLost: the connection broke after it was started.
        :raises WSManError: the server or the way to it failed.
        """
        line = [quote_command(command), *(quote_argument(argument) for argument in arguments)]
        deadline = self._clock() + timeout
        if self._shell_id is None:
            self._open()
        try:
            return self._run(command, line, stdin, deadline, timeout)
        except TransportError as error:
            if isinstance(error, ProcessLost) or not error.request_may_have_run:
                raise
            self._shell_id = None
            raise ProcessLost(command, error) from error

    def close(self) -> None:
        """Delete the shell, if one is open. A shell that cannot be deleted ends by the server's idle timeout."""
        if self._shell_id is None:
            return
        # The work is done, or has already failed with a better message than this one.
        with contextlib.suppress(WSManError):
            self._exchange(messages.DELETE, "closing the WinRS shell")
        self._shell_id = None

    def _run(self, command: str, line: t.Sequence[str], stdin: bytes, deadline: float, timeout: float) -> ProcessResult:
        command_id = self._start(command, line, has_stdin=bool(stdin))
        try:
            self._write(command, command_id, stdin)
            return self._wait(command, command_id, deadline, timeout)
        except TransportError as error:
            # The shell is left alone: to delete it, or to signal the command, would end a program that may still be at work.
            self._shell_id = None
            raise ProcessLost(command, error) from error
        finally:
            if self._shell_id is not None:
                self._finish(command, command_id)

    def _open(self) -> None:
        reply = self._session.exchange(
            messages.CREATE,
            messages.SHELL_RESOURCE,
            doing="opening a WinRS shell",
            body=messages.shell_body(),
            options={"WINRS_NOPROFILE": "FALSE", "WINRS_CODEPAGE": "65001"},
        )
        selectors = (item for item in descendants(reply, "Selector") if item.get("Name") == "ShellId")
        # Kept as it is, with or without the prefix "uuid:": servers differ (REAL).
        shell_id = stripped(next(selectors, None))
        if not shell_id:
            raise ProtocolError(f"opening a WinRS shell on {self._session.endpoint_label}: the reply names no shell")
        self._shell_id = shell_id

    def _start(self, command: str, line: t.Sequence[str], *, has_stdin: bool) -> str:
        try:
            return self._start_once(command, line, has_stdin=has_stdin)
        except WSManFault as fault:
            if fault.code != OPERATION_QUOTA:
                raise
        # A shell's count of operations never goes down again: only a new shell helps (SRC: winrm plugin; DOC: MS-WSMV note 118).
        self.close()
        self._open()
        return self._start_once(command, line, has_stdin=has_stdin)

    def _start_once(self, command: str, line: t.Sequence[str], *, has_stdin: bool) -> str:
        # Console mode only without input: with input, pipe mode is what Ansible's own modules run with (SRC: winrm plugin).
        options = {"WINRS_CONSOLEMODE_STDIN": "FALSE" if has_stdin else "TRUE", "WINRS_SKIP_CMD_SHELL": "FALSE"}
        body = messages.command_body(line[0], line[1:])
        reply = self._exchange(messages.COMMAND, f"starting {command}", body=body, options=options, patient=False)
        command_id = stripped(next(iter(descendants(reply, "CommandId")), None))
        if not command_id:
            raise ProtocolError(f"starting {command} on {self._session.endpoint_label}: the reply names no command")
        return command_id

    def _write(self, command: str, command_id: str, stdin: bytes) -> None:
        for start in range(0, len(stdin), STDIN_CHUNK):
            piece = stdin[start : start + STDIN_CHUNK]
            body = messages.send_body(command_id, base64.b64encode(piece).decode(), end=start + STDIN_CHUNK >= len(stdin))
            self._write_piece(command, body)

    def _write_piece(self, command: str, body: ET.Element) -> None:
        for attempt in range(1, BUSY_TRIES + 1):
            try:
                self._exchange(messages.SEND, f"writing the input of {command}", body=body)
            except WSManFault as fault:
                if fault.is_timeout:
                    # A server under load answers late, but the input does arrive (SRC: winrm plugin).
                    return
                if fault.code != BUSY or attempt == BUSY_TRIES:
                    raise
                self._sleep(BUSY_PAUSE)
            else:
                return

    def _wait(self, command: str, command_id: str, deadline: float, timeout: float) -> ProcessResult:
        output: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
        while True:
            remaining = deadline - self._clock()
            if remaining <= 0:
                raise ProcessTimeout(command, timeout)
            reply = self._receive(command, command_id, remaining)
            if reply is None:
                continue
            for stream in descendants(reply, "Stream"):
                output.setdefault(stream.get("Name", ""), []).append(_decoded(stream))
            state = next(iter(descendants(reply, "CommandState")), None)
            if state is not None and state.get("State", "").endswith("/Done"):
                return ProcessResult(_exit_code(state, command), _text(output["stdout"]), _text(output["stderr"]))

    def _receive(self, command: str, command_id: str, remaining: float) -> ET.Element | None:
        try:
            return self._exchange(
                messages.RECEIVE,
                f"waiting for {command}",
                body=messages.receive_body(command_id),
                options={"WSMAN_CMDSHELL_OPTION_KEEPALIVE": "TRUE"},
                operation_timeout=max(1, min(self._session.operation_timeout, math.ceil(remaining))),
            )
        except WSManFault as fault:
            if fault.is_timeout:
                # It has nothing to say yet (REAL).
                return None
            raise

    def _finish(self, command: str, command_id: str) -> None:
        # The command may be gone already, and what it did is known or reported without this.
        with contextlib.suppress(WSManError):
            self._exchange(messages.SIGNAL, f"ending {command}", body=messages.signal_body(command_id))

    def _exchange(
        self,
        action: str,
        doing: str,
        *,
        body: ET.Element | None = None,
        options: t.Mapping[str, str] | None = None,
        operation_timeout: int | None = None,
        patient: bool = True,
    ) -> ET.Element:
        return self._session.exchange(
            action,
            messages.SHELL_RESOURCE,
            doing=doing,
            body=body,
            selectors={"ShellId": self._shell_id or ""},
            options=options,
            operation_timeout=operation_timeout,
            patient=patient,
        )


def _decoded(stream: ET.Element) -> bytes:
    try:
        return base64.b64decode(stripped(stream), validate=False)
    except binascii.Error as error:
        raise ProtocolError(f"the server sent output that is not base64: {error}") from error


def _exit_code(state: ET.Element, command: str) -> int:
    text = stripped(child(state, "ExitCode"))
    try:
        return int(text)
    except ValueError as error:
        raise ProtocolError(f"{command} has ended, but the server sent {text!r} as its exit code") from error


def _text(pieces: t.Iterable[bytes]) -> str:
    return b"".join(pieces).decode("utf-8", "replace")

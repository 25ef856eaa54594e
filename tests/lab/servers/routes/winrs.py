# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WinRS: the cmd shell over WS-Management (MS-WSMV 3.1.4.5 on [DOC]; replies as recorded [REAL])."""

from __future__ import annotations

import asyncio
import base64
import typing as t
import uuid

from tests.lab.servers.programs import commandline, launcher
from tests.lab.servers.programs.process import Result
from tests.lab.servers.protocol import faults, soap

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer

MAX_TIMEOUT = 60.0
"""MaxTimeoutms caps OperationTimeout [DOC, REAL]."""
CHUNK = 48 * 1024
"""Bytes of one stream element."""
_STATE = f"{soap.SHELL}/CommandState"


class Process:
    """A process in a shell. Its effect happens when its input is complete; its end shows `process_seconds` later on the lab's clock."""

    def __init__(self, launch: launcher.Launch) -> None:
        self._launch = launch
        self._stdin = bytearray()
        self._ended = asyncio.Event()
        self._result: Result | None = None
        self.pending: list[tuple[str, bytes]] = []
        if not launch.waits_for_input:
            self._run()

    def feed(self, data: bytes, *, end: bool) -> None:
        """Take standard input; the end of it lets a reader run."""
        if self._result is not None:
            return
        self._stdin += data
        if end:
            self._run()

    async def wait(self, seconds: float) -> Result | None:
        """Wait for the end; None when it does not come in time."""
        try:
            await asyncio.wait_for(self._ended.wait(), seconds)
        except asyncio.TimeoutError:
            return None
        return self._result

    def kill(self) -> None:
        """End the process where it stands."""
        if self._result is None:
            self._result = Result(1)
        self._ended.set()

    def _run(self) -> None:
        self._result = self._launch.run(bytes(self._stdin))
        self._stdin.clear()
        seconds = self._launch.server.process_seconds
        if seconds > 0:
            self._launch.server.agenda.after(seconds, self._ended.set)
        else:
            self._ended.set()


class WinRsShell:
    """One cmd shell."""

    def __init__(self, server: WindowsServer, request: soap.Request, launch: launcher.Launcher = launcher.launch) -> None:
        self.id = str(uuid.uuid4()).upper()
        self._server = server
        self._launch = launch
        self._encoding = "utf-8" if request.option("WINRS_CODEPAGE") == "65001" else "cp437"
        self._processes: dict[str, Process] = {}

    def describe(self) -> str:
        """rsp:Shell of a reply [REAL]."""
        return (
            f'<rsp:Shell xmlns:rsp="{soap.SHELL}"><rsp:ShellId>{self.id}</rsp:ShellId><rsp:ResourceUri>{soap.SHELL}/cmd</rsp:ResourceUri>'
            f"<rsp:Owner>{self._server.machine_name}\\{self._server.user}</rsp:Owner><rsp:ClientIP>127.0.0.1</rsp:ClientIP>"
            "<rsp:IdleTimeOut>PT7200.000S</rsp:IdleTimeOut><rsp:InputStreams>stdin</rsp:InputStreams>"
            "<rsp:OutputStreams>stdout stderr</rsp:OutputStreams><rsp:ShellRunTime>P0DT0H0M0S</rsp:ShellRunTime>"
            "<rsp:ShellInactivity>P0DT0H0M0S</rsp:ShellInactivity></rsp:Shell>"
        )

    def close(self) -> None:
        """End all processes."""
        for process in self._processes.values():
            process.kill()
        self._processes.clear()

    async def handle(self, name: str, request: soap.Request) -> str:
        """Serve Command, Send, Receive or Signal; returns the body of the reply."""
        if name == "Command":
            return self._command(request)
        assert request.body is not None
        holder = request.body if name == "Signal" else next(iter(request.body), None)
        command_id = (holder.get("CommandId") or "").upper() if holder is not None else ""
        process = self._processes.get(command_id)
        if process is None or holder is None:
            raise faults.unknown_command()
        if name == "Send":
            for stream in request.body:
                process.feed(base64.b64decode(stream.text or ""), end=(stream.get("End") or "").lower() in ("true", "1"))
            return "<rsp:SendResponse/>"
        if name == "Signal":
            self._processes.pop(command_id).kill()
            return "<rsp:SignalResponse/>"
        return await self._receive(process, command_id, request)

    def _command(self, request: soap.Request) -> str:
        assert request.body is not None
        if (request.option("WINRS_SKIP_CMD_SHELL") or "FALSE").upper() == "TRUE":
            raise faults.invalid_parameter()
        line = " ".join(part.text or "" for part in request.body).strip()
        if len(line) > commandline.CMD_LIMIT:
            raise faults.line_too_long()
        command_id = str(uuid.uuid4()).upper()
        self._processes[command_id] = Process(self._launch(self._server, line))
        return f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId></rsp:CommandResponse>"

    async def _receive(self, process: Process, command_id: str, request: soap.Request) -> str:
        """All output at once when it fits, then Done, as recorded of a short command [REAL]; a long output comes in parts."""
        result = await process.wait(min(request.operation_timeout, MAX_TIMEOUT))
        if result is None:
            raise faults.timed_out()
        if not process.pending:
            process.pending = [*_chunks("stdout", result.stdout, self._encoding), *_chunks("stderr", result.stderr, self._encoding)]
            process.pending.append(("", b""))
        streams: list[str] = []
        room = request.max_envelope_size // 2
        while process.pending and process.pending[0][0] and (not streams or room > CHUNK * 2):
            name, data = process.pending.pop(0)
            text = base64.b64encode(data).decode()
            streams.append(f'<rsp:Stream Name="{name}" CommandId="{command_id}">{text}</rsp:Stream>')
            room -= len(text)
        if process.pending[0][0]:
            state = f'<rsp:CommandState CommandId="{command_id}" State="{_STATE}/Running"/>'
            return f"<rsp:ReceiveResponse>{''.join(streams)}{state}</rsp:ReceiveResponse>"
        ends = "".join(f'<rsp:Stream Name="{name}" CommandId="{command_id}" End="true"></rsp:Stream>' for name in ("stdout", "stderr"))
        done = f'<rsp:CommandState CommandId="{command_id}" State="{_STATE}/Done"><rsp:ExitCode>{result.exit_code}</rsp:ExitCode>'
        return f"<rsp:ReceiveResponse>{''.join(streams)}{ends}{done}</rsp:CommandState></rsp:ReceiveResponse>"


def _chunks(name: str, text: str, encoding: str) -> list[tuple[str, bytes]]:
    data = text.encode(encoding, "replace")
    return [(name, data[start : start + CHUNK]) for start in range(0, len(data), CHUNK)]

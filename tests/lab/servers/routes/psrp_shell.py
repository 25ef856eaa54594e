# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The PowerShell shell of WS-Management: a RunspacePool that opens, and pipelines that are Ansible's put_file.

Any other script is refused: the pipeline fails, and the journal has an entry of kind unknown.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import typing as t
import uuid
import xml.etree.ElementTree as ET

from tests.lab.servers.programs import ansible_copy
from tests.lab.servers.programs.process import Result
from tests.lab.servers.protocol import faults, psrp, soap

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer

HOST_PROCESS = r"C:\Windows\system32\wsmprovhost.exe -Embedding"
_STATE = f"{soap.SHELL}/CommandState"
MAX_TIMEOUT = 60.0


class _Running:
    """One pipeline."""

    def __init__(self, pipeline: psrp.Pipeline, identity: bytes) -> None:
        self.pipeline = pipeline
        self.identity = identity
        self.input: list[str] = []
        self.output: list[bytes] = []
        self.done = False


class PsrpShell:
    """One RunspacePool."""

    def __init__(self, server: WindowsServer, request: soap.Request) -> None:
        assert request.body is not None
        self.id = (request.body.get("ShellId") or str(uuid.uuid4())).upper()
        self._server = server
        self._assembler = psrp.Assembler()
        self._fragments = psrp.Fragments()
        self._replies: list[list[bytes]] = []
        self._pipelines: dict[str, _Running] = {}
        self._news = asyncio.Event()
        server.world.journal.process(server.name, HOST_PROCESS)
        creation = next((item for item in request.body if soap.local(item.tag) == "creationXml"), None)
        self._feed(base64.b64decode((creation.text if creation is not None else "") or ""), None)

    def describe(self) -> str:
        """rsp:Shell of a reply [REAL]."""
        return (
            f'<rsp:Shell xmlns:rsp="{soap.SHELL}"><rsp:ShellId>{self.id}</rsp:ShellId>'
            "<rsp:ResourceUri>http://schemas.microsoft.com/powershell/Microsoft.PowerShell</rsp:ResourceUri>"
            f"<rsp:Owner>{self._server.machine_name}\\{self._server.user}</rsp:Owner><rsp:ClientIP>127.0.0.1</rsp:ClientIP>"
            "<rsp:ProcessId>4384</rsp:ProcessId><rsp:IdleTimeOut>PT7200.000S</rsp:IdleTimeOut><rsp:InputStreams>stdin pr</rsp:InputStreams>"
            "<rsp:OutputStreams>stdout</rsp:OutputStreams><rsp:MaxIdleTimeOut>PT2147483.647S</rsp:MaxIdleTimeOut>"
            "<rsp:Locale>en-US</rsp:Locale><rsp:DataLocale>en-US</rsp:DataLocale><rsp:CompressionMode>NoCompression</rsp:CompressionMode>"
            "<rsp:ProfileLoaded>Yes</rsp:ProfileLoaded><rsp:Encoding>UTF8</rsp:Encoding><rsp:BufferMode>Block</rsp:BufferMode>"
            "<rsp:State>Connected</rsp:State><rsp:ShellRunTime>P0DT0H0M0S</rsp:ShellRunTime>"
            "<rsp:ShellInactivity>P0DT0H0M0S</rsp:ShellInactivity></rsp:Shell>"
        )

    def close(self) -> None:
        """Nothing outlives the shell."""
        self._pipelines.clear()
        self._news.set()

    async def handle(self, name: str, request: soap.Request) -> str:
        """Serve Command, Send, Receive or Signal; returns the body of the reply."""
        assert request.body is not None
        if name == "Command":
            return self._command(request.body)
        holder = request.body if name == "Signal" else next(iter(request.body), None)
        command_id = ((holder.get("CommandId") if holder is not None else "") or "").upper()
        if name == "Signal":
            self._pipelines.pop(command_id, None)
            return "<rsp:SignalResponse/>"
        if command_id and command_id not in self._pipelines:
            raise faults.unknown_command()
        if name == "Send":
            for stream in request.body:
                self._feed(base64.b64decode(stream.text or ""), command_id)
            return "<rsp:SendResponse/>"
        return await self._receive(command_id, min(request.operation_timeout, MAX_TIMEOUT))

    def _command(self, body: ET.Element) -> str:
        command_id = (body.get("CommandId") or str(uuid.uuid4())).upper()
        arguments = next((item for item in body if soap.local(item.tag) == "Arguments"), None)
        nothing = psrp.Pipeline("", [], True)
        self._pipelines[command_id] = _Running(nothing, psrp.NOBODY)
        self._feed(base64.b64decode((arguments.text if arguments is not None else "") or ""), command_id)
        return f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId></rsp:CommandResponse>"

    async def _receive(self, command_id: str, seconds: float) -> str:
        running = self._pipelines.get(command_id)
        if not self._has_news(running):
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), seconds)
            except asyncio.TimeoutError:
                raise faults.timed_out() from None
        if running is None:
            pieces = self._replies.pop(0) if self._replies else []
            return f"<rsp:ReceiveResponse>{''.join(_stream(piece, '') for piece in pieces)}</rsp:ReceiveResponse>"
        streams = "".join(_stream(piece, command_id) for piece in running.output)
        running.output.clear()
        state = ""
        if running.done:
            state = f'<rsp:CommandState CommandId="{command_id}" State="{_STATE}/Done"><rsp:ExitCode>0</rsp:ExitCode></rsp:CommandState>'
        return f"<rsp:ReceiveResponse>{streams}{state}</rsp:ReceiveResponse>"

    def _has_news(self, running: _Running | None) -> bool:
        return bool(self._replies) if running is None else bool(running.output) or running.done

    def _feed(self, data: bytes, command_id: str | None) -> None:
        try:
            messages = self._assembler.feed(data)
        except ValueError as error:
            raise faults.schema_error() from error
        for message in messages:
            self._take(message, self._pipelines.get(command_id or ""))

    def _take(self, message: psrp.Message, running: _Running | None) -> None:
        if message.kind == psrp.SESSION_CAPABILITY:
            return
        if message.kind == psrp.INIT_RUNSPACEPOOL:
            self._open(message.pool)
        elif message.kind == psrp.CREATE_PIPELINE and running is not None:
            self._start(message, running)
        elif message.kind == psrp.PIPELINE_INPUT and running is not None:
            running.input += psrp.strings_in(message.data)
        elif message.kind == psrp.END_OF_PIPELINE_INPUT and running is not None:
            self._run(message.pool, running)
        else:
            self._server.unknown(f"PSRP message of type 0x{message.kind:08X}", action="shell/psrp")

    def _open(self, pool: bytes) -> None:
        """Two messages in a first Receive, the state in a second [REAL]."""
        data = ((psrp.SESSION_CAPABILITY, psrp.NOBODY, psrp.CAPABILITY), (psrp.APPLICATION_PRIVATE_DATA, pool, psrp.PRIVATE_DATA))
        first = [piece for kind, of, text in data for piece in self._fragments.cut(psrp.Message(kind, of, psrp.NOBODY, text))]
        state = psrp.Message(psrp.RUNSPACEPOOL_STATE, pool, psrp.NOBODY, psrp.pool_state(psrp.OPENED))
        self._replies += [first, self._fragments.cut(state)]
        self._news.set()

    def _start(self, message: psrp.Message, running: _Running) -> None:
        running.identity = message.pipeline
        try:
            running.pipeline = psrp.read_pipeline(message.data)
        except ValueError as error:
            self._server.unknown(f"PSRP pipeline: {error}", action="shell/psrp")
            self._end(message.pool, running, Result(1, stderr=str(error)))
            return
        if not running.pipeline.expects_input:
            self._run(message.pool, running)

    def _run(self, pool: bytes, running: _Running) -> None:
        self._server.settle()
        if not running.done:
            self._end(pool, running, self._result(running))

    def _result(self, running: _Running) -> Result:
        pipeline = running.pipeline
        if ansible_copy.is_old_copy(pipeline.script) and pipeline.arguments:
            return ansible_copy.copy(self._server, "wsmprovhost.exe", pipeline.arguments[0], running.input)
        if ansible_copy.is_bootstrap(pipeline.script):
            found = ansible_copy.path_in_manifest(running.input)
            if found is not None:
                return ansible_copy.copy(self._server, "wsmprovhost.exe", *found)
            self._server.unknown(f"Ansible script through PSRP: {ansible_copy.what_is_asked(running.input)}", action="shell/psrp")
            return Result(1, stderr="The lab does not run Ansible's PowerShell modules.")
        digest = hashlib.sha256(pipeline.script.encode()).hexdigest()
        self._server.unknown(f"unknown PSRP script, sha256 {digest}, begins {pipeline.script[:60]!r}", action="shell/psrp")
        return Result(1, stderr="The lab does not know this PowerShell script.")

    def _end(self, pool: bytes, running: _Running, result: Result) -> None:
        if result.stdout:
            output = psrp.Message(psrp.PIPELINE_OUTPUT, pool, running.identity, psrp.string(result.stdout))
            running.output += self._fragments.cut(output)
        failed = result.exit_code != 0
        state = psrp.pipeline_state(psrp.FAILED if failed else psrp.COMPLETED, result.stderr if failed else None)
        running.output += self._fragments.cut(psrp.Message(psrp.PIPELINE_STATE, pool, running.identity, state))
        running.done = True
        self._news.set()


def _stream(piece: bytes, command_id: str) -> str:
    owner = f' CommandId="{command_id}"' if command_id else ""
    return f'<rsp:Stream Name="stdout"{owner}>{base64.b64encode(piece).decode()}</rsp:Stream>'

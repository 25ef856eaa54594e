# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One Wine: a prefix of its own, programs that run in it, and the door that asks it as a Windows program would."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import threading
import typing as t

from tests.wine import toolchain

TIMEOUT = 120
# Seconds that Wine's server stays when nothing runs in it: a cold start costs 2.6 s for each program.
KEPT = 60


class WineError(Exception):
    """Wine, or the door, refused. C(code) is Windows' error code or HRESULT, unsigned."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(f"{message} (0x{code:08x})" if code else message)
        self.code = code


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a program ended; C(exit_code) has all 32 bits when the door ran it, and only the lowest 8 otherwise."""

    exit_code: int
    stdout: str
    stderr: str


class Wine:
    """A prefix. Everything that is written lies in it or in C(scratch)."""

    def __init__(self, prefix: pathlib.Path, scratch: pathlib.Path, door: pathlib.Path) -> None:
        self.prefix = prefix
        self._scratch = scratch
        self._door = door
        self._at_fixed_addresses = toolchain.at_fixed_addresses()
        self._open_door: subprocess.Popen[bytes] | None = None
        self._one_at_a_time = threading.Lock()
        kept = {name: value for name, value in os.environ.items() if name != "DISPLAY" and not name.startswith("WINE")}
        # No offer to download .NET or a browser engine.
        self._environment = {**kept, "WINEPREFIX": str(prefix), "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml="}

    def start(self) -> None:
        """Make the prefix anew. Takes about ten seconds."""
        self.stop()
        shutil.rmtree(self.prefix, ignore_errors=True)
        self.prefix.mkdir(parents=True)
        self._run(["wine64", "wineboot", "--init"])
        # Without an end of the server here, the first msiexec fails with 1627 (observed with Wine 8.0).
        self._run(["wineserver64", "--wait"])
        self._run(["wineserver64", f"--persistent={KEPT}"])

    def stop(self) -> None:
        """End everything that runs in the prefix."""
        if self.prefix.exists():
            self._run(["wineserver64", "--kill"])
        self._shut()

    def program(self, *command: str, ends_with: t.Collection[int] = (0,)) -> Ended:
        """Run one of Wine's own programs, past the door and the lab: the independent witness of the tests.

        :param ends_with: the exit codes that are an answer.
        :raises WineError: for any other, with all that the program and Wine said: it has failed, and tells nothing.
        """
        ended = self._run(["wine64", *command], debug="err+all,fixme-all")
        if ended.exit_code not in ends_with:
            raise WineError(f"{' '.join(command)} ended with {ended.exit_code}; output {ended.stdout!r}, errors {ended.stderr!r}")
        return ended

    def command(self, line: str, stdin: bytes = b"") -> Ended:
        """Run C(cmd.exe /c line), as WinRS does."""
        with tempfile.TemporaryDirectory(dir=self._scratch) as name:
            streams = [pathlib.Path(name) / stream for stream in ("stdin", "stdout", "stderr")]
            streams[0].write_bytes(stdin)
            answer = self.ask("run", line, *(self.windows_path(path) for path in streams))
            return Ended(answer["exit_code"], _text(streams[1].read_bytes()), _text(streams[2].read_bytes()))

    def ask(self, verb: str, *parameters: str) -> t.Any:
        """Ask the door. :raises WineError: when Wine refuses."""
        question = "\n".join([verb, str(len(parameters)), *parameters, ""])
        with self._one_at_a_time:
            line = self._exchange(question.encode())
        if not line.endswith(b"\n"):
            self._shut()
            raise WineError(f"the door did not answer {verb} {parameters}: {line!r}")
        answer = json.loads(line)
        if isinstance(answer, dict) and "error" in answer:
            raise WineError(f"{verb} {parameters}: {answer['error']}", answer["code"])
        return answer

    def _exchange(self, question: bytes) -> bytes:
        """A line; what there is of it when the door does not end it in time."""
        if self._open_door is None:
            command = [*self._at_fixed_addresses, str(toolchain.find("wine64")), str(self._door)]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            self._open_door = subprocess.Popen(command, env=self._environment, bufsize=0, **pipes)
        asked, answered = self._open_door.stdin, self._open_door.stdout
        assert asked is not None
        assert answered is not None
        asked.write(question)
        line = b""
        while not line.endswith(b"\n") and select.select([answered], [], [], TIMEOUT)[0]:
            piece = os.read(answered.fileno(), 1 << 16)
            line += piece
            if not piece:
                break
        return line

    def _shut(self) -> None:
        door, self._open_door = self._open_door, None
        if door is None:
            return
        for pipe in (door.stdin, door.stdout):
            if pipe is not None:
                pipe.close()
        try:
            door.wait(10)
        except subprocess.TimeoutExpired:
            door.kill()
            door.wait()

    def windows_path(self, path: pathlib.Path) -> str:
        """The name by which Wine knows a file of this machine."""
        return "Z:" + str(path).replace("/", "\\")

    def path(self, windows_path: str) -> pathlib.Path:
        """Where a path of drive C lies on this machine; Windows does not mind the case of letters."""
        drive, _colon, rest = windows_path.partition(":")
        if drive.lower() != "c":
            raise ValueError(f"only drive C is known here, not {windows_path}")
        found = self.prefix / "drive_c"
        for part in rest.replace("/", "\\").strip("\\").split("\\"):
            entries = {entry.name.lower(): entry for entry in found.iterdir()} if found.is_dir() else {}
            found = entries.get(part.lower(), found / part)
        return found

    def _run(self, command: list[str], stdin: bytes = b"", debug: str = "-all") -> Ended:
        program = toolchain.find(command[0])
        assert program is not None, f"{command[0]} is missing"
        # Files, not pipes: a service that starts along the way inherits them, and a pipe would never close.
        with contextlib.ExitStack() as stack:
            streams = [stack.enter_context(tempfile.TemporaryFile(dir=self._scratch)) for _stream in range(3)]
            streams[0].write(stdin)
            streams[0].seek(0)
            done = subprocess.run(
                [*self._at_fixed_addresses, program, *command[1:]],
                env={**self._environment, "WINEDEBUG": debug},
                stdin=streams[0],
                stdout=streams[1],
                stderr=streams[2],
                timeout=TIMEOUT,
                check=False,
            )
            for stream in streams:
                stream.seek(0)
            return Ended(done.returncode, _text(streams[1].read()), _text(streams[2].read()))


def _text(output: bytes) -> str:
    """Wine's programs write UTF-8, the ANSI code page, or UTF-16."""
    output = output.replace(b"\0", b"")
    try:
        return output.decode("utf-8")
    except UnicodeDecodeError:
        return output.decode("cp1252", "replace")

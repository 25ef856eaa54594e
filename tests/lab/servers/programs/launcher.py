# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding the program of a command line and running it. Whatever is not known here is refused and journalled as unknown."""

from __future__ import annotations

import dataclasses
import ntpath
import typing as t

from tests.lab.servers import installers, shares
from tests.lab.servers.programs import builtin, commandline, installer, msiexec, netsh, powershell, reg, sc, shutdown, typeperf, wevtutil
from tests.lab.servers.programs.process import Program, Result, Start

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer

SYSTEM: dict[str, Program] = {
    "powershell": powershell.run,
    "msiexec": msiexec.run,
    "reg": reg.run,
    "sc": sc.run,
    "typeperf": typeperf.run,
    "netsh": netsh.run,
    "wevtutil": wevtutil.run,
    "shutdown": shutdown.run,
    "hostname": builtin.hostname,
    "whoami": builtin.whoami,
    "mkdir": builtin.mkdir,
    "md": builtin.mkdir,
    "rmdir": builtin.rmdir,
    "rd": builtin.rmdir,
    "echo": builtin.echo,
    "exit": builtin.leave,
}
# A program of its own, which starts one of the others.
_CMD = "cmd"
_SYSTEM_FOLDERS = (r"c:\windows\system32", r"c:\windows\system32\windowspowershell\v1.0", r"c:\windows\sysnative")


@dataclasses.dataclass(frozen=True)
class Launch:
    """A program ready to run. `waits_for_input`: it reads standard input to the end before it does anything."""

    server: WindowsServer
    program: Program
    name: str
    arguments: list[str]
    waits_for_input: bool = False

    def run(self, stdin: bytes) -> Result:
        """Run the program to its end."""
        self.server.settle()
        result = self.program(Start(self.server, self.name, self.arguments, stdin))
        self.server.settle()
        return result


Launcher = t.Callable[["WindowsServer", str], Launch]
"""What starts a command line on a server."""


def environment(server: WindowsServer) -> dict[str, str]:
    """Environment variables of the logon session."""
    return {
        "ComputerName": server.machine_name,
        "ProgramData": r"C:\ProgramData",
        "ProgramFiles": r"C:\Program Files",
        "SystemDrive": "C:",
        "SystemRoot": r"C:\Windows",
        "TEMP": server.temp,
        "TMP": server.temp,
        "UserName": server.user,
        "WinDir": r"C:\Windows",
    }


def launch(server: WindowsServer, line: str) -> Launch:
    """Start what `cmd.exe /c line` would start, and note the process. Never raises: a failure is a program that ends with 1."""
    try:
        line = commandline.through_cmd(line, environment(server))
    except commandline.UnquotedOperator as error:
        server.unknown(f"command line with {error}: {_shorten(line)}", action="process")
        server.world.journal.process(server.name, line)
        return _refused(server, "The syntax of the command is incorrect.")
    server.world.journal.process(server.name, line)
    arguments = commandline.split(line)
    if not arguments:
        return _refused(server, "The syntax of the command is incorrect.")
    name, program = _find(server, arguments[0])
    if program is None:
        return _refused(server, name)
    waits = program is powershell.run and powershell.reads_input(arguments[1:])
    return Launch(server, program, name, arguments[1:], waits)


def _find(server: WindowsServer, command: str) -> tuple[str, Program | None]:
    """Return name and program; without a program, the message of cmd.exe stands for the name."""
    folder, base = ntpath.split(command)
    stem = base.lower().removesuffix(".exe")
    if not folder or folder.lower() in _SYSTEM_FOLDERS:
        if stem == _CMD:
            return "cmd.exe", _nested
        if stem in SYSTEM:
            return f"{stem}.exe", SYSTEM[stem]
    if shares.is_refused(command):
        return f"{shares.DENIED}.", None
    file = server.files.get(command) if folder else None
    if file is not None and installers.parse(file.content) is not None:
        content = file.content
        return base, lambda start: installer.run(start, content)
    if file is not None:
        server.unknown(f"run {command}: the lab does not know this program", action="process")
        return "This program is not known to the lab.", None
    if folder:
        return "The system cannot find the path specified.", None
    server.unknown(f"run {command}: the lab does not know this program", action="process")
    return f"'{command}' is not recognized as an internal or external command,\r\noperable program or batch file.", None


def _nested(start: Start) -> Result:
    """cmd.exe /c command: prints what the command prints, and ends as it does [DOC cmd /?]."""
    if len(start.arguments) < 2 or start.arguments[0].lower() != "/c":
        start.server.unknown(f"cmd.exe {_shorten(' '.join(start.arguments))}", action="process")
        return Result(1)
    name, program = _find(start.server, start.arguments[1])
    if program is None:
        return Result(1, stderr=f"{name}\r\n")
    return program(Start(start.server, name, start.arguments[2:], start.stdin))


def _refused(server: WindowsServer, message: str) -> Launch:
    """cmd.exe ends with 1 and says why on standard error [INF]."""
    return Launch(server, lambda start: Result(1, stderr=f"{message}\r\n"), "cmd.exe", [])


def _shorten(line: str) -> str:
    return line if len(line) <= 120 else f"{line[:120]}..."

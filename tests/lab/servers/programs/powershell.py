# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""powershell.exe -EncodedCommand: the collection's bootstrap with a known script, or put_file of Ansible's winrm plugin.

Nothing else is PowerShell here: any other command line or script is refused with exit code 1 and journalled as unknown.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import typing as t

from tests.lab.servers import known_scripts
from tests.lab.servers.programs import ansible_copy
from tests.lab.servers.programs.process import Result, Start

BOOTSTRAP = (
    "$ErrorActionPreference = 'Stop'\n"
    "$document = [Console]::In.ReadLine() | ConvertFrom-Json\n"
    "$secrets = @{}\n"
    "foreach ($name in $document.secrets) {\n"
    "    $secrets[$name] = New-Object -TypeName System.Security.SecureString\n"
    "    $bytes = [Convert]::FromBase64String([Console]::In.ReadLine())\n"
    "    foreach ($character in [Text.Encoding]::UTF8.GetString($bytes).ToCharArray()) { $secrets[$name].AppendChar($character) }\n"
    "}\n"
    "& ([ScriptBlock]::Create($document.script)) $document.arguments $secrets\n"
)
"""The one bootstrap of the collection: script and arguments come as JSON in the first line of standard input, secrets in further ones."""
_FLAGS = {"-nologo", "-noprofile", "-noninteractive"}
_WITH_VALUE = {"-executionpolicy", "-encodedcommand", "-inputformat", "-outputformat"}


def run(start: Start) -> Result:
    """Run powershell.exe."""
    script = command_of(start.arguments)
    if script is None:
        start.server.unknown("powershell.exe with a command line that the lab does not know", action="process")
        return _failed("The lab runs powershell.exe -EncodedCommand only.")
    if script == BOOTSTRAP:
        return _collection(start)
    lines = start.stdin.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    if ansible_copy.is_old_copy(script):
        path = ansible_copy.path_in_script(script)
        if path is not None:
            return _shown(ansible_copy.copy(start.server, "powershell.exe", path, lines))
    if ansible_copy.is_bootstrap(script):
        found = ansible_copy.path_in_manifest(lines)
        if found is not None:
            return _shown(ansible_copy.copy(start.server, "powershell.exe", *found))
        start.server.unknown(f"Ansible script through powershell.exe: {ansible_copy.what_is_asked(lines)}", action="process")
        return _failed("The lab does not run Ansible's PowerShell modules.")
    digest = hashlib.sha256(script.encode()).hexdigest()
    start.server.unknown(f"unknown PowerShell command, sha256 {digest}, begins {script[:60]!r}", action="process")
    return _failed("The lab does not know this PowerShell command.")


def reads_input(arguments: t.Sequence[str]) -> bool:
    """Say whether this command line reads standard input to its end."""
    script = command_of(arguments)
    return script is not None and (script == BOOTSTRAP or ansible_copy.is_old_copy(script) or ansible_copy.is_bootstrap(script))


def command_of(arguments: t.Sequence[str]) -> str | None:
    """Return the script of -EncodedCommand; None for a command line that the lab does not know."""
    script: str | None = None
    rest = iter(arguments)
    for argument in rest:
        switch = argument.lower()
        if switch in _FLAGS:
            continue
        value = next(rest, None)
        if switch not in _WITH_VALUE or value is None:
            return None
        if switch == "-encodedcommand":
            try:
                script = base64.b64decode(value, validate=True).decode("utf-16-le")
            except (binascii.Error, UnicodeDecodeError):
                return None
    return script


def _collection(start: Start) -> Result:
    """Run one of the collection's scripts, known by the digest of its text."""
    try:
        first, *lines = start.stdin.decode("ascii").splitlines()
        document = json.loads(first)
        script, arguments, names = str(document["script"]), dict(document["arguments"]), list(document["secrets"])
        secrets = {name: base64.b64decode(line, validate=True).decode() for name, line in zip(names, lines, strict=True)}
    except (ValueError, KeyError, TypeError):
        return _failed("ConvertFrom-Json : Invalid JSON primitive.")
    behaviour = known_scripts.find(script)
    if behaviour is None:
        digest = known_scripts.digest(script)
        start.server.unknown(f"unknown script of the collection, sha256 {digest}", action="process")
        return _failed(f"The lab does not know the script with SHA-256 {digest}.")
    try:
        answer = behaviour(start.server, {**arguments, "secrets": secrets})
    except (KeyError, TypeError, ValueError) as error:
        start.server.unknown(f"arguments that the script cannot take: {type(error).__name__}", action="process")
        return _failed("The lab cannot play the script with these arguments.")
    return Result(stdout=json.dumps(answer, separators=(",", ":")) + "\r\n")


def _failed(message: str) -> Result:
    return _shown(Result(1, stderr=message))


def _shown(result: Result) -> Result:
    """Error output of powershell.exe without a console is CLIXML [SRC: what Ansible's winrm plugin unpacks]."""
    stdout = f"{result.stdout}\r\n" if result.stdout else ""
    if not result.stderr:
        return Result(result.exit_code, stdout)
    text = result.stderr.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    objects = (
        f'<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><S S="Error">{text}_x000D__x000A_</S></Objs>'
    )
    return Result(result.exit_code, stdout, f"#< CLIXML\r\n{objects}")

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Windows PowerShell scripts: one JSON document in on standard input, one out on standard output.

The command line is always the same and holds no data; script and arguments travel on standard input, so that a secret is
never seen in a process list, a script-block log of the command line, or a file. Secrets travel apart, a line for each after
the document, and become secure strings without a cmdlet: where module logging is on, Windows PowerShell writes what is bound
to a cmdlet's parameters, pipeline input included, to its event log (event 4103; SRC: PowerShell's ParameterBinderBase).
"""

from __future__ import annotations

import base64
import json
import typing as t
import xml.etree.ElementTree as ET
from types import MappingProxyType

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import Shell
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.redaction import redacted
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.reply import descendants, parse
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import ProtocolError, WSManError

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
COMMAND = "powershell.exe"
ARGUMENTS = (
    "-NoLogo",
    "-NoProfile",
    "-NonInteractive",
    "-ExecutionPolicy",
    "Bypass",
    "-EncodedCommand",
    base64.b64encode(BOOTSTRAP.encode("utf-16-le")).decode("ascii"),
)
# Characters of error output that a message shows; and that are looked at, so that the cut never goes through what is shown.
TAIL = 1500
LOOKED_AT = 10 * TAIL


class ScriptError(WSManError):
    """A script ended without its answer.

    :ivar exit_code: PowerShell's exit code.
    :ivar stderr: the end of its error output, secrets blotted out.
    """

    def __init__(self, exit_code: int, problem: str, stderr: str) -> None:
        super().__init__(f"the PowerShell script {problem} (exit code {exit_code}){f': {stderr}' if stderr else ''}")
        self.exit_code = exit_code
        self.stderr = stderr


def run_script(
    shell: Shell,
    script_text: str,
    arguments: t.Mapping[str, t.Any],
    *,
    timeout: float,
    secrets: t.Mapping[str, str] = MappingProxyType({}),
) -> dict[str, t.Any]:
    """Run a script and return the document that it printed as its last line.

    :param arguments: the script's first parameter; what is in them may be logged on the server.
    :param timeout: seconds.
    :param secrets: its second parameter, where they are secure strings; blotted out in error messages.
    :raises ScriptError: it failed, or its last line is not a JSON object.
    """
    result = shell.run(COMMAND, ARGUMENTS, stdin=_input(script_text, arguments, secrets), timeout=timeout)
    lines = [line for line in result.stdout.splitlines() if line.strip()]
    if result.exit_code != 0:
        raise ScriptError(result.exit_code, "failed", _explanation(result.stderr, lines, list(secrets.values())))
    try:
        answer = json.loads(lines[-1].strip().lstrip("\ufeff")) if lines else None
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ScriptError(result.exit_code, "printed no JSON document", _explanation(result.stderr, lines, list(secrets.values())))
    return answer


def readable_stderr(stderr: str) -> str:
    """PowerShell wraps errors in XML (CLIXML) when nobody looks at its console; this is the text in it."""
    marker = "#< CLIXML"
    if marker not in stderr:
        return stderr.strip()
    before, _marker, rest = stderr.partition(marker)
    start, end = rest.find("<Objs"), rest.rfind("</Objs>")
    if start < 0 or end < 0:
        return stderr.strip()
    try:
        root = parse(rest[start : end + len("</Objs>")])
    except ProtocolError:
        return stderr.strip()
    texts = [item.text or "" for item in descendants(root, "S") if _is_error(item)]
    return (before + "".join(texts).replace("_x000D_", "").replace("_x000A_", "\n")).strip()


def _input(script_text: str, arguments: t.Mapping[str, t.Any], secrets: t.Mapping[str, str]) -> bytes:
    document = json.dumps({"script": script_text, "arguments": dict(arguments), "secrets": list(secrets)}, ensure_ascii=True)
    lines = [document.encode("ascii"), *(base64.b64encode(secret.encode()) for secret in secrets.values())]
    return b"".join(line + b"\n" for line in lines)


def _is_error(item: ET.Element) -> bool:
    return item.get("S") == "Error"


def _explanation(stderr: str, lines: t.Sequence[str], secrets: t.Sequence[t.Any]) -> str:
    text = readable_stderr(stderr) or "\n".join(lines[-5:])
    return redacted(text[-LOOKED_AT:], secrets)[-TAIL:]

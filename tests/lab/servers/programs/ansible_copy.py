# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripts by which Ansible's own connection plugins copy a file (put_file), recognised by their form [SRC].

ansible-core up to 2.18: one script with begin, process and end blocks, path inside (winrm) or as argument (psrp).
From 2.19 on: a bootstrap that reads sections from its input, parted by lines of four NUL characters: the exec_wrapper script,
a manifest whose action is winrm_put_file.ps1 or psrp_put_file.ps1, then the file in base64 lines.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import typing as t

from tests.lab.servers.programs.process import Result
from tests.lab.servers.state.filesystem import NoFolder

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer

SEPARATOR = "\0\0\0\0"
_PATH = re.compile(r"^\s*\$path = '(.*)'\s*$", re.MULTILINE)
_OLD_MARKS = ("[System.IO.File]::Create($path)", "[System.Convert]::FromBase64String($input)", "TransformFinalBlock")
_ACTIONS = ("winrm_put_file.ps1", "psrp_put_file.ps1")


def is_bootstrap(script: str) -> bool:
    """Say whether a script is the bootstrap wrapper of ansible-core 2.19 and later."""
    return "`0`0`0`0" in script and "$code.script" in script and "$code.params" in script


def is_old_copy(script: str) -> bool:
    """Say whether a script is put_file of ansible-core up to 2.18."""
    return all(mark in script for mark in _OLD_MARKS)


def path_in_script(script: str) -> str | None:
    """Return the target path of the winrm form of is_old_copy()."""
    match = _PATH.search(script)
    return match.group(1).replace("''", "'") if match is not None else None


def path_in_manifest(lines: t.Sequence[str]) -> tuple[str, list[str]] | None:
    """Read the input of a bootstrap: target path and the lines of the file. None when it is not a put_file."""
    sections: list[list[str]] = [[]]
    for line in lines:
        if line == SEPARATOR and len(sections) < 3:
            sections.append([])
        else:
            sections[-1].append(line)
    if len(sections) != 3:
        return None
    try:
        manifest = json.loads("\n".join(sections[1]))
        action = manifest["actions"][-1]
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    if len(manifest["actions"]) != 1 or action["name"] not in _ACTIONS:
        return None
    return str(action["params"]["Path"]), sections[2]


def what_is_asked(lines: t.Sequence[str]) -> str:
    """Say which Ansible script a bootstrap was to run, for the journal."""
    for line in lines:
        try:
            document = json.loads(line)
        except ValueError:
            continue
        if isinstance(document, dict) and "actions" in document:
            return ", ".join(str(action.get("name")) for action in document["actions"])
    return "an unreadable manifest"


def copy(server: WindowsServer, program: str, path: str, lines: t.Iterable[str]) -> Result:
    """Write a file from base64 lines; the answer is its SHA-1 in JSON, which the plugin compares."""
    try:
        content = b"".join(base64.b64decode(line, validate=True) for line in lines if line.strip())
    except binascii.Error as error:
        return Result(1, stderr=f"Invalid base64 input: {error}")
    try:
        server.files.write(path, content)
    except (NoFolder, ValueError) as error:
        return Result(1, stderr=f'Exception calling "Create" with "1" argument(s): "{error}"')
    server.changed(program, "put_file", path=path, size=len(content))
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    return Result(stdout=f'{{"sha1":"{digest}"}}')

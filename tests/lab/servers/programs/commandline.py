# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Command lines: what cmd.exe does to one, and how the C runtime splits one into arguments [DOC]."""

from __future__ import annotations

import re
import typing as t

CMD_LIMIT = 8191
"""Characters that cmd.exe takes [DOC]."""
_VARIABLE = re.compile(r"%([A-Za-z_][A-Za-z0-9_()]*)%")


class UnquotedOperator(ValueError):
    """The line uses & | < > outside quotes: the lab runs single programs only."""


def through_cmd(line: str, environment: t.Mapping[str, str]) -> str:
    """Return the command line of the program that `cmd.exe /c line` starts. Raises UnquotedOperator.

    %NAME% is replaced (an unknown one stays), ^ escapes one character outside quotes, an @ before the command is dropped (it means
    "without echo"; a program path with spaces is sent as @"C:\\Program Files\\x.exe").
    """
    line = line.lstrip(" \t").removeprefix("@")
    names = {name.lower(): value for name, value in environment.items()}
    line = _VARIABLE.sub(lambda match: names.get(match.group(1).lower(), match.group(0)), line)
    result: list[str] = []
    quoted = False
    characters = iter(line)
    for character in characters:
        if character == '"':
            quoted = not quoted
        elif not quoted and character == "^":
            result.append(next(characters, ""))
            continue
        elif not quoted and character in "&|<>":
            raise UnquotedOperator(f"{character!r} outside quotes")
        result.append(character)
    return "".join(result).strip()


def split(line: str) -> list[str]:
    """Split as CommandLineToArgvW and the C runtime do: quotes group, backslashes escape only before a quote."""
    arguments: list[str] = []
    current: list[str] = []
    started = quoted = False
    position = 0
    while position < len(line):
        character = line[position]
        if character == "\\":
            count = len(line[position:]) - len(line[position:].lstrip("\\"))
            position += count
            started = True
            if position < len(line) and line[position] == '"':
                current.append("\\" * (count // 2))
                if count % 2:
                    current.append('"')
                    position += 1
                continue
            current.append("\\" * count)
            continue
        position += 1
        if character == '"':
            started = True
            if quoted and position < len(line) and line[position] == '"':
                current.append('"')
                position += 1
                continue
            quoted = not quoted
        elif character in " \t" and not quoted:
            if started:
                arguments.append("".join(current))
            current, started = [], False
        else:
            current.append(character)
            started = True
    if started:
        arguments.append("".join(current))
    return arguments

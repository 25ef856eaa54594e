# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quoting: what goes in is what the program gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.command_line import CommandLineError, quote_argument, quote_command

ARGUMENT = st.text(st.one_of(st.sampled_from('"\\^%!&|<>() \t'), st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"))), max_size=30)


def through_cmd(line: str) -> str:
    """What cmd.exe leaves of a line (DOC: cmd /?): carets go, unless inside quotes; an operator outside of them would act."""
    kept, quoted, position = [], False, 0
    while position < len(line):
        character = line[position]
        if character == "^" and not quoted:
            position += 1
            character = line[position]
        elif character == '"':
            quoted = not quoted
        else:
            assert quoted or character not in "&|<>()%!", f"cmd.exe would act on {character!r}"
        kept.append(character)
        position += 1
    return "".join(kept)


def split_as_c_runtime(line: str) -> list[str]:
    """Microsoft's rules of parsing C command-line arguments."""
    found: list[str] = []
    current: list[str] | None = None
    quoted, position = False, 0
    while position < len(line):
        character = line[position]
        if character == "\\":
            end = position
            while end < len(line) and line[end] == "\\":
                end += 1
            count, before_quote = end - position, end < len(line) and line[end] == '"'
            current = [*(current or []), "\\" * (count // 2 if before_quote else count)]
            position = end
            if before_quote and count % 2:
                current.append('"')
                position += 1
            continue
        if character == '"':
            quoted = not quoted
            current = current or []
        elif character in " \t" and not quoted:
            if current is not None:
                found.append("".join(current))
            current = None
        else:
            current = [*(current or []), character]
        position += 1
    assert not quoted
    return found if current is None else [*found, "".join(current)]


@given(st.lists(ARGUMENT, max_size=4))
def test_any_arguments_arrive_unchanged(arguments: list[str]) -> None:
    line = " ".join(quote_argument(argument) for argument in arguments)
    assert split_as_c_runtime(through_cmd(line)) == arguments


@pytest.mark.parametrize(
    ("argument", "quoted"),
    [
        ("/quiet", "/quiet"),
        ("REGISTERCONNECTOR=false", "REGISTERCONNECTOR=false"),
        ("", '^"^"'),
        ("a b", '^"a b^"'),
        ("C:\\Program Files\\", '^"C:\\Program Files\\\\^"'),
        ('say "hi"', '^"say \\^"hi\\^"^"'),
        ("100%", "100^%"),
        ("a&b", "a^&b"),
    ],
)
def test_quoted_arguments(argument: str, quoted: str) -> None:
    assert quote_argument(argument) == quoted


@pytest.mark.parametrize(
    ("command", "quoted"),
    [
        ("powershell.exe", "powershell.exe"),
        ("C:\\Windows\\Temp\\setup.exe", "C:\\Windows\\Temp\\setup.exe"),
        ("C:\\Program Files\\a.exe", '@"C:\\Program Files\\a.exe"'),
        ("C:\\R&D\\a.exe", '@"C:\\R&D\\a.exe"'),
    ],
)
def test_quoted_commands(command: str, quoted: str) -> None:
    assert quote_command(command) == quoted


@pytest.mark.parametrize("command", ["", 'a"b', "%windir%\\a.exe", "a\nb", "a\0b"])
def test_what_is_no_program(command: str) -> None:
    with pytest.raises(CommandLineError, match="cannot be the name of a program"):
        quote_command(command)


@pytest.mark.parametrize("argument", ["a\nb", "a\rb", "a\0b"])
def test_a_line_break_cannot_be_an_argument(argument: str) -> None:
    with pytest.raises(CommandLineError, match="line break"):
        quote_argument(argument)

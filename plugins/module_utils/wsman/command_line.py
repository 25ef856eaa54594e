# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Command lines for cmd.exe, which stands between WinRS and every program."""

from __future__ import annotations

import re

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import WSManError

_NEEDS_QUOTES = re.compile(r'[\s"]')
_META = re.compile(r'[()%!^"<>&|]')
_COMMAND_META = re.compile(r"[\s()!^&|<>,;=]")
_LINE_BREAK = re.compile(r"[\r\n\0]")


class CommandLineError(WSManError):
    """No command line can be made of this. Nothing has been sent."""


def quote_command(command: str) -> str:
    """A program's name or path, so that cmd.exe starts it.

    cmd.exe does not see a program behind caret-quotes, so real quotes are used. With a quote as its very first character
    C(cmd /c) would strip the first and the last quote of the line (DOC: cmd /?); a leading C(@) keeps it from that, whether
    or not the server wraps the line in quotes of its own (INF).

    :raises CommandLineError: quotes, percent signs (cmd.exe would put a variable in their place) or line breaks.
    """
    if not command or re.search(r'["%]', command) or _LINE_BREAK.search(command):
        raise CommandLineError(
            f"{command!r} cannot be the name of a program: cmd.exe carries no quotes, percent signs and line breaks in it"
        )
    return f'@"{command}"' if _COMMAND_META.search(command) else command


def quote_argument(argument: str) -> str:
    """One argument that arrives unchanged through cmd.exe at a program that splits as the C runtime does.

    :raises CommandLineError: line breaks, which cmd.exe cannot carry.
    """
    if _LINE_BREAK.search(argument):
        raise CommandLineError("an argument of a Windows command cannot hold a line break")
    # The carets also take the quotes out of cmd.exe's sight, so that it never is inside quotes and always honours carets.
    return _META.sub(lambda match: "^" + match.group(), _for_c_runtime(argument))


def _for_c_runtime(argument: str) -> str:
    if argument and not _NEEDS_QUOTES.search(argument):
        return argument
    # Backslashes are literal unless they stand before a quote: those are doubled (DOC: Microsoft C startup).
    doubled = re.sub(r'(\\*)"', lambda match: match.group(1) * 2 + '\\"', argument)
    doubled = re.sub(r"(\\+)$", lambda match: match.group(1) * 2, doubled)
    return f'"{doubled}"'

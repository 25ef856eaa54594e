# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a program of the lab gets and gives."""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer


@dataclasses.dataclass(frozen=True)
class Start:
    """A program about to run: `arguments` without the program's own name."""

    server: WindowsServer
    program: str
    arguments: list[str]
    stdin: bytes = b""


@dataclasses.dataclass(frozen=True)
class Result:
    """How a process ended."""

    exit_code: int = 0
    stdout: str = ""
    stderr: str = ""


Program = t.Callable[[Start], Result]

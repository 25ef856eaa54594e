# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""shutdown.exe /r [/t seconds] [/f] [/c text] [/d reason]: the reboot that ansible.windows orders too [SRC, wsman.md 8]."""

from __future__ import annotations

from tests.lab.servers.programs.process import Result, Start

_WITH_VALUE = {"/t", "/c", "/d", "/m"}


def run(start: Start) -> Result:
    """Order a reboot. /t defaults to 30 seconds [DOC]."""
    delay = 30.0
    arguments = iter([argument.replace("-", "/", 1) if argument.startswith("-") else argument for argument in start.arguments])
    switches = set()
    for argument in arguments:
        switches.add(argument.lower())
        if argument.lower() in _WITH_VALUE:
            value = next(arguments, "")
            if argument.lower() == "/t":
                delay = float(value) if value.isdigit() else delay
    if "/r" not in switches:
        start.server.unknown(f"shutdown.exe {' '.join(start.arguments)}: only /r is known", action="process")
        return Result(1)
    start.server.changed("shutdown.exe", "reboot", seconds=delay)
    start.server.reboot(delay)
    return Result()

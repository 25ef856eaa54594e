# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""netsh int ipv4|ipv6 show|set dynamicport tcp|udp [start= num=]: output as English Windows prints it [recorded in public projects]."""

from __future__ import annotations

from tests.lab.servers.programs.process import Result, Start
from tests.lab.servers.state.network import HIGHEST_PORT, LOWEST_START, SMALLEST


def run(start: Start) -> Result:
    """netsh.exe; of its commands only those of the dynamic ports are known."""
    words = [argument.lower() for argument in start.arguments]
    if len(words) >= 5 and words[0] in ("int", "interface") and words[3] == "dynamicport" and f"{words[1]} {words[4]}" in _ranges(start):
        name = f"{words[1]} {words[4]}"
        if words[2] == "show" and len(words) == 5:
            return _show(start, name)
        if words[2] == "set" and len(words) == 7:
            return _set(start, name, dict(word.partition("=")[::2] for word in words[5:]))
    start.server.unknown(f"netsh.exe {' '.join(start.arguments)}", action="process")
    return Result(1, stdout="The following command was not found.\r\n")


def _ranges(start: Start) -> dict[str, tuple[int, int]]:
    return start.server.network.ports


def _show(start: Start, name: str) -> Result:
    first, number = _ranges(start)[name]
    text = f"\nProtocol {name.split()[1]} Dynamic Port Range\n---------------------------------\n"
    return Result(stdout=f"{text}Start Port      : {first}\nNumber of Ports : {number}\n\n".replace("\n", "\r\n"))


def _set(start: Start, name: str, values: dict[str, str]) -> Result:
    if set(values) != {"start", "num"} or not all(value.isdigit() for value in values.values()):
        start.server.unknown(f"netsh.exe {' '.join(start.arguments)}", action="process")
        return Result(1, stdout="The parameter is incorrect.\r\n")
    first, number = int(values["start"]), int(values["num"])
    if first < LOWEST_START or number < SMALLEST or first + number - 1 > HIGHEST_PORT:
        return Result(1, stdout="The parameter is incorrect.\r\n")
    if name in start.server.network.fixed:
        return Result(1, stdout="The requested operation requires elevation (Run as administrator).\r\n")
    _ranges(start)[name] = (first, number)
    start.server.changed("netsh.exe", "dynamic ports", range=name, start=first, number=number)
    return Result(stdout="Ok.\r\n\r\n")

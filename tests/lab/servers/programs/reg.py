# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""reg.exe query key [/s] [/f text [/d] [/k] [/v name]]: output as Windows prints it [DOC; layout well known, INF]."""

from __future__ import annotations

import dataclasses

from tests.lab.servers.programs.process import Result, Start
from tests.lab.servers.state import registry as reg

DISABLED = (r"Software\Microsoft\Windows\CurrentVersion\Policies\System", "DisableRegistryTools")
"""The policy "Prevent access to registry editing tools", of the user [DOC]; reg.exe then ends with 1 [INF]."""
_FORBIDDEN = "ERROR: Registry editing has been disabled by your administrator.\r\n"
_NOT_FOUND = "ERROR: The system was unable to find the specified registry key or value.\r\n"


@dataclasses.dataclass
class _Options:
    key: str = ""
    recurse: bool = False
    text: str | None = None
    data_only: bool = False
    value: str | None = None


def run(start: Start) -> Result:
    """reg.exe; of its commands only query is known."""
    options = _read(start.arguments)
    if options is None:
        start.server.unknown(f"reg.exe {' '.join(start.arguments)}", action="process")
        return Result(1, stderr="ERROR: Invalid syntax.\r\n")
    try:
        hive, path = reg.split_hive(options.key)
    except ValueError:
        return Result(1, stderr="ERROR: Invalid key name.\r\n")
    registry = start.server.registry
    if registry.value(*DISABLED, hive=reg.SHORT["HKCU"]) is not None:
        return Result(1, stderr=_FORBIDDEN)
    if registry.key(path, hive) is None:
        return Result(1, stderr=_NOT_FOUND)
    return _search(registry, hive, path, options) if options.text is not None else _list(registry, hive, path, options)


def _read(arguments: list[str]) -> _Options | None:
    if len(arguments) < 2 or arguments[0].lower() != "query":
        return None
    options = _Options(key=arguments[1].rstrip("\\"))
    rest = iter(arguments[2:])
    for argument in rest:
        switch = argument.lower()
        if switch == "/s":
            options.recurse = True
        elif switch == "/d":
            options.data_only = True
        elif switch == "/f":
            options.text = next(rest, None)
        elif switch == "/v":
            options.value = next(rest, None)
        elif switch not in ("/reg:64", "/reg:32"):
            return None
    return None if options.data_only and options.text is None else options


def _search(registry: reg.Registry, hive: int, path: str, options: _Options) -> Result:
    """/f: keys with the values that match, then the number of matches; 1 when there is none."""
    wanted = (options.text or "").lower()
    blocks: list[str] = []
    matches = 0
    for name, key in registry.walk(path, hive):
        if not options.data_only and wanted in key.name.lower():
            blocks.append(name)
            matches += 1
        found = [
            value
            for value in key.values.values()
            if wanted in _data(value).lower() or (not options.data_only and wanted in value.name.lower())
        ]
        if found:
            blocks.append("\r\n".join([name, *(_line(value) for value in found)]))
            matches += len(found)
        if not options.recurse:
            break
    text = "".join(f"\r\n{block}\r\n" for block in blocks) + f"\r\nEnd of search: {matches} match(es) found.\r\n"
    return Result(0 if matches else 1, stdout=text)


def _list(registry: reg.Registry, hive: int, path: str, options: _Options) -> Result:
    blocks: list[str] = []
    found = False
    for name, key in registry.walk(path, hive):
        values = [value for value in key.values.values() if options.value is None or value.name.lower() == options.value.lower()]
        found = found or bool(values)
        lines = [name, *(_line(value) for value in values)]
        if options.value is None or values:
            blocks.append("\r\n".join(lines) + "\r\n")
        if not options.recurse:
            if options.value is None:
                blocks.append("".join(f"{name}\\{child}\r\n" for child in key.subkeys()))
            break
    if options.value is not None and not found:
        return Result(1, stderr=_NOT_FOUND)
    return Result(stdout="\r\n" + "\r\n".join(block for block in blocks if block) + "\r\n")


def _line(value: reg.Value) -> str:
    return f"    {value.name or '(Default)'}    {reg.TYPE_NAMES[value.kind]}    {_data(value)}"


def _data(value: reg.Value) -> str:
    if isinstance(value.data, bytes):
        return value.data.hex().upper()
    if isinstance(value.data, int):
        return f"0x{value.data:x}"
    return "\\0".join(value.data) if isinstance(value.data, list) else value.data

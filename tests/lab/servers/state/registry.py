# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry of a Windows server: keys and values without regard to case."""

from __future__ import annotations

import dataclasses
import typing as t

SZ, EXPAND_SZ, BINARY, DWORD, MULTI_SZ, QWORD = 1, 2, 3, 4, 7, 11
"""Value types [SRC, wsman.md 7]."""
TYPE_NAMES = {
    SZ: "REG_SZ",
    EXPAND_SZ: "REG_EXPAND_SZ",
    BINARY: "REG_BINARY",
    DWORD: "REG_DWORD",
    MULTI_SZ: "REG_MULTI_SZ",
    QWORD: "REG_QWORD",
}
HIVES = {
    2147483648: "HKEY_CLASSES_ROOT",
    2147483649: "HKEY_CURRENT_USER",
    2147483650: "HKEY_LOCAL_MACHINE",
    2147483651: "HKEY_USERS",
    2147483653: "HKEY_CURRENT_CONFIG",
}
SHORT = {"HKCR": 2147483648, "HKCU": 2147483649, "HKLM": 2147483650, "HKU": 2147483651, "HKCC": 2147483653}
HKLM = 2147483650
Data = str | int | bytes | list[str]


@dataclasses.dataclass
class Value:
    """One value of a key. `name` "" is the default value."""

    name: str
    kind: int
    data: Data


@dataclasses.dataclass
class Key:
    """One key."""

    name: str
    keys: dict[str, Key] = dataclasses.field(default_factory=dict)
    values: dict[str, Value] = dataclasses.field(default_factory=dict)

    def subkeys(self) -> list[str]:
        """Names of the keys in it, sorted as Windows does."""
        return [self.keys[name].name for name in sorted(self.keys)]


class Registry:
    """All hives. Paths are below a hive, such as SOFTWARE\\Microsoft."""

    def __init__(self) -> None:
        self._hives = {number: Key(name) for number, name in HIVES.items()}
        self.protected: set[str] = set()
        """Keys of HKEY_LOCAL_MACHINE, in lower case, in which the account may change nothing."""

    def key(self, path: str, hive: int = HKLM) -> Key | None:
        """Return a key or None. Raises KeyError for an unknown hive."""
        key: Key | None = self._hives[hive]
        for part in _parts(path):
            key = key.keys.get(part.lower()) if key is not None else None
        return key

    def may_change(self, path: str, hive: int = HKLM) -> bool:
        """Say whether the account may write into a key, or make it."""
        return hive != HKLM or "\\".join(_parts(path)).lower() not in self.protected

    def create(self, path: str, hive: int = HKLM) -> Key:
        """Return a key, made with those above it where missing."""
        key = self._hives[hive]
        for part in _parts(path):
            key = key.keys.setdefault(part.lower(), Key(part))
        return key

    def set(self, path: str, name: str, kind: int, data: Data, hive: int = HKLM) -> None:
        """Set a value; the key is made where missing."""
        self.create(path, hive).values[name.lower()] = Value(name, kind, data)

    def value(self, path: str, name: str, hive: int = HKLM) -> Value | None:
        """Return a value or None."""
        key = self.key(path, hive)
        return key.values.get(name.lower()) if key is not None else None

    def delete(self, path: str, hive: int = HKLM) -> bool:
        """Delete a key with all below it. False when there was none."""
        *above, last = _parts(path) or [""]
        parent = self.key("\\".join(above), hive)
        return parent is not None and parent.keys.pop(last.lower(), None) is not None

    def walk(self, path: str, hive: int = HKLM) -> t.Iterator[tuple[str, Key]]:
        """Yield a key and all below it with their full paths (long hive name first), parents before children."""
        key = self.key(path, hive)
        if key is None:
            return
        waiting = [("\\".join([HIVES[hive], *_parts(path)]), key)]
        while waiting:
            name, here = waiting.pop()
            yield name, here
            waiting.extend((f"{name}\\{here.keys[child].name}", here.keys[child]) for child in sorted(here.keys, reverse=True))


def split_hive(path: str) -> tuple[int, str]:
    """Split HKLM\\x or HKEY_LOCAL_MACHINE\\x. Raises ValueError for an unknown hive."""
    hive, _unused, rest = path.partition("\\")
    number = SHORT.get(hive.upper()) or next((key for key, name in HIVES.items() if name == hive.upper()), None)
    if number is None:
        raise ValueError(f"unknown hive in {path!r}")
    return number, rest


def _parts(path: str) -> list[str]:
    return [part for part in path.split("\\") if part]

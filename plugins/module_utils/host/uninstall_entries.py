# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What the Uninstall keys of the registry know of the product, from the output of reg.exe.

Asked with one search in a shell instead of walking hundreds of keys over the wire. The search prints only values whose
data hold the word, which is enough: the key's name and whether a bundle's own command stands there. The installer is likely a
bundle of two MSI packages [inferred].
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import GENERATIONS
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer import SILENT_UNINSTALL

# Bundles are 32-bit programs and register here.
KEY_OF_32_BIT = r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall"
KEYS = (r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall", KEY_OF_32_BIT)

_DISPLAY_NAME = re.compile("|".join(generation.listed_as for generation in GENERATIONS), re.IGNORECASE)
_PRODUCT_CODE = re.compile(r"\\(\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\})$")
_VALUE = re.compile(r"^\s+(?P<name>\S.*?)\s{2,}REG_(?:EXPAND_)?SZ\s{2,}(?P<data>.*)$")
_EXECUTABLE = re.compile(r'^\s*(?:"(?P<quoted>[^"]+\.exe)"|(?P<bare>.+?\.exe))', re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Entry:
    """One product that can be removed.

    :param product_code: GUID in braces, for msiexec; or
    :param executable: a bundle's own program, which takes the switches of the installer.
    """

    display_name: str
    product_code: str | None
    executable: str | None

    def command(self) -> tuple[str, tuple[str, ...]]:
        if self.executable is not None:
            return self.executable, SILENT_UNINSTALL
        return "msiexec.exe", ("/x", str(self.product_code), "/qn", "/norestart")


def query(key: str) -> tuple[str, ...]:
    """Arguments of C(reg.exe): values below the key whose data hold the word."""
    return ("query", key, "/s", "/f", "connector", "/d")


def parse(output: str) -> list[Entry]:
    """The product's entries; bundles first, because removing one removes its packages."""
    entries = [entry for key, values in _keys(output) if (entry := _entry(key, values)) is not None]
    return sorted(entries, key=lambda entry: (entry.executable is None, entry.display_name))


def _keys(output: str) -> t.Iterator[tuple[str, dict[str, str]]]:
    key: str | None = None
    values: dict[str, str] = {}
    for line in output.splitlines():
        if line.startswith("HKEY_"):
            if key is not None:
                yield key, values
            key, values = line.strip(), {}
        elif found := _VALUE.match(line):
            values[found["name"].lower()] = found["data"].strip()
    if key is not None:
        yield key, values


def _entry(key: str, values: t.Mapping[str, str]) -> Entry | None:
    display_name = values.get("displayname", "")
    if not _DISPLAY_NAME.search(display_name):
        return None
    executable = _bundle(values.get("quietuninstallstring") or values.get("uninstallstring") or "")
    code = _PRODUCT_CODE.search(key)
    if executable is None and code is None:
        return None
    return Entry(display_name, None if code is None else code[1], executable)


def _bundle(command: str) -> str | None:
    found = _EXECUTABLE.match(command)
    path = (found["quoted"] or found["bare"]) if found else None
    if path is None or path.lower().endswith("msiexec.exe"):
        return None
    # With a variable in it (REG_EXPAND_SZ) it cannot be run as it stands; the packages of the bundle have entries of their own.
    return None if "%" in path else path

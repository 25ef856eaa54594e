# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the Wine tests need of the machine, what of it is missing, and where they work. Standard library only: tools/ uses it."""

from __future__ import annotations

import pathlib
import shutil
import subprocess

PLACE = pathlib.Path(__file__).resolve().parents[2] / ".build" / "wine"
PREFIX = PLACE / "prefix"
# On Debian neither of Wine's two programs is on PATH.
_WINE = pathlib.Path("/usr/lib/wine")
# A program, other places of it, and the packages it comes from.
_NEEDED: tuple[tuple[str, tuple[pathlib.Path, ...], str], ...] = (
    ("wine64", (_WINE / "wine64",), "wine wine64"),
    ("wineserver64", (_WINE / "wineserver64",), "wine wine64"),
    ("x86_64-w64-mingw32-gcc", (), "gcc-mingw-w64-x86-64-win32 mingw-w64-x86-64-dev"),
    ("x86_64-w64-mingw32-windres", (), "gcc-mingw-w64-x86-64-win32 mingw-w64-x86-64-dev"),
    ("wixl", (), "wixl msitools"),
    ("setarch", (), "util-linux"),
)
PACKAGES = tuple(dict.fromkeys(name for _program, _places, names in _NEEDED for name in names.split()))


def find(program: str) -> str | None:
    """Return the path of one of the programs, or None."""
    places = next(places for name, places, _packages in _NEEDED if name == program)
    return shutil.which(program) or next((str(place) for place in places if place.exists()), None)


def missing() -> dict[str, str]:
    """Return the programs that are not there, each with the Debian packages that bring it."""
    return {program: packages for program, _places, packages in _NEEDED if find(program) is None}


def at_fixed_addresses() -> list[str]:
    """Return what to put before a command of Wine, empty where a container forbids it.

    Wine 8.0 maps a page at 0x7ffe0000, and Debian's wine64 starts at 0x7d000000, without a preloader that keeps that page
    free. Linux puts the heap anywhere in the gigabyte behind a program: about one start in some thousands meets the page and
    ends with "failed to map the shared user data: c0000018" (observed in CI). At fixed addresses the heap starts 48 MB below.
    """
    command = [str(find("setarch")), "--addr-no-randomize"]
    allowed = subprocess.run([*command, "true"], check=False, capture_output=True).returncode == 0
    return command if allowed else []

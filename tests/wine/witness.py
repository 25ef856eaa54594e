# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Wine's own programs and the files of its prefix say: past our code, past the lab, past the door."""

from __future__ import annotations

from tests.wine.prefix import Wine

UNINSTALL = r"Software\Microsoft\Windows\CurrentVersion\Uninstall"


def state_by_sc(wine: Wine, service: str) -> str | None:
    """What C(sc query) says: RUNNING, STOPPED, ...; None when there is no such service."""
    lines = wine.program("sc", "query", service).stdout.splitlines()
    return next((line.split()[-1] for line in lines if line.strip().startswith("STATE")), None)


def value_by_reg(wine: Wine, key: str, value: str) -> str | None:
    """What C(reg query) shows of one value, without its type."""
    lines = wine.program("reg", "query", rf"HKLM\{key}", "/v", value).stdout.splitlines()
    return next((line.split("    ")[-1].strip() for line in lines if line.strip().lower().startswith(value.lower())), None)


def products_by_reg(wine: Wine) -> list[str]:
    """The names of the products that the Uninstall key knows, sorted."""
    lines = wine.program("reg", "query", rf"HKLM\{UNINSTALL}", "/s").stdout.splitlines()
    return sorted(line.split("    ")[-1].strip() for line in lines if line.strip().startswith("DisplayName "))


def exists(wine: Wine, path: str) -> bool:
    """Whether there is a file or folder in the prefix."""
    return wine.path(path).exists()

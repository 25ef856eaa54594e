# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Wine's own programs and the files of its prefix say: past our code, past the lab, past the door."""

from __future__ import annotations

from tests.wine.prefix import Ended, Wine, WineError

UNINSTALL = r"Software\Microsoft\Windows\CurrentVersion\Uninstall"
_SERVICES = r"System\CurrentControlSet\Services"
# What reg.exe says when it has looked, and there is nothing; it ends with 1 then, as it does when it fails.
_NOTHING = "Unable to find the specified registry"


def state_by_sc(wine: Wine, service: str) -> str | None:
    """What C(sc query) says: RUNNING, STOPPED, ...; None when there is no such service.

    :raises WineError: sc did not answer for a service that is there.
    """
    ended = wine.program("sc", "query", service, ends_with=(0, 1))
    lines = ended.stdout.splitlines()
    state = next((line.split()[-1] for line in lines if line.strip().startswith("STATE")), None)
    # Of a service that does not exist it says nothing at all.
    if state is None and _query(wine, rf"{_SERVICES}\{service}") is not None:
        raise WineError(f"sc query {service} ended with {ended.exit_code}; output {ended.stdout!r}, errors {ended.stderr!r}")
    return state


def value_by_reg(wine: Wine, key: str, value: str) -> str | None:
    """What C(reg query) shows of one value, without its type; None when it says that there is none.

    :raises WineError: it said neither.
    """
    ended = _query(wine, key, "/v", value)
    if ended is None:
        return None
    found = [line.split("    ")[-1].strip() for line in ended.stdout.splitlines() if line.strip().lower().startswith(value.lower())]
    if not found:
        raise WineError(f"reg query of {key}, {value}: no such line; output {ended.stdout!r}, errors {ended.stderr!r}")
    return found[0]


def products_by_reg(wine: Wine) -> list[str]:
    """The names of the products that the Uninstall key knows, sorted."""
    ended = _query(wine, UNINSTALL, "/s")
    lines = ended.stdout.splitlines() if ended else []
    return sorted(line.split("    ")[-1].strip() for line in lines if line.strip().startswith("DisplayName "))


def _query(wine: Wine, key: str, *options: str) -> Ended | None:
    ended = wine.program("reg", "query", rf"HKLM\{key}", *options, ends_with=(0, 1))
    if ended.exit_code == 0:
        return ended
    if _NOTHING in ended.stdout + ended.stderr:
        return None
    raise WineError(f"reg query of {key} failed; output {ended.stdout!r}, errors {ended.stderr!r}")


def exists(wine: Wine, path: str) -> bool:
    """Whether there is a file or folder in the prefix."""
    return wine.path(path).exists()

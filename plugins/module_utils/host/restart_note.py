# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The note that a server has to be restarted, and for what."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import notes
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import OperatingSystem
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import Registry

VALUE = "RestartNeeded"


def awaited(registry: Registry, os: OperatingSystem) -> tuple[str, ...]:
    """What still waits for a restart of the server, sorted; empty when it has been restarted since, or nothing waits."""
    reasons = notes.read(registry, VALUE, os).get("for")
    return tuple(sorted(map(str, reasons))) if isinstance(reasons, list) else ()


def add(registry: Registry, os: OperatingSystem, reasons: t.Collection[str], now: datetime.datetime) -> None:
    """Note that something waits for a restart, beside what waits already.

    :param now: the controller's clock, for a server that does not tell its own.
    """
    notes.write(registry, VALUE, {"for": sorted({*awaited(registry, os), *reasons})}, os, now)


def replace(registry: Registry, os: OperatingSystem, reason: str, others: t.Collection[str], now: datetime.datetime) -> None:
    """Say that others wait for a restart instead of this one, or, without others, that this waits for none; what else waits stays."""
    left = sorted({*awaited(registry, os), *others} - {reason})
    if left:
        notes.write(registry, VALUE, {"for": left}, os, now)
    else:
        notes.erase(registry, VALUE)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The product's performance counters, as typeperf.exe prints them.

The set's name is documented for entra [MS, troubleshoot-connectors] and third-party knowledge for legacy; the counters in it are
documented nowhere, so all of them are read. CIM has them too, but under a class whose name is made up from the set's [inferred].
"""

from __future__ import annotations

import csv

from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import Generation
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server

_TIMEOUT = 60.0


def arguments(generation: Generation) -> tuple[str, ...]:
    """Arguments of C(typeperf.exe): every counter of the set, one sample."""
    return (rf"\{generation.counter_set}\*", "-sc", "1", "-si", "1")


def read_counters(server: Server, generation: Generation) -> dict[str, float]:
    """Value of each counter by its name; empty when the set does not exist or its provider does not run."""
    result = server.run("typeperf.exe", *arguments(generation), timeout=_TIMEOUT)
    return parse(result.stdout) if result.exit_code == 0 else {}


def parse(output: str) -> dict[str, float]:
    """The first sample in typeperf's table; a counter without a number is left out."""
    rows = [row for row in csv.reader(line for line in output.splitlines() if line.startswith('"')) if len(row) > 1]
    if len(rows) < 2:
        return {}
    names, values = rows[0][1:], rows[1][1:]
    # A name is \\\\MACHINE\\set\\counter.
    return {name.rpartition("\\")[2]: number for name, value in zip(names, values, strict=False) if (number := _number(value)) is not None}


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None

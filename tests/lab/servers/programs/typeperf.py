# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""typeperf.exe \\set\\* -sc 1: one sample of a set of performance counters as CSV [DOC]."""

from __future__ import annotations

from tests.lab.servers.programs.process import Result, Start
from tests.lab.servers.state.products import CONNECTOR_SERVICE, GENERATIONS
from tests.lab.servers.state.services import RUNNING

_SETS = {
    "legacy": "Microsoft AAD App Proxy Connector",
    "entra": "Microsoft Entra private network connector",
}
"""Set names: legacy [3P], entra [MS TRB]."""
NO_COUNTERS = 1


def run(start: Start) -> Result:
    """Print one sample. No such set, or a set whose service does not run: an error and exit code 1 [INF]."""
    server, arguments = start.server, start.arguments
    known = {f"\\{name}\\*".lower(): generation for generation, name in _SETS.items()}
    generation = known.get(arguments[0].lower()) if arguments else None
    if generation is None or arguments[1:] != ["-sc", "1", "-si", "1"]:
        server.unknown(f"typeperf.exe {' '.join(arguments)}", action="process")
        return Result(NO_COUNTERS, stdout="\r\nError:\r\nNo valid counters.\r\n")
    service = server.services.get(CONNECTOR_SERVICE)
    if server.connector.generation is not GENERATIONS[generation] or service is None or service.state != RUNNING:
        return Result(NO_COUNTERS, stdout="\r\nError:\r\nNo valid counters.\r\n")
    stamp = server.world.clock.now().strftime("%m/%d/%Y %H:%M:%S.000")
    paths = [f'"\\\\{server.machine_name}\\{_SETS[generation]}\\{name}"' for name in server.product.counters]
    values = [f'"{value:.6f}"' for value in server.product.counters.values()]
    lines = ["", ",".join(['"(PDH-CSV 4.0)"', *paths]), ",".join([f'"{stamp}"', *values]), "The command completed successfully.", ""]
    return Result(stdout="\r\n".join(lines))

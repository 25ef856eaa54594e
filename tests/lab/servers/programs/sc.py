# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""sc.exe delete NAME: removing a service's entry [DOC; messages as English Windows prints them, INF]."""

from __future__ import annotations

from tests.lab.servers.programs.process import Result, Start
from tests.lab.servers.state.services import STOPPED

NO_SUCH_SERVICE, MARKED_FOR_DELETION = 1060, 1072


def run(start: Start) -> Result:
    """Delete a service. One that runs goes when it has stopped, which the lab does not wait for: it refuses."""
    arguments = start.arguments
    if len(arguments) != 2 or arguments[0].lower() != "delete":
        start.server.unknown(f"sc.exe {' '.join(arguments)}", action="process")
        return Result(1, stdout="DESCRIPTION: SC is a command line program.\r\n")
    service = start.server.services.get(arguments[1])
    if service is None:
        text = f"[SC] OpenService FAILED {NO_SUCH_SERVICE}:\r\n\r\nThe specified service does not exist as an installed service.\r\n"
        return Result(NO_SUCH_SERVICE, stdout=text)
    if service.state != STOPPED:
        start.server.unknown(f"sc.exe delete of service {service.name}, which is {service.state}", action="process")
        return Result(MARKED_FOR_DELETION, stdout="[SC] DeleteService FAILED 1072:\r\n")
    start.server.services.remove(service.name)
    start.server.changed("sc.exe", "delete service", service=service.name)
    return Result(stdout="[SC] DeleteService SUCCESS\r\n")

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""msiexec.exe /x {code} /qn: removing one product (connector.md 4.3 [3P])."""

from __future__ import annotations

import re

from tests.lab.servers.programs import in_use
from tests.lab.servers.programs.process import Result, Start

_CODE = re.compile(r"^\{[0-9A-Fa-f-]{36}\}$")
_QUIET = {"/qn", "/quiet", "/q"}
_HARMLESS = {"/norestart", "/passive"}
SUCCESS, REBOOT_REQUIRED, NOT_INSTALLED, BUSY, BAD_COMMAND_LINE = 0, 3010, 1605, 1618, 1639


def run(start: Start) -> Result:
    """Uninstall by product code. 1605 when it is not installed, 1639 for what is not understood [INF: Windows Installer's codes]."""
    arguments = _joined(start.arguments)
    words = {argument.lower() for argument in arguments}
    codes = [argument for argument in arguments if _CODE.match(argument)]
    rest = {word for word in words - _QUIET - _HARMLESS - {"/x", "/uninstall"} if not _CODE.match(word)}
    if not words & {"/x", "/uninstall"} or len(codes) != 1 or not words & _QUIET or rest:
        start.server.unknown(f"msiexec.exe {' '.join(start.arguments)}", action="process")
        return Result(BAD_COMMAND_LINE)
    if start.server.product.is_busy():
        return Result(BUSY)
    override = start.server.msiexec_exit_code
    if override is not None and override not in (SUCCESS, REBOOT_REQUIRED):
        return Result(override)
    removed: list[bool] = []
    waits = in_use.remove_around(start.server, lambda: removed.append(start.server.connector.remove_product(codes[0].upper())))
    if not removed[0]:
        return Result(NOT_INSTALLED)
    start.server.changed("msiexec.exe", "uninstall", product=codes[0])
    code = override or (REBOOT_REQUIRED if waits else SUCCESS)
    start.server.pending_reboot = start.server.pending_reboot or code == REBOOT_REQUIRED
    return Result(code)


def _joined(arguments: list[str]) -> list[str]:
    """Split /X{code}, as UninstallString writes it."""
    result = []
    for argument in arguments:
        if argument.lower().startswith("/x{"):
            result += ["/x", argument[2:]]
        else:
            result.append(argument)
    return result

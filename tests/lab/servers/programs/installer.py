# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connector's installer executable, run silently (connector.md 3, 4)."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.lab.servers import installers
from tests.lab.servers.programs.process import Result, Start
from tests.lab.servers.state.products import version_key

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer

SUCCESS, REBOOT_REQUIRED, REBOOT_STARTED = 0, 3010, 1641
OTHER_VERSION, BAD_COMMAND_LINE, NO_USER_INTERFACE = 1638, 1639, 1602
"""Windows Installer codes; which of them the real installer uses is not documented (connector.md 4.1 [INF])."""
_QUIET = {"/q", "/quiet", "/qn", "-q", "-quiet"}
_HARMLESS = {"/norestart", "/passive", "accepteula=1", "reboot=reallysuppress"}
"""Seen in use by others [3P]; whether they do anything is open."""


def run(start: Start, content: bytes) -> Result:
    """Run the installer. It ends at once; what it installs appears `timing.files_appear` seconds later (connector.md 4.1 [MS/LIVE])."""
    installer = installers.parse(content)
    assert installer is not None
    server = start.server
    words = {argument.replace('"', "").lower() for argument in start.arguments}
    known = _QUIET | _HARMLESS | {"registerconnector=false", "registerconnector=true", "/uninstall"}
    unknown = sorted(word for word in words - known if not word.startswith(("/log", "environmentname=")))
    if unknown:
        server.unknown(f"{start.program}: unknown switches {unknown}", action="process")
        return Result(BAD_COMMAND_LINE)
    if not words & _QUIET:
        # Without a quiet switch it shows windows; there is nobody to click in a network logon [INF].
        server.unknown(f"{start.program} run without /q in a session without desktop", action="process")
        return Result(NO_USER_INTERFACE)
    _write_log(server, installer)
    if server.installer_exit_code is not None and server.installer_exit_code not in (SUCCESS, REBOOT_REQUIRED, REBOOT_STARTED):
        return Result(server.installer_exit_code)
    code = _uninstall(server, start.program) if "/uninstall" in words else _install(server, installer, content, start.program)
    if code != SUCCESS:
        return Result(code)
    return Result(_finish(server))


def _install(server: WindowsServer, installer: installers.Installer, content: bytes, program: str) -> int:
    connector = server.connector
    installed = connector.version
    if installed is not None and version_key(installed) > version_key(installer.version):
        return OTHER_VERSION
    server.changed(program, "install", generation=installer.generation.name, version=installer.version)
    same = connector.generation == installer.generation and installed == installer.version and connector.updater_installed
    if server.leftovers or same:
        # Leftovers: ends well, but nothing ever appears (connector.md 4.1 [MS TOK]).
        return SUCCESS
    server.agenda.after(server.world.timing.files_appear, lambda: _appear(server, installer, content))
    return SUCCESS


def _appear(server: WindowsServer, installer: installers.Installer, content: bytes) -> None:
    server.connector.install(installer.generation, installer.version, content)
    trusted = server.connector.trust()
    connectors = server.world.tenant.now_state.connectors
    if trusted is not None and trusted[0].connector_id in connectors:
        # The service tells the tenant its new version [INF].
        known = connectors[trusted[0].connector_id]
        server.world.tenant.put_connector(dataclasses.replace(known, version=installer.version))


def _uninstall(server: WindowsServer, program: str) -> int:
    """Both products go, also some time after the process has ended (connector.md 4.3: Microsoft's script waits 60 s [MS TOK])."""
    server.changed(program, "uninstall")
    server.leftovers = False
    server.agenda.after(server.world.timing.files_appear, server.connector.uninstall)
    return SUCCESS


def _finish(server: WindowsServer) -> int:
    code = server.installer_exit_code or SUCCESS
    if code == REBOOT_REQUIRED:
        server.pending_reboot = True
    if code == REBOOT_STARTED:
        server.reboot(server.world.timing.files_appear)
    return code


def _write_log(server: WindowsServer, installer: installers.Installer) -> None:
    """Logs lie in %TEMP% of the installing user [MS TRB]; the prefix is [UNV]."""
    stamp = server.world.clock.now().strftime("%Y%m%d%H%M%S")
    name = installer.generation.uninstall_name.replace(" ", "_")
    server.files.put(rf"{server.temp}\{name}_{stamp}.log", f"lab: installer of version {installer.version}\r\n".encode())

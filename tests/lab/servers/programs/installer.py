# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connector's installer executable, run silently (connector.md 3, 4)."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.lab.servers import installers
from tests.lab.servers.programs import in_use
from tests.lab.servers.programs.process import Result, Start
from tests.lab.servers.state.products import CONNECTOR_SERVICE, GENERATIONS, UNINSTALL, UPDATER_SERVICE, version_key

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer

SUCCESS, REBOOT_REQUIRED, REBOOT_STARTED, BUSY = 0, 3010, 1641, 1618
OTHER_VERSION, BAD_COMMAND_LINE, NO_USER_INTERFACE = 1638, 1639, 1602
"""Windows Installer codes; which of them the real installer uses is not documented (connector.md 4.1 [INF])."""
_QUIET = {"/q", "/quiet", "/qn", "-q", "-quiet"}
NO_RESTART = "/norestart"
_HARMLESS = {"/passive", "accepteula=1", "reboot=reallysuppress"}
"""Seen in use by others [3P]; whether they do anything is open."""


def run(start: Start, content: bytes) -> Result:
    """Run the installer. It ends at once; what it installs appears `timing.files_appear` seconds later (connector.md 4.1 [MS/LIVE])."""
    installer = installers.parse(content)
    assert installer is not None
    server = start.server
    words = {argument.replace('"', "").lower() for argument in start.arguments}
    known = _QUIET | _HARMLESS | {NO_RESTART, "registerconnector=false", "registerconnector=true", "/uninstall"}
    unknown = sorted(word for word in words - known if not word.startswith(("/log", "environmentname=")))
    if unknown:
        server.unknown(f"{start.program}: unknown switches {unknown}", action="process")
        return Result(BAD_COMMAND_LINE)
    if not words & _QUIET:
        # Without a quiet switch it shows windows; there is nobody to click in a network logon [INF].
        server.unknown(f"{start.program} run without /q in a session without desktop", action="process")
        return Result(NO_USER_INTERFACE)
    if server.product.is_busy():
        return Result(BUSY)
    _write_log(server, installer)
    if server.installer_exit_code is not None and server.installer_exit_code not in (SUCCESS, REBOOT_REQUIRED, REBOOT_STARTED):
        return Result(server.installer_exit_code)
    code = _uninstall(server, start.program) if "/uninstall" in words else _install(server, installer, content, start.program)
    if code not in (SUCCESS, REBOOT_REQUIRED):
        return Result(code)
    return Result(_finish(server, code, restarts=NO_RESTART not in words))


def _install(server: WindowsServer, installer: installers.Installer, content: bytes, program: str) -> int:
    connector = server.connector
    installed = connector.version
    if installed is not None and version_key(installed) > version_key(installer.version):
        return OTHER_VERSION
    server.changed(program, "install", generation=installer.generation.name, version=installer.version)
    same = connector.generation == installer.generation and installed == installer.version and connector.updater_installed
    if _hindered(server) or same or _only_listed(server, installer):
        # Leftovers: ends well, but nothing ever appears (connector.md 4.1 [MS TOK]).
        return SUCCESS
    if in_use.executables(server):
        server.at_boot.append(lambda: _appear(server, installer, content))
        return REBOOT_REQUIRED
    server.agenda.after(server.world.timing.files_appear, lambda: _appear(server, installer, content))
    return SUCCESS


def _hindered(server: WindowsServer) -> bool:
    """Whether remains of an earlier install are still there."""
    folders = [folder for one in GENERATIONS.values() for folder in (one.install_dir, one.updater_dir)]
    there = any(server.files.is_folder(folder) for folder in folders) or server.services.get(UPDATER_SERVICE) is not None
    server.leftovers = server.leftovers and there
    return server.leftovers


def _only_listed(server: WindowsServer, installer: installers.Installer) -> bool:
    """Whether Windows lists this very product as installed, although nothing of it is there: a bundle then finds nothing to do [INF]."""
    if server.connector.generation is not None or any(server.services.get(name) for name in (CONNECTOR_SERVICE, UPDATER_SERVICE)):
        return False
    code = installer.generation.product_code("connector", installer.version)
    return server.registry.key(rf"{UNINSTALL}\{code}") is not None


def _appear(server: WindowsServer, installer: installers.Installer, content: bytes) -> None:
    keeps = server.product.upgrade_keeps_registration
    server.connector.install(installer.generation, installer.version, content, keeps_registration=keeps)
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

    def remove() -> None:
        in_use.remove_around(server, server.connector.uninstall)

    waits = bool(in_use.executables(server))
    server.agenda.after(server.world.timing.files_appear, remove)
    return REBOOT_REQUIRED if waits else SUCCESS


def _finish(server: WindowsServer, code: int, *, restarts: bool) -> int:
    """A quiet bundle that wants a restart makes it, unless it was told not to [WiX, Burn's source]. One that is ordered to end with 1641
    makes it all the same: whether this installer heeds the switch is [UNV], connector.md 16."""
    code = server.installer_exit_code or code
    if code == REBOOT_REQUIRED and restarts:
        code = REBOOT_STARTED
    if code == REBOOT_REQUIRED:
        server.pending_reboot = True
    if code == REBOOT_STARTED:
        server.reboot(server.world.timing.files_appear + server.product.restart_delay)
    return code


def _write_log(server: WindowsServer, installer: installers.Installer) -> None:
    """Logs lie in %TEMP% of the installing user [MS TRB]; the prefix is [UNV], the text is made up in the manner of a bundle's."""
    stamp = server.world.clock.now().strftime("%Y%m%d%H%M%S")
    name = installer.generation.uninstall_name.replace(" ", "_")
    lines = [
        f"[0A2C:0B30]i001: Burn, lab installer of version {installer.version}",
        "[0A2C:0B30]i000: Setting numeric variable 'Lab' to value 1",
    ]
    if server.installer_exit_code not in (None, SUCCESS, REBOOT_REQUIRED, REBOOT_STARTED):
        lines.append(f"[0B14:0B20]e000: Error 0x{server.installer_exit_code:08x}: Failed to execute MSI package.")
    server.files.put(rf"{server.temp}\{name}_{stamp}.log", "".join(f"{line}\r\n" for line in lines).encode())

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shells of one server: WinRS (cmd) and PSRP side by side, under one quota."""

from __future__ import annotations

import typing as t

from tests.lab.servers.programs import launcher
from tests.lab.servers.protocol import faults, soap
from tests.lab.servers.routes.psrp_shell import PsrpShell
from tests.lab.servers.routes.winrs import WinRsShell

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer

CMD = f"{soap.SHELL}/cmd"
ANY_SHELL = soap.SHELL
POWERSHELL = "http://schemas.microsoft.com/powershell/Microsoft.PowerShell"
CREATE, DELETE, GET = f"{soap.TRANSFER}/Create", f"{soap.TRANSFER}/Delete", f"{soap.TRANSFER}/Get"
_ACTIONS = ("Command", "Send", "Receive", "Signal")


class Shells:
    """Creates, finds and deletes shells, and hands their messages on."""

    def __init__(self, server: WindowsServer, launch: launcher.Launcher = launcher.launch) -> None:
        self._server = server
        self._launch = launch
        self._shells: dict[str, WinRsShell | PsrpShell] = {}

    @staticmethod
    def serves(resource_uri: str) -> bool:
        """Say whether a resource is a shell."""
        return resource_uri in (CMD, ANY_SHELL) or resource_uri.startswith("http://schemas.microsoft.com/powershell/")

    @staticmethod
    def describe(request: soap.Request) -> tuple[str, str, str]:
        """Return action, resource and journal kind."""
        resource = "shell/powershell" if "powershell" in request.resource_uri else "shell/cmd"
        return f"shell/{request.action.rsplit('/', 1)[-1]}", resource, "shell"

    def __len__(self) -> int:
        """How many are open."""
        return len(self._shells)

    def forget(self) -> None:
        """Drop all shells (reboot)."""
        self._shells.clear()

    async def handle(self, request: soap.Request) -> tuple[str, str]:
        """Serve a request: action URI and body of the reply. Raises WSManFault."""
        if request.action == CREATE:
            return f"{CREATE}Response", self._create(request)
        shell = self._shells.get((request.selector("ShellId") or "").upper())
        if shell is None:
            raise faults.unknown_shell()
        if request.action == DELETE:
            self._shells = {key: one for key, one in self._shells.items() if one is not shell}
            shell.close()
            return f"{DELETE}Response", ""
        if request.action == GET:
            return f"{GET}Response", shell.describe()
        name = request.action.removeprefix(f"{soap.SHELL}/")
        if name not in _ACTIONS:
            self._server.unknown(f"action {request.action} of a shell")
            raise faults.action_not_supported(request.action)
        if request.body is None or soap.local(request.body.tag) != ("CommandLine" if name == "Command" else name):
            raise faults.schema_error()
        return f"{request.action}Response", await shell.handle(name, request)

    def _create(self, request: soap.Request) -> str:
        if request.body is None or request.body.tag != f"{{{soap.SHELL}}}Shell":
            raise faults.schema_error()
        if len(self._shells) >= self._server.max_shells:
            raise faults.shell_quota(self._server.max_shells)
        shell: WinRsShell | PsrpShell
        if request.resource_uri == CMD:
            shell = WinRsShell(self._server, request, self._launch)
        elif request.resource_uri == POWERSHELL:
            shell = PsrpShell(self._server, request)
        else:
            self._server.unknown(f"shell of kind {request.resource_uri}")
            raise faults.no_instance(request.resource_uri)
        self._shells[shell.id.upper()] = shell
        selectors = f'<w:SelectorSet><w:Selector Name="ShellId">{shell.id}</w:Selector></w:SelectorSet>'
        created = (
            f"<x:ResourceCreated><a:Address>http://{self._server.machine_name}:5985/wsman</a:Address><a:ReferenceParameters>"
            f"<w:ResourceURI>{request.resource_uri}</w:ResourceURI>{selectors}</a:ReferenceParameters></x:ResourceCreated>"
        )
        return created + shell.describe()

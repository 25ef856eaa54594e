# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The jobs as their modules call them, and scripted servers on which they work."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import jobs, options
from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import ENTRA
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import TransportError
from tests.unit.host.builders import TENANT
from tests.unit.host.windows import Windows, exit_code

INSTALLER = "MicrosoftEntraPrivateNetworkConnectorInstaller.exe"
NOTE = r"software\entra.app_proxy\restartneeded"
SECRET = "correct horse battery staple"


def values(declared: options.Options, **given: t.Any) -> dict[str, t.Any]:
    defaults = {option.name: option.default for option in declared.options}
    return {**defaults, **given}


def connector(windows: Windows, *, check_mode: bool = False, **given: t.Any) -> dict[str, t.Any]:
    return jobs.connector(windows.server(), values(options.CONNECTOR, **given), check_mode)


def register(windows: Windows, *, check_mode: bool = False, **given: t.Any) -> dict[str, t.Any]:
    return jobs.registration(windows.server(), values(options.REGISTRATION, tenant_id=TENANT, **given), check_mode)


def writes(windows: Windows) -> list[str]:
    notes = ("GetStringValue", "CreateKey", "SetStringValue", "DeleteValue")
    reads = ("query", "EnumKey", "GetBinaryValue", "run reg.exe query")
    return [call for call in windows.calls if not call.startswith((*reads, *notes))]


def installing(code: int = 0, after: float = 3.0) -> Windows:
    """A server whose installer ends with this code; its files come later."""

    def run(windows: Windows) -> t.Any:
        windows.later(after, Windows.install)
        if code == 1641:
            windows.later(after + 10, Windows.boot)
        return exit_code(code)(windows)

    return Windows(programs={INSTALLER: run})


def installed(state: str = "Stopped") -> Windows:
    windows = Windows()
    windows.install(state)
    return windows


def registering(**certificate: t.Any) -> Windows:
    """An installed server on which a registration works, after a while."""
    windows = installed()

    def run(server: Windows) -> dict[str, t.Any]:
        server.later(4.0, lambda later: later.register(**certificate))
        return {"invoked": "script", "ok": True, "error": None}

    windows.programs["register"] = run
    return windows


CODE = "{5E1A0A5D-7E9C-4C9B-8E1E-0B6B4F1B2C3D}"


def listed(state: str = "Stopped") -> Windows:
    """An installed server, as Windows lists it."""
    windows = installed(state)
    windows.listed = {CODE: ENTRA.product}
    return windows


def uninstalling(code: int, after: float = 0.0) -> t.Callable[[Windows], t.Any]:
    """An uninstaller that does its work, some time after it has ended."""

    def gone(windows: Windows) -> None:
        windows.remove()
        windows.listed.clear()

    def run(windows: Windows) -> t.Any:
        if after:
            windows.later(after, gone)
        else:
            gone(windows)
        return exit_code(code)(windows)

    return run


def unreachable(_server: Windows) -> t.Any:
    raise TransportError("the connection was lost", request_may_have_run=True)

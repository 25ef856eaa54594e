# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What connector_probe does: run probes one after the other, and leave nothing in the result that tells who the host is."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import connector_probes, windows_probes
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError, details_of
from ansible_collections.entra.app_proxy.plugins.module_utils.host.finding import FAILS, HOLDS, NOT_SEEN, Finding
from ansible_collections.entra.app_proxy.plugins.module_utils.host.mask import Mask
from ansible_collections.entra.app_proxy.plugins.module_utils.host.options import Option, Options
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState, OperatingSystem
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.faults import WSManFault
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.instances import text
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import (
    AuthenticationError,
    HttpError,
    TransportError,
    WSManError,
)

Values = t.Mapping[str, t.Any]

OF_WINDOWS: dict[str, windows_probes.Probe] = {
    probe.__name__: probe
    for probe in (
        windows_probes.service_get,
        windows_probes.missing_instance,
        windows_probes.registry_namespace,
        windows_probes.registry_return_values,
        windows_probes.registry_binary,
        windows_probes.datafile_query,
        windows_probes.folder_query,
        windows_probes.free_space,
        windows_probes.os_times,
        windows_probes.boot_time,
        windows_probes.shell_encoding,
        windows_probes.script_input,
        windows_probes.dynamic_ports,
        windows_probes.installer_logs,
    )
}
OF_THE_CONNECTOR: dict[str, connector_probes.Probe] = {
    probe.__name__: probe
    for probe in (
        connector_probes.exe_version,
        connector_probes.uninstall_entries,
        connector_probes.service_accounts,
        connector_probes.trust_settings,
        connector_probes.certificate_fields,
        connector_probes.renewed_certificate,
        connector_probes.registration_registry,
        connector_probes.register_script,
        connector_probes.event_channels,
        connector_probes.performance_counters,
    )
}
PROBES = (*OF_WINDOWS, *OF_THE_CONNECTOR)

PROBE = Options(
    options=(
        Option("probes", type="list", elements="str", required=True, choices=PROBES),
        Option("mask", type="list", elements="str"),
    )
)

OBSERVE = "observe"
"""The finding that comes first, whatever is asked."""

_OBSERVE_ABOUT = "What every module starts from can be read: operating system, services, files, certificates."
_SYSTEM_QUERY = "SELECT CSName, Caption, Version, WindowsDirectory FROM Win32_OperatingSystem"
_USUAL_FOLDER = r"C:\Windows"


@dataclasses.dataclass(frozen=True)
class Seen:
    """What the probes start from.

    :param machine_name: None when the server does not tell it.
    :param state: None when the host could not be observed.
    """

    machine_name: str | None
    os: OperatingSystem
    state: HostState | None


def connector_probe(server: Server, options: Values, _check_mode: bool) -> dict[str, t.Any]:
    """Run the named probes. A probe that fails is a finding, not a failure.

    :raises WSManError: the server cannot be reached, or does not let this account in: that would be the end of every probe.
    """
    before, began = server.session.exchanges, server.clock()
    error: Exception | None = None
    try:
        state = server.observe()
        seen = Seen(state.machine_name, state.os, state)
    except Exception as raised:
        # Whatever it is: what a server does that nobody expected is what this module is for.
        if _shuts_out(raised):
            raise
        error, seen = raised, _bare(server)
    mask = Mask([seen.machine_name or "", *(options["mask"] or [])])
    observed = Finding(HOLDS, None) if error is None else Finding(FAILS, _told(error, seen))
    findings = {OBSERVE: _reported(_OBSERVE_ABOUT, observed, server, before, began)}
    for name in options["probes"]:
        findings[name] = _run(server, seen, name)
    return {
        "changed": False,
        "windows": mask.of({"caption": seen.os.caption, "version": seen.os.version}),
        "findings": mask.of(findings),
        "failed_probes": sorted(name for name, finding in findings.items() if finding["outcome"] == FAILS),
    }


def _shuts_out(error: Exception) -> bool:
    """Whether nothing more is to be asked. A refused password must not be tried once more: that locks accounts."""
    return isinstance(error, AuthenticationError) or (isinstance(error, TransportError) and not error.request_may_have_run)


def _bare(server: Server) -> Seen:
    """The little that is left of a host that cannot be observed.

    :raises WSManError: it is not the observing.
    """
    try:
        rows = server.session.query(_SYSTEM_QUERY)
    except (TransportError, AuthenticationError, HttpError):
        raise
    except WSManError as error:
        if isinstance(error, WSManFault) and error.is_access_denied:
            raise
        rows = []
    row = rows[0] if rows else {}
    folder = text(row, "WindowsDirectory") or _USUAL_FOLDER
    return Seen(text(row, "CSName"), OperatingSystem(text(row, "Caption"), text(row, "Version"), folder, None, None), None)


def _run(server: Server, seen: Seen, name: str) -> dict[str, t.Any]:
    before, began = server.session.exchanges, server.clock()
    about = (OF_WINDOWS.get(name) or OF_THE_CONNECTOR[name]).__doc__ or ""
    try:
        finding = _probed(server, seen, name)
    except AuthenticationError:
        raise
    except Exception as error:
        finding = Finding(FAILS, _told(error, seen))
    return _reported(" ".join(about.split()), finding, server, before, began)


def _probed(server: Server, seen: Seen, name: str) -> Finding:
    if name in OF_WINDOWS:
        return OF_WINDOWS[name](server, seen.os)
    if seen.state is None:
        return Finding(NOT_SEEN, f"the host could not be observed, see {OBSERVE}")
    return OF_THE_CONNECTOR[name](server, seen.state)


def _reported(about: str, finding: Finding, server: Server, before: int, began: float) -> dict[str, t.Any]:
    return {
        "about": about,
        "outcome": finding.outcome,
        "evidence": finding.evidence,
        "exchanges": server.session.exchanges - before,
        "seconds": round(server.clock() - began, 2),
    }


def _told(error: Exception, seen: Seen) -> dict[str, t.Any]:
    """An error as evidence. Its text may hold the server's name, so it is told only where that is known and can be masked."""
    codes = details_of(error) if isinstance(error, (WSManError, HostError)) else {}
    said = {} if seen.machine_name is None else {"said": str(error)}
    return {"error": type(error).__name__, **codes, **said}

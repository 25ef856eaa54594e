# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What this collection assumes of the connector, each with a way to see on a real server whether it holds.

Every probe only reads, and starts from what was observed of the host. docs/fidelity.md lists the assumptions with their grades; a test
compares the two.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import apply_removal, counters, event_log, generations
from ansible_collections.entra.app_proxy.plugins.module_utils.host.finding import FAILS, HOLDS, NOT_SEEN, Finding, judged
from ansible_collections.entra.app_proxy.plugins.module_utils.host.observe import user_certificates
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import RUNNING, HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.host.trust_certificate import read
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import Registry

_TIMEOUT = 60.0
_NO_CHANNEL = 15007
_SAID = 300
_PARAMETER = re.compile(r"\$(\w+)")
# Of Windows itself, so that they name nobody.
_AUTHORITIES = ("nt authority\\", "nt service\\")

Probe = t.Callable[[Server, HostState], Finding]


def exe_version(server: Server, state: HostState) -> Finding:
    """The installed version is the file version of the service's executable."""
    if not state.installed:
        return Finding(NOT_SEEN, "no connector is installed")
    evidence = {"generation": state.installation.generation, "version": state.installation.version, "files": state.installation.files()}
    return judged(state.installation.version is not None, evidence)


def uninstall_entries(server: Server, state: HostState) -> Finding:
    """The Uninstall keys name both products by the display names that we look for."""
    if not state.installed:
        return Finding(NOT_SEEN, "no connector is installed")
    entries = apply_removal.registered_products(server)
    seen = [{"name": one.display_name, "package": one.product_code is not None, "bundle": one.executable is not None} for one in entries]
    return judged(len(seen) > 1, seen)


def service_accounts(_server: Server, state: HostState) -> Finding:
    """The services run as NETWORK SERVICE and SYSTEM."""
    if not state.services:
        return Finding(NOT_SEEN, "no service of the connector exists")
    usual = all((service.account or "").lower() in generations.ACCOUNTS[name] for name, service in state.services.items())
    return judged(usual, {name: _impersonal(service.account) for name, service in state.services.items()})


def trust_settings(server: Server, state: HostState) -> Finding:
    """TrustSettings.xml lies at one of the paths that we look at."""
    path = state.installation.trust_settings
    if path is None:
        return _missing(state, "none was found")
    content = server.read_files([path]).get(path.lower(), b"").decode("utf-8", "replace")
    return judged("<Thumbprint>" in content, {"path": path, "in user store": "<IsInUserStore>true" in content})


def certificate_fields(_server: Server, state: HostState) -> Finding:
    """Issuer, the connector's id in an extension, and the tenant's id in the subject."""
    if not state.certificates:
        return _missing(state, "no certificate of the connector's issuer is in the machine store")
    newest = state.certificates[-1]
    days = (newest.not_after - newest.not_before).days
    seen = {
        "connector id": newest.connector_id is not None,
        "tenant id": newest.tenant_id is not None,
        "issuer": newest.issuer,
        "days": days,
    }
    return judged(seen["connector id"] is True and seen["tenant id"] is True, seen)


def renewed_certificate(server: Server, state: HostState) -> Finding:
    """After a renewal the certificate is a file in the store of NETWORK SERVICE, formed as in the registry."""
    stored = user_certificates(server.session, state.os)
    if not stored:
        return Finding(NOT_SEEN, "the store of NETWORK SERVICE is empty")
    contents = server.read_files([file.path for file in stored])
    readable = [read(file.thumbprint, contents[file.path.lower()]) is not None for file in stored if file.path.lower() in contents]
    return judged(any(readable), {"files": len(stored), "read": len(contents), "of the connector": sum(readable)})


def registration_registry(server: Server, state: HostState) -> Finding:
    """What registration writes into the product's key. Names only."""
    generation = generations.by_name(state.installation.generation or generations.ENTRA.name)
    names = Registry(server.session).value_names(generation.registry_key)
    return Finding(NOT_SEEN, "the product's key does not exist") if names is None else Finding(HOLDS, sorted(names))


def register_script(server: Server, state: HostState) -> Finding:
    """RegisterConnector.ps1 lies in the product's folder and takes the parameters that we give."""
    path = state.installation.register_script
    if path is None:
        return Finding(FAILS if state.installed else NOT_SEEN, "RegisterConnector.ps1 was not found in the product's folder")
    content = server.read_files([path]).get(path.lower(), b"").decode("utf-8-sig", "replace")
    block = content[content.lower().find("param") :].partition(")\n")[0][:4000]
    names = sorted(set(_PARAMETER.findall(block)))
    wanted = {"modulepath", "modulename"}
    return judged(wanted <= {name.lower() for name in names}, {"path": path, "parameters": names})


def event_channels(server: Server, state: HostState) -> Finding:
    """The Admin channels have the names that we ask for."""
    seen = {}
    for channel in event_log.channels():
        result = server.run("wevtutil.exe", "qe", channel, "/c:1", "/f:XML", timeout=_TIMEOUT)
        seen[channel] = (
            "exists" if result.exit_code == 0 else "missing" if result.exit_code == _NO_CHANNEL else f"exit code {result.exit_code}"
        )
    if not state.installed:
        return Finding(NOT_SEEN, seen)
    own = generations.by_name(state.installation.generation or generations.ENTRA.name).channels
    return judged(all(seen[channel] == "exists" for channel in own), seen)


def performance_counters(server: Server, state: HostState) -> Finding:
    """The product's set of performance counters has the name that we ask for; the names in it are news."""
    generation = state.installation.generation
    if generation is None or not _runs(state):
        return Finding(NOT_SEEN, "no connector runs")
    result = server.run("typeperf.exe", *counters.arguments(generations.by_name(generation)), timeout=_TIMEOUT)
    names = sorted(counters.parse(result.stdout)) if result.exit_code == 0 else []
    if names:
        return Finding(HOLDS, {"counters": names})
    return Finding(FAILS, {"exit code": result.exit_code, "printed": " ".join((result.stderr or result.stdout).split())[:_SAID]})


def _runs(state: HostState) -> bool:
    service = state.services.get(generations.CONNECTOR_SERVICE)
    return service is not None and service.state == RUNNING


def _missing(state: HostState, what: str) -> Finding:
    """A connector that runs has what an unregistered one may lack."""
    return Finding(FAILS, f"{what}, and the connector runs") if _runs(state) else Finding(NOT_SEEN, what)


def _impersonal(account: str | None) -> str | None:
    """An account of Windows itself as it is; any other may name a person or a domain."""
    known = {name for accounts in generations.ACCOUNTS.values() for name in accounts}
    if account is None or account.lower() in known or account.lower().startswith(_AUTHORITIES):
        return account
    return "(another account)"

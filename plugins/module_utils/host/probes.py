# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What this collection assumes of Windows and of the connector, each with a way to see on a real server whether it holds.

Every probe only reads. docs/fidelity.md lists the assumptions with their grades; a test compares the two.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import apply_removal, event_log, generations
from ansible_collections.entra.app_proxy.plugins.module_utils.host.counters import read_counters
from ansible_collections.entra.app_proxy.plugins.module_utils.host.observe import MACHINE_CERTIFICATES, user_certificates
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.host.trust_certificate import certificate_of_blob, read
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import files
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.instances import moment, number, text
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import HKEY_LOCAL_MACHINE, NAMESPACES, Registry
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import WSManError

HOLDS = "holds"
FAILS = "fails"
# There is nothing on this server by which it could be seen, such as a certificate that was renewed.
NOT_SEEN = "not_seen"

_WINDOWS = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_SLOW_QUERY = 5.0
_TIMEOUT = 60.0
_NO_CHANNEL = 15007
_PARAMETER = re.compile(r"\$(\w+)")


@dataclasses.dataclass(frozen=True)
class Finding:
    """:param evidence: what was seen, as JSON types. Never a secret."""

    outcome: str
    evidence: t.Any


Probe = t.Callable[[Server, HostState], Finding]


def _judged(holds: bool, evidence: t.Any) -> Finding:
    return Finding(HOLDS if holds else FAILS, evidence)


def service_get(server: Server, _state: HostState) -> Finding:
    """transfer/Get answers with one typed instance."""
    row = server.session.get("Win32_Service", {"Name": "WinRM"})
    return _judged(row is not None and text(row, "State") == "Running", None if row is None else sorted(row))


def missing_instance(server: Server, _state: HostState) -> Finding:
    """A Get of what does not exist is the fault that we take for "there is none"."""
    return _judged(server.session.get("Win32_Service", {"Name": "no such service"}) is None, "no instance")


def registry_namespace(server: Server, _state: HostState) -> Finding:
    """StdRegProv answers in root/cimv2, or in root/default."""
    arguments: dict[str, str | int | t.Sequence[str | int]] = {
        "hDefKey": HKEY_LOCAL_MACHINE,
        "sSubKeyName": _WINDOWS,
        "sValueName": "ProductName",
    }
    answers: dict[str, str] = {}
    for namespace in NAMESPACES:
        try:
            output = server.session.invoke("StdRegProv", "GetStringValue", arguments, namespace=namespace, read_only=True)
            answers[namespace] = text(output, "sValue") or f"return value {number(output, 'ReturnValue')}"
        except WSManError as error:
            answers[namespace] = f"{type(error).__name__}: {error}"
    return _judged("Windows" in answers[NAMESPACES[0]], answers)


def registry_return_values(server: Server, _state: HostState) -> Finding:
    """A missing value answers 1, a missing key 2."""
    registry = Registry(server.session)
    seen = [registry.string(_WINDOWS, "no such value"), registry.subkeys(r"SOFTWARE\no such key")]
    return _judged(seen == [None, None], "value and key are told missing")


def registry_binary(server: Server, _state: HostState) -> Finding:
    """GetBinaryValue answers with one element for each byte."""
    registry = Registry(server.session)
    for thumbprint in registry.subkeys(MACHINE_CERTIFICATES) or []:
        blob = registry.binary(rf"{MACHINE_CERTIFICATES}\{thumbprint}", "Blob")
        if blob is not None:
            return _judged(
                certificate_of_blob(blob) is not None, {"bytes": len(blob), "holds a certificate": certificate_of_blob(blob) is not None}
            )
    return Finding(NOT_SEEN, "the machine store is empty")


def datafile_query(server: Server, state: HostState) -> Finding:
    """One query by Name ... OR Name ... is answered from the named files, without a walk over the disk."""
    before = server.clock()
    found = files.files(server.session, [*generations.all_paths(state.os.drive), rf"{state.os.windows_directory}\System32\cmd.exe"])
    seconds = server.clock() - before
    return _judged(bool(found) and seconds < _SLOW_QUERY, {"seconds": round(seconds, 2), "files": len(found)})


def os_times(server: Server, _state: HostState) -> Finding:
    """Boot time and local time come as moments with a zone."""
    rows = server.session.query("SELECT LastBootUpTime,LocalDateTime FROM Win32_OperatingSystem")
    moments = {name: moment(rows[0], name) for name in ("LastBootUpTime", "LocalDateTime")} if rows else {}
    return _judged(bool(moments) and all(moments.values()), {name: None if at is None else at.isoformat() for name, at in moments.items()})


def script_input(server: Server, _state: HostState) -> Finding:
    """A command through cmd.exe reads standard input to its end, and PowerShell runs our scripts."""
    server.read_files([])
    return _judged(True, "powershell.exe has read the script from its standard input")


def folder_query(server: Server, state: HostState) -> Finding:
    """Win32_Directory is answered by Name."""
    rows = server.session.query("SELECT Name FROM Win32_Directory WHERE Name='c:\\\\windows'")
    return _judged(bool(rows) or state.os.drive.lower() != "c:", [text(row, "Name") for row in rows])


def free_space(server: Server, _state: HostState) -> Finding:
    """Win32_LogicalDisk tells the free bytes."""
    rows = server.session.query("SELECT DeviceID,FreeSpace FROM Win32_LogicalDisk WHERE DeviceID='C:'")
    return _judged(bool(rows) and number(rows[0], "FreeSpace") is not None, [number(row, "FreeSpace") for row in rows])


def exe_version(server: Server, state: HostState) -> Finding:
    """The installed version is the file version of the service's executable."""
    if not state.installed:
        return Finding(NOT_SEEN, "no connector is installed")
    evidence = {"generation": state.installation.generation, "version": state.installation.version, "files": state.installation.files()}
    return _judged(state.installation.version is not None, evidence)


def uninstall_entries(server: Server, state: HostState) -> Finding:
    """The Uninstall keys name both products by the display names that we look for."""
    if not state.installed:
        return Finding(NOT_SEEN, "no connector is installed")
    entries = apply_removal.registered_products(server)
    seen = [{"name": one.display_name, "package": one.product_code is not None, "bundle": one.executable is not None} for one in entries]
    return _judged(len(seen) > 1, seen)


def service_accounts(_server: Server, state: HostState) -> Finding:
    """The services run as NETWORK SERVICE and SYSTEM."""
    if not state.services:
        return Finding(NOT_SEEN, "no service of the connector exists")
    accounts = {name: service.account for name, service in state.services.items()}
    return _judged(all((account or "").lower() in generations.ACCOUNTS[name] for name, account in accounts.items()), accounts)


def trust_settings(server: Server, state: HostState) -> Finding:
    """TrustSettings.xml lies at one of the paths that we look at."""
    path = state.installation.trust_settings
    if path is None:
        running = state.services.get(generations.CONNECTOR_SERVICE)
        works = running is not None and running.state == "Running"
        return Finding(FAILS if works else NOT_SEEN, "none was found" + (", and the connector runs" if works else ""))
    content = server.read_files([path]).get(path.lower(), b"").decode("utf-8", "replace")
    return _judged("<Thumbprint>" in content, {"path": path, "in user store": "<IsInUserStore>true" in content})


def certificate_fields(_server: Server, state: HostState) -> Finding:
    """Issuer, the connector's id in an extension, and the tenant's id in the subject."""
    if not state.certificates:
        return Finding(NOT_SEEN, "no certificate of the connector's issuer is in the machine store")
    newest = state.certificates[-1]
    days = (newest.not_after - newest.not_before).days
    seen = {
        "connector id": newest.connector_id is not None,
        "tenant id": newest.tenant_id is not None,
        "issuer": newest.issuer,
        "days": days,
    }
    return _judged(seen["connector id"] is True and seen["tenant id"] is True, seen)


def renewed_certificate(server: Server, state: HostState) -> Finding:
    """After a renewal the certificate is a file in the store of NETWORK SERVICE, formed as in the registry."""
    stored = user_certificates(server.session, state.os)
    if not stored:
        return Finding(NOT_SEEN, "the store of NETWORK SERVICE is empty")
    contents = server.read_files([file.path for file in stored])
    readable = [read(file.thumbprint, contents[file.path.lower()]) is not None for file in stored if file.path.lower() in contents]
    return _judged(any(readable), {"files": len(stored), "read": len(contents), "of the connector": sum(readable)})


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
    return _judged(wanted <= {name.lower() for name in names}, {"path": path, "parameters": names})


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
    return _judged(all(seen[channel] == "exists" for channel in own), seen)


def performance_counters(server: Server, state: HostState) -> Finding:
    """The product's set of performance counters has the name that we ask for; the names in it are news."""
    if state.installation.generation is None:
        return Finding(NOT_SEEN, "no connector is installed")
    counters = read_counters(server, generations.by_name(state.installation.generation))
    return Finding(HOLDS if counters else NOT_SEEN, sorted(counters))


def installer_logs(server: Server, _state: HostState) -> Finding:
    """Where the installer's logs lie, and what they are called: those of the last 30 days."""
    answer = server.script("tail_logs", {"seconds": 30 * 86400, "max_bytes": 1}, timeout=_TIMEOUT)
    names = [str(log.get("path")).rpartition("\\")[2] for log in answer.get("logs") or []]
    return Finding(HOLDS, names) if any("connector" in name.lower() for name in names) else Finding(NOT_SEEN, names)


def shell_encoding(server: Server, _state: HostState) -> Finding:
    """What a program prints arrives as UTF-8, and its exit code as it is."""
    result = server.run("hostname.exe", timeout=_TIMEOUT)
    return _judged(
        result.exit_code == 0 and bool(result.stdout.strip()), {"exit code": result.exit_code, "has output": bool(result.stdout)}
    )


PROBES: dict[str, Probe] = {
    probe.__name__: probe
    for probe in (
        service_get,
        missing_instance,
        registry_namespace,
        registry_return_values,
        registry_binary,
        datafile_query,
        folder_query,
        free_space,
        os_times,
        shell_encoding,
        script_input,
        exe_version,
        uninstall_entries,
        service_accounts,
        trust_settings,
        certificate_fields,
        renewed_certificate,
        registration_registry,
        register_script,
        event_channels,
        performance_counters,
        installer_logs,
    )
}

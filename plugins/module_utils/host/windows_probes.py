# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What this collection assumes of Windows, each with a way to see on a real server whether it holds.

Every probe only reads, and needs no connector and nothing of what observing one relies on. docs/fidelity.md lists the assumptions with
their grades; a test compares the two.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import event_log, generations
from ansible_collections.entra.app_proxy.plugins.module_utils.host.finding import HOLDS, NOT_SEEN, Finding, judged
from ansible_collections.entra.app_proxy.plugins.module_utils.host.observe import MACHINE_CERTIFICATES
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.observe import dynamic_ports as port_ranges
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import OperatingSystem
from ansible_collections.entra.app_proxy.plugins.module_utils.host.trust_certificate import certificate_of_blob
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import files
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.instances import moment, number, text
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import (
    HKEY_LOCAL_MACHINE,
    KEY_MISSING,
    NAMESPACES,
    VALUE_MISSING,
    Registry,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import WSManError
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.wql import literal

_WINDOWS = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_SLOW_QUERY = 5.0
_TIMEOUT = 60.0
_ZONED = re.compile(r"(?:Z|[+-]\d\d:?\d\d|\.[\d*]{6}[+-]\d{3})$")
# The exit code of an installer that wants a restart: more than a byte holds. And letters of no single code page of eight bits.
_EXIT_CODE = 3010
_LETTERS = "äłж€"
# The event log service is the last to write before a boot and the first after it
# [6005: MS, troubleshoot-unexpected-reboots-system-event-logs; 6006: common knowledge].
_LOG_STARTED, _LOG_STOPPED = 6005, 6006
_LOG_SERVICE = f"*[System[Provider[@Name='EventLog'] and (EventID={_LOG_STARTED} or EventID={_LOG_STOPPED})]]"

Probe = t.Callable[[Server, OperatingSystem], Finding]


def service_get(server: Server, _os: OperatingSystem) -> Finding:
    """transfer/Get answers with one typed instance."""
    row = server.session.get("Win32_Service", {"Name": "WinRM"})
    return judged(row is not None and text(row, "State") == "Running", None if row is None else sorted(row))


def missing_instance(server: Server, _os: OperatingSystem) -> Finding:
    """A Get of what does not exist is the fault that we take for "there is none"."""
    return judged(server.session.get("Win32_Service", {"Name": "no such service"}) is None, "no instance")


def registry_namespace(server: Server, _os: OperatingSystem) -> Finding:
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
    return judged("Windows" in answers[NAMESPACES[0]], answers)


def registry_return_values(server: Server, _os: OperatingSystem) -> Finding:
    """A missing value answers 1, a missing key 2."""
    registry = Registry(server.session)
    missing_value = {method: registry.return_value(method, _WINDOWS, "no such value") for method in ("GetStringValue", "GetDWORDValue")}
    missing_key = {method: registry.return_value(method, r"SOFTWARE\no such key") for method in ("EnumKey", "EnumValues")}
    holds = set(missing_value.values()) == {VALUE_MISSING} and set(missing_key.values()) == {KEY_MISSING}
    return judged(holds, {"missing value": missing_value, "missing key": missing_key})


def registry_binary(server: Server, _os: OperatingSystem) -> Finding:
    """GetBinaryValue answers with one element for each byte."""
    registry = Registry(server.session)
    for thumbprint in registry.subkeys(MACHINE_CERTIFICATES) or []:
        blob = registry.binary(rf"{MACHINE_CERTIFICATES}\{thumbprint}", "Blob")
        if blob is not None:
            return judged(
                certificate_of_blob(blob) is not None, {"bytes": len(blob), "holds a certificate": certificate_of_blob(blob) is not None}
            )
    return Finding(NOT_SEEN, "the machine store is empty")


def datafile_query(server: Server, os: OperatingSystem) -> Finding:
    """One query by Name ... OR Name ... is answered from the named files, without a walk over the disk."""
    before = server.clock()
    found = files.files(server.session, [*generations.all_paths(os.drive), rf"{os.windows_directory}\System32\cmd.exe"])
    seconds = server.clock() - before
    return judged(bool(found) and seconds < _SLOW_QUERY, {"seconds": round(seconds, 2), "files": len(found)})


def folder_query(server: Server, os: OperatingSystem) -> Finding:
    """Win32_Directory is answered by Name."""
    rows = server.session.query(f"SELECT Name FROM Win32_Directory WHERE Name={literal(os.windows_directory.lower())}")
    return judged(bool(rows), [text(row, "Name") for row in rows])


def free_space(server: Server, os: OperatingSystem) -> Finding:
    """Win32_LogicalDisk tells the free bytes."""
    rows = server.session.query(f"SELECT DeviceID,FreeSpace FROM Win32_LogicalDisk WHERE DeviceID={literal(os.drive)}")
    return judged(bool(rows) and number(rows[0], "FreeSpace") is not None, [number(row, "FreeSpace") for row in rows])


def os_times(server: Server, _os: OperatingSystem) -> Finding:
    """Boot time and local time come as moments with a zone."""
    rows = server.session.query("SELECT LastBootUpTime,LocalDateTime FROM Win32_OperatingSystem")
    raw = {name: (text(rows[0], name) or "").strip() for name in ("LastBootUpTime", "LocalDateTime")} if rows else {}
    if not raw or not all(_ZONED.search(value) for value in raw.values()):
        return judged(False, raw)
    here = moment(rows[0], "LocalDateTime")
    # Hours of it would be a zone that is not the clock's.
    ahead = None if here is None else round((here - server.now()).total_seconds())
    return judged(True, {**raw, "seconds ahead of the controller": ahead})


def boot_time(server: Server, _os: OperatingSystem) -> Finding:
    """The boot time is later than the last event of the run before, and no later than the first of this one."""
    row = next(iter(server.session.query("SELECT LastBootUpTime FROM Win32_OperatingSystem")), {})
    booted = moment(row, "LastBootUpTime")
    printed = server.run(
        "wevtutil.exe", "qe", "System", "/c:2", "/rd:true", "/f:RenderedXml", f"/q:{_LOG_SERVICE}", timeout=_TIMEOUT
    ).stdout
    events = {event.id: event.at for event in event_log.parse(printed)}
    if booted is None or not events.keys() >= {_LOG_STOPPED, _LOG_STARTED}:
        return Finding(NOT_SEEN, "the System log has no orderly end of the run before")
    # As precise as the events are read.
    stopped, boot, started = events[_LOG_STOPPED], booted.strftime("%Y-%m-%dT%H:%M:%SZ"), events[_LOG_STARTED]
    return judged(stopped <= boot <= started, {"log stopped": stopped, "boot": boot, "log started": started})


def shell_encoding(server: Server, _os: OperatingSystem) -> Finding:
    """What a program prints arrives as UTF-8, and its exit code as it is."""
    printed = server.run("cmd.exe", "/c", "echo", _LETTERS, timeout=_TIMEOUT).stdout.strip()
    code = server.run("cmd.exe", "/c", "exit", str(_EXIT_CODE), timeout=_TIMEOUT).exit_code
    seen = {"asked to print": _LETTERS, "printed": printed, "asked to end with": _EXIT_CODE, "exit code": code}
    return judged(printed == _LETTERS and code == _EXIT_CODE, seen)


def script_input(server: Server, _os: OperatingSystem) -> Finding:
    """A command through cmd.exe reads standard input to its end, and PowerShell runs our scripts."""
    server.read_files([])
    return judged(True, "powershell.exe has read the script from its standard input")


def dynamic_ports(server: Server, _os: OperatingSystem) -> Finding:
    """Netsh prints two numbers behind colons for a range of dynamic ports."""
    ranges = port_ranges(server, _TIMEOUT)
    return judged(True, {name: found.as_dict() for name, found in ranges.items()})


def installer_logs(server: Server, _os: OperatingSystem) -> Finding:
    """Where the installer's logs lie, and what they are called: those of the last 30 days."""
    answer = server.script("tail_logs", {"seconds": 30 * 86400, "max_bytes": 1}, timeout=_TIMEOUT)
    names = [str(log.get("path")).rpartition("\\")[2] for log in answer.get("logs") or []]
    return Finding(HOLDS, names) if any("connector" in name.lower() for name in names) else Finding(NOT_SEEN, names)

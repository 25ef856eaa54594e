# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The admin API's view of a server: its raw state as JSON, and changing it so that tests build any host state quickly."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import typing as t
import uuid

from tests.lab.servers import installers
from tests.lab.servers.state import registry as reg
from tests.lab.servers.state import windows, windows_defaults
from tests.lab.servers.state.connector import SCRIPT_PLACES
from tests.lab.servers.state.eventlog import LEVELS
from tests.lab.servers.state.products import CONNECTOR_SERVICE, GENERATIONS, UPDATER_SERVICE
from tests.lab.servers.state.services import RUNNING, Service
from tests.lab.servers.state.trust import MACHINE_STORE, SERVICE_STORE, certificate
from tests.lab.tenant import certificates
from tests.lab.tenant import state as tenant_state

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer

CONNECTOR_FIELDS = {
    *("installed", "generation", "version", "registered", "in_user_store", "age_days", "valid_days", "running", "tenant_id"),
    *("clone_of", "first_certificate_days"),
}


def describe(server: WindowsServer) -> dict[str, t.Any]:
    """Return the raw state (JSON types)."""
    connector = server.connector
    found = connector.trust()
    return {
        "name": server.name,
        "machine_name": server.machine_name,
        "reachable": server.reachable,
        "powered": server.powered,
        "boot": server.boot_time.isoformat(),
        "pending_reboot": server.pending_reboot,
        "os": {"caption": server.system.caption, "version": server.system.version},
        "services": {service.name: service.as_dict() for service in server.services.all()},
        "connector": {
            "installed": connector.generation is not None,
            "updater_installed": connector.updater_installed,
            "generation": connector.generation.name if connector.generation is not None else None,
            "version": connector.version,
            "registered": found is not None,
            "connector_id": found[0].connector_id if found else None,
            "tenant_id": found[0].tenant_id if found else None,
            "thumbprint": found[0].thumbprint if found else None,
            "not_before": found[0].not_before.isoformat() if found else None,
            "not_after": found[0].not_after.isoformat() if found else None,
            "in_user_store": found[1] if found else None,
            "listed": connector.listed,
        },
        "shells": server.listener.shells if server.listener is not None else 0,
        "files": sorted(file.path for file in server.files.files()),
        "folders": server.files.folders(),
        "events": server.events.as_list(),
        "pending": len(server.agenda),
        "installer_exit_code": server.installer_exit_code,
        "msiexec_exit_code": server.msiexec_exit_code,
        "leftovers": server.leftovers,
        "dynamic_ports": server.network.ports,
        "dwords": windows_defaults.dwords(server.registry),
        "configs": {file.path: file.content.decode("utf-8", "replace") for file in server.files.files() if ".config" in file.name},
        "product": dataclasses.asdict(server.product),
        "winrm": dataclasses.asdict(server.winrm),
    }


def registry_values(server: WindowsServer, path: str) -> dict[str, t.Any] | None:
    """Return the texts and numbers of a key of the local machine by name; None when there is no such key."""
    key = server.registry.key(path)
    return {one.name: one.data for one in key.values.values() if not isinstance(one.data, bytes)} if key is not None else None


def apply(server: WindowsServer, values: t.Mapping[str, t.Any]) -> None:
    """Apply a patch. Raises ValueError, before anything is changed, for a name that is not known."""
    unknown = sorted(set(values) - set(PATCHES))
    if unknown:
        raise ValueError(f"unknown fields {unknown} of a server; known: {sorted(PATCHES)}")
    for name, change in PATCHES.items():
        if name in values:
            change(server, values[name])


def _services(server: WindowsServer, values: t.Any) -> None:
    """{"WAPCSvc": {"state": "Stopped", "start_mode": "Disabled"} | null}"""
    for name, fields in values.items():
        server.services.patch(name, fields)


def _files(server: WindowsServer, values: t.Any) -> None:
    """[{"path", "text" | "base64" | "installer": {...} | "absent": true, "version"?}]"""
    for entry in values:
        path = entry["path"]
        if entry.get("absent"):
            server.files.remove(path)
        elif "installer" in entry:
            content = installers.make(**entry["installer"])
            server.files.put(path, content, version=entry["installer"].get("version"))
        elif "base64" in entry:
            server.files.put(path, base64.b64decode(entry["base64"]), version=entry.get("version"))
        else:
            server.files.put(path, str(entry.get("text", "")).encode(), version=entry.get("version"))


def _registry(server: WindowsServer, values: t.Any) -> None:
    """[{"key": "HKLM\\\\...", "name", "value": text | number | null, "absent": true}]"""
    for entry in values:
        hive, path = reg.split_hive(entry["key"])
        if entry.get("absent"):
            server.registry.delete(path, hive)
        elif isinstance(entry["value"], int):
            server.registry.set(path, entry["name"], reg.DWORD, entry["value"], hive)
        else:
            server.registry.set(path, entry["name"], reg.SZ, str(entry["value"]), hive)


def _protected_keys(server: WindowsServer, values: t.Any) -> None:
    """["HKLM\\...", ...]: all keys in which the account may change nothing from now on."""
    paths = [reg.split_hive(str(key)) for key in values]
    if any(hive != reg.HKLM for hive, _path in paths):
        raise ValueError(f"unknown place of protected keys {values!r}; known: HKLM")
    server.registry.protected = {path.lower() for _hive, path in paths}


def _events(server: WindowsServer, values: t.Any) -> None:
    """[{"channel", "provider", "event_id", "level": 1..4, "message"}]"""
    for entry in values:
        if entry["level"] not in LEVELS:
            raise ValueError(f"unknown event level {entry['level']!r}")
        server.events.write(entry["channel"], entry["provider"], int(entry["event_id"]), entry["level"], entry["message"])


def _unreadable_logs(server: WindowsServer, values: t.Any) -> None:
    """["Application", ...]: all channels that the account may not read from now on."""
    server.events.unreadable = {str(channel).lower() for channel in values}


def _connector(server: WindowsServer, values: t.Any) -> None:
    """{"installed": false} or {"generation", "version", "registered", "in_user_store", "age_days", "valid_days", "running"}"""
    unknown = sorted(set(values) - CONNECTOR_FIELDS)
    if unknown:
        raise ValueError(f"unknown fields {unknown} of a connector; known: {sorted(CONNECTOR_FIELDS)}")
    connector = server.connector
    if values.get("installed") is False:
        connector.uninstall()
        return
    if "generation" in values or "version" in values or connector.generation is None:
        generation = GENERATIONS[values.get("generation", "entra")]
        version = values.get("version", "1.5.4892.0" if generation.name == "entra" else "1.5.3437.0")
        connector.install(generation, version, installers.make(version=version, generation=generation.name))
    if values.get("registered") is False:
        connector.forget()
    elif values.get("registered"):
        _register(server, values)
    elif values.get("clone_of"):
        _clone(server, values["clone_of"])
    _settle_services(server, running=bool(values.get("running", connector.trust() is not None)))


def _register(server: WindowsServer, values: t.Mapping[str, t.Any]) -> None:
    """Register past the token: the tenant learns of the connector, the server gets a certificate of the wanted age."""
    tenant = server.world.tenant
    now = server.world.clock.now()
    identity = str(uuid.uuid4())
    issued = now - datetime.timedelta(days=float(values.get("age_days", 0)))
    tenant_id = str(values.get("tenant_id", tenant.tenant_id))
    days = float(values.get("valid_days", server.world.timing.certificate_days))
    if tenant_id == tenant.tenant_id:
        home = tenant.now_state.default.id
        version = server.connector.version or "0.0.0.0"
        tenant.put_connector(tenant_state.Connector(identity, server.known_as, version, home, now))
    if "first_certificate_days" in values:
        # The one it was registered with, which stays in the machine store when it is renewed.
        first = now - datetime.timedelta(days=float(values["first_certificate_days"]))
        lifetime = server.world.timing.certificate_days
        server.connector.trust_certificate(certificates.trust_certificate(identity, tenant_id, first, lifetime))
    der = certificates.trust_certificate(identity, tenant_id, issued, days)
    in_user_store = bool(values.get("in_user_store", False))
    found = server.connector.trust_certificate(der, in_user_store=in_user_store)
    file = server.files.get(rf"{SERVICE_STORE}\{found.thumbprint}")
    if in_user_store and file is not None:
        # It was written when it was issued [INF].
        file.modified = issued


def _clone(server: WindowsServer, name: str) -> None:
    """What an image of another server brings along: its certificate and its trust settings."""
    original = t.cast("WindowsServer", server.world.servers[name])
    trusted = original.connector.trust()
    if trusted is None:
        raise ValueError(f"server {name!r} is not registered, so that nothing can be cloned")
    value = original.registry.value(rf"{MACHINE_STORE}\{trusted[0].thumbprint}", "Blob")
    der = certificate(value.data) if value is not None and isinstance(value.data, bytes) else None
    if der is None:
        raise ValueError(f"the certificate of server {name!r} is not in its machine store")
    server.connector.trust_certificate(der)


def _leftovers(server: WindowsServer, value: t.Any) -> None:
    """Remains of an earlier install of the legacy generation: a folder of it, and the entry of its service."""
    server.leftovers = bool(value)
    if server.leftovers:
        legacy = GENERATIONS["legacy"]
        server.files.put(f"{legacy.connector_path}.config", b"<configuration/>\r\n")
        if server.services.get(UPDATER_SERVICE) is None:
            server.services.add(Service(UPDATER_SERVICE, legacy.updater_display_name, f'"{legacy.updater_path}"', "LocalSystem", "Auto"))


def _settle_services(server: WindowsServer, *, running: bool) -> None:
    """No waiting here: the wanted state is there at once."""
    for service in server.services.all():
        if service.state == "Start Pending":
            server.services.patch(service.name, {"state": RUNNING})
    if server.services.get(CONNECTOR_SERVICE) is not None:
        server.services.patch(CONNECTOR_SERVICE, {"state": RUNNING if running else "Stopped"})


def _os(server: WindowsServer, values: t.Any) -> None:
    server.system.patch(values)
    windows.write_facts(server.registry, server.system)


def _password(server: WindowsServer, value: t.Any) -> None:
    server.password = str(value)
    if server.listener is not None:
        server.listener.account_changed()


def _boot(server: WindowsServer, value: t.Any) -> None:
    """An ISO moment, or "now": boot time set, services as after a start; the listeners stay open."""
    if value != "now":
        server.boot_time = datetime.datetime.fromisoformat(value)
        return
    server.start_windows()


def _script_place(server: WindowsServer, value: t.Any) -> None:
    if value not in SCRIPT_PLACES:
        raise ValueError(f"registration_script must be one of {SCRIPT_PLACES}, not {value!r}")
    server.connector.script_place = value


def _attribute(name: str, kind: type, *, optional: bool = False) -> t.Callable[[WindowsServer, t.Any], None]:
    def change(server: WindowsServer, value: t.Any) -> None:
        wrong = isinstance(value, bool) is not (kind is bool) or not isinstance(value, (int, float) if kind is float else kind)
        if wrong and not (optional and value is None):
            raise ValueError(f"{name} must be of type {kind.__name__}, not {value!r}")
        setattr(server, name, value)

    return change


PATCHES: dict[str, t.Callable[[WindowsServer, t.Any], None]] = {
    "os": _os,
    "registration_script": _script_place,
    "files": _files,
    "registry": _registry,
    "protected_keys": _protected_keys,
    "known_as": _attribute("known_as", str),
    "connector": _connector,
    "services": _services,
    "events": _events,
    "unreadable_logs": _unreadable_logs,
    "installer_exit_code": _attribute("installer_exit_code", int, optional=True),
    "msiexec_exit_code": _attribute("msiexec_exit_code", int, optional=True),
    "leftovers": _leftovers,
    "product": lambda server, values: server.product.patch(values),
    "pending_reboot": _attribute("pending_reboot", bool),
    "registration_signals_errors": _attribute("registration_signals_errors", bool),
    "blocked_urls": _attribute("blocked_urls", list),
    "process_seconds": _attribute("process_seconds", float),
    "silent_pulls": _attribute("silent_pulls", int),
    "reboot_seconds": _attribute("reboot_seconds", float),
    "max_shells": _attribute("max_shells", int),
    "endpoints": lambda server, values: server.network.patch_endpoints(values),
    "fixed_ports": lambda server, values: server.network.patch_fixed(values),
    "dynamic_ports": lambda server, values: server.network.patch_ports(values),
    "winrm": lambda server, values: server.winrm.patch(values),
    "password": _password,
    "boot": _boot,
    "reboot": lambda server, value: server.reboot(float(value)),
    "reachable": lambda server, value: server.set_reachable(bool(value)),
}
"""Applied in this order.

known_as: the machine name under which the tenant shows a connector that is registered from now on, such as the full one [INF].
installer_exit_code: what every installer run ends with, and then nothing is installed unless it is 0, 3010 or 1641; null = as it comes.
leftovers: remains of an earlier install (a folder, a service without program): a silent install ends with 0 and no files ever appear
(connector.md 4.1 [MS TOK]), until they are gone or the installer has uninstalled. product: see state.product.
registration_signals_errors: a refused registration also raises an error in PowerShell; by default it is silent (connector.md 5.1 [UNV]).
blocked_urls: beginnings of URLs that this server cannot reach. process_seconds: how long every process takes.
silent_pulls: so many Pulls end at the operation timeout with nothing, at once; their contexts stay good (DSP0226 [DOC]).
reboot: someone restarts it, so many seconds from now; it is away for reboot_seconds.
"""

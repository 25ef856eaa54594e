# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The CIM classes of a server whose state is Wine's: what its WMI answers, and what is asked of its system in its place.

Wine's own WMI: Win32_Service, Win32_OperatingSystem and Win32_ComputerSystem with WQL as it was sent, StartService,
StopService, and the methods of StdRegProv that exist there. Asked of the system instead, because Wine's WMI does not
have it: see README.md.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing as t

from tests.lab.servers.protocol import wql
from tests.lab.servers.protocol.instances import Properties, Value
from tests.lab.servers.protocol.wql import Query
from tests.lab.servers.routes import cim_datafile, stdregprov, win32_service, win32_storage
from tests.lab.servers.routes.cim import CLASSES
from tests.lab.servers.routes.cim_class import Arguments, CimClass, Method, one
from tests.wine.prefix import Wine

CIMV2 = r"ROOT\CIMV2"
SERVICES = r"System\CurrentControlSet\Services"
HKLM = "2147483650"
_ARRAY, _BOOLEAN, _DATETIME, _STRING = 0x2000, 11, 101, 8
_MOMENT = re.compile(r"^(\d{14})\.(\d{6})([+-]\d+)$")
_LITERAL = re.compile(r"\b(Name|Drive|Path)\s*=\s*'((?:\\.|[^'\\])*)'", re.IGNORECASE)
_FILE_TIME_ZERO = datetime.datetime(1601, 1, 1, tzinfo=datetime.timezone.utc)
_START_TYPES = {"automatic": "2", "manual": "3", "disabled": "4"}
REG_BINARY, REG_DWORD = 3, 4
NO_MORE_ITEMS = 259


@dataclasses.dataclass(frozen=True)
class WmiClass(CimClass):
    """A class of Wine's WMI: WQL goes there as it was sent."""

    def answer(self, server: t.Any, query: Query, text: str) -> list[Properties]:
        # Spelled as Windows does, and without what Windows does not have.
        spelling = {name.lower(): name for name in self.properties}
        rows = [
            {spelling[name.lower()]: _value(*value) for name, value in row.items() if name.lower() in spelling}
            for row in server.wine.ask("query", CIMV2, text)
        ]
        return _with_configuration(server.wine, rows) if self.name == "Win32_Service" else rows


@dataclasses.dataclass(frozen=True)
class DataFile(CimClass):
    """CIM_DataFile: the files that the query names, asked of the file system."""

    def answer(self, server: t.Any, query: Query, text: str) -> list[Properties]:
        wanted = _literals(text)
        paths = wanted.get("name", [])
        if "path" in wanted:
            folder = wanted["drive"][0] + wanted["path"][0]
            place = server.wine.path(folder)
            paths = [folder + entry.name for entry in place.iterdir()] if place.is_dir() else []
        facts = server.wine.ask("files", *paths) if paths else []
        rows = [_file(path, fact) for path, fact in zip(paths, facts, strict=True) if fact is not None]
        return [row for row in rows if query.matches(row)]


@dataclasses.dataclass(frozen=True)
class Directory(CimClass):
    """Win32_Directory: the folders that the query names."""

    def answer(self, server: t.Any, query: Query, text: str) -> list[Properties]:
        return [{"Name": path.lower()} for path in _literals(text).get("name", []) if server.wine.path(path).is_dir()]


def classes() -> dict[str, CimClass]:
    """The classes by lower-case name, for tests.lab.servers.routes.endpoint.Endpoint."""
    service_methods = {
        "StartService": _service_method("StartService"),
        "StopService": _service_method("StopService"),
        "ChangeStartMode": Method(True, _change_start_mode),
    }
    special = [
        _wmi(win32_service.CLASS, service_methods),
        DataFile(**{**_fields(cim_datafile.CLASS), "instances": lambda server: []}),
        Directory(**{**_fields(win32_storage.DIRECTORY), "instances": lambda server: []}),
        CimClass(
            name="StdRegProv",
            namespaces=stdregprov.CLASS.namespaces,
            is_static=True,
            methods={
                **{name: _registry_method(name, writes=False) for name in ("GetStringValue", "EnumKey", "EnumValues")},
                **{name: _registry_method(name, writes=True) for name in ("CreateKey", "SetStringValue", "DeleteKey")},
                "SetDWORDValue": Method(True, _set_dword),
                "DeleteValue": Method(True, _delete_value),
                "GetBinaryValue": Method(False, lambda server, instance, arguments: _typed_value(server.wine, arguments, REG_BINARY)),
                "GetDWORDValue": Method(False, lambda server, instance, arguments: _typed_value(server.wine, arguments, REG_DWORD)),
            },
        ),
    ]
    others = {name: _wmi(model, {}) for name, model in CLASSES.items()}
    return {**others, **{cim.name.lower(): cim for cim in special}}


def _literals(text: str) -> dict[str, list[str]]:
    """What a query compares Name, Drive and Path with: names in lower case, each with its values."""
    found: dict[str, list[str]] = {}
    for name, value in _LITERAL.findall(text):
        found.setdefault(name.lower(), []).append(re.sub(r"\\(.)", r"\1", value))
    return found


def _fields(cim: CimClass) -> dict[str, t.Any]:
    return {field.name: getattr(cim, field.name) for field in dataclasses.fields(cim)}


def _wmi(model: CimClass, methods: dict[str, Method]) -> WmiClass:
    text = f"SELECT * FROM {model.name}"

    def everything(server: t.Any) -> list[Properties]:
        return found.answer(server, wql.parse(text), text)

    found = WmiClass(**{**_fields(model), "methods": methods, "instances": everything})
    return found


def _value(kind: int, value: t.Any) -> Value:
    if value is None:
        return None
    if kind & _ARRAY:
        return [_value(kind & ~_ARRAY, item) for item in value]
    if kind == _DATETIME:
        return _moment(value)
    return value if kind in (_STRING, _BOOLEAN) else int(value)


def _moment(text: str) -> datetime.datetime:
    """yyyymmddHHMMSS.mmmmmm and the minutes east of UTC, of which Wine 8.0 writes only two digits in LocalDateTime."""
    match = _MOMENT.match(text)
    assert match is not None, text
    zone = datetime.timezone(datetime.timedelta(minutes=int(match[3])))
    return datetime.datetime.strptime(match[1] + match[2], "%Y%m%d%H%M%S%f").replace(tzinfo=zone)


def _with_configuration(wine: Wine, rows: list[dict[str, Value]]) -> list[Properties]:
    """Add what Wine's Win32_Service does not have, from where its service manager keeps it."""
    names = [str(row["Name"]) for row in rows if "Name" in row]
    if not names:
        return list(rows)
    questions = [part for name in names for value in ("ImagePath", "ObjectName") for part in (rf"{SERVICES}\{name}", value)]
    found = [_text(answer) for answer in wine.ask("values", HKLM, *questions)]
    added = {name: {"PathName": found[2 * place], "StartName": found[2 * place + 1]} for place, name in enumerate(names)}
    return [{**row, **added.get(str(row.get("Name")), {})} for row in rows]


def _text(answer: t.Mapping[str, t.Any]) -> str | None:
    return bytes(answer["data"]).decode("utf-16-le").rstrip("\0") if "data" in answer else None


def _service_method(name: str) -> Method:
    def call(server: t.Any, instance: Properties, arguments: Arguments) -> Properties:
        return _results(server.wine.ask("call", CIMV2, f"Win32_Service.Name='{instance['Name']}'", name))

    return Method(True, call)


def _change_start_mode(server: t.Any, instance: Properties, arguments: Arguments) -> Properties:
    server.wine.ask("start-mode", str(instance["Name"]), _START_TYPES[one(arguments, "StartMode").lower()])
    return {"ReturnValue": 0}


def _registry_method(name: str, *, writes: bool) -> Method:
    spelling = {spelled.lower(): spelled for spelled in ("hDefKey", "sSubKeyName", "sValueName", "sValue", "uValue")}

    def call(server: t.Any, instance: Properties, arguments: Arguments) -> Properties:
        given = [f"{spelling[argument]}={texts[0]}" for argument, texts in arguments.items()]
        results = _results(server.wine.ask("call", CIMV2, "StdRegProv", name, *given))
        # Wine ends every list with this; Windows with 0.
        return {**results, "ReturnValue": 0} if results["ReturnValue"] == NO_MORE_ITEMS else results

    return Method(writes, call)


def _typed_value(wine: Wine, arguments: Arguments, kind: int) -> Properties:
    """GetBinaryValue and GetDWORDValue, which Wine's StdRegProv does not have. Return values as Windows has them."""
    (found,) = wine.ask("values", one(arguments, "hDefKey"), one(arguments, "sSubKeyName"), one(arguments, "sValueName"))
    if "missing" in found:
        missing = stdregprov.KEY_MISSING if found["missing"] == "key" else stdregprov.VALUE_MISSING
        return {"uValue": None, "ReturnValue": missing}
    if found["type"] != kind:
        return {"uValue": None, "ReturnValue": stdregprov.WRONG_TYPE}
    data = found["data"]
    return {"uValue": data if kind == REG_BINARY else int.from_bytes(bytes(data), "little"), "ReturnValue": 0}


def _set_dword(server: t.Any, instance: Properties, arguments: Arguments) -> Properties:
    given = (one(arguments, name) for name in ("hDefKey", "sSubKeyName", "sValueName", "uValue"))
    return {"ReturnValue": server.wine.ask("set-dword", *given)["code"]}


def _delete_value(server: t.Any, instance: Properties, arguments: Arguments) -> Properties:
    hive, key, name = (one(arguments, argument) for argument in ("hDefKey", "sSubKeyName", "sValueName"))
    (found,) = server.wine.ask("values", hive, key, name)
    if found.get("missing") == "value":
        return {"ReturnValue": stdregprov.VALUE_MISSING}
    return {"ReturnValue": server.wine.ask("delete-value", hive, key, name)["code"]}


def _results(answer: t.Mapping[str, t.Any]) -> dict[str, Value]:
    return {name: _value(*value) for name, value in answer.items()}


def _file(path: str, facts: t.Mapping[str, t.Any]) -> dict[str, Value]:
    modified = _FILE_TIME_ZERO + datetime.timedelta(microseconds=facts["modified"] // 10)
    drive, _colon, rest = path.lower().partition(":")
    return {
        "Name": path.lower(),
        "Version": facts["version"],
        "FileSize": facts["size"],
        "LastModified": modified,
        "Drive": f"{drive}:",
        "Path": rest.rpartition("\\")[0] + "\\",
    }

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""StdRegProv: the registry by methods of a static class, in root/cimv2 and root/default (wsman.md 7)."""

from __future__ import annotations

import typing as t

from tests.lab.servers.protocol.instances import Properties, Value
from tests.lab.servers.routes.cim_class import Arguments, CimClass, Method, one
from tests.lab.servers.state import registry as reg

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer

OK, VALUE_MISSING, KEY_MISSING, ACCESS_DENIED, BAD_HANDLE, WRONG_TYPE = 0, 1, 2, 5, 6, 2147749893
"""ReturnValue as three clients that ran on Windows know it [SRC, wsman.md 7]."""
_READERS = {
    "GetStringValue": ("sValue", reg.SZ),
    "GetExpandedStringValue": ("sValue", reg.EXPAND_SZ),
    "GetMultiStringValue": ("sValue", reg.MULTI_SZ),
    "GetDWORDValue": ("uValue", reg.DWORD),
    "GetQWORDValue": ("uValue", reg.QWORD),
    "GetBinaryValue": ("uValue", reg.BINARY),
}


class _Refused(Exception):
    """Ends a method with a ReturnValue."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def _target(arguments: Arguments) -> tuple[int, str]:
    hive = one(arguments, "hDefKey", str(reg.HKLM))
    if not hive.isdigit() or int(hive) not in reg.HIVES:
        raise _Refused(BAD_HANDLE)
    return int(hive), one(arguments, "sSubKeyName")


def _key(server: WindowsServer, arguments: Arguments) -> reg.Key:
    hive, path = _target(arguments)
    key = server.registry.key(path, hive)
    if key is None:
        raise _Refused(KEY_MISSING)
    return key


def _own(server: WindowsServer, arguments: Arguments) -> tuple[int, str]:
    """The key that is about to be changed."""
    hive, path = _target(arguments)
    if not server.registry.may_change(path, hive):
        raise _Refused(ACCESS_DENIED)
    return hive, path


def _enum_key(server: WindowsServer, arguments: Arguments) -> Properties:
    return {"sNames": _key(server, arguments).subkeys() or None}


def _enum_values(server: WindowsServer, arguments: Arguments) -> Properties:
    values = list(_key(server, arguments).values.values())
    return {"sNames": [value.name for value in values] or None, "Types": [value.kind for value in values] or None}


def _check_access(server: WindowsServer, arguments: Arguments) -> Properties:
    _key(server, arguments)
    return {"bGranted": True}


def _reader(output: str, kind: int) -> t.Callable[[WindowsServer, Arguments], Properties]:
    def read(server: WindowsServer, arguments: Arguments) -> Properties:
        value = _key(server, arguments).values.get(one(arguments, "sValueName").lower())
        if value is None:
            raise _Refused(VALUE_MISSING)
        readable = {kind, reg.EXPAND_SZ} if kind == reg.SZ else {kind}
        if value.kind not in readable:
            raise _Refused(WRONG_TYPE)
        # One element per byte, as for every CIM array [INF, wsman.md 7].
        shown: Value = list(value.data) if isinstance(value.data, bytes) else value.data
        return {output: shown}

    return read


def _set_string(server: WindowsServer, arguments: Arguments) -> Properties:
    return _set(server, arguments, reg.SZ, one(arguments, "sValue"))


def _set_dword(server: WindowsServer, arguments: Arguments) -> Properties:
    return _set(server, arguments, reg.DWORD, int(one(arguments, "uValue", "0")))


def _set_binary(server: WindowsServer, arguments: Arguments) -> Properties:
    return _set(server, arguments, reg.BINARY, bytes(int(text) for text in arguments.get("uvalue", ())))


def _set(server: WindowsServer, arguments: Arguments, kind: int, data: reg.Data) -> Properties:
    _key(server, arguments)  # a missing key is not made [DOC]
    hive, path = _own(server, arguments)
    server.registry.set(path, one(arguments, "sValueName"), kind, data, hive)
    return {}


def _create_key(server: WindowsServer, arguments: Arguments) -> Properties:
    hive, path = _own(server, arguments)
    server.registry.create(path, hive)
    return {}


def _delete_key(server: WindowsServer, arguments: Arguments) -> Properties:
    if _key(server, arguments).keys:
        raise _Refused(ACCESS_DENIED)  # a key with subkeys is not deleted [DOC]
    hive, path = _target(arguments)
    server.registry.delete(path, hive)
    return {}


def _delete_value(server: WindowsServer, arguments: Arguments) -> Properties:
    _own(server, arguments)
    if _key(server, arguments).values.pop(one(arguments, "sValueName").lower(), None) is None:
        raise _Refused(VALUE_MISSING)
    return {}


def _method(call: t.Callable[[WindowsServer, Arguments], Properties], outputs: tuple[str, ...] = (), *, writes: bool = False) -> Method:
    """Wrap a body: on refusal the outputs are null and ReturnValue says why [INF]."""

    def run(server: WindowsServer, instance: Properties, arguments: Arguments) -> Properties:
        try:
            return {**call(server, arguments), "ReturnValue": OK}
        except _Refused as refused:
            return {**dict.fromkeys(outputs), "ReturnValue": refused.code}

    return Method(writes, run)


CLASS = CimClass(
    name="StdRegProv",
    namespaces=("root/cimv2", "root/default"),
    is_static=True,
    methods={
        "EnumKey": _method(_enum_key, ("sNames",)),
        "EnumValues": _method(_enum_values, ("sNames", "Types")),
        "CheckAccess": _method(_check_access, ("bGranted",)),
        **{name: _method(_reader(output, kind), (output,)) for name, (output, kind) in _READERS.items()},
        "SetStringValue": _method(_set_string, writes=True),
        "SetDWORDValue": _method(_set_dword, writes=True),
        "SetBinaryValue": _method(_set_binary, writes=True),
        "CreateKey": _method(_create_key, writes=True),
        "DeleteKey": _method(_delete_key, writes=True),
        "DeleteValue": _method(_delete_value, writes=True),
    },
)

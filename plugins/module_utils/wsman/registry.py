# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The Windows registry through StdRegProv: no shell, one exchange for each value."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.envelope import Argument
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.faults import WSManFault
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.instances import Instance, number, octets, text, values
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.lost_answers import write_or_look
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import WSManError

HKEY_LOCAL_MACHINE = 2147483650
HKEY_USERS = 2147483651

# Real clients use cimv2 over WS-Man; the one recorded reply (Server 2003) is of default. Hence both, in this order.
NAMESPACES = ("root/cimv2", "root/default")

OK = 0
VALUE_MISSING = 1
KEY_MISSING = 2
ACCESS_DENIED = 5
BAD_HANDLE = 6
WRONG_TYPE = 0x80041005

# SRC: three clients that ran against Windows agree on these.
_MEANINGS: dict[int, str] = {
    VALUE_MISSING: "there is no such value",
    KEY_MISSING: "there is no such key",
    ACCESS_DENIED: "access denied: use an administrator of the server",
    BAD_HANDLE: "bad hive or handle",
    WRONG_TYPE: "the value has another type",
}


class RegistryError(WSManError):
    """StdRegProv refused.

    :ivar return_value: its return code, unsigned; None when the reply had none.
    """

    def __init__(self, operation: str, key: str, value: str | None, return_value: int | None) -> None:
        name = key if value is None else f"{key}, value {value or '(default)'}"
        meaning = _MEANINGS.get(return_value, "unknown return value") if return_value is not None else "no return value"
        shown = "" if return_value is None else f" ({return_value})"
        super().__init__(f"registry {operation} of {name}: {meaning}{shown}")
        self.operation = operation
        self.key = key
        self.value = value
        self.return_value = return_value


class Registry:
    """Keys are written without hive: C(SOFTWARE\\Microsoft\\...). Reads return None for what is not there."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._namespaces = list(NAMESPACES)

    def string(self, key: str, value: str, *, hive: int = HKEY_LOCAL_MACHINE) -> str | None:
        """A REG_SZ value; None when key or value is missing."""
        output = self._read("GetStringValue", key, value, hive)
        return None if output is None else text(output, "sValue") or ""

    def dword(self, key: str, value: str, *, hive: int = HKEY_LOCAL_MACHINE) -> int | None:
        """A REG_DWORD value; None when key or value is missing."""
        output = self._read("GetDWORDValue", key, value, hive)
        return None if output is None else number(output, "uValue")

    def binary(self, key: str, value: str, *, hive: int = HKEY_LOCAL_MACHINE) -> bytes | None:
        """A REG_BINARY value, one element of the reply for each byte; None when key or value is missing."""
        output = self._read("GetBinaryValue", key, value, hive)
        return None if output is None else octets(output, "uValue")

    def subkeys(self, key: str, *, hive: int = HKEY_LOCAL_MACHINE) -> list[str] | None:
        """The names of a key's subkeys, in the server's order; None when the key is missing."""
        output = self._read("EnumKey", key, None, hive)
        return None if output is None else values(output, "sNames")

    def value_names(self, key: str, *, hive: int = HKEY_LOCAL_MACHINE) -> list[str] | None:
        """The names of a key's values; None when the key is missing."""
        output = self._read("EnumValues", key, None, hive)
        return None if output is None else values(output, "sNames")

    def return_value(self, method: str, key: str, value: str | None = None, *, hive: int = HKEY_LOCAL_MACHINE) -> int | None:
        """The bare code that a reading method answers with, where the others only say that there is nothing."""
        return self._call(method, key, value, {}, hive, read_only=True)[1]

    def create_key(self, key: str, *, hive: int = HKEY_LOCAL_MACHINE) -> None:
        """Create a key and what is missing above it; one that exists stays as it is."""
        write_or_look(
            lambda: self._write("CreateKey", key, None, {}, hive),
            lambda: self.subkeys(key, hive=hive) is not None,
            None,
        )

    def set_dword(self, key: str, value: str, data: int, *, hive: int = HKEY_LOCAL_MACHINE) -> None:
        """Write a REG_DWORD value into a key that exists."""
        write_or_look(
            lambda: self._write("SetDWORDValue", key, value, {"uValue": data}, hive),
            lambda: self.dword(key, value, hive=hive) == data,
            None,
        )

    def set_string(self, key: str, value: str, data: str, *, hive: int = HKEY_LOCAL_MACHINE) -> None:
        """Write a REG_SZ value into a key that exists."""
        write_or_look(
            lambda: self._write("SetStringValue", key, value, {"sValue": data}, hive),
            lambda: self.string(key, value, hive=hive) == data,
            None,
        )

    def delete_value(self, key: str, value: str, *, hive: int = HKEY_LOCAL_MACHINE) -> bool:
        """Delete a value; False when it was not there."""

        def delete() -> bool:
            _output, code = self._call("DeleteValue", key, value, {}, hive, read_only=False)
            if code in (VALUE_MISSING, KEY_MISSING):
                return False
            _check("DeleteValue", key, value, code)
            return True

        def is_gone() -> bool:
            names = self.value_names(key, hive=hive) or []
            return value.lower() not in (name.lower() for name in names)

        return write_or_look(delete, is_gone, True)

    def _read(self, method: str, key: str, value: str | None, hive: int) -> Instance | None:
        output, code = self._call(method, key, value, {}, hive, read_only=True)
        if code in (VALUE_MISSING, KEY_MISSING):
            return None
        _check(method, key, value, code)
        return output

    def _write(self, method: str, key: str, value: str | None, data: t.Mapping[str, Argument], hive: int) -> None:
        _output, code = self._call(method, key, value, data, hive, read_only=False)
        _check(method, key, value, code)

    def _call(
        self, method: str, key: str, value: str | None, data: t.Mapping[str, Argument], hive: int, *, read_only: bool
    ) -> tuple[Instance, int | None]:
        arguments: dict[str, Argument] = {"hDefKey": hive, "sSubKeyName": key}
        if value is not None:
            arguments["sValueName"] = value
        arguments.update(data)
        output = self._invoke(method, arguments, read_only=read_only)
        code = number(output, "ReturnValue")
        return output, None if code is None else code & 0xFFFFFFFF

    def _invoke(self, method: str, arguments: t.Mapping[str, Argument], *, read_only: bool) -> Instance:
        namespace, *others = self._namespaces
        try:
            output = self._session.invoke("StdRegProv", method, arguments, namespace=namespace, read_only=read_only)
        except WSManFault as fault:
            # No such class here means that nothing ran, so that even a write may be asked of the other namespace.
            if not fault.is_class_missing or not others:
                raise
            output = self._session.invoke("StdRegProv", method, arguments, namespace=others[0], read_only=read_only)
            self._namespaces = others
            return output
        self._namespaces = [namespace]
        return output


def _check(operation: str, key: str, value: str | None, code: int | None) -> None:
    if code != OK:
        raise RegistryError(operation, key, value, code)

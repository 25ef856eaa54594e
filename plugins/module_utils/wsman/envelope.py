# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Requests as bytes: pure functions, no I/O.

Names carry their prefixes literally and the root declares them, so that the bytes do not depend on ElementTree's global
table of prefixes, which pypsrp changes (SRC: pypsrp 0.9.1 registers its own). ElementTree does the escaping.
The header's parts and mustUnderstand flags are those of pypsrp's recorded requests, which real servers accepted (REAL).
"""

from __future__ import annotations

import re
import typing as t
import xml.etree.ElementTree as ET

ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
# Servers do not compare it with their own name: pywinrm sends this text to every host (SRC: pywinrm 0.5.0).
TO = "http://windows-host:5985/wsman"

WMI_RESOURCE = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
WQL_DIALECT = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
SHELL_RESOURCE = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd"

GET = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get"
CREATE = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Create"
DELETE = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Delete"
ENUMERATE = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate"
PULL = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Pull"
_SHELL_ACTION = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/"
COMMAND = _SHELL_ACTION + "Command"
SEND = _SHELL_ACTION + "Send"
RECEIVE = _SHELL_ACTION + "Receive"
SIGNAL = _SHELL_ACTION + "Signal"

_PREFIXES = {
    "xmlns:s": "http://www.w3.org/2003/05/soap-envelope",
    "xmlns:a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "xmlns:w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "xmlns:p": "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",
}
_ENUMERATION = {"xmlns:n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration"}
_SHELL = {"xmlns:rsp": "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"}
_MUST = {"s:mustUnderstand": "true"}
_MAY = {"s:mustUnderstand": "false"}

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Argument: t.TypeAlias = "str | int | t.Sequence[str | int]"


def resource_uri(class_name: str, namespace: str) -> str:
    """The URI of a WMI class; C(*) for WQL. The namespace may be written with either slash."""
    return f"{WMI_RESOURCE}{namespace.strip('/').replace(chr(92), '/')}/{class_name}"


def envelope(
    action: str,
    resource: str,
    *,
    message_id: str,
    session_id: str,
    operation_timeout: int,
    max_envelope_size: int,
    body: ET.Element | None = None,
    selectors: t.Mapping[str, str] | None = None,
    options: t.Mapping[str, str] | None = None,
) -> bytes:
    """A whole request.

    :param message_id: GUID text without prefix; the reply's RelatesTo repeats it.
    :param operation_timeout: seconds the server may take.
    :param max_envelope_size: bytes of the largest reply that we accept.
    :raises ValueError: a text has a character that XML cannot carry.
    """
    root = ET.Element("s:Envelope", _PREFIXES)
    header = ET.SubElement(root, "s:Header")
    _add(header, "a:Action", action, _MUST)
    _add(header, "p:DataLocale", None, {**_MAY, "xml:lang": "en-US"})
    _add(header, "w:Locale", None, {**_MAY, "xml:lang": "en-US"})
    _add(header, "w:MaxEnvelopeSize", str(max_envelope_size), _MUST)
    _add(header, "a:MessageID", f"uuid:{message_id}")
    _add(header, "w:OperationTimeout", f"PT{max(1, operation_timeout)}S")
    _add(ET.SubElement(header, "a:ReplyTo"), "a:Address", ANONYMOUS, _MUST)
    _add(header, "w:ResourceURI", resource, _MUST)
    _add(header, "p:SessionId", f"uuid:{session_id}", _MAY)
    _add(header, "a:To", TO)
    if options:
        _add_set(ET.SubElement(header, "w:OptionSet", _MUST), "w:Option", options)
    if selectors:
        _add_set(ET.SubElement(header, "w:SelectorSet"), "w:Selector", selectors)
    content = ET.SubElement(root, "s:Body")
    if body is not None:
        content.append(body)
    # A parser turns a bare carriage return into a line feed; as a reference it arrives whole.
    serialised: bytes = ET.tostring(root, encoding="utf-8")
    return serialised.replace(b"\r", b"&#13;")


def enumerate_body(wql: str, max_elements: int) -> ET.Element:
    """Start a WQL query; OptimizeEnumeration asks for the first items at once."""
    body = ET.Element("n:Enumerate", _ENUMERATION)
    _add(body, "w:OptimizeEnumeration", None)
    _add(body, "w:MaxElements", str(max_elements))
    _add(body, "w:Filter", wql, {"Dialect": WQL_DIALECT})
    return body


def pull_body(context: str, max_elements: int) -> ET.Element:
    """Ask for the next page. The context is the one of the latest reply: it changes with every page (REAL)."""
    body = ET.Element("n:Pull", _ENUMERATION)
    _add(body, "n:EnumerationContext", context)
    _add(body, "n:MaxElements", str(max_elements))
    return body


def method_body(resource: str, method: str, arguments: t.Mapping[str, Argument]) -> ET.Element:
    """The input of a WMI method; an array is its element repeated (INF)."""
    body = ET.Element(f"m:{method}_INPUT", {"xmlns:m": resource})
    for name, value in arguments.items():
        for item in [value] if isinstance(value, (str, int)) else value:
            _add(body, f"m:{name}", _as_text(item))
    return body


def shell_body() -> ET.Element:
    """Open a WinRS shell."""
    body = ET.Element("rsp:Shell", _SHELL)
    _add(body, "rsp:InputStreams", "stdin")
    _add(body, "rsp:OutputStreams", "stdout stderr")
    return body


def command_body(command: str, arguments: t.Iterable[str]) -> ET.Element:
    """Start a command; the server joins the parts with one space and quotes nothing (SRC)."""
    body = ET.Element("rsp:CommandLine", _SHELL)
    _add(body, "rsp:Command", command)
    for argument in arguments:
        _add(body, "rsp:Arguments", argument)
    return body


def send_body(command_id: str, base64_data: str, *, end: bool) -> ET.Element:
    """A piece of standard input."""
    body = ET.Element("rsp:Send", _SHELL)
    _add(body, "rsp:Stream", base64_data, {"Name": "stdin", "CommandId": command_id, "End": "true" if end else "false"})
    return body


def receive_body(command_id: str) -> ET.Element:
    """Ask for output and state."""
    body = ET.Element("rsp:Receive", _SHELL)
    _add(body, "rsp:DesiredStream", "stdout stderr", {"CommandId": command_id})
    return body


def signal_body(command_id: str) -> ET.Element:
    """End a command, or tell the server that we are done with one that has ended."""
    body = ET.Element("rsp:Signal", {**_SHELL, "CommandId": command_id})
    _add(body, "rsp:Code", "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/terminate")
    return body


def _add_set(parent: ET.Element, name: str, items: t.Mapping[str, str]) -> None:
    for key, value in items.items():
        _add(parent, name, value, {"Name": _checked(key)})


def _add(parent: ET.Element, name: str, text: str | None, attributes: t.Mapping[str, str] | None = None) -> None:
    child = ET.SubElement(parent, name, dict(attributes or {}))
    child.text = None if text is None else _checked(text)


def _as_text(value: str | int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _checked(text: str) -> str:
    match = _NOT_XML.search(text)
    if match:
        raise ValueError(f"character U+{ord(match.group()):04X} cannot be sent in a WS-Management message")
    return text

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SOAP envelopes of WS-Management: reading a request, writing a reply. Shapes as in recorded replies of Windows [REAL]."""

from __future__ import annotations

import dataclasses
import re
import typing as t
import uuid
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
ENUMERATION = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
IDENTITY = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
MICROSOFT = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
CIM = "http://schemas.dmtf.org/wbem/wscim/1/common"
ANONYMOUS = f"{ADDRESSING}/role/anonymous"

DEFAULT_ENVELOPE = 153600
"""What a request without MaxEnvelopeSize is held to (wsman.md 8: 150 KB [DOC])."""

_DURATION = re.compile(r"^P(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)$")
_ENVELOPE = (
    f'<s:Envelope xml:lang="en-US" xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}" xmlns:x="{TRANSFER}" xmlns:n="{ENUMERATION}" '
    f'xmlns:w="{WSMAN}" xmlns:rsp="{SHELL}" xmlns:p="{MICROSOFT}"><s:Header><a:Action>%(action)s</a:Action>'
    f"<a:MessageID>uuid:%(id)s</a:MessageID><a:To>{ANONYMOUS}</a:To>%(relates)s</s:Header><s:Body>%(body)s</s:Body></s:Envelope>"
)


class NotSoap(ValueError):
    """The body is not a SOAP envelope: answered with HTTP 400 (inferred)."""


@dataclasses.dataclass(frozen=True)
class Request:
    """One WS-Management request."""

    action: str
    resource_uri: str
    message_id: str
    selectors: t.Mapping[str, str]
    """Names as sent; compare without case."""
    options: t.Mapping[str, str]
    body: ET.Element | None
    """First element of the Body."""
    max_envelope_size: int = DEFAULT_ENVELOPE
    operation_timeout: float = 60.0
    """Seconds."""
    locale_must_be_understood: bool = False

    def selector(self, name: str) -> str | None:
        """Return a selector, whatever its case."""
        return next((value for key, value in self.selectors.items() if key.lower() == name.lower()), None)

    def option(self, name: str) -> str | None:
        """Return an option, whatever its case."""
        return next((value for key, value in self.options.items() if key.lower() == name.lower()), None)


def local(tag: str) -> str:
    """Return the local part of an ElementTree tag."""
    return tag.rsplit("}", 1)[-1]


def parse(envelope: bytes) -> Request:
    """Read a request. Raises NotSoap when it is not a SOAP 1.2 envelope with a body."""
    try:
        root = ET.fromstring(envelope)
    except ET.ParseError as error:
        raise NotSoap(str(error)) from error
    body = root.find(f"{{{SOAP}}}Body")
    if root.tag != f"{{{SOAP}}}Envelope" or body is None:
        raise NotSoap("no SOAP 1.2 envelope with a Body")
    header = root.find(f"{{{SOAP}}}Header")
    content = body[0] if len(body) else None
    if content is not None and content.tag == f"{{{IDENTITY}}}Identify":
        return Request("Identify", "", "", {}, {}, content)
    if header is None:
        raise NotSoap("no Header")
    locale = header.find(f"{{{WSMAN}}}Locale")
    return Request(
        action=_text(header, ADDRESSING, "Action"),
        resource_uri=_text(header, WSMAN, "ResourceURI"),
        message_id=_text(header, ADDRESSING, "MessageID"),
        selectors=_named(header, "SelectorSet", "Selector"),
        options=_named(header, "OptionSet", "Option"),
        body=content,
        max_envelope_size=int(_text(header, WSMAN, "MaxEnvelopeSize") or DEFAULT_ENVELOPE),
        operation_timeout=_seconds(_text(header, WSMAN, "OperationTimeout")),
        locale_must_be_understood=locale is not None and locale.get(f"{{{SOAP}}}mustUnderstand") in ("true", "1"),
    )


def reply(action: str, body: str, relates_to: str) -> bytes:
    """Write a reply. `body` is XML text; `relates_to` the request's MessageID ("" leaves the header out)."""
    relates = f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo>" if relates_to else ""
    values = {"action": escape(action), "id": str(uuid.uuid4()).upper(), "relates": relates, "body": body}
    return (_ENVELOPE % values).encode()


def identify_reply() -> bytes:
    """Answer to Identify [DOC DSP0226; the product text is what Windows says, inferred]."""
    return (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:wsmid="{IDENTITY}"><s:Header/><s:Body><wsmid:IdentifyResponse>'
        f"<wsmid:ProtocolVersion>{WSMAN}</wsmid:ProtocolVersion><wsmid:ProductVendor>Microsoft Corporation</wsmid:ProductVendor>"
        "<wsmid:ProductVersion>OS: 0.0.0 SP: 0.0 Stack: 3.0</wsmid:ProductVersion>"
        "</wsmid:IdentifyResponse></s:Body></s:Envelope>"
    ).encode()


def element(name: str, text: str, **attributes: str) -> str:
    """Return `<name a="b">text</name>` with everything escaped."""
    written = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{written}>{escape(text)}</{name}>"


def _text(header: ET.Element, namespace: str, name: str) -> str:
    return (header.findtext(f"{{{namespace}}}{name}") or "").strip()


def _named(header: ET.Element, outer: str, inner: str) -> dict[str, str]:
    return {item.get("Name", ""): item.text or "" for item in header.findall(f"{{{WSMAN}}}{outer}/{{{WSMAN}}}{inner}")}


def _seconds(duration: str) -> float:
    """Read an xs:duration of hours, minutes and seconds; 60 when there is none (MaxTimeoutms, wsman.md 8 [REAL])."""
    match = _DURATION.match(duration)
    if match is None:
        return 60.0
    hours, minutes, seconds = (float(part) if part else 0.0 for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A transport in memory that answers from a list, and the pieces replies are made of."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import HttpError

NAMES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "rsp": "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
    "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
}
_DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMES.items())

Answer = str | Exception


def envelope(body: str, relates_to: str = "uuid:{message_id}") -> str:
    """A reply; C({message_id}) becomes the request's."""
    header = f"<a:RelatesTo>{relates_to}</a:RelatesTo>" if relates_to else ""
    return f"<s:Envelope {_DECLARED}><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"


def fault(code: str, subcode: str = "w:InternalError", text: str = "It went wrong.") -> HttpError:
    body = (
        f"<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>{subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{text}</s:Text></s:Reason>'
        f'<s:Detail><f:WSManFault Code="{code}" Machine="web-01"><f:Message>{text}</f:Message></f:WSManFault></s:Detail></s:Fault>'
    )
    return HttpError(500, envelope(body).encode())


def output(method: str, **values: str | list[str]) -> str:
    """The reply to a method call."""
    listed = ((name, value if isinstance(value, list) else [value]) for name, value in values.items())
    items = "".join(f"<p:{name}>{item}</p:{name}>" for name, several in listed for item in several)
    return envelope(f'<p:{method}_OUTPUT xmlns:p="urn:any">{items}</p:{method}_OUTPUT>')


def rows(*items: t.Mapping[str, str], context: str | None = None, first: bool = True) -> str:
    """A page of a WQL query; without a context it is the last one."""
    prefix, response = ("w", "EnumerateResponse") if first else ("n", "PullResponse")
    fragments = (
        "<w:XmlFragment>" + "".join(f"<{name}>{value}</{name}>" for name, value in item.items()) + "</w:XmlFragment>" for item in items
    )
    end = f"<{prefix}:EndOfSequence/>" if context is None else ""
    shown = "" if context is None and not first else f"<n:EnumerationContext>{context or ''}</n:EnumerationContext>"
    return envelope(f"<n:{response}>{shown}<{prefix}:Items>{''.join(fragments)}</{prefix}:Items>{end}</n:{response}>")


class Request:
    """A request as the server sees it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.root = ET.fromstring(data)
        self.action = self.header("a:Action")
        self.resource = self.header("w:ResourceURI")
        self.message_id = self.header("a:MessageID").removeprefix("uuid:")

    def header(self, name: str) -> str:
        return self.root.findtext(f"s:Header/{name}", "", NAMES)

    def named(self, kind: str) -> dict[str, str]:
        """Selectors or options: C(named("Selector"))."""
        return {item.get("Name", ""): item.text or "" for item in self.root.iterfind(f"s:Header/w:{kind}Set/w:{kind}", NAMES)}

    @property
    def content(self) -> ET.Element:
        return self.root.find("s:Body", NAMES)[0]  # type: ignore[index]

    def arguments(self) -> list[tuple[str, str | None]]:
        return [(item.tag.rsplit("}", 1)[-1], item.text) for item in self.content]


class Scripted:
    """Answers in order; the last request has to find an answer, too."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []
        self.closed = 0

    def send(self, envelope: bytes) -> bytes:
        request = Request(envelope)
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer.replace("{message_id}", request.message_id).encode()

    def close(self) -> None:
        self.closed += 1

    def actions(self) -> list[str]:
        return [request.action.rsplit("/", 1)[-1] for request in self.requests]


def session(*answers: Answer, pauses: list[float] | None = None) -> tuple[Session, Scripted]:
    """A session over a script; C(pauses) collects how long it slept."""
    transport = Scripted(*answers)
    sleep = (pauses if pauses is not None else []).append
    return Session(transport, endpoint_label="web-01", sleep=sleep), transport

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PowerShell Remoting messages, as few as the lab needs: MS-PSRP [DOC], shapes of the server's messages as recorded [REAL].

Written by hand over the recorded bytes: it shares no code with the client library that tests talk to it with.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
import struct
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

SESSION_CAPABILITY, INIT_RUNSPACEPOOL, RUNSPACEPOOL_STATE = 0x00010002, 0x00010004, 0x00021005
CREATE_PIPELINE, APPLICATION_PRIVATE_DATA = 0x00021006, 0x00021009
PIPELINE_INPUT, END_OF_PIPELINE_INPUT, PIPELINE_OUTPUT, PIPELINE_STATE = 0x00041002, 0x00041003, 0x00041004, 0x00041006
OPENED, COMPLETED, FAILED = 2, 4, 5
"""RunspacePoolState Opened; PipelineState Completed and Failed."""
NOBODY = b"\0" * 16
_TO_CLIENT = 1
_START, _END = 1, 2
_FRAGMENT = 32000
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")

CAPABILITY = (
    '<Obj RefId="0"><MS><Version N="protocolversion">2.3</Version><Version N="PSVersion">2.0</Version>'
    '<Version N="SerializationVersion">1.1.0.1</Version></MS></Obj>'
)
PRIVATE_DATA = (
    '<Obj RefId="0"><MS><Obj N="ApplicationPrivateData" RefId="1"><TN RefId="0"><T>System.Management.Automation.PSPrimitiveDictionary</T>'
    '<T>System.Collections.Hashtable</T><T>System.Object</T></TN><DCT><En><S N="Key">PSVersionTable</S>'
    '<Obj N="Value" RefId="2"><TNRef RefId="0" /><DCT><En><S N="Key">PSVersion</S><Version N="Value">5.1.20348.1</Version></En>'
    '<En><S N="Key">PSEdition</S><S N="Value">Desktop</S></En><En><S N="Key">CLRVersion</S>'
    '<Version N="Value">4.0.30319.42000</Version></En><En><S N="Key">BuildVersion</S><Version N="Value">10.0.20348.1</Version></En>'
    '<En><S N="Key">WSManStackVersion</S><Version N="Value">3.0</Version></En><En><S N="Key">PSRemotingProtocolVersion</S>'
    '<Version N="Value">2.3</Version></En><En><S N="Key">SerializationVersion</S><Version N="Value">1.1.0.1</Version></En>'
    "</DCT></Obj></En></DCT></Obj></MS></Obj>"
)


@dataclasses.dataclass(frozen=True)
class Message:
    """One message: GUIDs as 16 bytes in Windows order, data as CLIXML text."""

    kind: int
    pool: bytes
    pipeline: bytes
    data: str


@dataclasses.dataclass(frozen=True)
class Pipeline:
    """What CREATE_PIPELINE asks for: the text of its one script, plain arguments, whether input follows."""

    script: str
    arguments: list[str]
    expects_input: bool


class Assembler:
    """Puts the fragments of a client together."""

    def __init__(self) -> None:
        self._parts: dict[int, bytearray] = {}

    def feed(self, data: bytes) -> list[Message]:
        """Take some fragments, return the messages that are complete. Raises ValueError for what is not PSRP."""
        messages: list[Message] = []
        position = 0
        while position < len(data):
            if position + 21 > len(data):
                raise ValueError("a PSRP fragment is too short")
            number, _unused, flags, length = struct.unpack_from(">QQBI", data, position)
            position += 21
            if flags & _START:
                self._parts[number] = bytearray()
            self._parts.setdefault(number, bytearray()).extend(data[position : position + length])
            position += length
            if flags & _END:
                messages.append(_message(bytes(self._parts.pop(number))))
        return messages


class Fragments:
    """Cuts the server's messages into fragments, with the server's own object ids."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def cut(self, message: Message) -> list[bytes]:
        """Return the fragments of a message."""
        head = struct.pack("<II", _TO_CLIENT, message.kind) + message.pool + message.pipeline
        blob = head + b"\xef\xbb\xbf" + message.data.encode()
        number = next(self._numbers)
        pieces = [blob[start : start + _FRAGMENT] for start in range(0, len(blob), _FRAGMENT)]
        last = len(pieces) - 1
        return [
            struct.pack(">QQBI", number, index, (_START if index == 0 else 0) | (_END if index == last else 0), len(piece)) + piece
            for index, piece in enumerate(pieces)
        ]


def pool_state(state: int) -> str:
    """Data of RUNSPACEPOOL_STATE [REAL]."""
    return f'<Obj RefId="0"><MS><I32 N="RunspaceState">{state}</I32></MS></Obj>'


def pipeline_state(state: int, error: str | None = None) -> str:
    """Data of PIPELINE_STATE [REAL for Completed; with an error record DOC MS-PSRP 2.2.3.15]."""
    record = "" if error is None else _error_record(error)
    return f'<Obj RefId="0"><MS><I32 N="PipelineState">{state}</I32>{record}</MS></Obj>'


def string(text: str) -> str:
    """A string as pipeline output [REAL]."""
    return f"<S>{_escape(text)}</S>"


def strings_in(data: str) -> list[str]:
    """Return the strings of a PIPELINE_INPUT: a plain one, or those of a list."""
    root = ET.fromstring(data)
    found = [root] if _local(root) == "S" else [item for item in root.iter() if _local(item) == "S" and item.get("N") is None]
    return [_unescape(item.text or "") for item in found]


def read_pipeline(data: str) -> Pipeline:
    """Read CREATE_PIPELINE. Raises ValueError when it is not one script."""
    root = ET.fromstring(data)
    no_input = _named(root, "NoInput")
    scripts = [item for item in root.iter() if _local(item) == "S" and item.get("N") == "Cmd"]
    is_script = _named(root, "IsScript")
    if len(scripts) != 1 or is_script is None or is_script.text != "true":
        raise ValueError("the lab takes pipelines of one script only")
    arguments = [_unescape(item.text or "") for item in root.iter() if _local(item) == "S" and item.get("N") == "V"]
    return Pipeline(_unescape(scripts[0].text or ""), arguments, no_input is None or no_input.text != "true")


def _message(blob: bytes) -> Message:
    _unused, kind = struct.unpack_from("<II", blob)
    return Message(kind, blob[8:24], blob[24:40], blob[40:].decode("utf-8-sig"))


def _named(root: ET.Element, name: str) -> ET.Element | None:
    return next((item for item in root.iter() if item.get("N") == name), None)


def _local(item: ET.Element) -> str:
    return item.tag.rsplit("}", 1)[-1]


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match.group(1), 16)), text)


def _escape(text: str) -> str:
    protected = _ESCAPED.sub(lambda match: f"_x005F_{match.group(0)[1:]}", text)
    return escape("".join(f"_x{ord(one):04X}_" if ord(one) < 32 else one for one in protected))


def _error_record(text: str) -> str:
    shown = _escape(text)
    return (
        '<Obj N="ExceptionAsErrorRecord" RefId="1"><TN RefId="0"><T>System.Management.Automation.ErrorRecord</T><T>System.Object</T></TN>'
        f"<ToString>{shown}</ToString><MS>"
        '<Obj N="Exception" RefId="2"><TN RefId="1"><T>System.Management.Automation.RuntimeException</T><T>System.Exception</T>'
        f'<T>System.Object</T></TN><ToString>{shown}</ToString><Props><S N="Message">{shown}</S></Props></Obj>'
        '<Nil N="TargetObject" /><S N="FullyQualifiedErrorId">RuntimeException</S><Nil N="InvocationInfo" />'
        '<I32 N="ErrorCategory_Category">0</I32><S N="ErrorCategory_Activity"></S><S N="ErrorCategory_Reason">RuntimeException</S>'
        '<S N="ErrorCategory_TargetName"></S><S N="ErrorCategory_TargetType"></S>'
        '<S N="ErrorCategory_Message">NotSpecified: (:) [], RuntimeException</S><B N="SerializeExtendedInfo">false</B></MS></Obj>'
    )

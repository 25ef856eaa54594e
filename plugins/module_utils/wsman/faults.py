# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""SOAP faults of WS-Management services: every shape that was recorded, and the codes we act on."""

from __future__ import annotations

import re
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.reply import child, descendants, local, parse, stripped
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import ProtocolError, WSManError

ACCESS_DENIED = 5  # SRC
INVALID_PARAMETER = 87  # SRC
BUSY = 170  # SRC
CLASS_MISSING = 32768  # DOC: MS-WSMV 4.10
FILE_NOT_FOUND = 2147942402  # REAL
COMMAND_LINE_TOO_LONG = 2147942606  # REAL
ACCESS_DENIED_HRESULT = 2147942405  # SRC
NOT_FOUND = 2150858752  # REAL: missing instance. DOC: a bad resource URI has the same code
INVALID_HEADER = 2150858767  # REAL
CANNOT_CONNECT = 2150858770  # SRC
CLASS_MISSING_IN_QUERY = 2150858778  # REAL
OPERATION_TIMED_OUT = 2150858793  # REAL
ACTION_NOT_SUPPORTED = 2150858817  # SRC
INVALID_SELECTORS = 2150858843  # REAL: also an unknown shell or command id
SHELL_QUOTA = 2150859173  # REAL
OPERATION_QUOTA = 2150859174  # REAL
WBEM_NOT_FOUND = 2147749890  # DOC: 0x80041002
WBEM_ACCESS_DENIED = 2147749891  # DOC: 0x80041003
WBEM_INVALID_CLASS = 2147749904  # DOC: 0x80041010
WBEM_SHUTTING_DOWN = 2147749939  # DOC: 0x80041033
SHUTDOWN_IN_PROGRESS = 1115  # DOC: ERROR_SHUTDOWN_IN_PROGRESS
SHUTDOWN_IN_PROGRESS_HRESULT = 2147943515  # DOC: 0x8007045B, the same
WMI_NOT_FOUND = 6  # SRC: CIMStatusCode of MSFT_WmiError
WMI_INVALID_CLASS = 5  # DOC: DSP0200 CIM_ERR_INVALID_CLASS

_USE_AN_ADMINISTRATOR = "Use an administrator of the server; local accounts may need LocalAccountTokenFilterPolicy."
# Digits of the longest number that a service could mean.
_LONGEST_CODE = 20
_HINTS: dict[int, str] = {
    ACCESS_DENIED: _USE_AN_ADMINISTRATOR,
    ACCESS_DENIED_HRESULT: _USE_AN_ADMINISTRATOR,
    WBEM_ACCESS_DENIED: _USE_AN_ADMINISTRATOR,
    COMMAND_LINE_TOO_LONG: "The command line is too long for the server.",
    OPERATION_TIMED_OUT: "The server needed longer than the operation timeout: raise the connection's operation timeout.",
    SHELL_QUOTA: "Too many open shells for this user: close some, or raise MaxShellsPerUser on the server.",
    OPERATION_QUOTA: "Too many operations of this user at once: lower forks, or raise MaxConcurrentOperationsPerUser on the server.",
}
# DOC: MS-WSMV. The services' numbers for it differ.
_SUBCODE_HINTS = {"EncodingLimit": "The answer is larger than the largest envelope that this side or the server allows."}


class WSManFault(WSManError):
    """The server understood the message and refused it.

    :ivar code: the service's number (Win32, HRESULT or WS-Man), unsigned; None when the fault has none.
    :ivar subcode: local name of the SOAP subcode, such as C(DestinationUnreachable).
    :ivar reason: SOAP reason; may be empty or localised. Never decide by it.
    :ivar provider_message: the innermost text, usually the most telling one.
    :ivar wmi_status: CIMStatusCode of an MSFT_WmiError.
    :ivar machine: the server's name for itself.
    """

    def __init__(
        self,
        code: int | None,
        subcode: str = "",
        reason: str = "",
        provider_message: str = "",
        wmi_status: int | None = None,
        machine: str = "",
    ) -> None:
        number = "without a code" if code is None else f"{code} (0x{code:08X})" if code > 0xFFFF else str(code)
        text = provider_message or reason or "the server gave no reason"
        hint = _HINTS.get(code or 0) or _SUBCODE_HINTS.get(subcode, "")
        super().__init__(f"WS-Management fault {number}{f' {subcode}' if subcode else ''}: {text}{f' {hint}' if hint else ''}")
        self.code = code
        self.subcode = subcode
        self.reason = reason
        self.provider_message = provider_message
        self.wmi_status = wmi_status
        self.machine = machine

    @property
    def is_not_found(self) -> bool:
        """No such instance: WMI's code, CIM's status, or a service without codes (OMI) that says DestinationUnreachable."""
        if self.code in (NOT_FOUND, WBEM_NOT_FOUND) or self.wmi_status == WMI_NOT_FOUND:
            return True
        return self.code is None and self.subcode == "DestinationUnreachable"

    @property
    def is_class_missing(self) -> bool:
        """No such class in this namespace; for a static class also what is said of a missing instance (DOC)."""
        missing = self.code in (CLASS_MISSING, CLASS_MISSING_IN_QUERY, WBEM_INVALID_CLASS)
        return missing or self.is_not_found or self.wmi_status == WMI_INVALID_CLASS

    @property
    def is_timeout(self) -> bool:
        return self.code == OPERATION_TIMED_OUT or (self.code is None and self.subcode == "TimedOut")

    @property
    def is_shutting_down(self) -> bool:
        """The server goes down, and takes nothing in any more. That these are its words then is INF."""
        return self.code in (WBEM_SHUTTING_DOWN, SHUTDOWN_IN_PROGRESS, SHUTDOWN_IN_PROGRESS_HRESULT)

    @property
    def is_access_denied(self) -> bool:
        return self.code in (ACCESS_DENIED, ACCESS_DENIED_HRESULT, WBEM_ACCESS_DENIED)

    @property
    def is_quota(self) -> bool:
        """A quota refused the request before it ran."""
        return self.code in (SHELL_QUOTA, OPERATION_QUOTA)


def parse_fault(data: bytes) -> WSManFault | None:
    """The fault in a reply; None when the reply is empty, not XML, or not a fault."""
    try:
        return fault_in(parse(data))
    except ProtocolError:
        return None


def fault_in(root: ET.Element) -> WSManFault | None:
    """The fault in a parsed envelope, or None."""
    fault = child(child(root, "Body"), "Fault")
    if local(root) != "Envelope" or fault is None:
        return None
    frame, detail = _frame(fault)
    if detail is None:
        return WSManFault(None, frame.subcode, frame.reason)
    wmi_error = next(iter(descendants(detail, "MSFT_WmiError")), None)
    if wmi_error is None:
        return _from_wsman_fault(detail, frame)
    return _from_wmi_error(wmi_error, _from_wsman_fault(detail, frame))


class _Frame(t.NamedTuple):
    subcode: str
    reason: str


def _frame(fault: ET.Element) -> tuple[_Frame, ET.Element | None]:
    """What is around the detail, and the detail. SOAP 1.1, which something before the service may speak, has other names for them (INF)."""
    code = child(fault, "Code")
    subcode = stripped(child(child(code, "Subcode"), "Value")) or stripped(child(code, "Value")) or stripped(child(fault, "faultcode"))
    reason, detail = child(fault, "Reason"), child(fault, "Detail")
    reasons = [*([] if reason is None else descendants(reason, "Text")), child(fault, "faultstring")]
    texts = [_one_line(stripped(element)) for element in reasons]
    frame = _Frame(subcode.rsplit(":", 1)[-1], next((text for text in texts if text), ""))
    return frame, child(fault, "detail") if detail is None else detail


def _from_wsman_fault(detail: ET.Element, frame: _Frame) -> WSManFault:
    # The outermost fault carries the code to decide by; a fault nested in ProviderFault carries the better text. What WMI itself says
    # goes before both: "not found" around "access denied" must not pass for something that is not there (INF: where recorded, it is nil).
    faults = descendants(detail, "WSManFault")
    said = descendants(detail, "__ExtendedStatus")
    codes = [
        *(number(stripped(child(status, "StatusCode"))) or None for status in said),
        *(number(fault.get("Code", "")) for fault in faults),
    ]
    messages = [detail, *descendants(detail, "Message"), *descendants(detail, "ProviderFault")]
    texts = [_one_line(stripped(element)) for element in (*messages, *(child(status, "Description") for status in said))]
    inner = [text for text in texts if text]
    machine = next((fault.get("Machine", "") for fault in faults), "")
    return WSManFault(
        next((code for code in codes if code is not None), None),
        frame.subcode,
        frame.reason,
        provider_message=inner[-1] if inner else "",
        machine=machine,
    )


def _from_wmi_error(error: ET.Element, around: WSManFault) -> WSManFault:
    """The code to decide by is that of the fault around it, where there is one."""
    code = number(stripped(child(error, "error_Code")))
    if code is None:
        code = number(stripped(child(error, "MessageID")).removeprefix("HRESULT").strip())
    text = stripped(child(error, "error_WindowsErrorMessage")) or stripped(child(error, "Message"))
    status = number(stripped(child(error, "CIMStatusCode")))
    return WSManFault(
        code if around.code is None else around.code,
        around.subcode,
        around.reason,
        provider_message=_one_line(text) or around.provider_message,
        wmi_status=status,
        machine=around.machine,
    )


def number(text: str) -> int | None:
    """A code as unsigned number: decimal, signed decimal, hexadecimal with or without 0x; None for anything else."""
    text = text.strip().lower()
    if len(text) > _LONGEST_CODE:
        return None
    if re.fullmatch(r"-?\d+", text):
        value = int(text)
        return value & 0xFFFFFFFF if value < 0 else value
    if re.fullmatch(r"(0x)?[0-9a-f]+", text):
        return int(text, 16)
    return None


def _one_line(text: str) -> str:
    return " ".join(text.split())

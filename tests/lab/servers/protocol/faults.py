# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The faults of WS-Management in the shapes that Windows was recorded with (wsman.md 5, 6); codes as in Microsoft's wsmerror.h [SRC]."""

from __future__ import annotations

import dataclasses
from xml.sax.saxutils import escape, quoteattr

from tests.lab.servers.protocol import soap

FAULT_ACTION = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
ADDRESSING_FAULT = f"{soap.ADDRESSING}/fault"
ENUMERATION_FAULT = f"{soap.ENUMERATION}/fault"
_DETAIL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail"
_FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
_WMI_PLUGIN = ("WMI Provider", r"%systemroot%\system32\WsmWmiPl.dll")
_CMD_PLUGIN = ("Shell cmd plugin", r"%systemroot%\system32\winrscmd.dll")
_SHELL_PLUGIN = ("Shell provider", r"%systemroot%\system32\WsmSvc.dll")
_NOT_FOUND = (
    "The WS-Management service cannot process the request. The service cannot find the resource identified by the resource URI "
    "and selectors. "
)
_FILTER = (
    "The data source could not process the filter. The filter might be missing or it might be invalid. Change the filter and try "
    "the request again.  "
)
_SELECTORS = "The WS-Management service cannot process the request because the request contained invalid selectors for the resource. "


@dataclasses.dataclass
class WSManFault(Exception):
    """A refusal. `{machine}` in `detail` becomes the server's name when it is written."""

    sender: bool
    subcode: str
    reason: str
    detail: str = ""
    action: str = FAULT_ACTION
    code: int | None = None

    def render(self, machine: str, relates_to: str) -> bytes:
        """Write the SOAP fault; it goes out with HTTP 500."""
        body = (
            f"<s:Fault><s:Code><s:Value>s:{'Sender' if self.sender else 'Receiver'}</s:Value><s:Subcode><s:Value>{self.subcode}"
            f'</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en-US">{escape(self.reason)}</s:Text></s:Reason>'
            f"<s:Detail>{self.detail.replace('{machine}', escape(machine))}</s:Detail></s:Fault>"
        )
        return soap.reply(self.action, body, relates_to)


def no_instance(path: str, operation: str = "GetObject") -> WSManFault:
    """Missing instance [REAL 2012 R2]: `path` such as Win32_Service.Name="x", `operation` GetObject or ExecMethod [the latter INF]."""
    inner = _wmi_fault(2150858752, _NOT_FOUND, operation, path, "CIMWin32")
    detail = f"<w:FaultDetail>{_DETAIL}/InvalidResourceURI</w:FaultDetail>" + inner
    return WSManFault(True, "a:DestinationUnreachable", _NOT_FOUND, detail, ADDRESSING_FAULT, 2150858752)


def bad_query(query: str, *, missing_class: bool) -> WSManFault:
    """Class missing in WQL [REAL 2008 R2], or a query that WMI cannot read [INF: the same code]."""
    text = "The specified class does not exist in the given namespace. " if missing_class else _FILTER
    detail = _wmi_fault(2150858778, text, "ExecQuery", query, "WinMgmt", outer_message=False)
    return WSManFault(True, "n:CannotProcessFilter", _FILTER, detail, ENUMERATION_FAULT, 2150858778)


def timed_out() -> WSManFault:
    """Nothing to say within OperationTimeout [REAL]."""
    text = "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.  "
    return WSManFault(False, "w:TimedOut", text, _plain(2150858793, text), code=2150858793)


def action_not_supported(action: str) -> WSManFault:
    """An action that the resource does not have: ERROR_WSMAN_ACTION_NOT_SUPPORTED, 0x80338013 [SRC wsmerror.h]."""
    text = "The WS-Management action is not supported by the service. "
    detail = f"<a:Action>{escape(action)}</a:Action>" + _plain(2150858771, text)
    return WSManFault(True, "a:ActionNotSupported", text, detail, ADDRESSING_FAULT, 2150858771)


def schema_error() -> WSManFault:
    """A body that does not fit the action: 2150858817 = ERROR_WSMAN_SCHEMA_VALIDATION_ERROR [SRC wsmerror.h; wsman.md 6]."""
    text = "The SOAP XML in the message does not match the corresponding XML schema definition. Change the XML and retry. "
    return WSManFault(True, "w:SchemaValidationError", text, _plain(2150858817, text), code=2150858817)


def unknown_shell() -> WSManFault:
    """An unknown shell id [REAL]."""
    detail = f"<w:FaultDetail>{_DETAIL}/UnexpectedSelectors</w:FaultDetail>" + _plugin(2150858843, _SELECTORS, _SHELL_PLUGIN, nested=True)
    return WSManFault(True, "w:InvalidSelectors", _SELECTORS, detail, code=2150858843)


def bad_selectors() -> WSManFault:
    """Selectors that the class does not have as keys [code REAL for shells; for CIM INF]."""
    detail = f"<w:FaultDetail>{_DETAIL}/UnexpectedSelectors</w:FaultDetail>" + _plain(2150858843, _SELECTORS)
    return WSManFault(True, "w:InvalidSelectors", _SELECTORS, detail, code=2150858843)


def unknown_command() -> WSManFault:
    """An unknown command id [REAL]."""
    text = (
        "The Windows Remote Shell received a request to perform an operation on a command identifier that does not exist. Either the "
        "command has completed execution or the client specified an invalid command identifier. "
    )
    detail = f"<w:FaultDetail>{_DETAIL}/UnexpectedSelectors</w:FaultDetail>" + _plain(2150858843, text)
    return WSManFault(True, "w:InvalidSelectors", _SELECTORS, detail, code=2150858843)


def invalid_parameter() -> WSManFault:
    """WINRS_SKIP_CMD_SHELL on Server 2016 [SRC: text in pypsrp's tests]."""
    text = "The parameter is incorrect. "
    return WSManFault(False, "w:InvalidParameter", text, _plugin(87, text, _CMD_PLUGIN), code=87)


def line_too_long() -> WSManFault:
    """A command line above what cmd.exe takes [REAL]."""
    text = "The filename or extension is too long. "
    return WSManFault(False, "w:InternalError", text, _plugin(2147942606, text, _CMD_PLUGIN), code=2147942606)


def bad_context() -> WSManFault:
    """Pull with a context that is spent or foreign: 2150858779 [SRC wsmerror.h; shape INF]."""
    text = "The WS-Management service cannot process the request. The enumeration context is not valid. "
    return WSManFault(False, "n:InvalidEnumerationContext", text, _plain(2150858779, text), ENUMERATION_FAULT, 2150858779)


def envelope_too_small() -> WSManFault:
    """MaxEnvelopeSize below 8192 [DOC MS-WSMV]; code 2150858805 [SRC wsmerror.h]."""
    text = "The WS-Management service cannot process the request. The maximum envelope size in the request is too small. "
    detail = f"<w:FaultDetail>{_DETAIL}/MinimumEnvelopeLimit</w:FaultDetail>" + _plain(2150858805, text)
    return WSManFault(True, "w:EncodingLimit", text, detail, code=2150858805)


def reply_too_large() -> WSManFault:
    """A reply that does not fit the request's MaxEnvelopeSize: 2150858824 [SRC wsmerror.h; shape INF]."""
    text = "The response that the WS-Management service computed exceeds the maximum envelope size in the request. "
    detail = f"<w:FaultDetail>{_DETAIL}/MaxEnvelopeSize</w:FaultDetail>" + _plain(2150858824, text)
    return WSManFault(True, "w:EncodingLimit", text, detail, code=2150858824)


def locale_not_supported() -> WSManFault:
    """Locale with mustUnderstand [DOC MS-WSMV]; code 2150858818 [SRC wsmerror.h]."""
    text = "The WS-Management service does not support the specified feature. Remove the unsupported feature from the request and retry. "
    detail = f"<w:FaultDetail>{_DETAIL}/Locale</w:FaultDetail>" + _plain(2150858818, text)
    return WSManFault(True, "w:UnsupportedFeature", text, detail, code=2150858818)


def shell_quota(limit: int) -> WSManFault:
    """Too many shells of one user: an MSFT_WmiError without any WSManFault and without RelatesTo [REAL]."""
    reason = (
        "The WS-Management service cannot process the request. The maximum number of concurrent shells for this user has been "
        "exceeded. Close existing shells or raise the quota for this user. "
    )
    text = (
        f"The WS-Management service cannot process the request. This user is allowed a maximum number of {limit} concurrent shells, "
        "which has been exceeded. Close existing shells or raise the quota for this user. "
    )
    return WSManFault(True, "w:QuotaLimit", reason, _wmi_error(27, 2150859173, "803381a5", text), code=2150859173)


def operation_quota(limit: int) -> WSManFault:
    """Too many operations of one user at once: s:Receiver, w:InternalError [REAL]."""
    text = (
        f"The WS-Management service cannot process the request. The maximum number of concurrent operations for this user ({limit}) has "
        "been exceeded. Close existing operations for this user, or raise the quota for this user. "
    )
    return WSManFault(False, "w:InternalError", text, _plain(2150859174, text), code=2150859174)


def _plain(code: int, text: str) -> str:
    return f'<f:WSManFault xmlns:f="{_FAULT}" Code="{code}" Machine="{{machine}}"><f:Message>{escape(text)}</f:Message></f:WSManFault>'


def _plugin(code: int, text: str, plugin: tuple[str, str], *, nested: bool = False) -> str:
    inner = _plain(code, text) if nested else escape(text)
    return (
        f'<f:WSManFault xmlns:f="{_FAULT}" Code="{code}" Machine="{{machine}}"><f:Message><f:ProviderFault provider='
        f"{quoteattr(plugin[0])} path={quoteattr(plugin[1])}>{inner}</f:ProviderFault></f:Message></f:WSManFault>"
    )


def _wmi_fault(code: int, text: str, operation: str, parameter: str, provider: str, *, outer_message: bool = True) -> str:
    """The nested fault of the WMI plug-in with `__ExtendedStatus` [REAL]."""
    status = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/__ExtendedStatus"
    if not outer_message:
        status = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/__ExtendedStatus"
    extended = (
        f'<f:ExtendedError><p:__ExtendedStatus xmlns:xsi="{soap.XSI}" xmlns:p="{status}" xmlns:cim="{soap.CIM}" '
        f'xsi:type="p:__ExtendedStatus_Type"><p:Description xsi:nil="true"/><p:Operation>{operation}</p:Operation>'
        f"<p:ParameterInfo>{escape(parameter)}</p:ParameterInfo><p:ProviderName>{provider}</p:ProviderName>"
        '<p:StatusCode xsi:nil="true"/></p:__ExtendedStatus></f:ExtendedError>'
    )
    return (
        f'<f:WSManFault xmlns:f="{_FAULT}" Code="{code}" Machine="{{machine}}"><f:Message><f:ProviderFault '
        f'provider="{_WMI_PLUGIN[0]}" path="{_WMI_PLUGIN[1]}">{_plain(code, text)}{extended}</f:ProviderFault></f:Message></f:WSManFault>'
    )


def _wmi_error(status: int, code: int, hresult: str, text: str) -> str:
    uri = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError"
    return (
        f'<p:MSFT_WmiError b:IsCIM_Error="true" xmlns:b="http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd" xmlns:cim="{soap.CIM}" '
        f'xmlns:p="{uri}" xsi:type="p:MSFT_WmiError_Type" xmlns:xsi="{soap.XSI}">'
        f'<p:CIMStatusCode xsi:type="cim:cimUnsignedInt">{status}</p:CIMStatusCode>'
        f'<p:CIMStatusCodeDescription xsi:nil="true" xsi:type="cim:cimString"/>'
        f'<p:Message xsi:type="cim:cimString">{escape(text)}</p:Message>'
        f'<p:MessageID xsi:type="cim:cimString">HRESULT 0x{hresult}</p:MessageID>'
        f'<p:error_Code xsi:type="cim:cimUnsignedInt">{code}</p:error_Code><p:error_Type xsi:type="cim:cimString">HRESULT</p:error_Type>'
        f'<p:error_WindowsErrorMessage xsi:type="cim:cimString">{escape(text)}</p:error_WindowsErrorMessage></p:MSFT_WmiError>'
    )

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every shape in which a server refuses."""

from __future__ import annotations

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import faults
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.faults import WSManFault, number, parse_fault
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import HttpError
from tests.unit.wsman.scripted import envelope

WMI_ERROR = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError"
WMI_ERROR_OF_A_NAMESPACE = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/MSFT_WmiError"
INNER = '<f:WSManFault Code="2" Machine="inner"><f:Message>inner text</f:Message></f:WSManFault>'


def soap(detail: str = "", reason: str = "the reason", subcode: str = "w:InternalError") -> bytes:
    code = f"<s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{subcode}</s:Value></s:Subcode></s:Code>"
    shown = f"<s:Detail>{detail}</s:Detail>" if detail else ""
    return envelope(f"<s:Fault>{code}<s:Reason><s:Text>{reason}</s:Text></s:Reason>{shown}</s:Fault>", relates_to="").encode()


def wmi_error(namespace: str, **fields: str) -> str:
    items = "".join(f"<e:{name}>{value}</e:{name}>" for name, value in fields.items())
    return f'<e:MSFT_WmiError xmlns:e="{namespace}">{items}</e:MSFT_WmiError>'


def status(**fields: str | None) -> str:
    """The fault of a missing instance as it was recorded, with what WMI says of it (recorded: null)."""
    items = "".join(
        f"<e:{name}>{value}</e:{name}>" if value is not None else f'<e:{name} xsi:nil="true"/>' for name, value in fields.items()
    )
    extended = f'<e:__ExtendedStatus xmlns:e="urn:e" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{items}</e:__ExtendedStatus>'
    inner = f"<f:WSManFault Code='2150858752'><f:Message>not there</f:Message><f:ExtendedError>{extended}</f:ExtendedError></f:WSManFault>"
    return f"<f:WSManFault Code='2150858752'><f:Message><f:ProviderFault>{inner}</f:ProviderFault></f:Message></f:WSManFault>"


def soap11(detail: str) -> bytes:
    fault = f"<faultcode>e:Server</faultcode><faultstring>Access is  denied. </faultstring><detail>{detail}</detail>"
    declared = 'xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"'
    return f"<e:Envelope {declared}><e:Body><e:Fault>{fault}</e:Fault></e:Body></e:Envelope>".encode()


def test_denied_inside_not_found_is_not_taken_for_nothing_there() -> None:
    found = parse_fault(soap(detail=status(StatusCode="2147749891", Description="Access denied")))
    assert found is not None
    assert not found.is_not_found
    assert not found.is_class_missing
    assert "Use an administrator" in str(found)


def test_a_fault_of_soap_11_keeps_its_kind() -> None:
    found = parse_fault(soap11(""))
    assert found is not None
    assert (found.subcode, found.reason) == ("Server", "Access is denied.")


@pytest.mark.parametrize(
    ("data", "code", "wmi_status", "message"),
    [
        pytest.param(soap(), None, None, "the reason", id="no detail"),
        pytest.param(soap(reason="", detail='<f:WSManFault Code="5"/>'), 5, None, "", id="no text at all"),
        pytest.param(soap(detail='<f:WSManFault Code="5"><f:Message>denied</f:Message></f:WSManFault>'), 5, None, "denied", id="plain"),
        pytest.param(
            soap(detail=f'<f:WSManFault Code="1"><f:Message><f:ProviderFault>{INNER}</f:ProviderFault></f:Message></f:WSManFault>'),
            1,
            None,
            "inner text",
            id="nested: the outer code, the inner text",
        ),
        pytest.param(
            soap(detail=f'<f:WSManFault Code=""><f:Message><f:ProviderFault>{INNER}</f:ProviderFault></f:Message></f:WSManFault>'),
            2,
            None,
            "inner text",
            id="nested: an empty outer code",
        ),
        pytest.param(
            soap(reason="", detail='<f:WSManFault Code="1"><f:Message><f:ProviderFault>said</f:ProviderFault></f:Message></f:WSManFault>'),
            1,
            None,
            "said",
            id="text in the provider's part only",
        ),
        pytest.param(soap(detail='<f:WSManFault Code="0x80338029"/>'), 2150858793, None, "the reason", id="hexadecimal"),
        pytest.param(soap(detail='<f:WSManFault Code="-2144108503"/>'), 2150858793, None, "the reason", id="signed"),
        pytest.param(soap(detail='<f:WSManFault Code=" 5 "/>'), 5, None, "the reason", id="white space"),
        pytest.param(soap(detail='<f:WSManFault Code="many"/>'), None, None, "the reason", id="no number"),
        pytest.param(soap(detail="<f:WSManFault/>"), None, None, "the reason", id="no code"),
        pytest.param(
            soap(detail=wmi_error(WMI_ERROR, CIMStatusCode="27", error_Code="2150859173", Message="quota")),
            2150859173,
            27,
            "quota",
            id="WMI error, DMTF namespace",
        ),
        pytest.param(
            soap(detail=wmi_error(WMI_ERROR_OF_A_NAMESPACE, CIMStatusCode="6", MessageID="HRESULT 0x80041002", Message="not found")),
            0x80041002,
            6,
            "not found",
            id="WMI error, other namespace, code in the message id",
        ),
        pytest.param(soap(detail=wmi_error(WMI_ERROR, CIMStatusCode="6")), None, 6, "the reason", id="WMI error, status only"),
        pytest.param(
            soap(
                detail=f"<f:WSManFault Code='2150858752'><f:Message><f:ProviderFault><f:ExtendedError>"
                f"{wmi_error(WMI_ERROR, CIMStatusCode='6', error_Code='2147749890', Message='not found')}"
                "</f:ExtendedError></f:ProviderFault></f:Message></f:WSManFault>"
            ),
            2150858752,
            6,
            "not found",
            id="WMI error inside another fault: the outer code",
        ),
        pytest.param(soap(detail=f"<f:WSManFault Code='{'9' * 5000}'/>"), None, None, "the reason", id="a number that is none"),
        pytest.param(soap(detail="  said\n here "), None, None, "said here", id="a detail of text"),
        pytest.param(soap(reason='</s:Text><s:Text xml:lang="de">der Grund'), None, None, "der Grund", id="a first reason without text"),
        pytest.param(soap(reason="", detail=status(Description="denied by WMI")), 2150858752, None, "denied by WMI", id="WMI's words"),
        pytest.param(
            soap(detail=status(StatusCode="2147749891", Description="denied")), 2147749891, None, "denied", id="WMI's own code decides"
        ),
        pytest.param(soap(detail=status(StatusCode="-2147217405")), 2147749891, None, "not there", id="WMI's own code, signed"),
        pytest.param(soap(detail=status(StatusCode="0", Description="")), 2150858752, None, "not there", id="WMI has no code"),
        pytest.param(soap(detail=status(StatusCode=None, Description=None)), 2150858752, None, "not there", id="WMI says nothing"),
        pytest.param(soap11("<f:WSManFault Code='5'><f:Message>denied</f:Message></f:WSManFault>"), 5, None, "denied", id="SOAP 1.1"),
        pytest.param(soap11(""), None, None, "Access is denied.", id="SOAP 1.1 without a detail"),
        pytest.param(soap(reason="\n   El servicio\n   no puede  \n"), None, None, "El servicio no puede", id="localised, white space"),
    ],
)
def test_fault_shapes(data: bytes, code: int | None, wmi_status: int | None, message: str) -> None:
    found = parse_fault(data)
    assert found is not None
    assert (found.code, found.wmi_status) == (code, wmi_status)
    assert (found.provider_message or found.reason) == message
    assert str(found).startswith("WS-Management fault ")


@pytest.mark.parametrize(
    "data",
    [b"", b"   ", b"<html><body>Not Found</body></html>", b"plain text", b"<a", b"\xff\xfe", envelope("<any/>").encode()],
)
def test_what_is_no_fault(data: bytes) -> None:
    assert parse_fault(data) is None


@pytest.mark.parametrize(
    ("fault", "not_found", "class_missing", "timeout", "quota"),
    [
        (WSManFault(faults.NOT_FOUND), True, True, False, False),
        (WSManFault(None, "DestinationUnreachable"), True, True, False, False),
        (WSManFault(5, "DestinationUnreachable"), False, False, False, False),
        (WSManFault(None, wmi_status=6), True, True, False, False),
        (WSManFault(faults.CLASS_MISSING), False, True, False, False),
        (WSManFault(faults.CLASS_MISSING_IN_QUERY), False, True, False, False),
        (WSManFault(0x80041010), False, True, False, False),
        (WSManFault(faults.OPERATION_TIMED_OUT), False, False, True, False),
        (WSManFault(None, "TimedOut"), False, False, True, False),
        (WSManFault(faults.SHELL_QUOTA), False, False, False, True),
        (WSManFault(faults.OPERATION_QUOTA), False, False, False, True),
    ],
)
def test_judgements(fault: WSManFault, not_found: bool, class_missing: bool, timeout: bool, quota: bool) -> None:
    assert (fault.is_not_found, fault.is_class_missing, fault.is_timeout, fault.is_quota) == (not_found, class_missing, timeout, quota)


@pytest.mark.parametrize(
    ("text", "value"),
    [("", None), ("5", 5), ("0x5", 5), ("0X80338000", 2150858752), ("80338000", 80338000), ("8033801a", 2150858778), ("5.0", None)],
)
def test_numbers(text: str, value: int | None) -> None:
    assert number(text) == value


def test_a_fault_says_code_subcode_text_and_way_out() -> None:
    assert str(WSManFault(faults.SHELL_QUOTA, "QuotaLimit", "reason", "the provider's words")) == (
        "WS-Management fault 2150859173 (0x803381A5) QuotaLimit: the provider's words"
        " Too many open shells for this user: close some, or raise MaxShellsPerUser on the server."
    )


def test_too_large_an_answer_is_said_to_be_one() -> None:
    assert "larger than the largest envelope" in str(WSManFault(None, "EncodingLimit", "reason"))


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (HttpError(500, b""), "https, or an authentication with message encryption"),
        (HttpError(404, b""), "No WinRM listener"),
        (HttpError(502, b"<html>\n Bad   gateway</html>"), "HTTP 502: <html> Bad gateway</html>"),
    ],
)
def test_an_http_error_says_what_it_means(error: HttpError, shown: str) -> None:
    assert shown in str(error)

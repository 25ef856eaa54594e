# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Get, query and invoke over a scripted server."""

from __future__ import annotations

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.faults import (
    NOT_FOUND,
    OPERATION_QUOTA,
    OPERATION_TIMED_OUT,
    WSManFault,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import MAX_EMPTY_PAGES, MAX_SILENT_PULLS, Session
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import (
    AuthenticationError,
    HttpError,
    ProtocolError,
    TransportError,
)
from tests.unit.wsman.scripted import NAMES, Answer, Scripted, envelope, fault, output, rows, session

LOST = TransportError("no answer in time", request_may_have_run=True)
NEVER_SENT = TransportError("connection refused", request_may_have_run=False)
DENIED = AuthenticationError("wrong password")
UNPROVEN = AuthenticationError("another server", request_may_have_run=True)
OLD_CONTEXT = HttpError(400, b"")
SERVICE = envelope('<p:Win32_Service xmlns:p="urn:any"><p:Name>Spooler</p:Name><p:State>Running</p:State></p:Win32_Service>')
DONE = output("StartService", ReturnValue="0")


def test_get_reads_one_instance_by_its_keys() -> None:
    host, server = session(SERVICE)
    assert host.get("Win32_Service", {"Name": "Spooler"}) == {"Name": "Spooler", "State": "Running"}
    (request,) = server.requests
    assert request.named("Selector") == {"Name": "Spooler"}
    assert request.resource.endswith("/wmi/root/cimv2/Win32_Service")


@pytest.mark.parametrize("answer", [fault(str(NOT_FOUND)), fault("", "a:DestinationUnreachable")])
def test_a_missing_instance_is_none(answer: HttpError) -> None:
    host, _server = session(answer)
    assert host.get("Win32_Service", {"Name": "x"}) is None


def test_a_query_follows_the_latest_context_to_the_end() -> None:
    host, server = session(
        rows({"Name": "a"}, context="one"),
        rows(context="two", first=False),
        rows({"Name": "b"}, {"Name": "c"}, context="three", first=False),
        rows({"Name": "d"}, first=False),
    )
    assert [row["Name"] for row in host.query("SELECT Name FROM Win32_Service WHERE Name<>'<&>'")] == ["a", "b", "c", "d"]
    assert server.actions() == ["Enumerate", "Pull", "Pull", "Pull"]
    assert [dict(request.arguments())["EnumerationContext"] for request in server.requests[1:]] == ["one", "two", "three"]
    assert server.requests[0].arguments()[-1] == ("Filter", "SELECT Name FROM Win32_Service WHERE Name<>'<&>'")
    assert host.exchanges == 4


@pytest.mark.parametrize("count", [0, 1])
def test_a_short_list_ends_in_the_first_reply(count: int) -> None:
    host, _server = session(rows(*[{"Name": "a"}] * count))
    assert len(host.query("SELECT Name FROM Win32_Service")) == count


def test_typed_items_are_read_like_fragments() -> None:
    item = '<p:Win32_Service xmlns:p="urn:any"><p:Name>a</p:Name></p:Win32_Service>'
    host, _server = session(envelope(f"<n:EnumerateResponse><w:Items>{item}</w:Items><w:EndOfSequence/></n:EnumerateResponse>"))
    assert host.query("SELECT * FROM Win32_Service") == [{"Name": "a"}]


def test_a_list_without_end_or_context_is_not_taken_for_whole() -> None:
    host, _server = session(envelope("<n:EnumerateResponse><w:Items/></n:EnumerateResponse>"))
    with pytest.raises(ProtocolError, match="neither ends nor says how to go on"):
        host.query("SELECT * FROM Win32_Service")


def test_a_list_of_empty_pages_is_given_up() -> None:
    host, server = session(rows(context="c"), *[rows(context="c", first=False)] * (MAX_EMPTY_PAGES + 5))
    with pytest.raises(ProtocolError):
        host.query("SELECT * FROM Win32_Service")
    assert len(server.requests) == MAX_EMPTY_PAGES + 1


def test_a_query_that_loses_a_page_starts_over() -> None:
    host, server = session(rows({"Name": "a"}, context="one"), LOST, rows({"Name": "a"}, context="two"), rows({"Name": "b"}, first=False))
    assert [row["Name"] for row in host.query("SELECT Name FROM Win32_Service")] == ["a", "b"]
    assert server.actions() == ["Enumerate", "Pull", "Enumerate", "Pull"]


@pytest.mark.parametrize("silent", [1, MAX_SILENT_PULLS])
def test_a_page_that_takes_its_time_is_asked_for_again(silent: int) -> None:
    late = [fault(str(OPERATION_TIMED_OUT), "w:TimedOut")] * silent
    host, server = session(rows(context="c"), *late, rows({"Name": "a"}, context="d", first=False), *late, rows({"Name": "b"}, first=False))
    assert [row["Name"] for row in host.query("SELECT Name FROM CIM_DataFile")] == ["a", "b"]
    contexts = [request.content.findtext("n:EnumerationContext", "", NAMES) for request in server.requests[1:]]
    assert contexts == ["c"] * (silent + 1) + ["d"] * (silent + 1)
    assert len({request.message_id for request in server.requests}) == len(server.requests)


def test_a_page_that_never_comes_is_given_up() -> None:
    host, server = session(rows(context="c"), *[fault(str(OPERATION_TIMED_OUT), "w:TimedOut")] * 50)
    with pytest.raises(WSManFault, match="raise the connection's operation timeout"):
        host.query("SELECT Name FROM CIM_DataFile")
    assert server.actions() == ["Enumerate", *["Pull"] * (MAX_SILENT_PULLS + 1)]


def test_another_refusal_of_a_page_is_an_answer() -> None:
    host, server = session(rows(context="c"), fault("2150858779"))
    with pytest.raises(WSManFault):
        host.query("SELECT Name FROM CIM_DataFile")
    assert server.actions() == ["Enumerate", "Pull"]


def test_invoke_sends_arguments_and_selectors() -> None:
    host, server = session(output("Change", ReturnValue="0", Many=["a", "b"]))
    found = host.invoke("Win32_Service", "Change", {"A": 1, "B": ["x", "y"], "C": True}, selectors={"Name": "s"})
    assert found == {"ReturnValue": "0", "Many": ["a", "b"]}
    (request,) = server.requests
    assert request.action.endswith("/wmi/root/cimv2/Win32_Service/Change")
    assert request.arguments() == [("A", "1"), ("B", "x"), ("B", "y"), ("C", "true")]


@pytest.mark.parametrize(
    ("answers", "sent", "error"),
    [
        pytest.param([SERVICE], 1, None, id="fine"),
        pytest.param([LOST, SERVICE], 2, None, id="a lost reply is asked for again"),
        pytest.param([LOST, LOST], 2, TransportError, id="once"),
        pytest.param([NEVER_SENT], 1, TransportError, id="a host that never answered is not tried twice"),
        pytest.param([DENIED], 1, AuthenticationError, id="a wrong password is not tried twice"),
        pytest.param([OLD_CONTEXT], 1, HttpError, id="a first 400 is an answer"),
        pytest.param([fault("5")], 1, WSManFault, id="a refusal is an answer"),
        pytest.param([fault("2150858793")], 1, WSManFault, id="so is the server's own timeout"),
    ],
)
def test_first_reads(answers: list[Answer], sent: int, error: type[Exception] | None) -> None:
    host, server = session(*answers)
    if error:
        with pytest.raises(error):
            host.get("Win32_Service", {"Name": "s"})
    else:
        assert host.get("Win32_Service", {"Name": "s"})
    assert len(server.requests) == sent == host.exchanges


@pytest.mark.parametrize(
    ("answers", "sent", "error"),
    [
        pytest.param([LOST], 1, TransportError, id="never repeated when it may have run"),
        pytest.param([NEVER_SENT, DONE], 2, None, id="repeated when it certainly has not"),
        pytest.param([DENIED, DONE], 2, None, id="an expired authentication"),
        pytest.param([OLD_CONTEXT, DONE], 2, None, id="a new socket with an old security context"),
        pytest.param([OLD_CONTEXT, OLD_CONTEXT], 2, HttpError, id="once"),
        pytest.param([UNPROVEN], 1, AuthenticationError, id="a server that did not prove who it is, after it took the request"),
        pytest.param([fault(str(OPERATION_QUOTA)), fault(str(OPERATION_QUOTA)), DONE], 3, None, id="refused by a quota"),
        pytest.param([fault(str(OPERATION_QUOTA))] * 3, 3, WSManFault, id="a quota that stays"),
    ],
)
def test_later_writes(answers: list[Answer], sent: int, error: type[Exception] | None) -> None:
    pauses: list[float] = []
    host, server = session(SERVICE, *answers, pauses=pauses)
    host.get("Win32_Service", {"Name": "s"})
    if error:
        with pytest.raises(error):
            host.invoke("Win32_Service", "StartService", selectors={"Name": "s"})
    else:
        assert host.invoke("Win32_Service", "StartService", selectors={"Name": "s"}) == {"ReturnValue": "0"}
    assert len(server.requests) == 1 + sent
    quota = sum(isinstance(answer, HttpError) and answer.status == 500 for answer in answers)
    assert pauses == [2.0, 5.0][:quota]


@pytest.mark.parametrize("status", [404, 503])
def test_a_service_that_is_not_ready_is_asked_again(status: int) -> None:
    pauses: list[float] = []
    host, _server = session(HttpError(status, b""), HttpError(status, b""), DONE, pauses=pauses)
    assert host.invoke("Win32_Service", "StartService", selectors={"Name": "s"})
    assert pauses == [1.0, 3.0]


@pytest.mark.parametrize(("answer", "sent"), [(HttpError(404, b""), 3), (HttpError(404, b"<html>no such page</html>"), 1)])
def test_a_wrong_path_is_told(answer: HttpError, sent: int) -> None:
    host, server = session(*[answer] * 3)
    with pytest.raises(HttpError, match="HTTP 404. No WinRM listener answers"):
        host.get("Win32_Service", {"Name": "s"})
    assert len(server.requests) == sent


def test_each_try_has_its_own_message_id() -> None:
    host, server = session(LOST, SERVICE)
    host.get("Win32_Service", {"Name": "s"})
    first, second = server.requests
    assert first.message_id != second.message_id


@pytest.mark.parametrize("relates_to", ["", "uuid:{message_id}", "UUID:{message_id}", "\n  uuid:{message_id}\n"])
def test_replies_to_our_message(relates_to: str) -> None:
    host, _server = session(envelope("<any><A>1</A></any>", relates_to))
    assert host.get("Any", {}) == {"A": "1"}


def test_the_reply_to_another_message_is_refused_and_ends_the_connection() -> None:
    host, server = session(envelope("<any><A>1</A></any>", "uuid:00000000-0000-0000-0000-000000000000"))
    with pytest.raises(ProtocolError, match="another message"):
        host.get("Any", {})
    assert server.closed == 1


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + envelope("<any><A>&b;</A></any>")
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + envelope("<any><A>&a;</A></any>")


@pytest.mark.parametrize("answer", [BOMB, OUTSIDE, '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">' + envelope("<any/>")])
def test_a_reply_with_a_document_type_is_refused(answer: str) -> None:
    host, _server = session(answer)
    with pytest.raises(ProtocolError, match="document type"):
        host.get("Any", {})


def test_a_fault_with_a_document_type_is_no_fault() -> None:
    host, _server = session(HttpError(500, BOMB.encode()))
    with pytest.raises(HttpError):
        host.get("Any", {})


@pytest.mark.parametrize("answer", ["", "hello", "<html/>", "<a><b></a>", envelope("")])
def test_a_reply_that_is_no_reply(answer: str) -> None:
    host, _server = session(answer)
    with pytest.raises(ProtocolError, match="reading Any Key=1 on web-01: "):
        host.get("Any", {"Key": "1"})


def test_a_fault_with_status_200_is_a_fault() -> None:
    host, _server = session(fault("5").body.decode())
    with pytest.raises(WSManFault):
        host.get("Any", {})


def test_an_error_says_what_was_done_where() -> None:
    host, _server = session(fault("5", text="Access is denied."))
    with pytest.raises(WSManFault) as caught:
        host.invoke("Win32_Service", "StopService", selectors={"Name": "s"})
    assert str(caught.value) == (
        "calling Win32_Service.StopService of Name=s on web-01: WS-Management fault 5 InternalError: Access is denied."
        " Use an administrator of the server; local accounts may need LocalAccountTokenFilterPolicy."
    )


def test_the_operation_timeout_is_the_transports_unless_given() -> None:
    transport = Scripted(SERVICE, SERVICE, SERVICE)
    Session(transport, endpoint_label="x").get("Any", {})
    transport.operation_timeout = 17  # type: ignore[attr-defined]
    Session(transport, endpoint_label="x").get("Any", {})
    Session(transport, endpoint_label="x", operation_timeout=5).get("Any", {})
    assert [request.header("w:OperationTimeout") for request in transport.requests] == ["PT60S", "PT17S", "PT5S"]

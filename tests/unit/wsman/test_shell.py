# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs and scripts through a WinRS shell over a scripted server."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.faults import BUSY, OPERATION_QUOTA, OPERATION_TIMED_OUT, WSManFault
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.powershell import (
    ARGUMENTS,
    BOOTSTRAP,
    ScriptError,
    readable_stderr,
    run_script,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import STDIN_CHUNK, ProcessLost, ProcessTimeout, Shell
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.redaction import BLOT, redacted
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import HttpError, ProtocolError, TransportError
from tests.unit.wsman.scripted import NAMES, Answer, Scripted, envelope, fault, session

CREATED = envelope(
    "<x:ResourceCreated xmlns:x='urn:x'><w:SelectorSet><w:Selector Name='ShellId'>S1</w:Selector></w:SelectorSet></x:ResourceCreated>"
)
STARTED = envelope("<rsp:CommandResponse><rsp:CommandId>C1</rsp:CommandId></rsp:CommandResponse>")
SENT = envelope("<rsp:SendResponse/>")
SIGNALLED = envelope("<rsp:SignalResponse/>")
DELETED = envelope("")
SILENCE = fault(str(OPERATION_TIMED_OUT), "w:TimedOut")
LOST = TransportError("the connection broke", request_may_have_run=True)


def received(stdout: bytes = b"", stderr: bytes = b"", exit_code: str | None = "0") -> str:
    streams = (("stdout", stdout), ("stderr", stderr))
    parts = [f'<rsp:Stream Name="{name}">{base64.b64encode(data).decode()}</rsp:Stream>' for name, data in streams if data]
    ended = '<rsp:Stream Name="stdout" End="true"/>'
    state = "Running" if exit_code is None else "Done"
    code = "" if exit_code is None else f"<rsp:ExitCode>{exit_code}</rsp:ExitCode>"
    done = (
        f'<rsp:CommandState State="http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/{state}">{code}</rsp:CommandState>'
    )
    return envelope(f"<rsp:ReceiveResponse>{''.join(parts)}{ended}{done}</rsp:ReceiveResponse>")


class Clock:
    """Each look at it takes a second."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        self.now += 1
        return self.now


def shell(*answers: Answer) -> tuple[Shell, Scripted, Clock]:
    host, server = session(*answers)
    clock = Clock()
    return Shell(host, sleep=clock.slept.append, clock=clock), server, clock


def test_one_command_from_open_to_close() -> None:
    opened, server, _clock = shell(CREATED, STARTED, received(b"hi\r\n", b"oops", "3"), SIGNALLED, DELETED)
    with opened:
        result = opened.run("C:\\Program Files\\a.exe", ["/x", "a b"], timeout=60)
    assert (result.exit_code, result.stdout, result.stderr) == (3, "hi\r\n", "oops")
    assert server.actions() == ["Create", "Command", "Receive", "Signal", "Delete"]
    create, command, receive, signal, delete = server.requests
    assert create.named("Option") == {"WINRS_NOPROFILE": "FALSE", "WINRS_CODEPAGE": "65001"}
    assert command.named("Option") == {"WINRS_CONSOLEMODE_STDIN": "TRUE", "WINRS_SKIP_CMD_SHELL": "FALSE"}
    assert command.arguments() == [("Command", '@"C:\\Program Files\\a.exe"'), ("Arguments", "/x"), ("Arguments", '^"a b^"')]
    assert receive.content[0].get("CommandId") == signal.content.get("CommandId") == "C1"
    assert {request.named("Selector")["ShellId"] for request in (command, receive, signal, delete)} == {"S1"}


def test_a_shell_that_runs_nothing_is_never_opened() -> None:
    unused, server, _clock = shell()
    with unused:
        pass
    assert server.requests == []


def test_a_shell_is_opened_once() -> None:
    run = [STARTED, received(), SIGNALLED]
    opened, server, _clock = shell(CREATED, *run, *run, DELETED)
    with opened:
        opened.run("a.exe", timeout=60)
        opened.run("b.exe", timeout=60)
    assert server.actions().count("Create") == server.actions().count("Delete") == 1


def test_output_comes_in_pieces_and_silence_is_no_error() -> None:
    text = "Grüße\r\n".encode()
    opened, server, _clock = shell(CREATED, STARTED, SILENCE, received(text[:3], exit_code=None), SILENCE, received(text[3:]), SIGNALLED)
    assert opened.run("a.exe", timeout=600).stdout == "Grüße\r\n"
    assert server.actions().count("Receive") == 4


@pytest.mark.parametrize("size", [1, STDIN_CHUNK, STDIN_CHUNK + 1, 3 * STDIN_CHUNK])
def test_input_is_cut_into_messages_and_ended(size: int) -> None:
    stdin = bytes(range(256)) * (size // 256 + 1)
    pieces = -(-len(stdin) // STDIN_CHUNK)
    opened, server, _clock = shell(CREATED, STARTED, *[SENT] * pieces, received(), SIGNALLED)
    opened.run("a.exe", stdin=stdin, timeout=60)
    sent = [request.content[0] for request in server.requests if request.action.endswith("/Send")]
    assert b"".join(base64.b64decode(item.text or "") for item in sent) == stdin
    assert [item.get("End") for item in sent] == ["false"] * (pieces - 1) + ["true"]
    assert server.requests[1].named("Option")["WINRS_CONSOLEMODE_STDIN"] == "FALSE"
    assert max(len(request.data) for request in server.requests) < 153600


def test_late_and_busy_answers_to_input() -> None:
    busy = fault(str(BUSY))
    opened, _server, clock = shell(CREATED, STARTED, busy, busy, SENT, received(), SIGNALLED)
    assert opened.run("a.exe", stdin=b"x", timeout=60).exit_code == 0
    assert clock.slept == [5.0, 5.0]
    opened, _server, _clock = shell(CREATED, STARTED, SILENCE, received(), SIGNALLED)
    assert opened.run("a.exe", stdin=b"x", timeout=60).exit_code == 0
    opened, server, _clock = shell(CREATED, STARTED, busy, busy, busy, SIGNALLED)
    with pytest.raises(WSManFault):
        opened.run("a.exe", stdin=b"x", timeout=60)
    assert server.actions()[-1] == "Signal"


def test_a_program_that_does_not_end_is_told_to() -> None:
    opened, server, _clock = shell(CREATED, STARTED, *[SILENCE] * 4, SIGNALLED, DELETED)
    with opened, pytest.raises(ProcessTimeout, match=r"slow\.exe did not end within 5 seconds"):
        opened.run("slow.exe", ["secretless"], timeout=5)
    assert server.actions()[-2:] == ["Signal", "Delete"]
    timeouts = [request.header("w:OperationTimeout") for request in server.requests if request.action.endswith("/Receive")]
    assert timeouts == ["PT4S", "PT3S", "PT2S", "PT1S"]


def test_a_full_shell_is_replaced_once() -> None:
    full = fault(str(OPERATION_QUOTA))
    opened, server, _clock = shell(CREATED, full, DELETED, CREATED, STARTED, received(), SIGNALLED)
    assert opened.run("a.exe", timeout=60).exit_code == 0
    assert server.actions() == ["Create", "Command", "Delete", "Create", "Command", "Receive", "Signal"]
    opened, _server, _clock = shell(CREATED, full, DELETED, CREATED, full)
    with pytest.raises(WSManFault):
        opened.run("a.exe", timeout=60)


@pytest.mark.parametrize("position", range(4))
def test_nothing_is_repeated_when_the_connection_breaks(position: int) -> None:
    answers: list[Answer] = [CREATED, STARTED, SENT, received()]
    answers[position:] = [LOST, SIGNALLED, DELETED]
    opened, server, _clock = shell(*answers)
    with opened, pytest.raises(TransportError) as caught:
        opened.run("a.exe", stdin=b"x", timeout=60)
    actions = server.actions()
    assert len(actions) == len(set(actions))
    # A shell that could not be opened has run nothing.
    assert isinstance(caught.value, ProcessLost) is (position > 0)


@pytest.mark.parametrize("position", [1, 2, 3])
def test_a_program_that_may_be_at_work_is_not_ended_by_tidying_up(position: int) -> None:
    answers: list[Answer] = [CREATED, STARTED, SENT, received()]
    answers[position:] = [LOST]
    opened, server, _clock = shell(*answers)
    with opened, pytest.raises(ProcessLost, match="Run again when it is back"):
        opened.run("a.exe", stdin=b"x", timeout=60)
    assert not {"Signal", "Delete"} & set(server.actions())


@pytest.mark.parametrize("trouble", [LOST, fault("2150858843"), HttpError(500, b"")])
def test_trouble_while_tidying_up_does_not_spoil_the_result(trouble: Exception) -> None:
    opened, _server, _clock = shell(CREATED, STARTED, received(b"fine"), trouble, trouble)
    with opened:
        assert opened.run("a.exe", timeout=60).stdout == "fine"


@pytest.mark.parametrize(
    "answers",
    [[envelope("<any/>")], [CREATED, envelope("<any/>")], [CREATED, STARTED, received(exit_code=""), SIGNALLED]],
)
def test_replies_that_lack_what_is_needed(answers: list[Answer]) -> None:
    opened, _server, _clock = shell(*answers)
    with pytest.raises(ProtocolError):
        opened.run("a.exe", timeout=60)


def script(answer: str, secrets: t.Mapping[str, str] | None = None, **arguments: t.Any) -> tuple[dict[str, t.Any], Scripted]:
    opened, server, _clock = shell(CREATED, STARTED, SENT, answer, SIGNALLED)
    return run_script(opened, "param($arguments)\n'ünicode'", arguments, timeout=60, secrets=secrets or {}), server


def test_a_script_travels_on_standard_input_only() -> None:
    answer, server = script(received(b'noise\r\n{"ok": true}\r\n\r\n'), {"token": "t\u00f6\r\nken"}, path="\u00fcber", count=3)
    assert answer == {"ok": True}
    command = server.requests[1].arguments()
    assert command == [("Command", "powershell.exe"), *(("Arguments", item) for item in ARGUMENTS)]
    bootstrap = base64.b64decode(ARGUMENTS[-1]).decode("utf-16-le")
    assert bootstrap == BOOTSTRAP
    stdin = base64.b64decode(server.requests[2].root.findtext(".//rsp:Stream", "", NAMES))
    assert stdin.isascii()
    document, secret = stdin.splitlines()
    assert json.loads(document) == {
        "script": "param($arguments)\n'ünicode'",
        "arguments": {"path": "über", "count": 3},
        "secrets": ["token"],
    }
    assert base64.b64decode(secret).decode() == "tö\r\nken"


@pytest.mark.parametrize("stdout", [b"", b"done\r\n", b"[1]\r\n", b'"text"\r\n', b'{"cut": '])
def test_a_script_without_an_answer(stdout: bytes) -> None:
    with pytest.raises(ScriptError, match="printed no JSON document"):
        script(received(stdout))


def test_a_failed_script_tells_why_without_the_secret() -> None:
    token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.payload.signature"
    stderr = f"Cannot register with {token[:20]}\r\n{token[20:]} at C:\\Program Files".encode()
    opened, _server, _clock = shell(CREATED, STARTED, SENT, received(b"", stderr, "1"), SIGNALLED)
    with pytest.raises(ScriptError) as caught:
        run_script(opened, "any", {"install_dir": "C:\\Program Files"}, timeout=60, secrets={"token": token})
    assert str(caught.value) == (f"the PowerShell script failed (exit code 1): Cannot register with {BLOT} at C:\\Program Files")


CLIXML = (
    '#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
    '<Obj S="progress" RefId="0"><MS><S N="a">Preparing modules</S></MS></Obj>'
    '<S S="Error">It is &lt;wrong&gt;_x000D__x000A_</S><S S="Error">Badly._x000D__x000A_</S></Objs>'
)


@pytest.mark.parametrize(
    ("stderr", "text"),
    [
        ("", ""),
        (" plain \r\n", "plain"),
        (CLIXML, "It is <wrong>\nBadly."),
        (f"before\r\n{CLIXML}", "before\r\nIt is <wrong>\nBadly."),
        ("#< CLIXML\r\n<Objs><S", "#< CLIXML\r\n<Objs><S"),
        ("#< CLIXML\r\n<Objs><S></Objs>", "#< CLIXML\r\n<Objs><S></Objs>"),
    ],
)
def test_errors_that_powershell_wrapped_in_xml(stderr: str, text: str) -> None:
    assert readable_stderr(stderr) == text


@given(st.text(max_size=20), st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=4, max_size=60), st.text(max_size=20))
def test_a_value_never_survives_redaction(before: str, value: str, after: str) -> None:
    assert value not in redacted(before + value + after, [value]).replace(BLOT, "")


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("nothing here", ["secret"], "nothing here"),
        ("a secret b secret", ["secret"], f"a {BLOT} b {BLOT}"),
        ("a sec\r\n  ret b", ["secret"], f"a {BLOT} b"),
        ("cut: abcdefghijklmnop...", ["abcdefghijklmnopqrstuvwxyz"], f"cut: {BLOT}..."),
        ("deep secret", {"a": [{"b": "secret"}], "c": 1, "d": None}.values(), f"deep {BLOT}"),
        ("it is an apple", ["an"], "it is an apple"),
        ("", ["secret"], ""),
    ],
)
def test_redaction(text: str, values: t.Iterable[t.Any], expected: str) -> None:
    assert redacted(text, values) == expected

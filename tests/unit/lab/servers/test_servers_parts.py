# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pure parts: WQL, command lines, the certificate blob, PSRP messages, envelopes; compared with recorded replies where there are."""

from __future__ import annotations

import base64
import pathlib
import re
import typing as t
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.servers.programs import commandline
from tests.lab.servers.protocol import faults, psrp, soap, wql
from tests.lab.servers.protocol.instances import Properties
from tests.lab.servers.state import trust

SAMPLES = pathlib.Path(__file__).parents[4].parent / "shared" / "samples" / "wsman"
ROW: Properties = {"Name": "C:\\A b", "State": "Running", "ProcessId": 12, "Started": True, "Description": None}


@pytest.mark.parametrize(
    ("where", "matches"),
    [
        ("State = 'running'", True),
        ("state='Stopped'", False),
        ("Name = 'c:\\\\a b'", True),
        ('Name = "C:\\\\A b" AND ProcessId > 11', True),
        ("ProcessId = 12 AND State = 'Stopped' OR Started = TRUE", True),
        ("ProcessId = 12 AND (State = 'Stopped' OR Started = FALSE)", False),
        ("NOT State LIKE 'Run%'", False),
        ("Name LIKE '%_b'", True),
        ("Name LIKE '[a-c]:%'", True),
        ("Description IS NULL", True),
        ("State IS NOT NULL", True),
        ("Description = 'x'", False),
        ("ProcessId <> 12", False),
    ],
)
def test_conditions(where: str, matches: bool) -> None:
    query = wql.parse(f"select * from Win32_Service where {where}")
    assert query.matches(ROW) is matches


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT",
        "SELECT * FROM",
        "SELECT * FROM A WHERE",
        "SELECT * FROM A WHERE b",
        "SELECT * FROM A WHERE b = c",
        "SELECT * FROM A WHERE (b = 1",
        "SELECT * FROM A WHERE b = 'x",
        r"SELECT * FROM A WHERE b = 'C:\x'",
        "SELECT * FROM A B",
        "ASSOCIATORS OF {A}",
        "SELECT * FROM A WHERE b = 1 ; DELETE",
    ],
)
def test_queries_that_wmi_would_not_take(text: str) -> None:
    with pytest.raises(wql.BadQuery):
        wql.parse(text)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"])))
def test_an_escaped_string_finds_itself(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    assert wql.parse(f"SELECT a FROM B WHERE a = '{escaped}'").matches({"a": text})


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("a b", ["a", "b"]),
        ('"C:\\A b\\x.exe" /q', ["C:\\A b\\x.exe", "/q"]),
        ('x NAME="false" /q', ["x", "NAME=false", "/q"]),
        (r'x "a\"b" c\\d', ["x", 'a"b', r"c\\d"]),
        (r'x "a\\" b', ["x", "a\\", "b"]),
        ('x ""', ["x", ""]),
    ],
)
def test_splitting(line: str, arguments: list[str]) -> None:
    assert commandline.split(line) == arguments


@given(st.lists(st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1)))
def test_quoted_arguments_come_back(arguments: list[str]) -> None:
    def quote(text: str) -> str:
        escaped = re.sub(r'(\\*)"', r'\1\1\\"', text)
        return '"' + re.sub(r"(\\+)$", r"\1\1", escaped) + '"'

    assert commandline.split(" ".join(quote(argument) for argument in arguments)) == arguments


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("echo %TEMP%", r"echo C:\T"),
        ("echo %none%", "echo %none%"),
        ('echo "a & b"', 'echo "a & b"'),
        ("echo a ^& b", "echo a & b"),
        ("echo a & b", None),
        ("echo a | b", None),
        ('echo "a" > b', None),
        (r'@"C:\Program Files\a.exe" @b', r'"C:\Program Files\a.exe" @b'),
    ],
)
def test_cmd(line: str, result: str | None) -> None:
    if result is None:
        with pytest.raises(commandline.UnquotedOperator):
            commandline.through_cmd(line, {"Temp": r"C:\T"})
    else:
        assert commandline.through_cmd(line, {"Temp": r"C:\T"}) == result


@given(st.binary())
def test_a_certificate_comes_back_from_its_blob(der: bytes) -> None:
    assert trust.certificate(trust.blob(der)) == der
    assert trust.certificate(trust.blob(der)[:-1] if der else b"") != der or not der


@pytest.mark.parametrize("in_user_store", [True, False])
def test_trust_settings(in_user_store: bool) -> None:
    content = trust.settings("A" * 40, in_user_store=in_user_store)
    ET.fromstring(content)
    assert trust.parse_settings(content) == ("A" * 40, in_user_store)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=50), st.integers(1, 3))
def test_psrp_strings_and_fragments(text: str, times: int) -> None:
    data = psrp.string(text * 1000 * times)
    cut = psrp.Fragments().cut(psrp.Message(psrp.PIPELINE_INPUT, b"p" * 16, b"q" * 16, data))
    [message] = psrp.Assembler().feed(b"".join(cut))
    assert (message.kind, message.pool, message.pipeline) == (psrp.PIPELINE_INPUT, b"p" * 16, b"q" * 16)
    if all(character.isprintable() for character in text):
        assert psrp.strings_in(message.data) == [text * 1000 * times]


samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the recorded replies are not beside this checkout")


@samples
def test_recorded_requests_are_read() -> None:
    for path in sorted((SAMPLES / "pypsrp").glob("*.yml")):
        for envelope in re.findall(r"- request: (<s:Envelope.*?</s:Envelope>)", path.read_text(encoding="utf-8")):
            request = soap.parse(envelope.encode())
            assert request.action.startswith("http://schemas.")
            assert request.message_id.startswith("uuid:")
            assert request.operation_timeout in (1.0, 10.0, 20.0, 60.0)
            assert request.max_envelope_size in (153600, 512000)


@samples
def test_psrp_messages_are_those_of_a_recorded_pool() -> None:
    text = (SAMPLES / "pypsrp" / "test_psrp_open_runspace.yml").read_text(encoding="utf-8")
    recorded = [base64.b64decode(stream) for stream in re.findall(r'<rsp:Stream Name="stdout">([^<]+)<', text)]
    pool = recorded[1][21 + 8 : 21 + 24]
    fragments = psrp.Fragments()
    capability = fragments.cut(psrp.Message(psrp.SESSION_CAPABILITY, psrp.NOBODY, psrp.NOBODY, psrp.CAPABILITY))
    fragments.cut(psrp.Message(psrp.APPLICATION_PRIVATE_DATA, pool, psrp.NOBODY, psrp.PRIVATE_DATA))
    state = fragments.cut(psrp.Message(psrp.RUNSPACEPOOL_STATE, pool, psrp.NOBODY, psrp.pool_state(psrp.OPENED)))
    assert capability == [recorded[0]]
    assert state == [recorded[2]]


RECORDED: list[tuple[str, t.Callable[[], faults.WSManFault]]] = [
    ("omi-unit-tests/fault_2150858752_4.xml", lambda: faults.no_instance('Win32_Process.Handle="29"')),
    ("omi-unit-tests/fault_2150858793_5.xml", faults.timed_out),
    ("WinRb/soap_fault_v2.xml", lambda: faults.bad_query('Select * from Win32_Processa where name="sshd.exe"', missing_class=True)),
    ("masterzen/executeCommandResponseWithError.xml", faults.line_too_long),
]


@samples
@pytest.mark.parametrize(("path", "make"), RECORDED)
def test_faults_have_the_recorded_shape(path: str, make: t.Callable[[], faults.WSManFault]) -> None:
    recorded = ET.fromstring((SAMPLES / path).read_text(encoding="utf-8"))
    ours = ET.fromstring(make().render("m", "uuid:x"))
    body = "{http://www.w3.org/2003/05/soap-envelope}Body"
    assert skeleton(ours.find(body)) == skeleton(recorded.find(body))


@samples
def test_the_shell_quota_has_the_recorded_values() -> None:
    detail = "{http://www.w3.org/2003/05/soap-envelope}Body//{http://www.w3.org/2003/05/soap-envelope}Detail"
    recorded = ET.fromstring((SAMPLES / "WinRb" / "wmi_error_v2.xml").read_text(encoding="utf-8")).find(detail)
    ours = ET.fromstring(faults.shell_quota(30).render("m", "")).find(detail)
    assert recorded is not None
    assert ours is not None
    wanted = {item.tag: (item.text or "").strip() for item in recorded.iter()}
    for item in ours.iter():
        assert (item.text or "").strip() == wanted[item.tag]


def skeleton(element: ET.Element | None) -> list[t.Any]:
    """Tags, codes and stripped texts, without machine names, paths and types."""
    assert element is not None
    return [element.tag, element.get("Code"), " ".join((element.text or "").split()), [skeleton(child) for child in element]]

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same content in every form a server may give it: pages, prefixes, white space, encodings. What is read is the same."""

from __future__ import annotations

import codecs
import contextlib
import re
import typing as t
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.faults import parse_fault
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.instances import Instance, moment
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.reply import parse
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import HttpError, ProtocolError, WSManError

NAMESPACES = {
    "envelope": "http://www.w3.org/2003/05/soap-envelope",
    "addressing": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "wsman": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "enumeration": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "instance": "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/Win32_Service",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "wsmanfault": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
}
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\ufffe\uffff", min_codepoint=0x20), max_size=12)
VALUES = st.one_of(st.none(), TEXTS, st.lists(st.one_of(st.none(), TEXTS), min_size=2, max_size=3))
ROWS = st.lists(st.dictionaries(st.sampled_from(["Name", "State", "PathName", "Roles"]), VALUES, min_size=1), max_size=6)


class Form(t.NamedTuple):
    """How a server writes."""

    prefixes: dict[str, str]
    is_typed: bool
    gap: str
    is_cdata: bool
    before: str
    encoding: str
    relates_to: str

    def name(self, space: str, local: str) -> str:
        prefix = self.prefixes[space]
        return f"{prefix}:{local}"

    def element(self, space: str, local: str, content: str, attributes: str = "") -> str:
        name = self.name(space, local)
        return f"<{name}{attributes}>{content}</{name}>" if content else f"<{name}{attributes}/>"

    def reply(self, content: str, message_id: str) -> bytes:
        declared = "".join(f' xmlns:{prefix}="{NAMESPACES[space]}"' for space, prefix in self.prefixes.items())
        related = self.element("addressing", "RelatesTo", self.relates_to + message_id) if self.relates_to != "none" else ""
        header, body = self.element("envelope", "Header", related), self.element("envelope", "Body", self.gap + content + self.gap)
        name = self.name("envelope", "Envelope")
        text = f'{self.before}<?xml version="1.0" encoding="{self.encoding}"?>{self.gap}<{name}{declared}>{header}{self.gap}{body}</{name}>'
        return text.encode(self.encoding)

    def item(self, row: Instance) -> str:
        single = [(name, one) for name, value in row.items() for one in (value if isinstance(value, list) else [value])]
        content = self.gap.join(self.property(name, value) for name, value in single)
        return self.element("instance", "Win32_Service", content) if self.is_typed else self.element("wsman", "XmlFragment", content)

    def property(self, name: str, value: str | None) -> str:
        tag = self.name("instance", name) if self.is_typed else name
        if value is None:
            return f'<{tag} {self.prefixes["xsi"]}:nil="true"/>'
        content = f"<![CDATA[{value}]]>" if self.is_cdata and "]]>" not in value else escape(value)
        return f"<{tag}>{content}</{tag}>"


SHORT = ("s", "a", "w", "n", "p", "xsi", "f", "env", "x1", "_")
PREFIXES = st.permutations(SHORT).map(lambda names: dict(zip(NAMESPACES, names, strict=False)))
FORMS = st.builds(
    Form,
    prefixes=PREFIXES,
    is_typed=st.booleans(),
    gap=st.sampled_from(["", "\n", "\r\n   ", "<!-- gap -->", "\t<?gap here?> "]),
    is_cdata=st.booleans(),
    before=st.sampled_from(["", "\ufeff", "\r\n", "\ufeff\n", " "]),
    encoding=st.just("utf-8"),
    relates_to=st.sampled_from(["uuid:", "", "none"]),
)


class Server:
    """Answers a query with pages; each names another context, and only the newest counts."""

    def __init__(self, form: Form, pages: t.Sequence[t.Sequence[Instance]]) -> None:
        self.form, self.pages, self.given = form, list(pages), 0

    def send(self, envelope: bytes) -> bytes:
        message_id = re.search(rb"MessageID>(?:uuid:)?([^<]*)<", envelope)
        assert message_id is not None
        if self.given:
            assert f">context {self.given - 1}<".encode() in envelope
        form, number = self.form, self.given
        response, space = ("EnumerateResponse", "wsman") if number == 0 else ("PullResponse", "enumeration")
        is_last = number == len(self.pages) - 1
        items = form.element(space, "Items", form.gap.join(map(form.item, self.pages[number])))
        context = form.element("enumeration", "EnumerationContext", "" if is_last else f"context {number}")
        end = form.element(space, "EndOfSequence", "") if is_last else ""
        self.given += 1
        parts = [context, items, end] if number == 0 or not is_last else [items, end]
        return form.reply(form.element("enumeration", response, form.gap.join(parts)), message_id[1].decode())

    def close(self) -> None:
        pass


@st.composite
def paged(draw: st.DrawFn) -> list[list[Instance]]:
    """Pages of any size, empty ones among them; one page is the form of Windows 2003."""
    rows = draw(ROWS)
    cuts = sorted(draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    return [rows[start:end] for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True)]


@given(pages=paged(), form=FORMS)
def test_a_query_reads_the_same_rows_from_every_form(pages: list[list[Instance]], form: Form) -> None:
    server = Server(form, pages)
    found = Session(server, endpoint_label="any").query("SELECT * FROM Win32_Service")
    assert found == [row for page in pages for row in page]
    assert server.given == len(pages)


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "us-ascii"])
def test_encodings_that_a_declaration_names(encoding: str) -> None:
    form = Form(dict(zip(NAMESPACES, "sawnpxf", strict=True)), True, "", False, "", encoding, "")
    rows: list[Instance] = [{"Name": "plain" if encoding == "us-ascii" else "grüße"}]
    assert Session(Server(form, [rows]), endpoint_label="any").query("SELECT") == rows


@given(form=FORMS, outer=st.integers(1, 2**32 - 1), text=TEXTS.filter(lambda text: bool(text.split())), depth=st.integers(0, 3))
def test_a_fault_is_read_from_every_form(form: Form, outer: int, text: str, depth: int) -> None:
    nested = form.element("wsmanfault", "Message", escape(text))
    for level in range(depth):
        inner = form.element("wsmanfault", "WSManFault", nested, f' Code="{level}" Machine="inner"')
        provider = form.element("wsmanfault", "ProviderFault", inner, ' provider="WMI Provider"')
        nested = form.element("wsmanfault", "Message", form.gap + provider)
    fault = form.element("wsmanfault", "WSManFault", nested, f' Code="{outer}" Machine="outer"')
    code = form.element("envelope", "Code", form.element("envelope", "Value", f"{form.prefixes['envelope']}:Sender"))
    reason = form.element("envelope", "Reason", form.element("envelope", "Text", ""))
    content = form.element("envelope", "Fault", form.gap.join([code, reason, form.element("envelope", "Detail", fault)]))
    found = parse_fault(form.reply(content, "any"))
    assert found is not None
    assert (found.code, found.machine, found.subcode, found.reason) == (outer, "outer", "Sender", "")
    assert found.provider_message == " ".join(text.split())


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
@example(b'<?xml version="1.0" encoding="shift_jis"?><a/>')
@example(b'<?xml version="1.0" encoding="no such one"?><a/>')
@example(codecs.BOM_UTF16_LE + b"<")
@example(b"<a>" * 50_000)
def test_what_no_server_sends_is_refused_as_that(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        parse(data)
    assert parse_fault(data) is None

    class Answering:
        def send(self, envelope: bytes) -> bytes:
            raise HttpError(500, data)

        def close(self) -> None:
            pass

    with pytest.raises(WSManError):
        Session(Answering(), endpoint_label="any").get("Win32_Service", {"Name": "any"})


@pytest.mark.parametrize("nested", [True, False], ids=["in a child", "as text"])
@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("20130309025732.000000+000", "2013-03-09T02:57:32+00:00"),
        ("20130415162843.488171-240", "2013-04-15T20:28:43.488171+00:00"),
        ("20130415162843.488171+060", "2013-04-15T15:28:43.488171+00:00"),
        ("20130415162843.******+***", "2013-04-15T16:28:43+00:00"),
        ("2013-04-15T16:28:43.488171Z", "2013-04-15T16:28:43.488171+00:00"),
        ("2013-04-15T16:28:43.488Z", "2013-04-15T16:28:43.488000+00:00"),
        ("2013-04-15T16:28:43Z", "2013-04-15T16:28:43+00:00"),
    ],
)
def test_moments_in_both_forms(raw: str, expected: str, nested: bool) -> None:
    form = Form(dict(zip(NAMESPACES, "sawnpxf", strict=True)), True, "\n  ", False, "", "utf-8", "none")
    inner = f'<c:Datetime xmlns:c="http://schemas.dmtf.org/wbem/wscim/1/common">{raw}</c:Datetime>' if nested else raw

    class Answering:
        def send(self, envelope: bytes) -> bytes:
            return form.reply(form.element("instance", "Any", form.element("instance", "When", f"\n {inner}\n ")), "")

        def close(self) -> None:
            pass

    found = Session(Answering(), endpoint_label="any").get("Any", {})
    assert found is not None
    when = moment(found, "When")
    assert when is not None
    assert when.isoformat() == expected


@pytest.mark.parametrize("raw", ["20131315162843.000000+000", "20130415162843.000000+9", "20130415162843", "99991231235959.999999-999"])
def test_what_looks_like_a_moment_and_is_none(raw: str) -> None:
    with pytest.raises(ProtocolError, match="When="):
        moment({"When": raw}, "When")

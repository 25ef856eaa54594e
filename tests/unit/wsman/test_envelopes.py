# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests as bytes."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import envelope as messages
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.wql import any_of, literal
from tests.unit.wsman.scripted import NAMES, Request

SENDABLE = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff", include_characters="\t\r\n"))
NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)


def built(**options: object) -> Request:
    settings: dict[str, object] = {"message_id": "M", "session_id": "S", "operation_timeout": 60, "max_envelope_size": 512000}
    return Request(messages.envelope("urn:action", "urn:resource", **{**settings, **options}))  # type: ignore[arg-type]


def test_the_header_is_what_real_servers_accepted() -> None:
    header = built(selectors={"Name": "a"}, options={"B": "c"}).root.find("s:Header", NAMES)
    assert header is not None
    must = "{http://www.w3.org/2003/05/soap-envelope}mustUnderstand"
    parts = [(item.tag.rsplit("}", 1)[-1], item.get(must), (item.text or "")) for item in header]
    assert parts == [
        ("Action", "true", "urn:action"),
        ("DataLocale", "false", ""),
        ("Locale", "false", ""),
        ("MaxEnvelopeSize", "true", "512000"),
        ("MessageID", None, "uuid:M"),
        ("OperationTimeout", None, "PT60S"),
        ("ReplyTo", None, ""),
        ("ResourceURI", "true", "urn:resource"),
        ("SessionId", "false", "uuid:S"),
        ("To", None, "http://windows-host:5985/wsman"),
        ("OptionSet", "true", ""),
        ("SelectorSet", None, ""),
    ]


def test_an_empty_body_and_no_sets() -> None:
    request = built()
    assert request.root.find("s:Body/*", NAMES) is None
    assert request.root.find(".//w:SelectorSet", NAMES) is None
    assert request.root.find(".//w:OptionSet", NAMES) is None


def test_the_bytes_do_not_depend_on_prefixes_that_others_register() -> None:
    before = built().data
    for prefix, uri in NAMES.items():
        ET.register_namespace(f"other{prefix}", uri)
    assert built().data == before


@given(st.dictionaries(SENDABLE, SENDABLE, min_size=1, max_size=3))
def test_any_selector_survives(selectors: dict[str, str]) -> None:
    assert built(selectors=selectors).named("Selector") == selectors


@given(NAME, st.dictionaries(NAME, st.one_of(SENDABLE, st.integers(), st.booleans(), st.lists(SENDABLE, max_size=3)), max_size=4))
def test_any_argument_survives(method: str, arguments: dict[str, messages.Argument]) -> None:
    request = built(body=messages.method_body("urn:class", method, arguments))
    assert request.content.tag == f"{{urn:class}}{method}_INPUT"
    expected: list[tuple[str, str]] = []
    for name, value in arguments.items():
        items = value if isinstance(value, list) else [value]
        expected += [(name, str(item).lower() if isinstance(item, bool) else str(item)) for item in items]
    assert [(name, text or "") for name, text in request.arguments()] == expected


@pytest.mark.parametrize("text", ["\0", "\x1b", "\ud800", "\ufffe"])
def test_what_xml_cannot_carry_is_refused_before_it_is_sent(text: str) -> None:
    with pytest.raises(ValueError, match=r"U\+"):
        messages.method_body("urn:class", "Any", {"a": text})


@pytest.mark.parametrize("namespace", ["root/cimv2", "root\\cimv2", "/root/cimv2/"])
def test_resource_uris(namespace: str) -> None:
    expected = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/Win32_Service"
    assert messages.resource_uri("Win32_Service", namespace) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a", "'a'"), ("it's", r"'it\'s'"), ("c:\\a", r"'c:\\a'"), ("\\'", r"'\\\''"), ("' OR '1'='1", r"'\' OR \'1\'=\'1'")],
)
def test_wql_literals(value: str, expected: str) -> None:
    assert literal(value) == expected


@given(st.text())
def test_a_wql_literal_ends_where_it_should(value: str) -> None:
    inner = literal(value)[1:-1]
    unescaped, rest = [], list(inner)
    while rest:
        character = rest.pop(0)
        assert character != "'"
        unescaped.append(rest.pop(0) if character == "\\" else character)
    assert "".join(unescaped) == value


def test_one_condition_for_many() -> None:
    assert any_of("Name", ["a", "b"]) == "Name='a' OR Name='b'"

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Editing a configuration file: the proxy becomes as wished, and nothing else changes."""

from __future__ import annotations

import codecs
import xml.etree.ElementTree as ET

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.config_file import (
    DEFAULT,
    DIRECT,
    PROXY,
    ProxySettings,
    edit,
    read,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.xml_file import XmlError
from tests.unit.host.configured_windows import CONFIG

ADDRESS = "http://proxy.contoso.com:8080"
GO_THROUGH = ProxySettings(PROXY, ADDRESS)
NO_PROXY = ProxySettings(DIRECT)
LEAVE_IT = ProxySettings(DEFAULT)
# As Microsoft's page shows them.
MICROSOFT_PROXY = (
    b"<configuration><system.net><defaultProxy>"
    b'<proxy proxyaddress="http://proxyserver:8080" bypassonlocal="True" usesystemdefault="True"/>'
    b"</defaultProxy></system.net><runtime/></configuration>"
)
MICROSOFT_DIRECT = b'<configuration><system.net><defaultProxy enabled="false"></defaultProxy></system.net></configuration>'


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        (CONFIG, ProxySettings(DEFAULT)),
        (b"<configuration/>", ProxySettings(DEFAULT)),
        (b"<configuration><!-- <system.net><defaultProxy enabled='false'/></system.net> --></configuration>", ProxySettings(DEFAULT)),
        (b"<configuration><system.net><defaultProxy useDefaultCredentials='true'/></system.net></configuration>", ProxySettings(DEFAULT)),
        (MICROSOFT_PROXY, ProxySettings(PROXY, "http://proxyserver:8080", True, True)),
        (MICROSOFT_DIRECT, ProxySettings(DIRECT)),
        (
            b"<configuration><system.net><defaultProxy><proxy proxyaddress='http://[2001:db8::1]:80' bypassonlocal='Unspecified'/>"
            b"<bypasslist><add address='a&amp;b'/><clear/><add address='c'/></bypasslist></defaultProxy></system.net></configuration>",
            ProxySettings(PROXY, "http://[2001:db8::1]:80", None, None, ("a&b", "c")),
        ),
    ],
)
def test_what_a_file_says(content: bytes, settings: ProxySettings) -> None:
    assert read(content) == settings


def test_a_proxy_is_written_as_the_first_thing_in_the_layout_of_the_file() -> None:
    edited = edit(CONFIG, ProxySettings(PROXY, ADDRESS, True, False, (r"\.contoso\.com$", "a&b")))
    inserted = (
        b"  <system.net>\r\n    <defaultProxy>\r\n"
        b'      <proxy proxyaddress="http://proxy.contoso.com:8080" bypassonlocal="True" usesystemdefault="False" />\r\n'
        b'      <bypasslist>\r\n        <add address="\\.contoso\\.com$" />\r\n        <add address="a&amp;b" />\r\n      </bypasslist>\r\n'
        b"    </defaultProxy>\r\n  </system.net>\r\n"
    )
    assert edited == CONFIG.replace(b"<configuration>\r\n", b"<configuration>\r\n" + inserted)


def test_sections_stay_before_it_or_dotnet_refuses_the_file() -> None:
    content = b"<configuration>\n  <configSections>\n    <section name='x'/>\n  </configSections>\n  <runtime/>\n</configuration>"
    assert edit(content, NO_PROXY).index(b"</configSections>") < edit(content, NO_PROXY).index(b"<system.net>")
    assert [child.tag for child in ET.fromstring(edit(content, NO_PROXY))] == ["configSections", "system.net", "runtime"]


@pytest.mark.parametrize(
    ("content", "wanted", "expected"),
    [
        # Only the address is managed: the other attributes stay.
        (MICROSOFT_PROXY, GO_THROUGH, MICROSOFT_PROXY.replace(b"http://proxyserver:8080", ADDRESS.encode())),
        (MICROSOFT_PROXY, ProxySettings(PROXY, "HTTP://ProxyServer:8080/"), MICROSOFT_PROXY),
        (MICROSOFT_DIRECT, NO_PROXY, MICROSOFT_DIRECT),
        (MICROSOFT_DIRECT, LEAVE_IT, b"<configuration></configuration>"),
        (MICROSOFT_PROXY, LEAVE_IT, b"<configuration><runtime/></configuration>"),
        (CONFIG, LEAVE_IT, CONFIG),
        (CONFIG, ProxySettings(None), CONFIG),
        # What else stands there stays.
        (
            b"<configuration><system.net><!-- ours --><defaultProxy enabled='false' useDefaultCredentials='true'/></system.net>"
            b"</configuration>",
            LEAVE_IT,
            b"<configuration><system.net><!-- ours --><defaultProxy useDefaultCredentials='true'/></system.net></configuration>",
        ),
        (
            b"<configuration><system.net><mailSettings/></system.net></configuration>",
            NO_PROXY,
            b'<configuration><system.net><defaultProxy enabled="false" /><mailSettings/></system.net></configuration>',
        ),
    ],
)
def test_only_what_is_managed_changes(content: bytes, wanted: ProxySettings, expected: bytes) -> None:
    assert edit(content, wanted) == expected


def test_an_empty_list_removes_the_one_that_is_there() -> None:
    full = edit(CONFIG, ProxySettings(PROXY, ADDRESS, bypass_list=("a", "b")))
    assert edit(full, ProxySettings(PROXY, ADDRESS, bypass_list=())) == edit(CONFIG, GO_THROUGH)
    assert edit(full, GO_THROUGH) == full


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"], ids=["utf-8 with mark", "utf-16 with mark", "latin 1", "cp1252"]
)
def test_encoding_and_byte_order_mark_stay(encoding: str) -> None:
    declared = encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{declared}"?>\n<configuration>\n  <!-- gr\u00fc\u00dfe -->\n</configuration>\n'
    content = text.encode(encoding)
    edited = edit(content, ProxySettings(PROXY, ADDRESS, bypass_list=("\u00fc\u4e2d",)))
    assert edited.startswith(codecs.BOM_UTF8) == (encoding == "utf-8-sig")
    assert "gr\u00fc\u00dfe" in edited.decode(encoding)
    assert read(edited) == ProxySettings(PROXY, ADDRESS, bypass_list=("\u00fc\u4e2d",))
    assert edit(edited, LEAVE_IT) == content


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<configuration>", "not well-formed"),
        (b"", "not well-formed"),
        (b"<config/>", "root element is config"),
        (b'<!DOCTYPE configuration [<!ENTITY a "b">]><configuration/>', "document type"),
        (b'<?xml version="1.0" encoding="klingon"?><configuration/>', "klingon"),
        (b"<configuration>\xff</configuration>", "cannot be read as utf-8"),
    ],
)
def test_what_cannot_be_edited_is_refused_with_its_reason(content: bytes, reason: str) -> None:
    with pytest.raises(XmlError, match=reason):
        edit(content, GO_THROUGH)


# Properties. Files are put together from parts that a real one may have, in any order and layout.

_SPACES = st.sampled_from(["", "\n", "\r\n", "\n  ", "\r\n    ", " "])
_OTHERS = st.sampled_from(
    [
        '<runtime><gcServer enabled="true"/></runtime>',
        "<appSettings>\n <add key='a' value='<![CDATA[' />\n</appSettings>".replace("<![CDATA[", "1 &gt; 0"),
        "<!-- <system.net><defaultProxy enabled='false'/></system.net> -->",
        "<a><![CDATA[ <system.net/> ]]></a>",
        "<?keep this?>",
        "<x:y xmlns:x='urn:x' z=\"a>b\"/>",
    ]
)
_PROXIES = st.sampled_from(
    [
        "",
        "<system.net/>",
        "<system.net>\n  <defaultProxy/>\n</system.net>",
        "<system.net><defaultProxy enabled = 'False'></defaultProxy></system.net>",
        "<system.net><settings/><defaultProxy><proxy proxyaddress='http://old:1'/></defaultProxy></system.net>",
        "<system.net>\n    <defaultProxy>\n      <proxy\n proxyaddress='http://old:1' bypassonlocal='true' />\n"
        "      <bypasslist><add address='a'/></bypasslist><!-- mine --></defaultProxy></system.net>",
        "<system.net><defaultProxy><proxy usesystemdefault='true'/></defaultProxy></system.net>",
    ]
)


@st.composite
def _files(draw: st.DrawFn) -> bytes:
    parts = [draw(_SPACES) + draw(_OTHERS) for _index in range(draw(st.integers(0, 3)))]
    parts.insert(draw(st.integers(0, len(parts))), draw(_SPACES) + draw(_PROXIES))
    head = draw(st.sampled_from(["", '<?xml version="1.0"?>', "<!-- top -->\r\n"]))
    return f"{head}<configuration>{''.join(parts)}{draw(_SPACES)}</configuration>{draw(_SPACES)}".encode()


_FLAGS = st.none() | st.booleans()
_WISHES = st.one_of(
    st.just(NO_PROXY),
    st.just(LEAVE_IT),
    st.builds(
        ProxySettings,
        st.just(PROXY),
        st.sampled_from([ADDRESS, "http://old:1", "http://[2001:db8::1]:3128"]),
        _FLAGS,
        _FLAGS,
        st.none() | st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=5), max_size=3).map(tuple),
    ),
)


def _everything_else(content: bytes) -> list[object]:
    """Events of the whole document but the proxy settings and blank text."""
    parser = ET.XMLPullParser(["start", "comment", "pi"])
    parser.feed(content)
    parser.close()
    skipped = {"system.net", "defaultProxy", "proxy", "bypasslist"}
    listed = []
    in_list = 0
    for event, element in parser.read_events():
        if event == "start" and element.tag in skipped:
            in_list = len(element) if element.tag == "bypasslist" else in_list
            continue
        if event == "start" and element.tag == "add" and "key" not in element.attrib and in_list:
            in_list -= 1
            continue
        tag = element.tag if isinstance(element.tag, str) else event
        listed.append((event, tag, dict(element.attrib), (element.text or "").strip()))
    return listed


@given(_files(), _WISHES)
def test_an_edit_reaches_its_aim_at_once_and_keeps_everything_else(content: bytes, wanted: ProxySettings) -> None:
    edited = edit(content, wanted)
    found = read(edited)
    assert found.mode == wanted.mode
    if wanted.mode == PROXY:
        assert found.address == wanted.address
        assert wanted.bypass_on_local in (None, found.bypass_on_local)
        assert wanted.use_system_default in (None, found.use_system_default)
        assert wanted.bypass_list is None or tuple(wanted.bypass_list) == (found.bypass_list or ())
    assert edit(edited, wanted) == edited
    assert _everything_else(edited) == _everything_else(content)


@given(_files(), _WISHES)
def test_a_file_without_settings_comes_back_as_it_was(content: bytes, wanted: ProxySettings) -> None:
    bare = edit(content, LEAVE_IT)
    assume(ET.fromstring(bare).find("system.net") is None)
    assert edit(edit(bare, wanted), LEAVE_IT) == bare

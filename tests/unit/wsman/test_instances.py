# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading typed values from instances."""

from __future__ import annotations

import datetime as dt
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.instances import (
    Instance,
    flag,
    instance_from,
    moment,
    number,
    text,
    values,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import ProtocolError

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cim="http://schemas.dmtf.org/wbem/wscim/1/common"'
# A parser turns a carriage return into a line feed; servers send it as a reference.
XML_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\ufffe\uffff", min_codepoint=0x20))


def instance(inner: str) -> Instance:
    return instance_from(ET.fromstring(f'<p:Any xmlns:p="urn:any" {XSI}>{inner}</p:Any>'))


@pytest.mark.parametrize(
    ("inner", "value"),
    [
        ("<p:V>a</p:V>", "a"),
        ("<V>a</V>", "a"),
        ("<p:V></p:V>", ""),
        ("<p:V/>", ""),
        ('<p:V xsi:nil="true"/>', None),
        ('<p:V xsi:nil="1"/>', None),
        ('<p:V xsi:nil="false">a</p:V>', "a"),
        ("<p:V> a </p:V>", " a "),
        ("<p:V>\n <cim:Datetime>2024-01-01T00:00:00Z</cim:Datetime>\n</p:V>", "2024-01-01T00:00:00Z"),
        ("<p:V>a</p:V><p:V>b</p:V>", ["a", "b"]),
        ('<p:V>a</p:V><p:V xsi:nil="true"/><p:V/>', ["a", None, ""]),
    ],
)
def test_forms_of_a_value(inner: str, value: object) -> None:
    assert instance(inner) == {"V": value}


@pytest.mark.parametrize(
    ("found", "as_text", "as_list"),
    [
        ({}, None, []),
        ({"V": None}, None, []),
        ({"V": ""}, "", [""]),
        ({"V": "a"}, "a", ["a"]),
        ({"V": ["a", "b"]}, "a", ["a", "b"]),
        ({"V": ["a", None]}, "a", ["a"]),
        ({"V": []}, None, []),
    ],
)
def test_an_array_of_one_and_a_scalar_read_alike(found: Instance, as_text: str | None, as_list: list[str]) -> None:
    assert text(found, "V") == as_text
    assert values(found, "V") == as_list


@given(st.lists(XML_TEXT, min_size=1, max_size=4))
def test_any_text_survives(texts: list[str]) -> None:
    inner = "".join(f"<p:V>{escape(item)}</p:V>" for item in texts)
    assert values(instance(inner), "V") == texts


@given(st.integers(0, 2**64 - 1))
def test_unsigned_64_bit_numbers_are_exact(value: int) -> None:
    assert number({"V": f" {value}\n"}, "V") == value


@pytest.mark.parametrize("raw", [None, "", "  "])
def test_nothing_is_none_in_every_type(raw: str | None) -> None:
    found: Instance = {"V": raw}
    assert [number(found, "V"), flag(found, "V"), moment(found, "V")] == [None, None, None]


@pytest.mark.parametrize(
    ("raw", "value"), [("true", True), ("TRUE", True), ("1", True), ("false", False), (" False ", False), ("0", False)]
)
def test_flags(raw: str, value: bool) -> None:
    assert flag({"V": raw}, "V") is value


@pytest.mark.parametrize("read", [number, flag, moment])
@pytest.mark.parametrize("raw", ["maybe", "1.5", "2024-13-01T00:00:00Z", "P3DT2H", "0001-01-01T00:00:00+14:00"])
def test_a_value_of_another_type_is_refused_with_its_name(read: object, raw: str) -> None:
    with pytest.raises(ProtocolError, match="Version="):
        read({"Version": raw}, "Version")  # type: ignore[operator]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2013-03-09T02:57:32Z", "2013-03-09T02:57:32+00:00"),
        ("2013-04-15T20:28:20.913Z", "2013-04-15T20:28:20.913000+00:00"),
        ("2013-04-15T16:28:43.488171Z", "2013-04-15T16:28:43.488171+00:00"),
        ("2013-04-15T16:28:43.4881719Z", "2013-04-15T16:28:43.488171+00:00"),
        ("2013-04-15T16:28:43.5+02:00", "2013-04-15T14:28:43.500000+00:00"),
        ("2013-04-15T16:28:43-0930", "2013-04-16T01:58:43+00:00"),
        ("2013-04-15T16:28:43", "2013-04-15T16:28:43+00:00"),
        (" 2013-04-15t16:28:43z ", "2013-04-15T16:28:43+00:00"),
    ],
)
def test_moments(raw: str, expected: str) -> None:
    assert moment({"V": raw.replace("t", "T")}, "V") == dt.datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    "raw",
    [
        *("2013041516****.******+000", "********163000.000000+060", "**************.******+***", "201304151628**.000000-240"),
        *("2013-04-15", "2013-04-15Z", "2013-04-15+02:00", "16:28:43", "16:28:43.5Z"),
    ],
)
def test_a_moment_that_is_not_wholly_known_is_none(raw: str) -> None:
    assert moment({"V": raw}, "V") is None


@given(st.sets(st.integers(0, 13), min_size=1), st.integers(0, 6))
def test_whatever_part_of_a_moment_is_not_known(unknown: set[int], digits: int) -> None:
    raw = "".join("*" if place in unknown else digit for place, digit in enumerate("20130415162843"))
    assert moment({"V": f"{raw}.{'488171'[:digits]:*<6}+060"}, "V") is None


@given(st.integers(0, 6))
def test_a_fraction_is_known_as_far_as_it_is(digits: int) -> None:
    found = moment({"V": f"20130415162843.{'488171'[:digits]:*<6}+000"}, "V")
    assert found == dt.datetime(2013, 4, 15, 16, 28, 43, int(f"{'488171'[:digits]:0<6}"), tzinfo=dt.timezone.utc)


@given(
    st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)),
    st.sampled_from([0, 3, 6, 7]),
    st.integers(-14 * 60, 14 * 60),
)
def test_any_moment_in_any_offset(when: dt.datetime, digits: int, minutes: int) -> None:
    zone = dt.timezone(dt.timedelta(minutes=minutes))
    kept = when.microsecond // 10 ** (6 - min(digits, 6)) * 10 ** (6 - min(digits, 6)) if digits else 0
    when = when.replace(microsecond=kept, tzinfo=zone)
    fraction = f".{when.microsecond:06d}0"[: digits + 1] if digits else ""
    sign, absolute = ("-" if minutes < 0 else "+"), abs(minutes)
    raw = f"{when:%Y-%m-%dT%H:%M:%S}{fraction}{sign}{absolute // 60:02d}:{absolute % 60:02d}"
    found = moment({"V": raw}, "V")
    assert found == when
    assert found is not None
    assert found.tzinfo is dt.timezone.utc

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is taken out of a report, what stays, and that doing it twice changes nothing more."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.host.mask import Mask

WORDS = ("nam-web-01.corp.contoso.com", "NAM-WEB-01")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("asking SELECT a FROM b on https://nam-web-01.corp.contoso.com:5986/wsman", "asking SELECT a FROM b on https://(host):5986/wsman"),
        ("through http://ada:pw@proxy.example:8080/x", "through http://(host):8080/x"),
        ("https://[2001:db8::1]:5986/wsman", "https://(host):5986/wsman"),
        ("https://[fe80::1%eth0]/wsman", "https://(host)/wsman"),
        ("Nam-Web-01.corp.contoso.com and nam-web-01", "(name) and (name)"),
        ("proxy.corp.contoso.com", "proxy.(name)"),
        (r"C:\Users\ada\Temp\x.log", r"C:\Users\(user)\Temp\x.log"),
        ("{0d1f6f6e-6b1c-4e57-8f0d-6d2c1a4a9a11}", "(guid)"),
        ("AB" * 20, "(thumbprint)"),
        ("version 1.5.4892.0 of 10.0.20348", "version 1.5.4892.0 of 10.0.20348"),
        (r"SOFTWARE\Microsoft\Windows", r"SOFTWARE\Microsoft\Windows"),
    ],
)
def test_what_is_taken_out(text: str, shown: str) -> None:
    assert Mask(WORDS).of(text) == shown


def test_it_reaches_every_text_and_leaves_the_rest() -> None:
    value = {"nam-web-01": ["nam-web-01", 1, None, True, {"a": ("nam-web-01",)}]}
    assert Mask(WORDS).of(value) == {"(name)": ["(name)", 1, None, True, {"a": ["(name)"]}]}


@pytest.mark.parametrize("words", [[], [""], ["a"]])
def test_no_name_masks_nothing(words: t.Sequence[str]) -> None:
    assert Mask(words).of("a name") == "a name"


@pytest.mark.parametrize("address", ["192.0.2.10", "2001:db8::1"])
def test_of_an_address_no_part_is_taken_for_a_domain(address: str) -> None:
    assert Mask([address]).of(f"{address}, 0.2.10") == "(name), 0.2.10"


@given(st.text(alphabet="ab.:/@[]()-\\ nampw01htes", max_size=60))
def test_a_masked_text_stays_as_it_is(text: str) -> None:
    mask = Mask(WORDS)
    once = mask.of(text)
    assert mask.of(once) == once

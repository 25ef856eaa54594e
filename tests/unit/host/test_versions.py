# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions: what a file tells of itself, and how two are compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.host.plan_connector import Desired, plan
from ansible_collections.entra.app_proxy.plugins.module_utils.host.versions import at_least, is_version, readable
from tests.unit.host.windows import Windows

NUMBERS = st.lists(st.integers(0, 65535), min_size=2, max_size=4)


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("1.5.3829.0", "1.5.3829.0"),
        ("1, 5, 3829, 0", "1.5.3829.0"),
        ("1.5.3829.0-rc1", "1.5.3829.0"),
        ("10.0.17763.1 (WinBuild.160101.0800)", "10.0.17763.1"),
        (" 1.5", "1.5"),
        ("", None),
        ("   ", None),
        (None, None),
        ("unknown", None),
        ("1", None),
        ("1.5.3829.0.7", None),
        ("1.5.382900", None),
        ("\u0661.\u0665", None),
    ],
)
def test_what_a_file_tells_of_itself(told: str | None, version: str | None) -> None:
    assert readable(told) == version


@given(st.text(st.characters(codec="utf-8"), max_size=30) | st.from_regex(r"[0-9., ]{0,20}", fullmatch=True))
def test_what_was_read_can_be_compared(told: str) -> None:
    version = readable(told)
    if version is not None:
        assert is_version(version)
        assert at_least(version, "0.0")


@given(NUMBERS, NUMBERS)
def test_versions_are_compared_as_numbers(one: list[int], other: list[int]) -> None:
    filled = [numbers + [0] * (4 - len(numbers)) for numbers in (one, other)]
    assert at_least(".".join(map(str, one)), ".".join(map(str, other))) is (filled[0] >= filled[1])


@pytest.mark.parametrize("text", ["1.5.3829.0\n", "1", "1.5.3829.0.7", "v1.5", ""])
def test_no_version(text: str) -> None:
    assert not is_version(text)


def test_a_connector_that_tells_no_version_is_left_as_it_is_with_a_warning() -> None:
    windows = Windows(version="unknown")
    windows.install("Running")
    found = plan(Desired(version="1.5.4522.0"), windows.server().observe())
    assert not [change for change in found.changes if change.name == "NAM-WEB-01"]
    assert any("cannot be read" in warning for warning in found.warnings)

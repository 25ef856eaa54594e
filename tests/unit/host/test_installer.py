# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exit codes and what they lead to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer import explain


@pytest.mark.parametrize(
    ("code", "succeeded", "reboot", "busy"),
    [
        (0, True, False, False),
        (3010, True, True, False),
        (1641, True, True, False),
        (1638, False, False, False),
        (1605, True, False, False),
        (1618, False, False, True),
        (1602, False, False, False),
        (1603, False, False, False),
        (1619, False, False, False),
        (5, False, False, False),
        # HRESULTs of Win32 codes, unsigned and signed.
        (0x80070643, False, False, False),
        (-2147023293, False, False, False),
        (-2147021886, True, True, False),
    ],
)
def test_exit_codes(code: int, succeeded: bool, reboot: bool, busy: bool) -> None:
    outcome = explain(code)
    assert (outcome.succeeded, outcome.reboot_required, outcome.busy) == (succeeded, reboot, busy)
    assert outcome.meaning
    assert outcome.succeeded or outcome.remedy, "a failure says what to do"


def test_the_hresult_of_1603_is_explained_as_1603() -> None:
    assert explain(0x80070643) == explain(-2147023293) == explain(1603)


@given(code=st.integers(min_value=-(2**31), max_value=2**32 - 1))
def test_every_code_has_a_meaning_and_a_way_out(code: int) -> None:
    outcome = explain(code)
    assert outcome.meaning
    assert outcome.succeeded or outcome.remedy

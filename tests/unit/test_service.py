# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What everyone that talks about the service compares by."""

from __future__ import annotations

import unicodedata

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.service import folded, is_active, version_numbers


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Web", " wEB ", True),
        (unicodedata.normalize("NFC", "Zürich"), unicodedata.normalize("NFD", "ZÜRICH"), True),
        (None, "", True),
        ("Web", "Web 2", False),
    ],
)
def test_names_are_compared_without_case_and_however_they_were_composed(one: str | None, other: str, same: bool) -> None:
    assert (folded(one) == folded(other)) is same


@pytest.mark.parametrize(
    ("status", "active"), [("active", True), ("Active", True), ("inactive", False), ("updating", False), (None, False)]
)
def test_only_active_serves(status: str | None, active: bool) -> None:
    assert is_active(status) is active


def test_versions_are_compared_by_their_numbers() -> None:
    assert version_numbers("1.5.900.0") < version_numbers("1.5.4892.0") == version_numbers("1.5.4892-0")

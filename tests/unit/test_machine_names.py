# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.machine_names import Machines

NAMES = st.sampled_from(["web", "WEB", "web.a.com", "Web.b.com", "hr", "hr.a.com", ""])


@pytest.mark.parametrize(
    ("there", "asked", "found"),
    [
        (["WEB-01"], "web-01", ["WEB-01"]),
        (["web-01.contoso.com"], "WEB-01", ["web-01.contoso.com"]),
        (["WEB-01"], "web-01.contoso.com", ["WEB-01"]),
        (["WEB-01", "web-01.contoso.com"], "WEB-01", ["WEB-01", "web-01.contoso.com"]),
        (["web-01.contoso.com", "WEB-01"], "WEB-01", ["WEB-01", "web-01.contoso.com"]),
        (["web-01.contoso.com"], "web-01.fabrikam.com", []),
        (["web-01.contoso.com", "web-01.fabrikam.com"], "WEB-01", []),
        (["WEB-01", "web-01.contoso.com", "web-01.fabrikam.com"], "WEB-01", ["WEB-01"]),
        (["web-01.contoso.com", "web-01.fabrikam.com"], "WEB-01.CONTOSO.COM", ["web-01.contoso.com"]),
        (["WEB-011"], "WEB-01", []),
        ([""], "", []),
        (["WEB-01"], None, []),
    ],
)
def test_short_and_full_names_of_one_machine_are_found_and_never_those_of_another(
    there: list[str], asked: str | None, found: list[str]
) -> None:
    assert Machines(there, lambda name: name).of(asked) == found


@given(st.lists(NAMES), NAMES)
def test_what_is_found_is_of_one_machine(there: list[str], asked: str) -> None:
    found = Machines(there, lambda name: name).of(asked)
    assert len({name.casefold() for name in found if "." in name}) <= 1
    assert {name.casefold().partition(".")[0] for name in found} <= {asked.casefold().partition(".")[0]}

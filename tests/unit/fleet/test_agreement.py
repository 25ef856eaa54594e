# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.fleet.agreement import disagreements

DRAIN = {"upgrade_drain": True}
SECONDS = {"upgrade_drain_seconds": 60}


@pytest.mark.parametrize(
    ("values", "defaults"),
    [
        ([{}, {}], DRAIN),
        ([{"upgrade_drain": "yes"}, {"upgrade_drain": True}, {"upgrade_drain": "True"}, {}], DRAIN),
        ([{"upgrade_drain": "no"}, {"upgrade_drain": False}], DRAIN),
        ([{"upgrade_drain_seconds": "60"}, {"upgrade_drain_seconds": 60}, {}], SECONDS),
        ([{"upgrade_drain_seconds": 5}], SECONDS),
        ([], {**DRAIN, **SECONDS}),
    ],
)
def test_hosts_agree_however_they_write_it(values: list[dict[str, t.Any]], defaults: dict[str, t.Any]) -> None:
    assert disagreements({f"w{number}": one for number, one in enumerate(values)}, defaults) == []


@pytest.mark.parametrize(
    ("values", "defaults", "listed"),
    [
        ([{"upgrade_drain": "no"}, {}], DRAIN, "w0 has false, w1 has true"),
        ([{}, {}, {"upgrade_drain_seconds": "5"}], SECONDS, "w0 has 60, w2 has 5"),
    ],
)
def test_one_that_differs_is_named_with_an_example_of_each_value(
    values: list[dict[str, t.Any]], defaults: dict[str, t.Any], listed: str
) -> None:
    (sentence,) = disagreements({f"w{number}": one for number, one in enumerate(values)}, {**defaults, "same": "x"})
    assert sentence.startswith(f"{next(iter(defaults))} counts for the whole run, and is not the same for all of its servers: {listed}.")

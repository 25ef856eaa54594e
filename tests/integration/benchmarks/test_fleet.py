# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bounds of a large fleet hold in a small one. Counts only: a test says nothing of time."""

from __future__ import annotations

import pathlib

import pytest

from benchmarks import fleet

GROUPS = 2
REQUESTS = [10, 9]
"""Of a deployment and of a verification to one server that is as it should be: eight and seven messages, and two legs of NTLM."""


def test_a_small_fleet_keeps_the_bounds_of_a_large_one(tmp_path: pathlib.Path) -> None:
    report = fleet.measure(tmp_path, GROUPS, GROUPS, 0)
    servers = fleet.servers_of(GROUPS)
    assert report.missed == []
    assert [one.wsman for one in report.jobs] == [one * servers for one in REQUESTS]
    assert [wave.servers for wave in report.upgrade.waves] == [2, 2, 2, 1]
    assert f"| rolling upgrade | {servers} | {GROUPS} |" in fleet.tables(report)


@pytest.mark.parametrize(("waves", "ratio"), [(4, 1.0), (8, 2.0)])
def test_the_makespan_is_held_against_the_largest_group(waves: int, ratio: float) -> None:
    alone = fleet.Wave(1, 100, 20)
    upgrade = fleet.Upgrade((alone,) * waves, alone, 4, {"Site 000": 2})
    nothing = fleet.Measurement("rolling upgrade", 0, 0, 1, 1, 1, 0)
    report = fleet.Report(GROUPS, (), waves, GROUPS, (nothing,), upgrade)
    assert upgrade.ratio == pytest.approx(ratio)
    assert bool(report.missed) is (ratio > fleet.MOST_OF_THE_LARGEST_GROUP)

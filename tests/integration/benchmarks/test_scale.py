# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bounds of a large tenant hold in a small one. Counts only: a test says nothing of time."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest

from benchmarks import page, scale
from tests.support.lab_process import Lab

GROUPS = 21
"""As many as make the goal reachable: five requests of the uri loop for each, two for all of them."""


@pytest.fixture
def bench(lab: Lab, tmp_path: pathlib.Path) -> scale.Bench:
    return scale.Bench(lab, tmp_path)


def test_the_requests_of_a_no_op_are_those_of_the_formula_and_grow_with_the_pages_only(bench: scale.Bench) -> None:
    small, large = scale.measure_growth(bench, (GROUPS, 20 * GROUPS))
    assert [one.requests for one in (small, large)] == [scale.MANNERS[0].bound(one.groups) for one in (small, large)]
    assert small.requests == 2
    assert large.requests == 1 + 3, "2,100 connectors are three pages"


@pytest.mark.parametrize("manner", scale.MANNERS[1:], ids=["ids", "refuses"])
def test_the_formula_holds_where_the_service_does_less(bench: scale.Bench, manner: scale.Manner) -> None:
    groups = 7 * GROUPS
    done = bench.measure(scale.NO_OP, scale.WHOLE_FLEET, groups, scale.seed(groups), manner)
    assert (done.requests, done.writes) == (manner.bound(groups), 0)


@pytest.mark.parametrize(("job", "tenant", "groups"), [(scale.DRIFT, scale.drifted, 200), (scale.CREATION, scale.empty, GROUPS)])
def test_writes_are_bounded_by_batches_and_nothing_is_left_to_do(
    lab: Lab, bench: scale.Bench, job: str, tenant: t.Callable[[int], dict[str, t.Any]], groups: int
) -> None:
    done = bench.measure(job, scale.WHOLE_FLEET, groups, tenant(groups), scale.MANNERS[0])
    missing = groups if job == scale.CREATION else groups // 100
    assert done.writes == missing * (1 + scale.CONNECTORS + scale.APPLICATIONS)
    assert done.write_requests == scale.write_batches(missing)
    found = {one["name"]: (one["members"], one["applications"]) for one in lab.get("/tenant")["groups"] if not one["is_default"]}
    wanted = {one["name"]: (one["connectors"], one["applications"]) for one in scale.fleet(groups)}
    assert {name: tuple(map(sorted, inside)) for name, inside in found.items()} == wanted


def test_it_takes_fifty_times_fewer_requests_than_the_uri_loop(bench: scale.Bench) -> None:
    loop = scale.measure_loop(bench, scale.URI_LOOP, GROUPS)
    ours = scale.measure_loop(bench, scale.WHOLE_FLEET, GROUPS)
    assert (loop.done, loop.writes, ours.writes) == (GROUPS, 0, 0)
    assert loop.requests == GROUPS * (3 + scale.APPLICATIONS)
    assert loop.requests >= scale.FEWER * ours.requests


def test_an_alternative_that_takes_too_long_is_ended_and_says_how_far_it_came(bench: scale.Bench) -> None:
    cut = scale.measure_loop(bench, scale.SINGLE_MODULE, 1000, seconds=12)
    assert 0 < cut.done < 1000
    assert not cut.finished


def measurement(**changes: t.Any) -> scale.Measurement:
    size = 1000
    one = scale.Measurement(scale.NO_OP, scale.MANNERS[0].name, size, size, 8, 0, 0, 0, 10.0, 100.0)
    return dataclasses.replace(one, **changes)


def report(**changes: t.Any) -> scale.Report:
    loop = measurement(requests=5000, seconds=1000.0)
    return dataclasses.replace(scale.Report(loop, loop, [measurement()], [measurement()]), **changes)


def test_a_report_knows_what_was_missed() -> None:
    assert report().missed == []
    assert len(report(growth=[measurement(requests=9)]).missed) == 1
    one_more = scale.write_batches(1000) + 1
    assert len(report(fleet=[measurement(), measurement(job=scale.CREATION, writes=8000, write_requests=one_more)]).missed) == 1
    slow = report(uri_loop=measurement(requests=399, seconds=199.0)).missed
    assert [sentence.rpartition(" ")[2] for sentence in slow] == [str(scale.FEWER), str(scale.FASTER)]


def test_the_table_never_hides_that_an_alternative_was_ended(tmp_path: pathlib.Path) -> None:
    ended = report(uri_loop=measurement(requests=5000, seconds=1000.0, done=412))
    assert "412 of 1,000, then ended" in scale.tables(ended)
    assert "at least 625 times fewer requests" in scale.tables(ended)
    assert "It is met." in scale.tables(ended)
    assert "Not shown by this run: a no-op takes 5 times" in scale.tables(report(uri_loop=measurement(requests=40, seconds=1000.0, done=8)))
    ended.save(tmp_path / "report.json")
    assert scale.tables(scale.Report.load(tmp_path / "report.json")) == scale.tables(ended)


def test_the_page_shows_the_numbers_of_the_formula() -> None:
    shown = page.read()
    assert f"<!-- {scale.MARK}: begin -->" in shown
    for manner in scale.MANNERS:
        line = next(line for line in shown.splitlines() if f"| {scale.NO_OP} | {manner.name} |" in line)
        assert f"| {manner.bound(scale.GROUPS)} |" in line

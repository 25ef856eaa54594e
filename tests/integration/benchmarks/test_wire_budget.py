# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The budgets of the wire hold, in every way to connect that this machine has, and the page shows what was measured."""

from __future__ import annotations

import pathlib

from benchmarks import page, wire_budget
from tests.support import kdc as kdcs


def test_no_job_exceeds_its_budget_and_the_page_shows_the_numbers(tmp_path: pathlib.Path) -> None:
    costs = wire_budget.measure(tmp_path)
    assert [sentence for cost in costs for sentence in cost.exceeded()] == []
    written = page.PAGE.read_text()
    # Bytes vary by the length of ids and moments.
    shown = [
        f"| {cost.job.name} | {cost.connection} | {cost.authentication} | {cost.operations} | {cost.messages} | {cost.requests} | "
        for cost in costs
    ]
    assert [line for line in shown if line not in written] == []
    assert {cost.authentication for cost in costs} == {"basic", "ntlm"} | (set() if kdcs.missing() else {"kerberos"})


def test_a_second_deployment_stays_within_its_budget_and_the_page_shows_it(tmp_path: pathlib.Path) -> None:
    deploy = wire_budget.measure_deploy(tmp_path)
    assert deploy.exceeded() == []
    # Without the bytes, which vary by the length of ids and moments.
    assert wire_budget.deploy_table(deploy).rpartition(" | ")[0] in page.PAGE.read_text()


def test_a_budget_that_is_exceeded_is_named() -> None:
    deploy = wire_budget.Deploy(6, {where: most + 1 for where, most in wire_budget.DEPLOY_BUDGET.items()}, 0)
    assert [sentence.partition(": ")[2] for sentence in deploy.exceeded()] == [
        f"{most + 1} requests to {where}, allowed are {most}" for where, most in wire_budget.DEPLOY_BUDGET.items()
    ]


def test_the_page_keeps_what_is_around_the_marks() -> None:
    first = page.written("# Page\n", "here", "About it", "TABLE 1")
    assert "About it" in first
    assert page.written(first + "after\n", "here", "About it", "TABLE 2") == first.replace("TABLE 1", "TABLE 2") + "after\n"

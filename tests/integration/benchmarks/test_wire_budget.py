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


def test_the_page_keeps_what_is_around_the_marks() -> None:
    first = page.written("# Page\n", "here", "About it", "TABLE 1")
    assert "About it" in first
    assert page.written(first + "after\n", "here", "About it", "TABLE 2") == first.replace("TABLE 1", "TABLE 2") + "after\n"

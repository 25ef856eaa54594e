# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan as a product: headline, lines, what was left out, per-item results, and the file."""

from __future__ import annotations

import json
import pathlib
import stat

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import plan_file
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.apply import Outcome, identity
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredGroup
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import GraphError, TenantError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.items import items
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import resolve
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.summary import headline, summary
from tests.unit.tenant.builders import proposal, tenant, want

STATE = tenant({"HR": ["HR1", "HR2"], "Old": []}, default=["WEB1", "WEB2"], applications={"Intranet": None, "Payroll": None})
FLEET = [
    want("Web", ["WEB1", "WEB2"], ["Intranet"], region="nam"),
    want("HR", ["HR1", "HR2"], ["Payroll"], minimum=3),
    DesiredGroup("Old", absent=True),
]


def test_the_headline_counts_things_not_only_verbs() -> None:
    made = proposal(STATE, *FLEET)
    assert (
        headline(made.plan)
        == "Plan: 1 connector group to create, 2 connectors to move, 1 application to assign, 1 connector group to delete."
    )
    assert headline(proposal(STATE, want("Web")).plan) == "Plan: 1 connector group to create, nothing to delete."
    assert headline(proposal(STATE, want("HR")).plan) == "Plan: nothing to do."


def test_the_summary_tells_steps_and_what_is_safe_instead() -> None:
    made = proposal(STATE, *FLEET)
    lines = summary(made.plan, made.blocked)
    assert len(lines) == 1 + len(made.plan.changes) + 1 + 1 + 2
    assert lines[-4:] == [
        "Not done: 1",
        "  ! application Payroll is not assigned: connector group HR has 2 active connector(s) of the 3 it needs",
        "      1. bring 1 more active connector(s) into connector group HR",
        "      2. run again: application Payroll is then assigned",
    ]


def test_every_item_tells_what_became_of_it() -> None:
    made = proposal(STATE, *FLEET)
    done = Outcome(done=list(made.plan.changes), blocked=list(made.blocked))
    entries = items(resolve(FLEET, STATE).targets, made.plan, done, [])
    assert [(one["name"], one["status"], one["changed"], len(one["steps"])) for one in entries] == [
        ("Web", "created", True, 4),
        ("HR", "refused", False, 0),
        ("Old", "deleted", True, 1),
    ]
    assert entries[1]["reasons"] == [made.blocked[0].reason]


def test_an_item_with_a_failed_step_failed() -> None:
    made = proposal(STATE, FLEET[0])
    lost = made.plan.changes[-1]
    outcome = Outcome(done=list(made.plan.changes[:-1]), failures=[GraphError("assign", "Intranet")], failed={identity(lost): "why"})
    (entry,) = items(resolve(FLEET[:1], STATE).targets, made.plan, outcome, [])
    assert (entry["status"], entry["changed"], entry["reasons"]) == ("failed", True, ["why"])


def test_the_file_holds_the_plan_for_its_owner_only(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("something else that was there")
    plan = proposal(STATE, *FLEET).plan.as_dict()
    plan_file.write(path, "entra.app_proxy.connector_groups", plan)
    document = json.loads(path.read_text())
    assert document == {"format": 1, "module": "entra.app_proxy.connector_groups", **plan}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = path.read_bytes()
    plan_file.write(path, "entra.app_proxy.connector_groups", plan)
    assert (path.read_bytes(), [one.name for one in tmp_path.iterdir()]) == (first, ["plan.json"])


@pytest.mark.parametrize("name", ["missing/plan.json", "."])
def test_a_file_that_cannot_be_written_is_known_before_anything_is_done(tmp_path: pathlib.Path, name: str) -> None:
    with pytest.raises(TenantError, match="plan_file"):
        plan_file.check(tmp_path / name)


def test_a_file_that_could_not_be_written_leaves_nothing_behind(tmp_path: pathlib.Path) -> None:
    with pytest.raises(TenantError, match="could not be written"):
        plan_file.write(tmp_path / "missing" / "plan.json", "module", {})
    assert list(tmp_path.iterdir()) == []

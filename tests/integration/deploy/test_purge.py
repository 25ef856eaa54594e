# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connector groups that the inventory does not declare: kept by the main playbook, and deleted when that is said."""

from __future__ import annotations

import json
import pathlib
import stat
import typing as t

from tests.integration.deploy.conftest import Deployment
from tests.support.playbook import Run

FOREIGN = "Default group for AD Sync Fabric"
DECLARED = {"Default", "EUR Web", FOREIGN, "NAM HR", "NAM Web"}


def groups_only(deployment: Deployment, *arguments: str, **variables: t.Any) -> Run:
    return deployment.run(
        "--tags", "groups", *arguments, "-e", json.dumps({f"connector_groups_{name}": v for name, v in variables.items()})
    )


def test_undeclared_groups_are_kept_until_purge_is_set_and_then_deleted_within_the_limit(
    deployment: Deployment, tmp_path: pathlib.Path
) -> None:
    lab, plan_file = deployment.lab, tmp_path / "plan.json"
    deployment.run().succeeded()
    for name in ("Old 1", "Old 2", "Used"):
        lab.post("/groups", {"name": name})
    lab.post("/connectors", {"machine_name": "LEFT-OVER", "group": "Old 1", "status": "active"})
    lab.post("/applications", {"display_name": "Wiki", "group": "Used"})
    everything = DECLARED | {"Old 1", "Old 2", "Used"}

    groups_only(deployment).succeeded()
    assert set(deployment.groups()) == everything

    start = lab.last_seq()
    refused = groups_only(deployment, purge=True)
    assert refused.rc != 0
    assert "max_delete" in refused.output
    assert deployment.since(start, "write") == []

    checked = groups_only(deployment, "--check", purge=True, max_delete="50%", plan_file=str(plan_file))
    checked.succeeded()
    assert (deployment.since(start, "write"), set(deployment.groups())) == ([], everything)
    planned = json.loads(plan_file.read_text())
    assert stat.S_IMODE(plan_file.stat().st_mode) == 0o600
    assert sorted(change["name"] for change in planned["changes"] if change["action"] == "delete") == ["Old 1", "Old 2"]

    groups_only(deployment, purge=True, max_delete="50%", plan_file=str(plan_file)).succeeded()
    assert json.loads(plan_file.read_text()) == planned
    assert set(deployment.groups()) == DECLARED | {"Used"}
    assert deployment.groups()["Default"]["members"] == ["LEFT-OVER"]

    short = groups_only(deployment, purge=True, purge_in_use=True)
    assert short.rc != 0
    assert set(deployment.groups()) == DECLARED | {"Used"}
    groups_only(deployment, purge=True, purge_in_use=True, default_min_connectors=1).succeeded()
    assert set(deployment.groups()) == DECLARED
    assert deployment.groups()["Default"]["applications"] == ["Wiki"]

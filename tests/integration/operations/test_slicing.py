# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One fleet in several jobs side by side, as automation controller and AWX run them: sliced by connector group, and sliced awkwardly."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import typing as t

from tests.integration.operations.conftest import NEW, THREES, WEB, Operations
from tests.integration.operations.witness import watching
from tests.support.playbook import Run

BY_GROUP = (("--limit", "group_web,localhost"), ("--limit", "group_hr,localhost"))
# Host by host in turn, as automation controller divides an inventory.
IN_TURN = (("--limit", f"{WEB[0]},{WEB[2]},localhost"), ("--limit", f"{WEB[1]},localhost"))
PATIENT = {"upgrade_wait_timeout": 240, "upgrade_claim_timeout": 240}


def sliced(operations: Operations, playbook: str, slices: t.Sequence[tuple[str, str]], **variables: t.Any) -> list[Run]:
    """The playbook once for each slice, all at the same time."""
    jobs = [
        dataclasses.replace(operations, ansible=dataclasses.replace(operations.ansible, home=operations.directory / f"slice-{number}"))
        for number in range(len(slices))
    ]
    with concurrent.futures.ThreadPoolExecutor() as workers:
        runs = [workers.submit(job.run, playbook, *limit, **variables) for job, limit in zip(jobs, slices, strict=True)]
        return [run.result() for run in runs]


def test_an_upgrade_sliced_by_group_ends_as_one_run_does_and_keeps_every_group_at_its_minimum(operations: Operations) -> None:
    operations.fleet(THREES)
    before = operations.members()
    with watching(operations.lab, THREES) as witness:
        runs = sliced(operations, "upgrade_connectors", BY_GROUP, connector_version=NEW, upgrade_drain_seconds=0, upgrade_wait_interval=1)
    for run in runs:
        run.succeeded()
    assert witness.worst() == {"Web": 2, "HR": 2}
    assert operations.members() == before
    assert set(operations.versions().values()) == {NEW}
    assert operations.claims() == {}
    assert operations.run("deploy_connectors", connector_version=NEW).succeeded().total("changed") == 0


def test_a_deployment_sliced_by_group_changes_nothing_in_a_fleet_that_stands(operations: Operations) -> None:
    operations.fleet(THREES)
    seq = operations.lab.last_seq()
    for run in sliced(operations, "deploy_connectors", BY_GROUP):
        assert run.succeeded().total("changed") == 0
    assert operations.writes(seq) == []


def test_slices_that_share_a_group_wait_for_each_other(operations: Operations) -> None:
    operations.fleet({"Web": WEB})
    before = operations.members()
    variables = {"connector_version": NEW, "upgrade_drain_seconds": 0, "upgrade_wait_interval": 1, **PATIENT}
    with watching(operations.lab, ["Web"]) as witness:
        runs = sliced(operations, "upgrade_connectors", IN_TURN, **variables)
    for run in runs:
        run.succeeded()
    assert witness.worst() == {"Web": 2}
    assert operations.members() == before
    assert set(operations.versions().values()) == {NEW}


def test_a_slice_whose_inventory_lacks_servers_of_a_group_is_refused_and_nothing_is_written(operations: Operations) -> None:
    operations.fleet({"Web": WEB})
    # Automation controller gives a slice an inventory that holds only the slice's own servers.
    operations.declare({"Web": WEB[1:2]})
    seq = operations.lab.last_seq()
    for playbook in ("deploy_connectors", "upgrade_connectors"):
        run = operations.run(playbook, connector_version=NEW)
        assert run.rc != 0
        assert f"inventory group 'group_web' has 1 host ({WEB[1]}), and 2 are needed" in run.stdout
    assert operations.writes(seq) == []

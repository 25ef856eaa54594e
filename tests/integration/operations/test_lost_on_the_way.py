# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that stops answering in the middle of its turn, or that cannot be looked at: nothing is called done that was not."""

from __future__ import annotations

import pathlib
import re

import pytest

from tests.integration.operations.conftest import NEW, WEB, Operations
from tests.support.lab_process import ROOT

ONE = {"Web": WEB}
FIRST = WEB[0]
LIMIT = ("--limit", f"{FIRST},localhost")
ASK_THE_LAB = """
- name: Let something happen to the server
  ansible.builtin.uri:
    url: "{{ lab.admin }}/%s"
    method: %s
    body_format: json
    status_code: [200, 201, 204]
    body: %s
  delegate_to: localhost
  vars: {ansible_connection: local}
"""


@pytest.mark.parametrize(
    "happening",
    [
        (f"servers/{FIRST}", "PATCH", "{reachable: false}"),
        ("faults", "POST", f"{{kind: drop_before, plane: wsman, target: {FIRST}, nth: 10, count: 3}}"),
    ],
    ids=["it does not answer any more", "the order to restart is lost"],
)
def test_an_upgrade_that_loses_the_server_before_its_restart_is_not_called_upgraded(
    operations: Operations, tmp_path: pathlib.Path, happening: tuple[str, str, str]
) -> None:
    operations.fleet(ONE, version=NEW)
    boot = operations.lab.get(f"/servers/{FIRST}")["boot"]
    hook = tmp_path / "hook.yml"
    hook.write_text(ASK_THE_LAB % happening)
    given = {"upgrade_tasks_file": str(hook), "upgrade_restart": "always", "upgrade_restart_timeout": 20}
    run = operations.upgrade(*LIMIT, **given)
    restarted = operations.lab.get(f"/servers/{FIRST}")["boot"] > boot
    assert (run.rc == 0) == restarted, run.output
    assert bool(re.search(rf"{FIRST}\s+Web\s+upgraded", run.stdout)) == restarted
    assert bool(re.search(rf"{FIRST}\s+Web\s+failed", run.stdout)) != restarted


def test_an_outbound_proxy_that_cannot_be_looked_at_is_told(operations: Operations) -> None:
    operations.fleet(ONE, version=NEW)
    seq = operations.lab.last_seq()
    run = operations.upgrade(*LIMIT, connector_proxy_mode="proxy")
    assert run.rc != 0
    assert "its outbound proxy cannot be looked at: " in " ".join(run.stdout.split())
    assert operations.writes(seq) == []


def test_a_standing_warning_does_not_keep_a_server_out_of_its_group(operations: Operations) -> None:
    """The renewal of its certificate is overdue, which waiting does not mend."""
    operations.fleet(ONE, registration={"age_days": 200, "valid_days": 365})
    run = operations.upgrade(*LIMIT, upgrade_return_timeout=120).succeeded()
    assert run.seconds < 120
    assert operations.versions()[FIRST] == NEW


@pytest.mark.parametrize("playbook", ["upgrade_connectors", "decommission_connectors"])
def test_the_strategy_that_someone_has_set_for_everything_else_does_no_harm(operations: Operations, playbook: str) -> None:
    """Facts of one host are read by another one here, and the tenant knows the servers by other names."""
    operations.fleet(ONE, known_as="X{}")
    given = {"decommission_hosts": [FIRST], "connector_version": NEW, "upgrade_wait_timeout": 20}
    run = operations.ansible.playbook(
        ROOT / "playbooks" / f"{playbook}.yml",
        "--check",
        inventory=operations.inventory,
        variables=given,
        environment={"ANSIBLE_STRATEGY": "free"},
    ).succeeded()
    expected = "would be upgraded" if playbook.startswith("upgrade") else f"{FIRST}: may go: connector group Web keeps 2"
    assert expected in run.stdout

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The user's own tasks within a rolling upgrade, for what restarts services: no connector group loses more than the one server."""

from __future__ import annotations

import pathlib

from tests.integration.operations.conftest import NEW, WEB, Operations
from tests.integration.operations.witness import watching

PROXY = "http://proxy.contoso.example:8080"


def test_a_changed_outbound_proxy_restarts_the_services_of_one_server_of_a_group_at_a_time(
    operations: Operations, tmp_path: pathlib.Path
) -> None:
    operations.fleet({"Web": WEB}, version=NEW)
    hook = tmp_path / "proxy.yml"
    hook.write_text(
        f"""
- name: Set the outbound proxy
  entra.app_proxy.connector_proxy:
    mode: proxy
    address: {PROXY}
- name: Mend what a registry value can mend
  entra.app_proxy.connector_prerequisites:
    state: enforced
"""
    )
    before = operations.members()
    seq = operations.lab.last_seq()
    with watching(operations.lab, ["Web"]) as witness:
        operations.upgrade(upgrade_tasks_file=str(hook)).succeeded()
    assert witness.worst() == {"Web": 2}
    assert operations.members() == before
    stopped = [one["target"] for one in operations.writes(seq) if "StopService" in str(one)]
    assert stopped == [host for host in WEB for _service in ("WAPCSvc", "WAPCUpdaterSvc")]


def test_a_hook_that_fails_ends_the_turns_of_its_group_and_the_connector_is_back(operations: Operations, tmp_path: pathlib.Path) -> None:
    operations.fleet({"Web": WEB}, version=NEW)
    hook = tmp_path / "broken.yml"
    hook.write_text(
        """
- name: Refuse
  ansible.builtin.fail:
    msg: the update service says no
"""
    )
    before = operations.members()
    with watching(operations.lab, ["Web"]) as witness:
        run = operations.upgrade(upgrade_tasks_file=str(hook))
    assert run.rc != 0
    assert "nam-web-01: the update service says no" in run.stdout
    assert "nam-web-01 of the same group did not come to its end" in run.stdout
    assert witness.worst() == {"Web": 2}
    assert operations.members() == before

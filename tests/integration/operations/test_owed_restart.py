# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restart that an installer asked for, and that a run was not allowed to make, is known to the runs after it."""

from __future__ import annotations

from tests.integration.operations.conftest import WEB, Operations
from tests.integration.operations.witness import watching

FIRST = WEB[0]
LIMIT = ("--limit", f"{FIRST},localhost")
ERROR_SUCCESS_REBOOT_REQUIRED = 3010


def test_a_restart_that_is_owed_since_an_earlier_run_is_made_once_a_run_may_make_it(operations: Operations) -> None:
    operations.fleet({"Web": WEB})
    operations.lab.patch(f"/servers/{FIRST}", {"installer_exit_code": ERROR_SUCCESS_REBOOT_REQUIRED})
    boot = operations.lab.get(f"/servers/{FIRST}")["boot"]
    assert "A restart is pending" in operations.upgrade(*LIMIT).succeeded().stdout
    seq = operations.lab.last_seq()
    still = operations.upgrade(*LIMIT).succeeded()
    assert "unchanged" in still.stdout
    assert "A restart is pending" in still.stdout
    assert operations.writes(seq) == []
    with watching(operations.lab, ["Web"]) as witness:
        run = operations.upgrade(*LIMIT, upgrade_restart="when_required").succeeded()
    assert "A restart is pending" not in run.stdout
    assert operations.lab.get(f"/servers/{FIRST}")["boot"] > boot
    assert witness.worst() == {"Web": 2}
    assert FIRST.upper() in operations.members()["Web"]
    seq = operations.lab.last_seq()
    assert "unchanged" in operations.upgrade(*LIMIT, upgrade_restart="when_required").succeeded().stdout
    assert operations.writes(seq) == []

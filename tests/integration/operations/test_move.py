# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that changed their group in the inventory."""

from __future__ import annotations

from tests.integration.operations.conftest import HR, NEW, PAIRS, WEB, Operations
from tests.integration.operations.witness import watching


def test_a_server_moves_when_its_group_can_spare_it(operations: Operations) -> None:
    operations.fleet({"Web": WEB, "HR": HR[:2]}, version=NEW)
    operations.declare({"Web": WEB[:2], "HR": (*HR[:2], WEB[2])})
    with watching(operations.lab, ("Web", "HR")) as witness:
        operations.run("move_connectors").succeeded()
    assert witness.worst() == {"Web": 2, "HR": 2}
    assert operations.members()["HR"] == ["EUR-WEB-01", "NAM-HR-01", "NAM-HR-02"]


def test_an_exchange_for_which_there_is_no_safe_order_is_refused_with_the_numbers_and_nothing_is_written(operations: Operations) -> None:
    operations.fleet(PAIRS, version=NEW)
    operations.declare({"Web": ("nam-web-01", "nam-hr-01"), "HR": ("nam-hr-02", "nam-web-02")})
    seq = operations.lab.last_seq()
    run = operations.run("move_connectors")
    assert run.rc != 0
    assert "NAM-WEB-02 stays in connector group Web: that group has 2 active connector(s), needs 2 and would keep 1" in run.stdout
    assert operations.writes(seq) == []


def test_a_server_moves_to_another_region_when_someone_accepts_the_way_through_default(operations: Operations) -> None:
    regions = {"Web": "eur", "HR": "asia"}
    operations.fleet({"Web": WEB, "HR": HR[:2]}, version=NEW, regions=regions)
    operations.declare({"Web": WEB[:2], "HR": (*HR[:2], WEB[2])}, regions=regions)
    seq = operations.lab.last_seq()
    refused = operations.run("move_connectors")
    assert refused.rc != 0
    assert "the service moves connectors between regions only through the Default group" in refused.stdout
    assert "connector_i_accept_traffic_of_default=true" in refused.stdout
    assert operations.writes(seq) == []
    with watching(operations.lab, ("Web", "HR")) as witness:
        operations.run("move_connectors", "-e", "connector_i_accept_traffic_of_default=true").succeeded()
    assert witness.worst() == {"Web": 2, "HR": 2}
    assert operations.members()["HR"] == ["EUR-WEB-01", "NAM-HR-01", "NAM-HR-02"]
    assert [one["action"] for one in operations.changes(seq)] == ["add_member", "add_member"]
    seq = operations.lab.last_seq()
    operations.run("move_connectors").succeeded()
    assert operations.changes(seq) == []

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work of planning and applying grows with the fleet and not with its square. Calls are counted; a test says nothing of time."""

from __future__ import annotations

import sys
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredGroup, read_groups
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.purge import Limit, Purge
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.reconcile import Rules, reconcile
from tests.lab.tenant import scale
from tests.lab.tenant.state import History
from tests.unit.tenant.graph_server import LabTenant

SMALL, TIMES = 40, 4
SLACK = 1.2
"""What sorting and the last, half empty batch may add."""


def fleet(groups: int, *, shifted: int = 0) -> list[DesiredGroup]:
    """:param shifted: each group declares one connector of the group after it, so many of them."""
    return read_groups(
        [
            {
                "name": f"Group {number + 1:05}",
                "connectors": [_machine(groups, number, member, shifted) for member in range(5)],
                "applications": [f"Application {number + groups * turn + 1:05}" for turn in range(2)],
            }
            for number in range(groups)
        ]
    )


def _machine(groups: int, number: int, member: int, shifted: int) -> str:
    home = (number + 1) % groups if member < shifted else number
    return f"HOST-{home * 5 + member + 1:05}"


def calls(groups: int, seeded: dict[str, t.Any], desired: list[DesiredGroup], how: Rules) -> int:
    """Calls of functions that a reconcile takes, which must leave nothing undone."""
    tenant = LabTenant(settings={"default_region": "nam", "expand": "allowed", "expand_names": True})
    size = scale.read({"applications": 2 * groups, **seeded}, tenant.tenant.settings.regions)
    tenant.tenant.forget(History(scale.snapshot(size, "nam", tenant.lab_clock.now())))
    client = tenant.client()
    count = 0

    def note(_frame: t.Any, event: str, _argument: t.Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        done = reconcile(client, desired, how)
    finally:
        sys.setprofile(None)
        client.close()
        tenant.close()
    assert (done.errors, done.outcome.blocked) == ([], [])
    return count


def nothing_to_do(groups: int) -> int:
    return calls(groups, {"groups": groups, "connectors_per_group": 5}, fleet(groups), Rules())


def creation(groups: int) -> int:
    return calls(groups, {"connectors_in_default": 5 * groups}, fleet(groups), Rules())


def moves_between_groups(groups: int) -> int:
    return calls(groups, {"groups": groups, "connectors_per_group": 5}, fleet(groups, shifted=1), Rules())


def purge_of_everything(groups: int) -> int:
    how = Rules(purge=Purge(Limit(100, True), in_use=True), default_minimum=0)
    return calls(groups, {"groups": groups, "connectors_per_group": 5}, [], how)


@pytest.mark.parametrize("job", [nothing_to_do, creation, moves_between_groups, purge_of_everything])
def test_four_times_the_groups_are_four_times_the_work(job: t.Callable[[int], int]) -> None:
    small = job(SMALL)
    assert job(SMALL * TIMES) <= TIMES * SLACK * small

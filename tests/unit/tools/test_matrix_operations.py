# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the matrix asks of the lab after each playbook can say no."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import typing as t

import matrix_operations
import pytest
from matrix_operations import FLEET, MOVED, PROBED, REMOVED, UPGRADED, Fleet, Seen

HOSTS = [host for groups in FLEET.values() for hosts in groups.values() for host in hosts]
SERVERS: dict[str, dict[str, t.Any]] = {host: {"boot": "2026-01-01", "connector": {"installed": True}} for host in HOSTS}
RESTARTED = {**SERVERS, UPGRADED: {**SERVERS[UPGRADED], "boot": "2026-01-02"}}
REMAINING = {**SERVERS, REMOVED: {**SERVERS[REMOVED], "connector": {"installed": False}}}
ACTIVE = {f"id of {host}": host.upper() for host in HOSTS}
REMAINING_ACTIVE = {one: name for one, name in ACTIVE.items() if name != REMOVED.upper()}
ANEW = {**{one: name for one, name in ACTIVE.items() if name != UPGRADED.upper()}, "another id": UPGRADED.upper()}
WRITE = {"kind": "write", "target": PROBED}
SHELL = {"kind": "shell", "target": PROBED}


def _members(fleet: Fleet, *, without: str = "") -> dict[str, list[str]]:
    found = {name: hosts for groups in fleet.values() for name, hosts in groups.items()}
    return {name: sorted(host.upper() for host in hosts if host != without) for name, hosts in found.items()}


LEFT = {**_members(MOVED, without=REMOVED), "Default": [REMOVED.upper()]}
START = Seen(_members(FLEET), ACTIVE, SERVERS, [], 1)
LATER = dataclasses.replace(START, members=_members(MOVED))


@pytest.mark.parametrize(
    ("judgement", "before", "good", "bad"),
    [
        ("_untouched", START, {}, [{"writes": [WRITE]}, {"writes": [SHELL]}, {"members": _members(MOVED)}, {"active": ANEW}]),
        ("_probed", START, {"writes": [SHELL]}, [{"writes": []}, {"writes": [SHELL, WRITE]}, {"active": ANEW}]),
        ("_moved", START, {"members": _members(MOVED), "writes": [WRITE]}, [{"members": _members(FLEET)}, {"active": ANEW}]),
        ("_upgraded", LATER, {"servers": RESTARTED, "writes": [WRITE]}, [{"servers": SERVERS}, {"active": ANEW}, {"members": LEFT}]),
        (
            "_removed",
            LATER,
            {"members": LEFT, "active": REMAINING_ACTIVE, "servers": REMAINING},
            [{"members": _members(MOVED)}, {"active": ACTIVE}, {"active": ANEW}, {"servers": SERVERS}],
        ),
    ],
)
def test_a_judgement_takes_what_the_playbook_should_leave_and_nothing_else(
    judgement: str, before: Seen, good: dict[str, t.Any], bad: list[dict[str, t.Any]]
) -> None:
    judge = getattr(matrix_operations, judgement)
    after = dataclasses.replace(before, **good)
    assert judge(before, after)
    assert [judge(before, dataclasses.replace(after, **one)) for one in bad] == [False] * len(bad)


def test_the_inventories_declare_their_fleets(tmp_path: pathlib.Path) -> None:
    for fleet in (FLEET, MOVED):
        declared = json.loads((matrix_operations.inventory(tmp_path, fleet) / "hosts.yml").read_text())["connectors"]["children"]
        found = {
            region: {group["vars"]["connector_group_name"]: tuple(group["hosts"]) for group in groups["children"].values()}
            for region, groups in declared.items()
        }
        assert found == fleet

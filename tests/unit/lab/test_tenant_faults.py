# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which requests an ordered fault hits."""

from __future__ import annotations

import typing as t

import pytest

from tests.lab.faults import Faults

READ, WRITE = {"method": "GET", "path": "/beta/x/connectors"}, {"method": "POST", "path": "/beta/x/connectorGroups"}


@pytest.mark.parametrize(
    ("order", "hits"),
    [
        ({}, [0]),
        ({"count": 0}, [0, 1, 2, 3]),
        ({"nth": 2, "count": 2}, [1, 2]),
        ({"method": "post"}, [1]),
        ({"method": "POST", "nth": 2}, [3]),
        ({"path": "connectors$", "count": 0}, [0, 2]),
        ({"path": "connectors$", "method": "POST"}, []),
        ({"target": "other"}, []),
        ({"plane": "wsman"}, []),
    ],
)
def test_a_fault_hits_the_requests_it_names(order: dict[str, t.Any], hits: list[int]) -> None:
    faults = Faults()
    faults.add({"kind": "status", "plane": "graph", **order})
    requests = [READ, WRITE, READ, WRITE]
    assert [number for number, request in enumerate(requests) if faults.take("graph", target="tenant", **request)] == hits


def test_the_first_of_two_faults_wins_and_a_removed_one_is_gone() -> None:
    faults = Faults()
    first = faults.add({"kind": "status", "plane": "graph", "count": 0})
    second = faults.add({"kind": "delay", "plane": "graph", "count": 0})
    assert faults.take("graph", **READ) is first
    assert faults.take("graph", ("delay",), **READ) is second
    faults.remove(first.id)
    assert faults.take("graph", **READ) is second
    faults.clear()
    assert faults.take("graph", **READ) is None

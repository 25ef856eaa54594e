# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault at every request of a reconcile, against the lab over real sockets. Prints how many cases that is."""

from __future__ import annotations

import json
import pathlib
import time
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.connection import Connection
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.deadline import Clock, Deadline
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import read_groups
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import TenantError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.reconcile import Rules, reconcile
from tests.support.lab_process import Lab

Fault = dict[str, t.Any]

WORLD: dict[str, t.Any] = {
    "settings": {"default_region": "nam"},
    "groups": [{"name": "HR"}],
    "connectors": [
        *({"machine_name": name} for name in ("WEB1", "WEB2", "EUR1", "EUR2")),
        {"machine_name": "HR1", "group": "HR"},
        {"machine_name": "HR2", "group": "HR"},
    ],
    "applications": [{"display_name": "Intranet"}, {"display_name": "Payroll", "group": "HR"}],
}
FLEET: tuple[dict[str, t.Any], ...] = (
    {"name": "NAM Web", "region": "nam", "connectors": ["WEB1", "WEB2"], "applications": ["Intranet"]},
    {"name": "EUR Web", "region": "eur", "connectors": ["EUR1", "EUR2"]},
    {"name": "HR", "connectors": ["HR1", "HR2"], "applications": ["Payroll"]},
)
FAULTS: dict[str, Fault] = {
    "429 with Retry-After": {"kind": "status", "status": 429, "headers": {"Retry-After": "3"}, "scope": "request"},
    "429": {"kind": "status", "status": 429, "scope": "request"},
    "429 in a batch, with Retry-After": {"kind": "status", "status": 429, "headers": {"Retry-After": "3"}, "scope": "item"},
    "429 in a batch": {"kind": "status", "status": 429, "scope": "item"},
    **{str(status): {"kind": "status", "status": status} for status in (500, 502, 503, 504)},
    "drop before": {"kind": "drop_before"},
    "drop after": {"kind": "drop_after"},
    **{f"malformed: {form}": {"kind": "malformed", "form": form} for form in ("truncated", "html", "empty", "content_type", "array")},
    "stale": {"kind": "stale"},
    "token expiry": {"kind": "token_expired"},
    **{f"403: {form}": {"kind": "forbidden", "form": form} for form in ("role", "directory", "denied")},
}
MOST_REQUESTS = 60


@pytest.fixture(scope="module")
def small_lab(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Lab]:
    directory: pathlib.Path = tmp_path_factory.mktemp("matrix")
    world = directory / "world.json"
    world.write_text(json.dumps({"tenant": WORLD}))
    with Lab.start(directory / "lab", world=world) as lab:
        yield lab


def clock() -> Clock:
    """Waits take no time, but count against the deadline."""
    slept = [0.0]

    def sleep(seconds: float) -> None:
        slept[0] += seconds

    return Clock(now=lambda: time.monotonic() + slept[0], sleep=sleep)


def errors_of(lab: Lab, token: str) -> list[str]:
    """What the run said was wrong. Any exception that is not ours fails the test with its traceback."""
    connection = Connection(access_token=token, graph_endpoint=lab.state["graph_endpoint"], ca_file=lab.state["ca_file"])
    client = GraphClient(connection, Deadline(600, clock()))
    try:
        return reconcile(client, read_groups(FLEET), Rules()).errors
    except TenantError as error:
        return [str(error)]
    finally:
        client.close()


def placed(lab: Lab) -> dict[str, list[str]]:
    """Machines by group, by the independent door; a name that two groups have is an error."""
    state = lab.get("/tenant")
    names = {one["id"]: one["name"] for one in state["groups"]}
    assert len(set(names.values())) == len(names), names
    members: dict[str, list[str]] = {name: [] for name in names.values()}
    for one in state["connectors"]:
        members[names[one["group_id"]]].append(one["machine_name"])
    return {name: sorted(machines) for name, machines in members.items()}


@pytest.mark.parametrize("mode", ["observed"])
def test_any_fault_at_any_request_ends_well_or_cleanly_and_the_next_run_converges(small_lab: Lab, mode: str) -> None:
    lab, cases = small_lab, 0
    for label, fault in FAULTS.items():
        for number in range(1, MOST_REQUESTS):
            lab.reset()
            lab.delete("/faults")
            lab.patch("/tenant", {"mode": mode})
            lab.post("/faults", {**fault, "plane": "graph", "nth": number})
            errors_of(lab, lab.token("graph"))
            if not lab.get("/faults")[0]["hits"]:
                break
            cases += 1
            where = f"{label} at request {number}, {mode}"
            assert {"HR1", "HR2"} <= set(placed(lab)["HR"]), where
            lab.delete("/faults")
            assert errors_of(lab, lab.token("graph")) == [], where
            assert placed(lab) == {"Default": [], "EUR Web": ["EUR1", "EUR2"], "HR": ["HR1", "HR2"], "NAM Web": ["WEB1", "WEB2"]}, where
        else:
            pytest.fail(f"{label}: the run takes more than {MOST_REQUESTS} requests")
    print(f"fault matrix, {mode}: {cases} cases")
    assert cases > 10 * len(FAULTS) // 2, f"only {cases} cases"

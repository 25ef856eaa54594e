# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault at every request of a reconcile, against the lab over real sockets. The summary says how many cases that is."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import time
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.connection import Connection
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.deadline import Clock, Deadline
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import read_groups
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import TenantError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.purge import Limit, Purge
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.reconcile import Rules, reconcile
from tests.integration.tenant.faults import FAULTS, TIMEOUT, Fault
from tests.support import contract
from tests.support.lab_process import Lab
from tests.support.waiting import wait_until

WORLD: dict[str, t.Any] = {
    "settings": {"default_region": "nam", "page_size": 4},
    "groups": [{"name": "HR"}, {"name": "Asia"}, {"name": "Old"}],
    "connectors": [
        *({"machine_name": name} for name in ("WEB1", "WEB2", "EUR1", "EUR2", "HR3", "SPARE1", "SPARE2")),
        {"machine_name": "HR1", "group": "HR"},
        {"machine_name": "HR2", "group": "HR"},
        {"machine_name": "OLD1", "group": "Old"},
    ],
    "applications": [{"display_name": "Intranet"}, {"display_name": "Payroll", "group": "HR"}, {"display_name": "Archive", "group": "Old"}],
}
# Every action that a plan can have. HR1 may leave HR only after HR3 has joined, and Archive falls back to Default.
FLEET: tuple[dict[str, t.Any], ...] = (
    {"name": "NAM Web", "region": "nam", "connectors": ["WEB1", "WEB2", "HR1"], "applications": ["Intranet"]},
    {"name": "EUR Web", "region": "eur", "connectors": ["EUR1", "EUR2"]},
    {"name": "HR", "connectors": ["HR2", "HR3"], "applications": ["Payroll"]},
    {"name": "Asia", "region": "asia", "min_connectors": 0},
)
HOW = Rules(purge=Purge(Limit(1), in_use=True))
MINIMUM = 2
DECLARED = {
    "Asia": [],
    "Default": ["OLD1", "SPARE1", "SPARE2"],
    "EUR Web": ["EUR1", "EUR2"],
    "HR": ["HR2", "HR3"],
    "NAM Web": ["HR1", "WEB1", "WEB2"],
}
ASSIGNED = {"Archive": "Default", "Intranet": "NAM Web", "Payroll": "HR"}
REGIONS = {"Asia": "asia", "Default": "nam", "EUR Web": "eur", "HR": "nam", "NAM Web": "nam"}
MOST_REQUESTS = 150


@pytest.fixture(scope="module")
def small_lab(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Lab]:
    directory: pathlib.Path = tmp_path_factory.mktemp("matrix")
    world = directory / "world.json"
    world.write_text(json.dumps({"tenant": WORLD}))
    with Lab.start(directory / "lab", world=world) as lab:
        lab.patch("/recording", {"on": True})
        yield lab


@dataclasses.dataclass(frozen=True)
class Run:
    """How a run ended: what it said was wrong, and what it did or would have done."""

    errors: list[str]
    plan: str = ""


class Runner:
    """Runs of the reconcile against the lab, each with a client of its own."""

    def __init__(self, lab: Lab, fault: Fault) -> None:
        self._lab = lab
        self._fault = fault

    def run(self) -> Run:
        """Any exception that is not ours fails the test with its traceback."""
        client = GraphClient(self._connection(), Deadline(600, self._clock()))
        try:
            done = reconcile(client, read_groups(FLEET), HOW)
        except TenantError as error:
            return Run([str(error)])
        finally:
            client.close()
        return Run(done.errors, done.plan.summary())

    def _connection(self) -> Connection:
        state = self._lab.state
        where = {name: state[name] for name in ("tenant_id", "graph_endpoint", "authority", "ca_file")}
        if self._fault.renewable:
            return Connection(client_id=state["client_id"], client_secret=state["client_secret"], **where)
        wait = {"request_timeout": TIMEOUT} if self._fault.late else {}
        return Connection(access_token=self._lab.token("graph"), **where, **wait)

    def _clock(self) -> Clock:
        """Waits count against the deadline and in the lab, and take no time; only where answers are really late, they take some."""
        slept = [0.0]

        def sleep(seconds: float) -> None:
            slept[0] += seconds
            if self._fault.late:
                time.sleep(min(seconds, TIMEOUT))
            if self._fault.stale:
                self._lab.post("/clock", {"advance": seconds})

        return Clock(now=lambda: time.monotonic() + slept[0], sleep=sleep)


@dataclasses.dataclass(frozen=True)
class Seen:
    """The tenant by the independent door."""

    members: dict[str, list[str]]
    assigned: dict[str, str]
    regions: dict[str, str]

    @classmethod
    def of(cls, lab: Lab) -> Seen:
        """Look. A name that two groups have is an error."""
        state = lab.get("/tenant")
        names = [group["name"] for group in state["groups"]]
        assert len(set(names)) == len(names), names
        return cls(
            {group["name"]: sorted(group["members"]) for group in state["groups"]},
            {one["display_name"]: one["group"] for one in state["applications"]},
            {group["name"]: group["region"] for group in state["groups"]},
        )

    @property
    def served(self) -> set[str]:
        """The groups that have their minimum."""
        return {name for name, machines in self.members.items() if len(machines) >= MINIMUM}


AS_DECLARED = Seen(DECLARED, ASSIGNED, REGIONS)


def prepare(lab: Lab, mode: str, fault: Fault, number: int) -> None:
    lab.reset()
    lab.patch("/tenant", {"mode": mode, "app_only": fault.renewable, "stale_seconds": fault.stale})
    if fault.stale:
        lab.post("/clock", {"advance": 2 * fault.stale})
    lab.post("/faults", {**fault.order, "plane": "graph", "nth": number})


def is_over(lab: Lab) -> bool:
    """Whether the request that the fault hit has ended: a late one may take effect after the run."""
    return any((entry.get("detail") or {}).get("fault") for entry in lab.journal())


@pytest.mark.parametrize("kind", FAULTS)
def test_any_fault_at_any_request_ends_well_or_cleanly_and_the_next_run_converges(
    small_lab: Lab, tenant_mode: str, kind: str, record_property: t.Callable[[str, object], None]
) -> None:
    lab, fault, completed = small_lab, FAULTS[kind], 0
    for number in range(1, MOST_REQUESTS):
        prepare(lab, tenant_mode, fault, number)
        before, runner = Seen.of(lab).served, Runner(lab, fault)
        first = runner.run()
        if not lab.get("/faults")[0]["hits"]:
            break
        if fault.late:
            wait_until("the end of the late request", lambda: is_over(lab))
        lab.delete("/faults")
        where = f"{kind} at request {number}, {tenant_mode}: {first}"
        assert before <= Seen.of(lab).served, where
        for error in first.errors:
            assert error.startswith("could not ") or " was left out: " in error, where
        if first.errors:
            assert fault.says is not None, where
            assert re.search(fault.says, "\n".join(first.errors)), where
        again = runner.run()
        assert again.errors == [], where
        assert first.errors or again.plan == "nothing to do", where
        assert Seen.of(lab) == AS_DECLARED, where
        assert lab.unknown() == [], where
        completed += not first.errors
    else:
        pytest.fail(f"{kind}: the run takes more than {MOST_REQUESTS} requests")
    # The last run, which no fault hit.
    contract.assert_conforms(lab.get("/exchanges"))
    cases = number - 1
    record_property("fault matrix", f"{tenant_mode}: {kind}: {cases} cases, {completed} came through, {cases - completed} failed cleanly")
    assert cases > 10, f"only {cases} cases"
    if fault.says is None:
        assert completed == cases

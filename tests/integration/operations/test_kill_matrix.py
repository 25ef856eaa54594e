# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kill matrix: each playbook is killed right after each of its writes, and run again.

"Killed before the n-th write" is "killed after the one before it". Workers write side by side, so that which of two servers makes the
n-th write may differ from run to run; that it is killed after the n-th does not. The writes of one $batch are carried out together, and so
the cases within one are alike.
"""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

import pytest

from tests.integration.operations.conftest import FAST, HR, NEW, OLD, WEB, Operations
from tests.integration.operations.witness import Witness, watching

pytestmark = pytest.mark.slow

MINIMUM = 2
TEMPORARY = re.compile(r"C:\\Windows\\Temp\\")
"""Where the collection puts what it needs for a while. The installer's own logs lie in the user's folder, and stay."""
STAGED = re.compile(r"C:\\Windows\\Temp\\entra\.app_proxy-[0-9a-f]{12}\\")
"""An installer that was brought. The next installation from the same source takes the same place, and clears it away."""
Groups = t.Mapping[str, t.Sequence[str]]


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One playbook on one fleet.

    :param writes: how many it makes when nobody kills it; there is a case for each.
    :param members: the machines of every group in the end; C(applications): likewise, by their one group.
    :param arguments: words of the command line, such as those that leave work for a single server.
    :param hook: the user's own tasks.
    :param done: whatever else is to be found in the end.
    """

    playbook: str
    writes: int
    prepare: t.Callable[[Operations], None]
    variables: t.Mapping[str, t.Any]
    members: Groups
    applications: t.Mapping[str, str]
    arguments: t.Sequence[str] = ()
    hook: str = ""
    done: t.Callable[[Operations], bool] = lambda _operations: True

    @property
    def groups(self) -> list[str]:
        """Those with a minimum."""
        return [name for name in self.members if name != "Default"]

    def run(self, operations: Operations) -> None:
        operations.run(self.playbook, *self.arguments, **self.given(operations)).succeeded()

    def killed(self, operations: Operations, number: int) -> bool:
        """Run it and kill it after so many writes. Whether it made them."""
        return operations.kill_after(number, self.playbook, *self.arguments, **self.given(operations))

    def given(self, operations: Operations) -> dict[str, t.Any]:
        """With a token at hand: a command line that has to be asked for each one would take a third of the time."""
        token = {"app_proxy_auth_source": "access_token", "app_proxy_access_token": operations.lab.token("graph")}
        return {**token, **self._hooked(operations), **self.variables}

    def _hooked(self, operations: Operations) -> dict[str, str]:
        if not self.hook:
            return {}
        file = operations.directory / "hook.yml"
        file.write_text(self.hook)
        return {"upgrade_tasks_file": str(file)}


def _deploy(operations: Operations) -> None:
    """No group is there yet, two servers have nothing, and two were set up by hand."""
    operations.quicken()
    for host in HR[:2]:
        operations.lab.patch(f"/servers/{host}", {"connector": {"version": NEW, "registered": True, "running": True}})
    operations.wait_until_active(2)
    operations.declare({"Web": WEB[:2], "HR": HR[:2]}, applications={"Web": ["Intranet"], "HR": ["Payroll"]})


def _upgrade(operations: Operations) -> None:
    """Two waves, of two servers and of one."""
    operations.fleet({"Web": WEB, "HR": HR})
    for host in (WEB[2], *HR[1:]):
        operations.lab.patch(f"/servers/{host}", {"connector": {"version": NEW, "running": True}})
    operations.wait_until_active(6)


PROXY = "http://proxy.contoso.example:8080"
SET_PROXY = f"""
- name: Set the outbound proxy
  entra.app_proxy.connector_proxy:
    mode: proxy
    address: {PROXY}
"""
"""Files that a service reads when it starts: a run that is killed in between leaves it to the next one to restart the service."""


ONE = ("--limit", f"{WEB[0]},localhost")
RESTART_OF_ONE = f"{{{{ 'always' if inventory_hostname == '{WEB[0]}' else 'never' }}}}"
"""Where servers go down in their groups, nobody may be left out: the run claims all of them."""


def _restart(
    writes: int, done: t.Callable[[Operations], bool], *arguments: str, found: str = NEW, hook: str = "", **variables: t.Any
) -> Scenario:
    """One server of a group that can spare it is restarted.

    :param found: the version of its connector before.
    """

    def prepare(operations: Operations) -> None:
        operations.fleet({"Web": WEB}, version=NEW)
        operations.lab.patch(f"/servers/{WEB[0]}", {"connector": {"version": found, "running": True}})
        operations.wait_until_active(3)

    return Scenario(
        "upgrade_connectors",
        writes,
        prepare,
        {**FAST, **variables},
        {"Web": WEB},
        {"Intranet": "Web", "Payroll": "Web"},
        arguments,
        hook,
        done,
    )


def _patched(operations: Operations) -> bool:
    configured = [text for path, text in operations.lab.get(f"/servers/{WEB[0]}")["configs"].items() if path.endswith(".exe.config")]
    return len(configured) == 2 and all(PROXY in text for text in configured) and _restarted(operations)


def _restarted(operations: Operations) -> bool:
    return {one["server"] for one in operations.lab.get("/processes") if one["command_line"].startswith("shutdown.exe /r")} == {WEB[0]}


def _decommission(operations: Operations) -> None:
    operations.fleet({"Web": WEB, "HR": HR}, version=NEW)


def _move(operations: Operations) -> None:
    """Two groups give one server each to a group that does not exist yet, and one of them its application as well."""
    operations.fleet({"Web": WEB, "HR": HR}, version=NEW)
    operations.declare(
        {"Web": WEB[:2], "HR": HR[:2], "Branch": (WEB[2], HR[2])}, applications={"Web": ["Intranet"], "HR": [], "Branch": ["Payroll"]}
    )


def _exchange(operations: Operations) -> None:
    operations.fleet({"Web": WEB, "HR": HR}, version=NEW)
    operations.declare({"Web": (*WEB[:2], HR[2]), "HR": (*HR[:2], WEB[2])})


REGIONS = {"Web": "eur", "HR": "asia"}


def _region(operations: Operations) -> None:
    """One server goes to another region, through Default."""
    operations.fleet({"Web": WEB, "HR": HR[:2]}, version=NEW, regions=REGIONS)
    operations.declare({"Web": WEB[:2], "HR": (*HR[:2], WEB[2])}, regions=REGIONS)


AS_THEY_WERE = {"Intranet": "Web", "Payroll": "HR"}
SCENARIOS = {
    "deploy": Scenario(
        "deploy_connectors",
        30,
        _deploy,
        # A registration that the killed run left at work is waited for so long, and done anew.
        {"connector_registration_timeout": 20},
        {"Web": WEB[:2], "HR": HR[:2]},
        AS_THEY_WERE,
    ),
    "upgrade": Scenario(
        "upgrade_connectors",
        33,
        _upgrade,
        {"connector_version": NEW, **FAST},
        {"Web": WEB, "HR": HR},
        AS_THEY_WERE,
        ("--limit", f"{WEB[0]},{WEB[1]},{HR[0]},localhost"),
    ),
    "patch": _restart(17, _patched, *ONE, hook=SET_PROXY, upgrade_restart="always"),
    "upgrade in its group": _restart(20, _restarted, found=OLD, connector_version=NEW, upgrade_restart=RESTART_OF_ONE, upgrade_drain=False),
    "decommission": Scenario(
        "decommission_connectors",
        32,
        _decommission,
        {"decommission_hosts": [WEB[2], HR[2]], "decommission_drain_seconds": 0},
        {"Web": WEB[:2], "HR": HR[:2], "Default": (WEB[2], HR[2])},
        AS_THEY_WERE,
    ),
    "move": Scenario(
        "move_connectors",
        4,
        _move,
        {},
        {"Web": WEB[:2], "HR": HR[:2], "Branch": (WEB[2], HR[2])},
        {"Intranet": "Web", "Payroll": "Branch"},
    ),
    "exchange": Scenario("move_connectors", 2, _exchange, {}, {"Web": (*WEB[:2], HR[2]), "HR": (*HR[:2], WEB[2])}, AS_THEY_WERE),
    "region": Scenario(
        "move_connectors",
        2,
        _region,
        {"connector_i_accept_traffic_of_default": True},
        {"Web": WEB[:2], "HR": (*HR[:2], WEB[2])},
        AS_THEY_WERE,
    ),
}
CASES = [pytest.param(name, number, id=f"{name}-{number}") for name, one in SCENARIOS.items() for number in range(1, one.writes + 1)]


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_matrix_has_a_case_for_each_write(operations: Operations, name: str) -> None:
    scenario = SCENARIOS[name]
    scenario.prepare(operations)
    seq = operations.lab.last_seq()
    with watching(operations.lab, scenario.groups) as witness:
        scenario.run(operations)
    made = len(operations.changes(seq))
    assert made == scenario.writes, f"it makes {made} writes now: let SCENARIOS say so, and each of them has its case"
    _assert_settled(operations, scenario, witness)
    assert operations.claims() == {}
    assert _staged(operations) == []


@pytest.mark.parametrize(("name", "number"), CASES)
def test_killed_after_that_write_and_run_again(
    operations: Operations, record_property: t.Callable[[str, object], None], name: str, number: int
) -> None:
    scenario = SCENARIOS[name]
    scenario.prepare(operations)
    with watching(operations.lab, scenario.groups) as witness:
        assert scenario.killed(operations, number), "this run made fewer writes: let SCENARIOS say so"
        scenario.run(operations)
    _assert_settled(operations, scenario, witness)
    assert all(not _lives(claim["pid"]) for claim in operations.claims().values())
    record_property("kill_matrix", [name, min(witness.worst(since=MINIMUM).values())])


def _assert_settled(operations: Operations, scenario: Scenario, witness: Witness) -> None:
    """By the lab's own state: nothing is lost, nothing is there twice, and no group was ever below its minimum once it had it."""
    assert min(witness.worst(since=MINIMUM).values()) >= MINIMUM, {name: witness.course(name) for name in scenario.groups}
    assert scenario.done(operations)
    tenant = operations.lab.get("/tenant")
    names = [group["name"] for group in tenant["groups"] if group["type"] == "applicationProxy"]
    assert sorted(names) == sorted({"Default", *scenario.members})
    members = {name: sorted(host.upper() for host in hosts) for name, hosts in {"Default": (), **scenario.members}.items()}
    assert {name: machines for name, machines in operations.members().items() if name in names} == members
    assert {one["display_name"]: one["group"] for one in tenant["applications"]} == scenario.applications
    leaving = scenario.members.get("Default", ())
    assert all((one["status"] == "active") == (one["machine_name"].lower() not in leaving) for one in tenant["connectors"])
    for name, server in operations.lab.get("/servers").items():
        is_there = any(name in hosts for hosts in scenario.members.values()) and name not in leaving
        assert (server["connector"]["installed"], server["connector"]["registered"]) == (is_there, is_there), name
        assert server["connector"]["version"] in ((NEW,) if is_there else (None,))
        assert server["shells"] <= 1, "more than the one of the run that was killed"
        assert not [path for path in server["files"] if TEMPORARY.match(path) and not STAGED.match(path)]


def _staged(operations: Operations) -> list[str]:
    return [path for server in operations.lab.get("/servers").values() for path in server["files"] if STAGED.match(path)]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

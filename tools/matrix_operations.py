# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks for a running fleet, one after the other on a lab where one is deployed: a part of C(make matrix).

They are judged by the lab's admin API, not by their own word. What may go wrong in them is in tests/integration/operations.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import shutil
import sys
import typing as t

import environment

sys.path.insert(0, str(environment.ROOT))
from tests.support.lab_process import LAB_INVENTORY, Lab

Fleet = t.Mapping[str, t.Mapping[str, t.Sequence[str]]]
# Region, connector group, servers. The first has one to spare, and it moves to the other, on the way between regions.
FLEET: Fleet = {
    "nam": {"NAM Web": ("nam-web-01", "nam-web-02", "nam-hr-01")},
    "eur": {"EUR Web": ("eur-web-01", "eur-web-02", "nam-hr-02")},
}
MOVED: Fleet = {
    "nam": {"NAM Web": ("nam-web-01", "nam-web-02")},
    "eur": {"EUR Web": ("eur-web-01", "eur-web-02", "nam-hr-02", "nam-hr-01")},
}
APPLICATIONS = {"NAM Web": "Intranet", "EUR Web": "Payroll"}
PROBED, UPGRADED, REMOVED = "nam-web-01", "eur-web-01", "nam-hr-01"
# What it refers to is known only when a server's turn has come. Nothing else asks for the restart.
HOOK = """
- name: Say that a restart is needed
  ansible.builtin.set_fact:
    upgrade_restart_required: "{{ upgrade_turn.group == 'EUR Web' }}"
"""


@dataclasses.dataclass(frozen=True)
class Seen:
    """The lab as its admin API tells it.

    C(members): of the groups that have any; C(active): machine names by connector id; C(writes): what changed servers or tenant.
    """

    members: dict[str, list[str]]
    active: dict[str, str]
    servers: dict[str, dict[str, t.Any]]
    writes: list[dict[str, t.Any]]
    seq: int

    @classmethod
    def of(cls, lab: Lab, *, since: int) -> Seen:
        tenant, entries = lab.get("/tenant"), lab.journal(since)
        return cls(
            members={group["name"]: sorted(group["members"]) for group in tenant["groups"] if group["members"]},
            active={one["id"]: one["machine_name"] for one in tenant["connectors"] if one["status"] == "active"},
            servers=lab.get("/servers"),
            writes=[one for one in entries if one["kind"] in ("write", "shell") and one["plane"] != "admin"],
            seq=max((one["seq"] for one in entries), default=since),
        )


Judgement = t.Callable[[Seen, Seen], bool]
"""Whether the lab, seen before and after a playbook, is as the playbook should leave it."""


@dataclasses.dataclass(frozen=True)
class Operation:
    """One run of a playbook. C(refusal): words of the failure that it must end with; without them it must succeed."""

    playbook: str
    judgement: Judgement
    variables: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    limit: str | None = None
    refusal: str | None = None
    fleet: Fleet = dataclasses.field(default_factory=lambda: MOVED)


class Runner(t.Protocol):
    """Runs a playbook, appends its output to the log, and returns its exit code."""

    def __call__(self, playbook: str, inventory: pathlib.Path, *arguments: str) -> int: ...


def inventory(directory: pathlib.Path, fleet: Fleet) -> pathlib.Path:
    """Write the inventory of the lab with another fleet into a folder of its own; return the folder."""
    place = directory / ("inventory" if fleet is FLEET else "inventory-moved")
    shutil.copytree(LAB_INVENTORY, place, dirs_exist_ok=True)
    regions = {region: {"children": dict(_declared(groups))} for region, groups in fleet.items()}
    # JSON is YAML as well.
    (place / "hosts.yml").write_text(json.dumps({"connectors": {"children": regions}}, indent=2))
    return place


def complaint(lab: Lab, run: Runner, log: pathlib.Path, directory: pathlib.Path) -> str | None:
    """Run every playbook on a lab where C(FLEET) is deployed; return what is wrong with the first that is not as it should be.

    :param directory: gets inventories, and tasks of the user.
    """
    for operation in _operations(directory):
        before, said = Seen.of(lab, since=lab.last_seq()), log.stat().st_size
        arguments = ["--extra-vars", json.dumps(operation.variables), *(["--limit", operation.limit] if operation.limit else [])]
        rc = run(operation.playbook, inventory(directory, operation.fleet), *arguments)
        words = " ".join(log.read_bytes()[said:].decode(errors="replace").split())
        if operation.refusal is None and rc:
            return f"{operation.playbook} failed"
        if operation.refusal is not None and (rc == 0 or operation.refusal not in words):
            return f"{operation.playbook} did not refuse: {operation.refusal}"
        if not operation.judgement(before, Seen.of(lab, since=before.seq)):
            return f"{operation.playbook} left the lab otherwise than it should"
    return None


def _operations(directory: pathlib.Path) -> t.Iterator[Operation]:
    hook, missing = directory / "hook.yml", directory / "missing.yml"
    hook.write_text(HOOK)
    verify = {"verify_result_file": str(directory / "verify.json")}
    upgrade = {"upgrade_restart": "when_required", "upgrade_drain_seconds": 0, "upgrade_wait_interval": 1}
    yield Operation("verify_connectors", _untouched, verify, fleet=FLEET)
    yield Operation("smoke_readonly", _probed, {"smoke_hosts": PROBED, "smoke_report": str(directory / "smoke.json")}, fleet=FLEET)
    yield Operation("move_connectors", _moved, {"connector_i_accept_traffic_of_default": True})
    yield Operation(
        "upgrade_connectors",
        _untouched,
        {**upgrade, "upgrade_tasks_file": str(missing)},
        refusal=f"nothing was done: the tasks of upgrade_tasks_file ({missing}) cannot be read",
    )
    yield Operation("upgrade_connectors", _upgraded, {**upgrade, "upgrade_tasks_file": str(hook)}, limit=f"{UPGRADED},localhost")
    yield Operation("decommission_connectors", _removed, {"decommission_hosts": [REMOVED], "decommission_drain_seconds": 0})
    # One that is declared and gone: the success of the first would say nothing if this were one, too.
    yield Operation("verify_connectors", _untouched, verify, refusal="findings of severity critical or worse:")


def _untouched(before: Seen, after: Seen) -> bool:
    return not after.writes and _same_tenant(before, after)


def _probed(before: Seen, after: Seen) -> bool:
    """Probes run programs, and change nothing."""
    return {(one["kind"], one["target"]) for one in after.writes} == {("shell", PROBED)} and _same_tenant(before, after)


def _moved(before: Seen, after: Seen) -> bool:
    declared = {name: sorted(map(str.upper, hosts)) for groups in MOVED.values() for name, hosts in groups.items()}
    return after.members == declared and after.active == before.active


def _upgraded(before: Seen, after: Seen) -> bool:
    restarted = {name for name, server in after.servers.items() if server["boot"] > before.servers[name]["boot"]}
    return restarted == {UPGRADED} and _same_tenant(before, after)


def _removed(before: Seen, after: Seen) -> bool:
    """The tenant keeps the connector for ten days, inactive and in the Default group."""
    gone = REMOVED.upper()
    members = {**{group: [name for name in names if name != gone] for group, names in before.members.items()}, "Default": [gone]}
    active = {one: name for one, name in before.active.items() if name != gone}
    installed = {name for name, server in after.servers.items() if server["connector"]["installed"]}
    return (after.members, after.active, installed) == (members, active, set(before.servers) - {REMOVED})


def _same_tenant(before: Seen, after: Seen) -> bool:
    return (after.members, after.active) == (before.members, before.active)


def _declared(groups: t.Mapping[str, t.Sequence[str]]) -> t.Iterator[tuple[str, t.Any]]:
    for name, hosts in groups.items():
        variables = {"connector_group_name": name, "connector_group_applications": [APPLICATIONS[name]]}
        yield name.lower().replace(" ", "_"), {"hosts": dict.fromkeys(hosts), "vars": variables}

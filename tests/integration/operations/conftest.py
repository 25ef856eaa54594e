# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet that runs, made past every playbook, so that a test of an operation starts in seconds; and the witness of what it did."""

from __future__ import annotations

import dataclasses
import datetime
import json
import pathlib
import ssl
import typing as t
import urllib.parse
import urllib.request

import pytest
import yaml

from tests.support.lab_process import LAB_INVENTORY, ROOT, Lab
from tests.support.playbook import Ansible, Run
from tests.support.waiting import wait_until

OLD, NEW = "1.5.3829.0", "1.5.4892.0"
WEB = ("nam-web-01", "nam-web-02", "nam-hr-01")
HR = ("nam-hr-02", "eur-web-01", "eur-web-02")
THREES = {"Web": WEB, "HR": HR}
"""Two connector groups of three servers: each has one to spare."""
PAIRS = {"Web": WEB[:2], "HR": ("nam-hr-01", "nam-hr-02")}
"""Two of two: none has one to spare."""
QUICK = {"files_appear": 0.3, "becomes_active": 0.3, "service_start": 0.1}
CLAIM_KEY, CLAIM_VALUE, LEASE = r"SOFTWARE\entra.app_proxy", "Maintenance", 7200
FAST = {"upgrade_drain_seconds": 0, "upgrade_wait_interval": 1, "upgrade_wait_timeout": 20, "upgrade_return_timeout": 30}


@dataclasses.dataclass
class Operations:
    """Playbooks on one lab."""

    lab: Lab
    ansible: Ansible
    directory: pathlib.Path
    inventory: pathlib.Path = LAB_INVENTORY

    def fleet(
        self,
        groups: t.Mapping[str, t.Sequence[str]],
        *,
        version: str = OLD,
        generation: str = "entra",
        known_as: str = "{}",
        regions: t.Mapping[str, str] | None = None,
        registration: t.Mapping[str, t.Any] | None = None,
        **group_vars: t.Any,
    ) -> None:
        """A fleet that runs: every server of it registered, active, and in its group.

        :param known_as: the machine name that the tenant shows, with the server's own in the braces.
        :param registration: what else the lab is to know of each, such as C(age_days) of its certificate.
        """
        self.quicken()
        places = {}
        for name, hosts in groups.items():
            region = {"region": regions[name]} if regions else {}
            group = self.lab.post("/groups", {"name": name, **region})["id"]
            for host in hosts:
                connector = {"version": version, "generation": generation, "registered": True, "running": True, **(registration or {})}
                made = self.lab.patch(f"/servers/{host}", {"known_as": known_as.format(host.upper()), "connector": connector})
                places[made["connector"]["connector_id"]] = group
        for connector, group in places.items():
            self.move(connector, group)
        names = list(groups)
        for number, application in enumerate(self.lab.get("/tenant")["applications"]):
            self.assign(application, names[number % len(names)])
        self.declare(groups, regions=regions, **group_vars)
        self.wait_until_active(len(places))

    def quicken(self) -> None:
        """Let servers and tenant take no longer than the order of events needs."""
        self.lab.patch("/timing", QUICK)

    def wait_until_active(self, count: int) -> None:
        def statuses() -> list[str]:
            return [one["status"] for one in self.lab.get("/tenant")["connectors"]]

        wait_until(f"{count} active connectors", lambda: statuses() == ["active"] * count)

    def declare(
        self,
        groups: t.Mapping[str, t.Sequence[str]],
        *,
        applications: t.Mapping[str, t.Sequence[str]] | None = None,
        regions: t.Mapping[str, str] | None = None,
        **group_vars: t.Any,
    ) -> None:
        """Write the inventory: connector groups with their servers, and their applications and regions where they are named."""
        children: dict[str, t.Any] = {}
        for name, hosts in groups.items():
            named: dict[str, t.Any] = {"connector_group_region": regions[name]} if regions else {}
            if applications and name in applications:
                named["connector_group_applications"] = list(applications[name])
            children[f"group_{name.lower().replace(' ', '_')}"] = {
                "hosts": dict.fromkeys(hosts, {}),
                "vars": {"connector_group_name": name, **named, **group_vars},
            }
        self.inventory = self.ansible.lab_inventory(self.directory / "inventory")
        tree = {"all": {"children": {"connectors": {"children": {"nam": {"children": children}}}}}}
        (self.inventory / "hosts.yml").write_text(yaml.safe_dump(tree, sort_keys=False))

    def move(self, connector: str, group: str) -> None:
        """Through Graph itself, as an operator in the portal would."""
        root = f"{self.lab.state['graph_endpoint']}/beta/onPremisesPublishingProfiles/applicationProxy"
        request = urllib.request.Request(
            f"{root}/connectorGroups/{group}/members/$ref",
            data=json.dumps({"@odata.id": f"{root}/connectors/{connector}"}).encode(),
            headers={"Authorization": f"Bearer {self.lab.token('graph')}", "Content-Type": "application/json"},
            method="POST",
        )
        context = ssl.create_default_context(cafile=self.lab.state["ca_file"])
        urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)).open(request).close()

    def default_group(self) -> str:
        return str(next(group["id"] for group in self.lab.get("/tenant")["groups"] if group["is_default"]))

    def assign(self, application: t.Mapping[str, t.Any], group: str) -> None:
        """Let an application use a group."""
        known = {key: application[key] for key in ("id", "app_id", "display_name")}
        self.lab.post("/applications", {**known, "group": group})

    def upgrade(self, *arguments: str, **variables: t.Any) -> Run:
        given = {"connector_version": NEW, **FAST, **variables}
        return self.run("upgrade_connectors", *arguments, **given)

    def kill_after(self, writes: int, playbook: str, *arguments: str, **variables: t.Any) -> bool:
        """Run a playbook, and SIGKILL it with all its workers at the very moment after its n-th write. Whether it made so many."""
        self.lab.post("/halt", {"after": writes})
        try:
            return self.ansible.killed(
                ROOT / "playbooks" / f"{playbook}.yml",
                *arguments,
                inventory=self.inventory,
                variables=variables or None,
                when=lambda: bool(self.lab.get("/halt")["reached"]),
            )
        finally:
            self.lab.delete("/halt")

    def another_operator(self) -> Operations:
        """Someone else at the same controller, with a home of their own."""
        home = self.directory / "other"
        return dataclasses.replace(self, ansible=dataclasses.replace(self.ansible, home=home))

    def decommission(self, *hosts: str, check: bool = False, **variables: t.Any) -> Run:
        given = {"decommission_hosts": list(hosts), "decommission_drain_seconds": 0, **variables}
        return self.run("decommission_connectors", *(["--check"] if check else []), **given)

    def run(self, playbook: str, *arguments: str, **variables: t.Any) -> Run:
        path = ROOT / "playbooks" / f"{playbook}.yml"
        return self.ansible.playbook(path, *arguments, inventory=self.inventory, variables=variables or None)

    def writes(self, seq: int) -> list[dict[str, t.Any]]:
        """What was changed after that entry of the journal, on servers and in the tenant; shells are among it."""
        entries = self.lab.journal(since=seq)
        return [one for one in entries if one["kind"] in ("write", "shell") and one["plane"] != "admin" and one["action"] != "batch"]

    def changes(self, seq: int) -> list[dict[str, t.Any]]:
        """The writes among them that took effect: what the lab's halt counts."""
        return [one for one in self.writes(seq) if one["kind"] == "write" and (one["status"] or 0) < 400]

    def members(self) -> dict[str, list[str]]:
        return {group["name"]: sorted(group["members"]) for group in self.lab.get("/tenant")["groups"]}

    def versions(self) -> dict[str, str]:
        return {name: server["connector"]["version"] for name, server in self.lab.get("/servers").items() if server["connector"]["version"]}

    def ids(self, hosts: t.Iterable[str]) -> dict[str, str]:
        """Which connector each server believes to be."""
        return {host: self.lab.get(f"/servers/{host}")["connector"]["connector_id"] for host in hosts}

    def claimed_by(self, host: str, *, controller: str, pid: int, boot: str = "", machine: str = "") -> None:
        """Write what a run on that controller would have written into the server's registry."""
        until = datetime.datetime.fromisoformat(self.lab.get("/clock")["now"]) + datetime.timedelta(seconds=LEASE)
        owner = {"boot": boot, "controller": controller, "machine": machine, "namespace": "", "pid": pid, "started": "1"}
        claim = json.dumps({**owner, "purpose": "patches", "until": until.isoformat()})
        self.lab.patch(f"/servers/{host}", {"registry": [{"key": rf"HKLM\{CLAIM_KEY}", "name": CLAIM_VALUE, "value": claim}]})

    def let_go(self, host: str) -> None:
        """Take away what C(claimed_by) wrote, as the end of that run would."""
        self.lab.patch(f"/servers/{host}", {"registry": [{"key": rf"HKLM\{CLAIM_KEY}", "absent": True}]})

    def claims(self) -> dict[str, t.Any]:
        """The claims that stand in the registries of the servers."""
        key = urllib.parse.quote(CLAIM_KEY)
        values = {name: self.lab.get(f"/servers/{name}/registry?key={key}")["values"] or {} for name in self.lab.get("/servers")}
        return {name: json.loads(found[CLAIM_VALUE]) for name, found in values.items() if CLAIM_VALUE in found}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many cases of the kill matrix passed, and the fewest active connectors that any group had in them."""
    passed = [dict(report.user_properties) for report in terminalreporter.stats.get("passed", []) if report.when == "call"]
    cases = [properties["kill_matrix"] for properties in passed if "kill_matrix" in properties]
    for name in dict.fromkeys(name for name, _worst in cases):
        found = [worst for one, worst in cases if one == name]
        terminalreporter.write_line(f"kill matrix: {name}: {len(found)} cases, worst number of active connectors in a group: {min(found)}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Those marked slow are for the matrices: -m slow, or any other -m, runs them."""
    if not config.option.markexpr:
        items[:] = [item for item in items if item.get_closest_marker("slow") is None]


@pytest.fixture
def operations(lab: Lab, ansible: Ansible, tmp_path: pathlib.Path) -> Operations:
    return Operations(lab, ansible, tmp_path)

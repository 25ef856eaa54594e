# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tenant modules that change something, one sentence for each: check, read back, apply, read back, repeat.

What is read back comes through the lab's admin door.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import stat
import typing as t

import jsonschema
import pytest

from tests.support.lab_process import ROOT, Lab
from tests.support.playbook import Ansible

Task = dict[str, t.Any]
Result = dict[str, t.Any]
DEPLOY = ROOT / "playbooks" / "deploy_connectors.yml"


@dataclasses.dataclass
class World:
    """A tenant with two groups, and the modules on it."""

    lab: Lab
    ansible: Ansible
    folder: pathlib.Path

    def run(self, *tasks: Task, check: bool = False) -> list[Result]:
        """What the tasks returned. A failed one is a result as well."""
        names = ("tenant_id", "graph_endpoint", "authority", "ca_file")
        file = self.folder / "results.json"
        listed = [{"name": f"step {number}", "register": f"r{number}", "ignore_errors": True, **task} for number, task in enumerate(tasks)]
        content = "{{ [" + ", ".join(f"r{number}" for number in range(len(tasks))) + "] | to_json }}"
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/entra.app_proxy.tenant": {name: self.lab.state[name] for name in names}},
            "tasks": [*listed, {"ansible.builtin.copy": {"dest": str(file), "content": content, "mode": "0600"}, "check_mode": False}],
        }
        self.ansible.playbook([play], "--diff", *(["--check"] if check else [])).succeeded()
        return list(json.loads(file.read_text()))

    def groups(self) -> dict[str, tuple[list[str], list[str]]]:
        """Members and applications by group, as the tenant itself has them."""
        return {one["name"]: (sorted(one["members"]), sorted(one["applications"])) for one in self.lab.get("/tenant")["groups"]}

    def writes(self) -> int:
        return len([entry for entry in self.lab.journal(kind="write") if entry["plane"] == "graph"])

    def sentence(self, task: Task, expected: dict[str, tuple[list[str], list[str]]]) -> Result:
        """Check, read back, apply, read back, repeat. C(expected): the groups that must be so afterwards."""
        before, written = self.groups(), self.writes()
        (checked,) = self.run(task, check=True)
        assert (self.groups(), self.writes()) == (before, written), "check mode wrote"
        done, again = self.run(task, task)
        assert not done.get("failed"), done.get("msg")
        assert {name: self.groups().get(name) for name in expected} == expected
        assert (checked["changed"], done["changed"], again["changed"]) == (True, True, False)
        for key in ("plan", "summary", "diff"):
            assert checked[key] == done[key], key
        assert checked.keys() == done.keys()
        assert (again["plan"]["lines"], again["summary"]) == ([], ["Plan: nothing to do."])
        return done


@pytest.fixture
def world(lab: Lab, ansible: Ansible, tmp_path: pathlib.Path) -> World:
    lab.post("/groups", {"name": "Web", "region": "nam"})
    lab.post("/groups", {"name": "Old", "region": "nam"})
    for machine, group in (("D1", "Default"), ("D2", "Default"), ("WEB1", "Web"), ("WEB2", "Web"), ("WEB3", "Web"), ("OLD1", "Old")):
        lab.post("/connectors", {"machine_name": machine, "group": group, "status": "active"})
    return World(lab, ansible, tmp_path)


def module(short: str, /, **options: t.Any) -> Task:
    return {f"entra.app_proxy.{short}": options}


def test_one_group_from_nothing_to_nothing(world: World) -> None:
    created = module(
        "connector_group",
        name="HR",
        region="eur",
        connectors={"set": [{"machine_name": "D1", "zone": "east"}, {"machine_name": "D2", "zone": "east"}]},
        applications={"add": ["Payroll"]},
    )
    (kept,) = world.run(created)
    assert "D1 stays in connector group Default: application(s) Intranet, Payroll use that group" in kept["msg"]
    assert world.groups()["Default"] == (["D1", "D2"], ["Intranet", "Payroll"])
    created["entra.app_proxy.connector_group"]["accepted_outages"] = ["Default"]
    done = world.sentence(created, {"HR": (["D1", "D2"], ["Payroll"]), "Default": ([], ["Intranet"])})
    assert (done["group"]["region"], done["group"]["ok"]) == ("eur", True)
    assert any("are in zone east" in warning for warning in done["warnings"])
    assert done["summary"][0] == "Plan: 2 connectors to move, 1 application to assign, nothing to delete."
    swapped = module("connector_group", name="hr", connectors={"add": ["WEB1", "WEB2"], "remove": ["D1", "D2"]}, min_connectors=1)
    (refused,) = world.run(swapped)
    assert "that group has 2 active connector(s), needs 2 and would keep 1" in refused["msg"]
    assert [one["name"] for one in refused["blocked"]] == ["WEB2"], "Web keeps its two"
    assert refused["blocked"][0]["safe_steps"][-1].startswith("run again: connector WEB2 then moves")
    assert world.groups()["HR"] == (["WEB1"], ["Payroll"])
    gone = module("connector_group", name="HR", state="absent", connectors={"set": []}, applications={"set": []})
    done = world.sentence(gone, {"Default": (["D1", "D2", "WEB1"], ["Intranet", "Payroll"])})
    assert (done["group"], "HR" in world.groups()) == (None, False)


def test_a_fleet_with_purge_and_an_exported_plan(world: World) -> None:
    world.lab.patch("/tenant", {"expand": "allowed"})
    path = world.folder / "plan.json"
    task = module(
        "connector_groups",
        groups=[{"name": "Web", "connectors": ["WEB1", "WEB2"]}, {"name": "New", "region": "nam", "connectors": ["D1", "D2"]}],
        purge=True,
        max_delete="50%",
        # What uses Default is to have no connectors.
        accepted_outages=["Default"],
        plan_file=str(path),
    )
    (checked,) = world.run(task, check=True)
    exported = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.unlink()
    done = world.sentence(
        task, {"Web": (["WEB1", "WEB2", "WEB3"], []), "New": (["D1", "D2"], []), "Default": (["OLD1"], ["Intranet", "Payroll"])}
    )
    assert [(one["name"], one["status"]) for one in done["outcomes"]] == [("Web", "unchanged"), ("New", "created"), ("Old", "deleted")]
    assert "Default group for AD Sync Fabric" in world.groups()
    jsonschema.validate(json.loads(exported), json.loads((ROOT / "docs" / "plan_file.schema.json").read_text()))
    assert json.loads(exported) == {"format": 1, "module": "entra.app_proxy.connector_groups", **checked["plan"]}
    assert json.loads(path.read_text())["changes"] == []  # of the repetition
    info, given_back = world.run(
        module("connector_group_info"),
        {**module("connector_groups", groups="{{ r0.desired }}", shortfall="report", purge=True), "check_mode": False},
    )
    assert [one["name"] for one in info["desired"]] == ["New", "Web"]
    assert (given_back["changed"], given_back["plan"]["lines"]) == (False, [])


def test_one_task_signs_in_once_and_lists_once_however_many_groups_it_is_about(world: World) -> None:
    world.lab.patch("/tenant", {"expand": "allowed"})
    task = module("connector_groups", groups=[{"name": f"Group {number}", "min_connectors": 0} for number in range(30)])
    (done,) = world.run(task)
    assert done["changed"]
    start = world.lab.last_seq()
    (again,) = world.run(task)
    assert not again["changed"]
    asked = [entry["action"] for entry in world.lab.journal(since=start)]
    assert {name: asked.count(name) for name in ("token", "list_groups", "list_connectors", "batch")} == {
        "token": 1,
        "list_groups": 1,
        "list_connectors": 1,
        "batch": 0,
    }


def test_names_that_two_things_have_are_refused_with_their_ids(world: World) -> None:
    ids = [world.lab.post("/groups", {"name": name})["id"] for name in ("Twice", "TWICE")]
    apps = [world.lab.post("/applications", {"display_name": "Double"})["id"] for _number in range(2)]
    written = world.writes()
    group, application, one = world.run(
        module("connector_groups", groups=[{"name": "twice"}]),
        module("application_connector_group", application="double", connector_group="Web"),
        module("connector_group", name="Twice", region="nam"),
    )
    assert world.writes() == written
    for result, candidates in ((group, ids), (application, apps), (one, ids)):
        assert "ambiguous" in result["msg"]
        assert [candidate for candidate in candidates if candidate not in result["msg"]] == []


def test_what_is_refused_changes_nothing_and_says_what_to_do(world: World) -> None:
    before, written = world.groups(), world.writes()
    many, half, low, default, busy, nowhere = world.run(
        module("connector_groups", groups=[{"name": "Other"}], purge=True, shortfall="report"),
        module("connector_groups", groups=[], purge=True, max_delete="half"),
        module("application_connector_group", application="Intranet", connector_group="Old"),
        module("connector_group", name="Default", state="absent"),
        module("connector_group", name="Web", state="absent"),
        module("connector_groups", groups=[], plan_file=str(world.folder / "missing" / "plan.json")),
    )
    assert (world.groups(), world.writes()) == (before, written)
    assert "Too many deletes, 2 of 2 connector group(s) (100 %) are over max_delete=1, force required" in many["msg"]
    assert "max_delete must be a number" in half["msg"]
    assert "Old has 1 active connector(s) of the 2 it needs" in low["msg"]
    assert low["blocked"][0]["safe_steps"][0] == "bring 1 more active connector(s) into connector group Old"
    assert "the Default group is the service's own and is never deleted" in default["msg"]
    assert "connector group Web is not deleted: it still has 3 connector(s) and 0 application(s)" in busy["msg"]
    assert "its directory does not exist" in nowhere["msg"]
    assert all(one["failed"] and not one["changed"] for one in (many, half, low, default, busy, nowhere))


def test_the_group_of_an_application_and_the_audit(world: World) -> None:
    task = module("application_connector_group", application="Intranet", connector_group="Web")
    done = world.sentence(task, {"Web": (["WEB1", "WEB2", "WEB3"], ["Intranet"])})
    assert (done["application"]["name"], done["connector_group"]["name"]) == ("Intranet", "Web")
    (audit,) = world.run(module("application_info", zones={"WEB1": "east", "WEB2": "east", "WEB3": "east", "D1": "west"}))
    entries = {one["name"]: one for one in audit["applications"]}
    assert audit["counts"] == {"applications": 2, "below_minimum": 0, "on_default": 1, "single_zone": 1}
    assert (entries["Intranet"]["single_zone"], entries["Payroll"]["on_default"]) == ("east", True)
    back = module("application_connector_group", application="Intranet", state="absent")
    world.sentence(back, {"Default": (["D1", "D2"], ["Intranet", "Payroll"])})


def test_the_diagnosis_tells_what_is_wrong_and_no_secret(world: World) -> None:
    app_only, user = world.lab.token("graph", app_only=True), world.lab.token("graph", scopes="User.Read")
    good, app, weak, away = world.run(
        module("debug_client"),
        module("debug_client", access_token=app_only),
        module("debug_client", access_token=user),
        module("debug_client", graph_endpoint="https://localhost:9", access_token=user),
    )
    assert (good["ok"], good["problems"]) == (True, [])
    assert good["endpoints"]["graph"]["tls"]["version"].startswith("TLSv1.")
    assert abs(good["endpoints"]["authority"]["clock_skew_seconds"]) < 60
    assert (good["token"]["kind"], "Directory.ReadWrite.All" in good["token"]["scopes"]) == ("user", True)
    assert good["libraries"]["azure-core"]
    assert (app["token"]["kind"], "The token is app-only" in app["problems"][0]) == ("app", True)
    assert any("none of the delegated permissions" in problem for problem in weak["problems"])
    assert any("graph cannot be reached" in problem for problem in away["problems"])
    shown = json.dumps([good, app, weak, away])
    for token in (app_only, user):
        assert not [part for part in token.split(".") if part in shown]
    assert '"eyJ' not in shown


@pytest.mark.parametrize("given", [False, True])
def test_a_token_that_would_end_too_soon_is_replaced_when_a_server_has_its_turn(world: World, given: bool) -> None:
    """The margin is longer than the life of any token, so every server finds the one of the beginning too old."""
    variables: dict[str, t.Any] = {"connector_registration_token_refresh_margin": 100_000}
    if given:
        variables["connector_registration_token"] = world.lab.token("registration", expires_in=600)
    start = world.lab.last_seq()
    done = world.ansible.playbook(DEPLOY, "--limit", "nam_web,localhost", "--tags", "connectors", variables=variables).succeeded()
    asked = [entry for entry in world.lab.journal(since=start, plane="login") if "registerapp" in str(entry)]
    assert len(asked) == (2 if given else 1 + 2)
    assert {"NAM-WEB-01", "NAM-WEB-02"} <= {one["machine_name"] for one in world.lab.get("/tenant")["connectors"]}
    assert '"eyJ' not in done.output

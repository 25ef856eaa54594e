# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operator writes behind the name of a playbook: -e name=value, which is always a text, --limit, and files."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
import yaml

from tests.integration.operations.conftest import FAST, HR, NEW, OLD, THREES, WEB, Operations
from tests.integration.operations.witness import watching
from tests.support.lab_process import ROOT

ROLES = {
    "deploy_connectors": ("connector", "connector_groups"),
    "upgrade_connectors": ("connector", "upgrade"),
    "decommission_connectors": ("decommission",),
    "verify_connectors": ("verify",),
}


def texts(roles: t.Iterable[str]) -> dict[str, str]:
    """Every boolean and every number of these roles that has a default, as the text that -e makes of it."""
    found = {}
    for role in roles:
        specs = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
        for options in (spec.get("options", {}) for spec in specs.values()):
            found.update(
                {name: str(one["default"]) for name, one in options.items() if one["type"] in ("bool", "int") and "default" in one}
            )
    return found


def extra(values: t.Mapping[str, object]) -> list[str]:
    return [word for name, value in values.items() for word in ("-e", f"{name}={value}")]


@pytest.mark.parametrize("playbook", ROLES)
def test_booleans_and_numbers_given_as_texts_mean_what_they_say(operations: Operations, playbook: str) -> None:
    operations.fleet({"Web": WEB}, version=OLD if playbook.startswith("upgrade") else NEW)
    before = operations.members()
    given = {
        **texts(ROLES[playbook]),
        **FAST,
        "connector_i_accept_that_serving_connectors_go_down": "False",
        "decommission_drain_seconds": 0,
        "decommission_hosts": "nam-hr-01",
        "connector_version": NEW,
    }
    seq = operations.lab.last_seq()
    with watching(operations.lab, ["Web"]) as witness:
        operations.run(
            playbook, "-e", "verify_fail_on=info", "-e", f"verify_result_file={operations.directory / 'v'}", *extra(given)
        ).succeeded()
    assert witness.worst()["Web"] >= 2
    assert set(operations.versions().values()) == {NEW}
    if playbook.startswith("decommission"):
        assert operations.members() == {**before, "Web": ["NAM-WEB-01", "NAM-WEB-02"], "Default": ["NAM-HR-01"]}
        return
    assert operations.members() == before
    assert playbook.startswith("upgrade") or operations.changes(seq) == []


def test_a_text_that_says_no_leaves_the_connectors_in_their_groups(operations: Operations) -> None:
    operations.fleet({"Web": WEB})
    seq = operations.lab.last_seq()
    with watching(operations.lab, ["Web"]) as witness:
        operations.upgrade(*extra({"upgrade_drain": "false"})).succeeded()
    assert [one for one in operations.changes(seq) if one["plane"] == "graph"] == []
    assert witness.worst() == {"Web": 2}
    assert set(operations.versions().values()) == {NEW}


def _per_group(operations: Operations, values: t.Mapping[str, t.Mapping[str, t.Any]]) -> None:
    """Set variables for single inventory groups."""
    hosts = operations.inventory / "hosts.yml"
    tree = yaml.safe_load(hosts.read_text())
    groups = tree["all"]["children"]["connectors"]["children"]["nam"]["children"]
    for name, variables in values.items():
        groups[name]["vars"].update(variables)
    hosts.write_text(yaml.safe_dump(tree, sort_keys=False))


def test_what_counts_for_a_run_and_is_set_for_one_group_only_is_refused_and_for_those_alone_it_holds(operations: Operations) -> None:
    operations.fleet(THREES)
    _per_group(operations, {"group_hr": {"upgrade_drain": False, "decommission_wait_timeout": 3}})
    seq = operations.lab.last_seq()
    upgrade = operations.upgrade()
    assert upgrade.rc != 0
    assert "upgrade_drain counts for the whole run, and is not the same for all of its servers" in upgrade.stdout
    assert f"{WEB[0]} has true, {HR[0]} has false" in upgrade.stdout
    removal = operations.decommission(WEB[0], HR[0])
    assert removal.rc != 0
    assert f"{WEB[0]} has 60, {HR[0]} has 3" in removal.stdout
    assert operations.changes(seq) == []
    operations.upgrade("--limit", "group_hr,localhost").succeeded()
    assert [one for one in operations.changes(seq) if one["plane"] == "graph"] == []
    assert {operations.versions()[host] for host in HR} == {NEW}


def test_the_servers_that_leave_may_be_a_text_and_a_stranger_is_named_as_a_whole(operations: Operations) -> None:
    operations.fleet(THREES, version=NEW)
    seq = operations.lab.last_seq()
    unknown = operations.decommission(*(), decommission_hosts="nam-web-99, nam-web-01")
    assert unknown.rc != 0
    assert "not below the inventory group connectors: nam-web-99. Nothing was done." in unknown.stdout
    for nothing in ("", []):
        empty = operations.decommission(decommission_hosts=nothing)
        assert empty.rc != 0
        assert "decommission_hosts names no server. Nothing was done." in empty.stdout
    assert operations.changes(seq) == []
    operations.decommission(decommission_hosts=f"{WEB[0]},{HR[0]}").succeeded()
    assert operations.members()["Default"] == sorted(host.upper() for host in (WEB[0], HR[0]))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ('{"connector_i_accept_a_new_registration_of": ["nam-web-02"]}', {"nam-web-02"}),
        ("connector_i_accept_a_new_registration_of=nam-web-02", {"nam-web-02"}),
        ("connector_i_accept_a_new_registration_of='nam-web-01, nam-hr-01,'", {"nam-web-01", "nam-hr-01"}),
        ("connector_i_accept_a_new_registration_of=", set()),
    ],
    ids=["a list", "a text", "a text with commas", "nobody"],
)
def test_servers_that_are_named_are_registered_anew_and_no_others(operations: Operations, given: str, named: set[str]) -> None:
    operations.fleet({"Web": WEB}, version=NEW)
    before = operations.ids(WEB)
    run = operations.run("deploy_connectors", "-e", given).succeeded()
    after = operations.ids(WEB)
    assert {host for host in WEB if before[host] != after[host]} == named
    assert {one["id"] for one in operations.lab.get("/tenant")["connectors"]} == {*before.values(), *after.values()}
    assert {host for host in WEB if f"{host}: connector_i_accept_a_new_registration_of" in run.stdout} == named


@pytest.mark.parametrize("playbook", ["verify_connectors", "decommission_connectors"])
def test_a_limit_without_the_controller_is_refused(operations: Operations, playbook: str) -> None:
    operations.fleet({"Web": WEB}, version=NEW)
    seq = operations.lab.last_seq()
    run = operations.run(playbook, "--limit", "group_web", decommission_hosts=[WEB[0]])
    assert run.rc != 0
    assert "Nothing was judged, because --limit leaves the controller out" in run.stdout
    assert operations.changes(seq) == []


def test_a_limit_lets_verify_ask_some_servers_and_say_how_many_it_did_not(operations: Operations) -> None:
    operations.fleet(THREES, version=NEW)
    file = operations.directory / "verify.json"
    arguments = {"verify_result_file": str(file), "verify_fail_on": "info"}
    run = operations.run("verify_connectors", "--limit", "group_web,localhost", **arguments).succeeded()
    assert "3 server(s) left out by --limit" in run.stdout
    result = json.loads(file.read_text())
    assert (result["not_asked"], result["findings"]) == (list(HR), [])
    operations.lab.patch(f"/servers/{WEB[0]}", {"reachable": False})
    operations.lab.patch(f"/servers/{HR[0]}", {"reachable": False})
    assert operations.run("verify_connectors", "--limit", "group_web,localhost", **arguments).rc != 0
    assert [one["subject"] for one in json.loads(file.read_text())["findings"] if one["code"] == "not_checked"] == [WEB[0]]


def test_a_server_that_leaves_and_that_the_limit_leaves_out_is_named_before_anything_is_touched(operations: Operations) -> None:
    operations.fleet(THREES, version=NEW)
    seq = operations.lab.last_seq()
    run = operations.run("decommission_connectors", "--limit", "group_web,localhost", decommission_hosts=[WEB[0], HR[0]])
    assert run.rc != 0
    assert f"left out by --limit, and named in decommission_hosts: {HR[0]}. Nothing was done." in run.stdout
    assert operations.changes(seq) == []
    limited = ["--limit", "group_web,localhost"]
    operations.run("decommission_connectors", *limited, decommission_hosts=[WEB[0]], decommission_drain_seconds=0).succeeded()
    assert operations.members()["Default"] == [WEB[0].upper()]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "Could not find or access"),
        ("- name: [\n", "parsing"),
        ("- name: Patch\n  no_such.collection.module:\n", "couldn't resolve module/action 'no_such.collection.module'"),
        ("name: Patch\n", "list of tasks"),
    ],
    ids=["missing", "no YAML", "no such module", "no list"],
)
def test_tasks_of_the_user_that_cannot_be_read_end_the_run_before_anything_is_done(
    operations: Operations, tmp_path: pathlib.Path, content: str | None, says: str
) -> None:
    operations.fleet({"Web": WEB}, version=NEW)
    hook = tmp_path / "patch.yml"
    if content is not None:
        hook.write_text(content)
    seq = operations.lab.last_seq()
    run = operations.upgrade(upgrade_tasks_file=str(hook))
    assert run.rc != 0
    assert says in " ".join(run.output.split())
    assert operations.changes(seq) == []


def test_tasks_of_the_user_are_only_read_beforehand_whatever_they_refer_to_and_a_restart_they_ask_for_is_told(
    operations: Operations, tmp_path: pathlib.Path
) -> None:
    operations.fleet({"Web": WEB}, version=NEW)
    hook = tmp_path / "patch.yml"
    hook.write_text(
        """
- name: Note who is patched
  ansible.builtin.set_fact:
    patched: "{{ upgrade_turn.group }}"
- name: Tell the controller
  ansible.builtin.debug:
    msg: "patching {{ inventory_hostname }} of {{ patched }}"
  delegate_to: "{{ 'localhost' if patched else '' }}"
- name: Say that a restart is needed
  ansible.builtin.set_fact:
    upgrade_restart_required: "yes"
"""
    )
    result = operations.directory / "result.json"
    boots = {host: operations.lab.get(f"/servers/{host}")["boot"] for host in WEB}
    run = operations.upgrade(upgrade_tasks_file=str(hook), upgrade_result_file=str(result)).succeeded()
    assert [f"patching {host} of Web" in run.stdout for host in WEB] == [True] * 3
    assert run.stdout.count('"msg": "patching ') == 3
    assert [one["restart_pending"] for one in json.loads(result.read_text())["hosts"]] == [True] * 3
    assert {host: operations.lab.get(f"/servers/{host}")["boot"] for host in WEB} == boots
    assert "A restart is pending" in run.stdout


@pytest.mark.parametrize("playbook", ["upgrade_connectors", "decommission_connectors", "verify_connectors"])
def test_errors_made_fatal_in_the_configuration_do_not_let_one_server_end_the_others(operations: Operations, playbook: str) -> None:
    operations.fleet(THREES, version=OLD if playbook.startswith("upgrade") else NEW)
    operations.lab.patch(f"/servers/{WEB[0]}", {"reachable": False})
    file = operations.directory / "verify.json"
    variables = {"connector_version": NEW, **FAST, "decommission_hosts": [WEB[0], HR[0]], "verify_result_file": str(file)}
    limit = ["--limit", f"{WEB[0]},{HR[0]},localhost"]
    run = operations.ansible.playbook(
        ROOT / "playbooks" / f"{playbook}.yml",
        *limit,
        inventory=operations.inventory,
        variables={**variables, "decommission_drain_seconds": 0},
        environment={"ANSIBLE_ANY_ERRORS_FATAL": "true"},
    )
    assert run.rc != 0
    if playbook.startswith("upgrade"):
        assert operations.versions()[HR[0]] == NEW
    elif playbook.startswith("decommission"):
        assert operations.members()["Default"] == [HR[0].upper()]
    else:
        assert [one["subject"] for one in json.loads(file.read_text())["findings"] if one["code"] == "not_checked"] == [WEB[0]]

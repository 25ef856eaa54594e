# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every EXAMPLES block is what it claims to be: its options exist, and it runs, here against the lab.

A block is executed whole, as one play, on a fresh lab, which is given the state that single tasks suppose. What its tasks return is held
against the RETURN of their modules.
"""

from __future__ import annotations

import functools
import pathlib
import typing as t

import pytest
import yaml

from tests.docs import prepared, results
from tests.docs.variables import environment, fill_tenant, variables
from tests.support import documents
from tests.support.lab_process import Lab
from tests.support.playbook import Ansible, Listing

COLLECTIONS = documents.ROOT / ".build" / "collections"
EXAMPLES = [(kind, name) for kind in ("module", "filter", "lookup") for name in documents.names(kind)]
# What must have happened before the examples of a module make sense, as the examples of another one.
FIRST = {"connector_health": "connector_registration"}
TASK_KEYWORDS = {"name", "register", "when", "vars", "loop", "delegate_to", "run_once", "until", "retries", "delay", "no_log", "tags"}

Task = t.Mapping[str, t.Any]


@functools.cache
def _pages(kind: str) -> dict[str, t.Any]:
    return documents.read(kind, documents.names(kind), collections=COLLECTIONS)


def _page(kind: str, name: str) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", _pages(kind)[name])


def _tasks(kind: str, name: str) -> list[Task]:
    return list(yaml.safe_load(_page(kind, name)["examples"]))


def _changes_something(name: str) -> bool:
    return bool(_page("module", name)["doc"]["attributes"]["diff_mode"]["support"] == "full")


def _documents(name: str) -> list[dict[str, t.Any]]:
    return list(yaml.safe_load_all(_page("inventory", name)["examples"]))


def _host(module: str) -> str:
    return prepared.SERVER if module in documents.action_group("host") else "localhost"


def _complaints(options: t.Any, declared: t.Mapping[str, t.Any], where: str) -> t.Iterator[str]:
    """What is wrong with literal options: unknown names, missing required ones, values that are no choice."""
    aliases = {alias: name for name, option in declared.items() for alias in option.get("aliases") or []}
    given = {aliases.get(name, name): value for name, value in (options or {}).items()}
    yield from (f"{where}.{name}: there is no such option" for name in given if name not in declared)
    yield from (f"{where}.{name}: required" for name, option in declared.items() if option.get("required") and name not in given)
    for name, value in given.items():
        option = declared.get(name, {})
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and option.get("suboptions"):
                yield from _complaints(item, option["suboptions"], f"{where}.{name}")
            elif option.get("choices") and "{{" not in str(item) and item not in option["choices"]:
                yield f"{where}.{name}: {item!r} is none of {list(option['choices'])}"


@pytest.mark.parametrize(("kind", "name"), [example for example in EXAMPLES if example[0] == "module"])
def test_examples_name_options_that_exist(kind: str, name: str) -> None:
    complaints: list[str] = []
    for task in _tasks(kind, name):
        for module in set(task) - TASK_KEYWORDS:
            if module.startswith(f"{documents.COLLECTION}."):
                declared = _page("module", module)["doc"]["options"]
                complaints += _complaints(task[module], declared, f"{task['name']}: {module.rpartition('.')[2]}")
    assert complaints == []


@pytest.mark.parametrize(("kind", "name"), EXAMPLES)
def test_examples_run_and_return_what_is_documented(kind: str, name: str, ansible: Ansible, lab: Lab, tmp_path: pathlib.Path) -> None:
    assert "\n".join(_departures(kind, name, ansible, lab, tmp_path)) == ""


@pytest.mark.parametrize("name", [name for name in documents.names("module") if _changes_something(name)])
def test_check_mode_returns_what_is_documented(name: str, ansible: Ansible, lab: Lab, tmp_path: pathlib.Path) -> None:
    assert "\n".join(_departures("module", name, ansible, lab, tmp_path, "--check", "--diff")) == ""


@pytest.mark.parametrize("arguments", [(), ("--check",)], ids=["real", "check"])
@pytest.mark.parametrize("module", sorted(prepared.UNCHANGED))
def test_an_example_that_is_about_a_change_changes_something(
    module: str, arguments: tuple[str, ...], ansible: Ansible, lab: Lab, tmp_path: pathlib.Path
) -> None:
    seen = [one for one in _recorded("module", f"{documents.COLLECTION}.{module}", ansible, lab, tmp_path, *arguments) if one.told]
    assert {one.task for one in seen if one.module == module and not one.result["changed"]} == prepared.UNCHANGED[module]


def _departures(kind: str, name: str, ansible: Ansible, lab: Lab, directory: pathlib.Path, *arguments: str) -> list[str]:
    """Run the examples; where their results are not as documented."""
    seen = [one for one in _recorded(kind, name, ansible, lab, directory, *arguments) if one.told]
    assert kind != "module" or "no_log" in str(_tasks(kind, name)) or name.rpartition(".")[2] in {one.module for one in seen}
    return [text for one in seen for text in results.complaints(one, _page("module", f"{documents.COLLECTION}.{one.module}")["return"])]


def _recorded(kind: str, name: str, ansible: Ansible, lab: Lab, directory: pathlib.Path, *arguments: str) -> list[results.Recorded]:
    """Run the examples; what their tasks return."""
    short, file = name.rpartition(".")[2], directory / "results.jsonl"
    if _host(short) == "localhost":
        fill_tenant(lab)
    plays = []
    if short in FIRST:
        plays.append(_play("What the examples take for granted", FIRST[short], "module", lab))
    plays.append(_play(f"Examples of {short}", short, kind, lab))
    run = ansible.playbook(plays, *arguments, variables=variables(lab), environment={**environment(lab), **results.recording(file)})
    assert run.succeeded().recap
    return results.recorded(file, documents.COLLECTION)


INVENTORIES = [
    pytest.param(name, content, id=f"{name.rpartition('.')[2]}-{number}")
    for name in documents.names("inventory")
    for number, content in enumerate(_documents(name), 1)
]


@pytest.mark.parametrize(("name", "content"), INVENTORIES)
def test_inventory_examples_name_options_that_exist(name: str, content: dict[str, t.Any]) -> None:
    assert list(_complaints(content, _page("inventory", name)["doc"]["options"], name)) == []


@pytest.mark.parametrize(("name", "content"), INVENTORIES)
def test_inventory_examples_list_hosts(name: str, content: dict[str, t.Any], ansible: Ansible, lab: Lab) -> None:
    fill_tenant(lab)
    lab.patch("/tenant", {"app_only": True})
    source = ansible.source("example.app_proxy_connectors.yml", content)
    given = ansible.source("variables.json", variables(lab))
    # In place of the user's own folder, where an example keeps its cache.
    home = {"HOME": str(ansible.home)}
    run = ansible.list_inventory(source, arguments=["-e", f"@{given}"], environment={**environment(lab), **home}).succeeded()
    assert len(Listing.of(run).variables) == len(lab.state["servers"])


def _play(title: str, short: str, kind: str, lab: Lab) -> dict[str, t.Any]:
    tasks = [step for task in _tasks(kind, f"{documents.COLLECTION}.{short}") for step in (*_orders(short, task, lab), task)]
    # In check mode a later example finds nothing of what an earlier one would have done.
    return {"name": title, "hosts": _host(short), "gather_facts": False, "ignore_errors": "{{ ansible_check_mode }}", "tasks": tasks}


def _orders(short: str, task: Task, lab: Lab) -> list[Task]:
    """What brings the lab into the state that a task supposes."""
    return [
        {
            "name": f"Before: {task['name']}",
            "ansible.builtin.uri": {
                "url": lab.state["admin"] + path,
                "method": "PATCH" if path.startswith("/servers") else "POST",
                "body_format": "json",
                "body": body,
            },
            "delegate_to": "localhost",
            "check_mode": False,
            "ignore_errors": False,
        }
        for path, body in prepared.BEFORE.get(short, {}).get(task["name"], [])
    ]

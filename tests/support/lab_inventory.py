# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's inventory with its expressions worked out once, as the inventory of real servers would stand in a file.

Ansible compiles each expression of a connection variable anew for each task of each server, in a process of its own.
"""

from __future__ import annotations

import pathlib
import shutil
import typing as t

import jinja2.nativetypes
import yaml

from tests.support.lab_process import LAB_INVENTORY, Lab

_EXPRESSIONS = jinja2.nativetypes.NativeEnvironment(undefined=jinja2.StrictUndefined)
Variables = t.Mapping[str, t.Any]


def write(place: pathlib.Path, lab: Lab, environment: t.Mapping[str, str]) -> pathlib.Path:
    """Write it into that directory, over what stands there.

    :param environment: the variables of the environment that the inventory looks up.
    """

    def lookup(plugin: str, term: str) -> str:
        assert plugin == "ansible.builtin.env", f"the lab's inventory looks up what {plugin} finds: work it out here as well"
        return environment.get(term, "")

    shutil.copytree(LAB_INVENTORY, place, dirs_exist_ok=True)
    known = {"lab": lab.state, "lookup": lookup}
    everywhere = _read(place / "group_vars" / "all.yml")
    del everywhere["lab"]
    _write(place / "group_vars" / "all.yml", {"lab": lab.state, **_worked_out(everywhere, known)})
    connections = _read(place / "group_vars" / "connectors.yml")
    of_one_server = {name: value for name, value in connections.items() if "inventory_hostname" in value}
    common = _worked_out({name: value for name, value in connections.items() if name not in of_one_server}, known)
    _write(place / "group_vars" / "connectors.yml", common)
    for server in lab.state["servers"]:
        _write(place / "host_vars" / f"{server}.yml", _worked_out(of_one_server, {**known, **common, "inventory_hostname": server}))
    return place


def _worked_out(variables: Variables, known: Variables) -> dict[str, t.Any]:
    """In their order: each may use those before it."""
    found: dict[str, t.Any] = {}
    for name, value in variables.items():
        found[name] = _value(value, {**known, **found})
    return found


def _value(value: t.Any, known: Variables) -> t.Any:
    if isinstance(value, dict):
        return {name: _value(one, known) for name, one in value.items()}
    return _EXPRESSIONS.from_string(value).render(known) if isinstance(value, str) else value


def _read(file: pathlib.Path) -> dict[str, t.Any]:
    return dict(yaml.safe_load(file.read_text()))


def _write(file: pathlib.Path, variables: Variables) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(dict(variables), sort_keys=False))

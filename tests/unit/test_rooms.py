# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arrows of docs/architecture.md run downwards only, as the imports in the code say."""

from __future__ import annotations

import ast
import functools
import pathlib
import typing as t

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
OURS = "ansible_collections.entra.app_proxy.plugins."

# What the files of a room may import of the collection, beside one another.
ENTRY_POINTS = {"module_utils.fleet", "module_utils.host", "module_utils.tenant", "plugin_utils"}
MAY_USE: dict[str, set[str]] = {
    "action": ENTRY_POINTS,
    "doc_fragments": set(),
    "filter": ENTRY_POINTS,
    "inventory": ENTRY_POINTS,
    "lookup": ENTRY_POINTS,
    # Only what is sent to where the module runs: no plugin_utils.
    "modules": {"module_utils.service", "module_utils.tenant"},
    "plugin_utils": {"module_utils.fleet", "module_utils.host", "module_utils.tenant", "module_utils.wsman"},
    "module_utils.host": {"module_utils.plan", "module_utils.registration_token", "module_utils.service", "module_utils.wsman"},
    "module_utils.tenant": {"module_utils.machine_names", "module_utils.plan", "module_utils.registration_token", "module_utils.service"},
    "module_utils.fleet": {"module_utils.machine_names", "module_utils.service"},
    "module_utils.wsman": set(),
    "module_utils.machine_names": {"module_utils.service"},
    "module_utils.service": set(),
    "module_utils.plan": set(),
    "module_utils.registration_token": set(),
}
# Plans are pure: neither they nor what they import talk to anyone, look at a clock, or know of Ansible.
PURE = (
    "plan",
    "plan_connector",
    "plan_registration",
    "plan_removal",
    "plan_groups",
    "plan_moves",
    "plan_applications",
    "plan_default",
    "ha",
    "predict",
    "inventory",
    "snapshot",
)
# The table of options is also that of the argument specs, and names Ansible's own way to fall back to an environment variable.
SHARED_TABLE = "module_utils.tenant.options"
IMPURE = {"ansible", "azure", "os", "random", "requests", "socket", "subprocess", "time", "winrm", "pypsrp"}


@functools.cache
def _files() -> dict[str, pathlib.Path]:
    return {".".join(path.relative_to(PLUGINS).with_suffix("").parts): path for path in sorted(PLUGINS.rglob("*.py"))}


@functools.cache
def _imports(path: pathlib.Path) -> frozenset[str]:
    """Full names of what a file imports, wherever in it; of C(from a import b) both C(a) and C(a.b)."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    return frozenset(names)


def _used(name: str) -> set[str]:
    """The files of the collection that a file of it imports."""
    return {one.removeprefix(OURS) for one in _imports(_files()[name]) if one.startswith(OURS)} & set(_files())


def _room(name: str) -> str:
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "module_utils" else parts[0]


def _reached(name: str) -> set[str]:
    """All that a file imports, and what that imports, and so on."""
    reached: set[str] = set()
    pending = [name]
    while pending:
        new = _used(pending.pop()) - reached
        reached |= new
        pending += new
    return reached


def _foreign(names: t.Iterable[str]) -> set[str]:
    """The top-level packages, not ours, that these files import."""
    return {one.partition(".")[0] for name in names for one in _imports(_files()[name])} - {"ansible_collections"}


def test_every_room_is_known() -> None:
    assert {_room(name) for name in _files()} <= set(MAY_USE)


@pytest.mark.parametrize("room", MAY_USE)
def test_a_room_uses_only_what_lies_below_it(room: str) -> None:
    arrows = {
        f"{name} -> {used}" for name in _files() if _room(name) == room for used in _used(name) if _room(used) not in {room, *MAY_USE[room]}
    }
    assert sorted(arrows) == []


def test_no_file_imports_itself_in_a_circle() -> None:
    assert [name for name in _files() if name in _reached(name)] == []


@pytest.mark.parametrize("stem", PURE)
def test_a_name_of_what_is_pure_is_that_of_a_file(stem: str) -> None:
    assert any(name.startswith("module_utils") and name.split(".")[-1] == stem for name in _files())


@pytest.mark.parametrize("name", [name for name in _files() if name.startswith("module_utils") and name.split(".")[-1] in PURE])
def test_plans_are_pure(name: str) -> None:
    assert _foreign({name, *_reached(name)} - {SHARED_TABLE}) & IMPURE == set()


@pytest.mark.parametrize(
    ("room", "unknown"), [("module_utils.fleet", {"ansible", "azure", "winrm", "pypsrp"}), ("module_utils.wsman", {"ansible", "azure"})]
)
def test_a_room_knows_nothing_of(room: str, unknown: set[str]) -> None:
    assert _foreign(name for name in _files() if _room(name) == room) & unknown == set()


def test_collection_and_lab_meet_on_a_socket_only() -> None:
    of_the_lab = {path: _imports(path) for path in (ROOT / "tests" / "lab").rglob("*.py")}
    assert of_the_lab
    assert [path for path, names in of_the_lab.items() if any(name.startswith("ansible_collections") for name in names)] == []
    assert [name for name, path in _files().items() if any(one.partition(".")[0] == "tests" for one in _imports(path))] == []

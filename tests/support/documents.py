# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the collection's plugins and roles, as ansible-doc itself reads it."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
COLLECTION = "entra.app_proxy"
# Every kind of plugin with documentation that this collection may have, and the folder it lies in.
FOLDERS = {"module": "modules", "filter": "filter", "lookup": "lookup", "inventory": "inventory", "test": "test"}


def names(kind: str) -> list[str]:
    """The full names of the plugins of C(kind), or of the roles, from the files: what ansible-doc has to know."""
    if kind == "role":
        found = {path.name for path in ROOT.glob("roles/*") if path.is_dir()}
    else:
        # A filter has its documentation in a file of its own name, beside the Python file that may hold several.
        files = [path for path in (ROOT / "plugins" / FOLDERS[kind]).glob("*.*") if path.suffix in (".py", ".yml")]
        found = {path.stem for path in files if "DOCUMENTATION" in path.read_text()}
    return sorted(f"{COLLECTION}.{name}" for name in found)


def read(kind: str, wanted: t.Sequence[str], *, collections: pathlib.Path) -> dict[str, t.Any]:
    """Return ansible-doc's JSON for the named plugins of C(kind), found below C(collections).

    :raises AssertionError: when ansible-doc cannot read one of them, or warns of something of this collection.
    """
    return _ansible_doc(["--json", "-t", kind, *wanted], collections)


def listed(kind: str, *, collections: pathlib.Path) -> list[str]:
    """The full names that ansible-doc lists by itself."""
    return sorted(_ansible_doc(["--json", "--list", "-t", kind, COLLECTION], collections))


def action_group(name: str) -> list[str]:
    """The modules of an action group of meta/runtime.yml, without the collection's name."""
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    return list(runtime["action_groups"][name])


def _ansible_doc(arguments: list[str], collections: pathlib.Path) -> dict[str, t.Any]:
    command = [str(pathlib.Path(sys.executable).parent / "ansible-doc"), *arguments]
    variables = {"ANSIBLE_COLLECTIONS_PATH": str(collections), "ANSIBLE_HOME": str(ROOT / ".build" / "ansible")}
    done = subprocess.run(command, env={**os.environ, **variables}, cwd=collections, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    # ansible-core also warns of parts of its own.
    assert [line for line in done.stderr.splitlines() if "entra" in line] == [], done.stderr
    return t.cast("dict[str, t.Any]", json.loads(done.stdout))

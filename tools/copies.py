# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of the collection below a real ansible_collections/NAMESPACE/NAME path.

ansible-test refuses a linked checkout, and some tools write into the collection they look at: each gets a copy of its own.
"""

from __future__ import annotations

import filecmp
import pathlib
import shutil
import subprocess

import environment
from environment import BUILD, ROOT

NEVER_COPIED = {".build", ".git", "__pycache__"}
# ansible-test keeps an environment there.
NEVER_REMOVED = pathlib.Path("tests/output")


def refresh(name: str) -> pathlib.Path:
    """Make the copy C(name) equal to the checkout's files (those git tracks, or would track) and return its path."""
    target = BUILD / "copies" / name / "ansible_collections" / "entra" / "app_proxy"
    wanted = _files()
    for path in [path.relative_to(target) for path in target.rglob("*") if not path.is_dir()]:
        if path not in wanted and NEVER_REMOVED not in path.parents:
            (target / path).unlink()
    for path in wanted:
        _copy(ROOT / path, target / path)
    return target


def variables(binaries: pathlib.Path, copy: pathlib.Path) -> dict[str, str]:
    """Return the environment variables for a command that works in C(copy)."""
    return {
        **environment.variables(binaries),
        "ANSIBLE_COLLECTIONS_PATH": str(copy.parents[2]),
        # The copy lies in the checkout, which ignores it: a tool that asks git for its files would be given none.
        "GIT_CEILING_DIRECTORIES": str(BUILD),
    }


def _files() -> set[pathlib.Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        names = {pathlib.Path(name) for name in done.stdout.split("\0") if name}
    else:
        # Not a clone: an unpacked archive has no more than what git would track, and what the tools made.
        names = {path.relative_to(ROOT) for path in ROOT.rglob("*")}
    return {name for name in names if (ROOT / name).is_file() and not NEVER_COPIED.intersection(name.parts)}


def _copy(source: pathlib.Path, target: pathlib.Path) -> None:
    if target.exists() and filecmp.cmp(source, target, shallow=False):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)

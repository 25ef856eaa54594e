# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The interpreter is one that really works, and the newest of these."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

from tests.support.lab_process import ROOT

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
BASE = getattr(sys, "_base_executable", sys.executable)


def _find(path: str, home: pathlib.Path, *version: str) -> str:
    variables = {**os.environ, "PATH": f"{path}:/usr/bin:/bin", "HOME": str(home)}
    done = subprocess.run(
        ["sh", str(ROOT / "tools" / "run.sh"), "--find", *version], env=variables, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def _command(path: pathlib.Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_shim_with_nothing_behind_it_is_passed_over(tmp_path: pathlib.Path) -> None:
    home = tmp_path / "home"
    (home / ".pyenv" / "versions" / f"{HERE}.9" / "bin").mkdir(parents=True)
    (home / ".pyenv" / "versions" / f"{HERE}.9" / "bin" / "python").symlink_to(BASE)
    _command(tmp_path / f"python{HERE}", "echo 'pyenv: command not found' >&2; exit 127")
    found = _find(str(tmp_path), home, HERE)
    assert subprocess.run([found, "-c", "import ensurepip, venv"], check=False).returncode == 0


def test_a_python_of_another_version_does_not_count(tmp_path: pathlib.Path) -> None:
    (tmp_path / "python3.99").symlink_to(BASE)
    assert _find(str(tmp_path), tmp_path, "3.99") == ""


@pytest.mark.parametrize("where", ["a folder with a space", "plain"])
def test_a_path_with_a_space_is_found(tmp_path: pathlib.Path, where: str) -> None:
    folder = tmp_path / where
    folder.mkdir()
    _command(folder / f"python{HERE}", f'exec "{BASE}" "$@"')
    assert _find(str(folder), tmp_path, HERE) != ""

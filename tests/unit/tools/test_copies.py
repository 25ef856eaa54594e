# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A copy for ansible-test and its like equals the checkout, also after files were changed and removed."""

from __future__ import annotations

import pathlib
import subprocess

import copies
import pytest


@pytest.fixture
def checkout(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    root = tmp_path / "a checkout"
    (root / "plugins").mkdir(parents=True)
    (root / "plugins" / "one.py").write_text("1")
    (root / ".gitignore").write_text("*.log\n/.build/\n")
    (root / "noise.log").write_text("noise")
    monkeypatch.setattr(copies, "ROOT", root)
    monkeypatch.setattr(copies, "BUILD", root / ".build")
    return root


def _files(copy: pathlib.Path) -> dict[str, str]:
    return {path.relative_to(copy).as_posix(): path.read_text() for path in copy.rglob("*") if path.is_file()}


def test_what_git_ignores_is_not_copied(checkout: pathlib.Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(checkout)], check=True)
    assert set(_files(copies.refresh("x"))) == {".gitignore", "plugins/one.py"}


def test_changed_and_removed_files_follow(checkout: pathlib.Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(checkout)], check=True)
    copies.refresh("x")
    (checkout / "plugins" / "one.py").rename(checkout / "plugins" / "two.py")
    (checkout / ".gitignore").write_text("/.build/\n*.log\n# more\n")
    copied = _files(copies.refresh("x"))
    assert set(copied) == {".gitignore", "plugins/two.py"}
    assert "more" in copied[".gitignore"]


def test_an_unpacked_archive_needs_no_git(checkout: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(checkout.parent))
    copies.refresh("x")
    assert set(_files(copies.refresh("x"))) == {".gitignore", "noise.log", "plugins/one.py"}

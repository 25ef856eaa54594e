# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pip that ansible-test asks for is read from the installed ansible-core."""

from __future__ import annotations

import importlib.util
import pathlib

import pytest
import sanity


def test_the_installed_core_pins_a_pip() -> None:
    spec = importlib.util.find_spec("ansible_test")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    source = pathlib.Path(next(iter(spec.submodule_search_locations))) / "_internal" / "python_requirements.py"
    assert all(part.isdigit() for part in sanity._pinned_pip(source).split("."))


def test_a_core_that_pins_none_ends_with_a_clear_word(tmp_path: pathlib.Path) -> None:
    source = tmp_path / "python_requirements.py"
    source.write_text("default_packages = {}\n")
    with pytest.raises(SystemExit, match="pins no pip any more"):
        sanity._pinned_pip(source)

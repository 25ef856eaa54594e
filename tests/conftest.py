# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of all tests: a lab, and the real ansible-playbook."""

from __future__ import annotations

import pathlib
import typing as t

import hypothesis
import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from tests.support.lab_process import ROOT, Lab
from tests.support.playbook import Ansible

# No deadline: the machine may be busy with the other checks. A failure says how to repeat it.
set_hypothesis_home_dir(ROOT / ".build" / "hypothesis")
hypothesis.settings.register_profile("here", deadline=None, print_blob=True)
hypothesis.settings.load_profile("here")


@pytest.fixture(scope="session")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Lab]:
    """One lab for all tests of this process. Tests use C(lab), which gives it to them fresh."""
    with Lab.start(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def lab(shared_lab: Lab) -> t.Iterator[Lab]:
    """A lab in its first state. The test fails when it made the lab meet a request that it does not know."""
    shared_lab.reset()
    yield shared_lab
    assert shared_lab.unknown() == []


@pytest.fixture
def start_lab(tmp_path: pathlib.Path) -> t.Iterator[t.Callable[..., Lab]]:
    """Start a further lab, such as one with a world of its own: C(start_lab(world=path))."""
    labs: list[Lab] = []

    def start(**options: t.Any) -> Lab:
        labs.append(Lab.start(tmp_path / f"lab-{len(labs)}", **options))
        return labs[-1]

    yield start
    for lab in labs:
        lab.stop()


@pytest.fixture
def ansible(lab: Lab, tmp_path: pathlib.Path) -> Ansible:
    """ansible-playbook, led to the lab of this test; C(connection) and C(scheme) may be set."""
    return Ansible(tmp_path / "ansible", lab)

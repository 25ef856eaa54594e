# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of all tests: a lab, and the real ansible-playbook."""

from __future__ import annotations

import os
import pathlib
import signal
import sys
import tempfile
import typing as t

import hypothesis
import pytest
from ansible.plugins.loader import init_plugin_loader
from hypothesis.configuration import set_hypothesis_home_dir

from tests.support import contract
from tests.support.lab_process import ROOT, Lab
from tests.support.playbook import Ansible

# The collection is imported as Ansible imports it, from the first import on: its loader refuses a package that Python's own has
# loaded, and a folder that it finds twice (a worker of xdist has the paths of pyproject.toml twice).
sys.path[:] = dict.fromkeys(sys.path)
init_plugin_loader([str(ROOT / ".build" / "collections")])

# No deadline: the machine may be busy with the other checks. A failure says how to repeat it.
set_hypothesis_home_dir(ROOT / ".build" / "hypothesis")
# The same examples everywhere, so that no change fails for a case that was there before. To look for others: HYPOTHESIS_EXPLORE=1.
hypothesis.settings.register_profile(
    "here",
    deadline=None,
    print_blob=True,
    derandomize=not os.environ.get("HYPOTHESIS_EXPLORE"),
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("here")


def pytest_configure() -> None:
    """Let SIGTERM unwind the tests, here and in each worker of xdist: what they have started is in sessions of its own, and would stay.

    As Ctrl-C does: pytest takes any other exception, SystemExit as well, for the failure of one test, and goes on with the next.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Lab]:
    """One lab for all tests of this process. Tests use C(lab), which gives it to them fresh."""
    with Lab.start(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--tenant-mode", choices=("observed", "documented"), default="observed", help="how the lab's tenant answers where sources differ"
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests counted (C(record_property)), also in a worker of xdist. What is no text has a summary of its own."""
    reports = [one for one in terminalreporter.stats.get("passed", []) if one.when == "call"]
    for name, text in (told for one in reports for told in one.user_properties):
        if isinstance(text, str):
            terminalreporter.write_line(f"{name}: {text}")


@pytest.fixture
def tenant_mode(request: pytest.FixtureRequest) -> str:
    """How the tenant answers where Microsoft's pages and the live service differ. A test may name both in parametrize."""
    return str(request.config.getoption("--tenant-mode"))


@pytest.fixture
def lab(shared_lab: Lab, tenant_mode: str) -> t.Iterator[Lab]:
    """A lab in its first state.

    The test fails when it made the lab meet a request that it does not know, and when anything that was said between it
    and Graph departs from the OpenAPI slice.
    """
    shared_lab.reset()
    shared_lab.patch("/tenant", {"mode": tenant_mode})
    shared_lab.patch("/recording", {"on": True})
    yield shared_lab
    assert shared_lab.unknown() == []
    contract.assert_conforms(shared_lab.get("/exchanges"))


@pytest.fixture
def start_lab(tmp_path: pathlib.Path, tenant_mode: str) -> t.Iterator[t.Callable[..., Lab]]:
    """Start a further lab, such as one with a world of its own: C(start_lab(world=path)). Checked as C(lab) is."""
    labs: list[Lab] = []

    def start(**options: t.Any) -> Lab:
        labs.append(Lab.start(tmp_path / f"lab-{len(labs)}", **options))
        labs[-1].patch("/tenant", {"mode": tenant_mode})
        labs[-1].patch("/recording", {"on": True})
        return labs[-1]

    yield start
    exchanges = [exchange for lab in labs if lab.process.poll() is None for exchange in lab.get("/exchanges")]
    for lab in labs:
        lab.stop()
    contract.assert_conforms(exchanges)


@pytest.fixture
def ansible(lab: Lab, tmp_path: pathlib.Path) -> Ansible:
    """ansible-playbook, led to the lab of this test; C(connection) and C(scheme) may be set."""
    return Ansible(tmp_path / "ansible", lab)


@pytest.fixture
def short_directory() -> t.Iterator[pathlib.Path]:
    """A folder for TMPDIR: ansible-core opens a UNIX socket there, and the path of one may have no more than 107 characters."""
    with tempfile.TemporaryDirectory(prefix="ap-") as directory:
        yield pathlib.Path(directory)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures: one Wine for all tests, in front of it the lab's WS-Management, behind it the doors that look past both."""

from __future__ import annotations

import pathlib
import shutil
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import Shell
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from ansible_collections.entra.app_proxy.plugins.plugin_utils.connection_adapter import open_session
from tests.support.connections import connection
from tests.wine import toolchain
from tests.wine.backend import WineLab, serving
from tests.wine.build import Built, build
from tests.wine.prefix import Wine

SETUP = r"C:\setup"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Where Wine may fail to start for a reason that is not ours, the output says so; a quiet run shows no header."""
    if not toolchain.missing() and not toolchain.at_fixed_addresses():
        terminalreporter.write_line("Wine: no fixed addresses here (a container forbids them), so that one start in some thousands fails")


@pytest.fixture(scope="session", autouse=True)
def _complete_toolchain() -> None:
    if toolchain.missing():
        pytest.skip(f"missing here: {', '.join(toolchain.missing())}; make test-wine says what to install")


@pytest.fixture(scope="session")
def built() -> Built:
    return build(_empty("built"))


@pytest.fixture(scope="session")
def wine(built: Built) -> t.Iterator[Wine]:
    found = Wine(toolchain.PREFIX, _empty("scratch"), built.door)
    try:
        found.start()
        setup = found.path(SETUP)
        setup.mkdir()
        (setup / built.installer.name).write_bytes(built.installer.read_bytes())
        (setup / built.arguments.name).write_bytes(built.arguments.read_bytes())
        yield found
    finally:
        found.stop()
        # 700 MB, with a link to the root of this machine in it.
        shutil.rmtree(toolchain.PREFIX, ignore_errors=True)


def _empty(name: str) -> pathlib.Path:
    folder = toolchain.PLACE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="session")
def installer(wine: Wine, built: Built) -> str:
    """The stub of the installer, as the server knows it."""
    return rf"{SETUP}\{built.installer.name}"


@pytest.fixture(scope="session")
def served(wine: Wine) -> t.Iterator[WineLab]:
    with serving(wine) as lab:
        yield lab


@pytest.fixture
def lab(served: WineLab) -> t.Iterator[WineLab]:
    served.world.journal.clear()
    yield served
    assert served.world.journal.unknowns() == []


@pytest.fixture
def session(lab: WineLab, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Session]:
    """Our session over the real winrm connection: NTLM, encrypted messages."""
    # pywinrm warns when it finds one in the environment, and warnings are errors here.
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    opened = open_session(connection("winrm", lab.variables("winrm", "http", "ntlm")))
    yield opened
    opened.close()


@pytest.fixture
def shell(session: Session) -> t.Iterator[Shell]:
    with Shell(session) as opened:
        yield opened


@pytest.fixture
def uninstalled(wine: Wine, installer: str) -> t.Iterator[None]:
    """Nothing of the product before and after the test."""
    wine.command(f"{installer} /uninstall /quiet /norestart")
    yield
    wine.command(f"{installer} /uninstall /quiet /norestart")


@pytest.fixture
def installed(uninstalled: None, wine: Wine, installer: str) -> None:
    """Both products installed, their services running, as the stub leaves them."""
    assert wine.command(f"{installer} REGISTERCONNECTOR=false /q /norestart").exit_code == 0

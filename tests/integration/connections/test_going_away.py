# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that goes away in the middle of an installation: reported as what it is, and the next run completes."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t

import pytest

from tests.integration.connections.conftest import SERVER, Reach
from tests.integration.connections.guide import Setup, setups
from tests.support.lab_process import Lab
from tests.support.playbook import Ansible, Run

NTLM = [setup for setup in setups() if setup.title == "NTLM" and setup.scheme == "http"]
AWAY_SECONDS = 1.0
INSTALLER = "C:\\Setup\\connector.exe"


@contextlib.contextmanager
def goes_away(lab: Lab, process: str, *, restarts: bool) -> t.Iterator[None]:
    """Take the server from the network as soon as a process of that name has started, and bring it back before the block is left."""
    since, over = lab.last_seq(), threading.Event()

    def watch() -> None:
        while not over.is_set():
            if any(process in started["command_line"] and started["seq"] > since for started in lab.get("/processes")):
                lab.patch(f"/servers/{SERVER}", {"reachable": False})
                time.sleep(AWAY_SECONDS)
                lab.patch(f"/servers/{SERVER}", {**({"boot": "now"} if restarts else {}), "process_seconds": 0.0, "reachable": True})
                return
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


@pytest.fixture
def install(setup: Setup, reach: Reach, ansible: Ansible) -> t.Callable[[], Run]:
    """Run the module connector on the server."""
    inventory = ansible.inventory({"all": {"hosts": {SERVER: reach.variables(setup)}}})
    reach.lab.patch(f"/servers/{SERVER}", {"files": [{"path": INSTALLER, "installer": {"version": "1.5.4892.0"}}]})
    options = {"installer_path": INSTALLER, "poll_interval": 1, "install_timeout": 60}
    play = {"hosts": "all", "gather_facts": False, "tasks": [{"entra.app_proxy.connector": options}]}
    return lambda: ansible.playbook([play], inventory=inventory)


@pytest.mark.parametrize(("setup", "restarts"), list(zip(NTLM, (True, False), strict=True)), ids=["winrm, a restart", "psrp, the network"])
def test_an_installation_is_interrupted(reach: Reach, install: t.Callable[[], Run], restarts: bool) -> None:
    reach.lab.patch(f"/servers/{SERVER}", {"process_seconds": 1.5})
    with goes_away(reach.lab, "REGISTERCONNECTOR", restarts=restarts):
        broken = install()
    assert broken.rc != 0
    assert broken.recap[SERVER]["failed"] == 1
    assert "Run again when it is back" in broken.output
    assert "may still be running or may have ended" in broken.output
    install().succeeded()
    assert reach.lab.get(f"/servers/{SERVER}")["connector"]["installed"] is True
    assert len([started for started in reach.lab.get("/processes") if "REGISTERCONNECTOR" in started["command_line"]]) == 1

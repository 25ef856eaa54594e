# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that goes away in the middle of an installation: reported as what it is, and the next run completes."""

from __future__ import annotations

import contextlib
import threading
import typing as t

import pytest

from tests.integration.connections.conftest import SERVER, Reach
from tests.integration.connections.guide import Setup, setups
from tests.support.lab_process import Lab
from tests.support.playbook import Ansible, Run

NTLM = [setup for setup in setups() if setup.title == "NTLM" and setup.scheme == "http"]
# Longer than the test.
NEVER = 600
INSTALLER = "C:\\Setup\\connector.exe"


@contextlib.contextmanager
def goes_away(lab: Lab, *, restarts: bool) -> t.Iterator[None]:
    """Take the server from the network while its installer runs, and bring it back when the block is left.

    The lab holds back what the installer says, and with it the news of its end, until the connection is cut.
    """
    # The first output that a run asks for is that of the inspection of the installer.
    order = {"kind": "delay", "plane": "wsman", "target": SERVER, "action": "shell/Receive", "nth": 2, "seconds": NEVER}
    number, over = lab.post("/faults", order)["id"], threading.Event()

    def cut() -> None:
        while not over.wait(0.05):
            if next(one["hits"] for one in lab.get("/faults") if one["id"] == number):
                lab.patch(f"/servers/{SERVER}", {"reachable": False})
                return

    watcher = threading.Thread(target=cut, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        lab.delete(f"/faults?id={number}")
        lab.patch(f"/servers/{SERVER}", {**({"boot": "now"} if restarts else {}), "reachable": True})


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
    # When the server is back, the installer has long done its work.
    reach.lab.patch("/timing", {"files_appear": 0})
    with goes_away(reach.lab, restarts=restarts):
        broken = install()
    assert broken.rc != 0
    assert broken.recap[SERVER]["failed"] == 1
    assert "Run again when it is back" in broken.output
    assert "may still be running or may have ended" in broken.output
    install().succeeded()
    assert reach.lab.get(f"/servers/{SERVER}")["connector"]["installed"] is True
    assert len([started for started in reach.lab.get("/processes") if "REGISTERCONNECTOR" in started["command_line"]]) == 1

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is killed between two steps that belong together: the next one finds out what is missing, does it, and is the last."""

from __future__ import annotations

import dataclasses
import subprocess
import typing as t

import pytest
import yaml

from tests.integration.host.module_run import SERVER, module, patch, server
from tests.support.killing import kill
from tests.support.lab_process import Lab
from tests.support.playbook import ROOT, Ansible
from tests.support.waiting import wait_until

ADDRESS = "http://proxy.contoso.example:8080"
EVERYTHING = {"mode": "proxy", "address": ADDRESS, "use_for_backend": True}
# Longer than any test: what the killed run was waiting for does not come.
NEVER = 600


@dataclasses.dataclass(frozen=True)
class Case:
    """C(stop_at): the exchange that does not come to its end: its action, and the how many-th of these it is."""

    name: str
    module: str
    options: dict[str, t.Any]
    stop_at: tuple[str, int]
    before: dict[str, t.Any]
    holds: t.Callable[[Lab], bool]


def state(lab: Lab, service: str) -> str:
    return str(server(lab)["services"][service]["state"])


def runs_with_what_is_written(lab: Lab) -> bool:
    """Every service has been started after the last write to what it reads."""
    found = server(lab)
    written = [path for path, text in found["configs"].items() if not path.endswith(".original") and ADDRESS in text]
    writes = lab.journal(plane="wsman", kind="write")
    files = [entry["at"] for entry in writes if entry["resource"] == "powershell.exe"]
    # The updater does not read the registry.
    read = {"WAPCSvc": max([*files, *(entry["at"] for entry in writes if "DWORD" in entry["action"])]), "WAPCUpdaterSvc": max(files)}
    services = found["services"]
    return len(written) == 2 and all(
        services[name]["state"] == "Running" and services[name]["since"] >= last for name, last in read.items()
    )


REGISTERED = {"connector": {"registered": True}}
CASES = [
    Case("proxy: between the files", "connector_proxy", EVERYTHING, ("shell/Command", 3), REGISTERED, runs_with_what_is_written),
    Case("proxy: before the registry", "connector_proxy", EVERYTHING, ("SetDWORDValue", 1), REGISTERED, runs_with_what_is_written),
    Case("proxy: before the first restart", "connector_proxy", EVERYTHING, ("StopService", 1), REGISTERED, runs_with_what_is_written),
    Case("proxy: stopped, not started", "connector_proxy", EVERYTHING, ("StartService", 1), REGISTERED, runs_with_what_is_written),
    Case("proxy: before the second restart", "connector_proxy", EVERYTHING, ("StopService", 2), REGISTERED, runs_with_what_is_written),
    Case(
        "connector: start mode set, not started",
        "connector",
        {},
        ("StartService", 1),
        {**REGISTERED, "services": {"WAPCSvc": {"state": "Stopped", "start_mode": "Disabled"}}},
        lambda lab: state(lab, "WAPCSvc") == "Running" and server(lab)["services"]["WAPCSvc"]["start_mode"] == "Auto",
    ),
    Case(
        "connector: leftovers removed, not installed",
        "connector",
        {"remove_leftovers": True},
        ("shell/Command", 6),
        {"leftovers": True},
        lambda lab: bool(server(lab)["connector"]["installed"]),
    ),
    Case(
        "registration: certificate received, service not started",
        "connector_registration",
        {},
        ("StartService", 1),
        {"connector": {"installed": True}},
        lambda lab: state(lab, "WAPCSvc") == "Running" and bool(server(lab)["connector"]["connector_id"]),
    ),
]


def begin(ansible: Ansible, name: str, options: t.Mapping[str, t.Any]) -> subprocess.Popen[bytes]:
    """ansible-playbook with one module, not waited for."""
    task = {"name": "The module", f"entra.app_proxy.{name}": options}
    ansible.configure()
    inventory = ansible.lab_inventory(ansible.home / "lab_inventory")
    path = ansible.home / "killed.yml"
    path.write_text(yaml.safe_dump([{"name": name, "hosts": SERVER, "gather_facts": False, "tasks": [task]}]))
    command = [str(ansible.binaries / "ansible-playbook"), "-i", str(inventory), str(path)]
    return subprocess.Popen(
        command, cwd=ROOT, env=ansible._environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def kill_at(lab: Lab, ansible: Ansible, name: str, options: t.Mapping[str, t.Any], action: str, nth: int) -> None:
    """Run a module until a certain exchange, and kill it there. What it had asked for does not happen."""
    fault = {"kind": "delay", "plane": "wsman", "target": SERVER, "action": action, "nth": nth, "seconds": NEVER}
    number = lab.post("/faults", fault)["id"]
    process = begin(ansible, name, options)
    wait_until(
        f"{action} number {nth}",
        lambda: next(one["hits"] for one in lab.get("/faults") if one["id"] == number),
        alive=lambda: process.poll() is None,
    )
    kill(process)
    lab.delete(f"/faults?id={number}")


def given(lab: Lab, case: Case) -> dict[str, t.Any]:
    common: dict[str, t.Any] = {
        "connector": {"installer_file": lab.state["installer_file"], "poll_interval": 0.2},
        "connector_registration": {"tenant_id": lab.state["tenant_id"], "token": lab.token(), "poll_interval": 0.2},
    }
    return {**common.get(case.module, {"poll_interval": 0.2}), **case.options}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_next_run_completes_what_a_killed_one_has_begun(lab: Lab, ansible: Ansible, case: Case) -> None:
    patch(lab, **case.before)
    options = given(lab, case)
    kill_at(lab, ansible, case.module, options, *case.stop_at)
    checked = module(ansible, case.module, "--check", **options)
    done = module(ansible, case.module, **options)
    assert "failed" not in done.result or not done.result["failed"], done.result["msg"]
    assert (checked.result["plan"], checked.writes) == (done.result["plan"], [])
    assert case.holds(lab)
    last = module(ansible, case.module, **options)
    assert (last.result["changed"], last.writes) == (False, [])


def test_a_restart_that_a_killed_run_owed_is_told_until_it_has_been_made(lab: Lab, ansible: Ansible) -> None:
    kill_at(lab, ansible, "connector_prerequisites", {"state": "enforced"}, "SetDWORDValue", 3)
    done = module(ansible, "connector_prerequisites", state="enforced")
    assert (done.result["changed"], done.result["reboot_required"]) == (True, True)
    again = module(ansible, "connector_prerequisites", state="enforced")
    assert (again.result["changed"], again.result["reboot_required"], again.writes) == (False, True, [])
    assert [check["name"] for check in again.result["checks"] if check["reboot_required"]] == ["tls12", "dotnet_strong_crypto"]
    module(ansible, "server_restart", timeout=60, poll_interval=0.2)
    assert module(ansible, "connector_prerequisites").result["reboot_required"] is False


@pytest.mark.parametrize("stop_at", [("shell/Receive", 4), ("shell/Command", 6)], ids=["the end of the installer", "the order to restart"])
def test_an_installer_that_nobody_saw_ending_is_followed_by_the_restart_that_is_allowed(
    lab: Lab, ansible: Ansible, stop_at: tuple[str, int]
) -> None:
    patch(lab, installer_exit_code=3010)
    options = {"installer_file": lab.state["installer_file"], "poll_interval": 0.2, "reboot": True}
    boot = server(lab)["boot"]
    kill_at(lab, ansible, "connector", options, *stop_at)
    done = module(ansible, "connector", **options)
    assert done.result["rebooted"] is True
    assert server(lab)["boot"] > boot
    last = module(ansible, "connector", **options)
    assert (last.result["changed"], last.writes) == (False, [])


@pytest.mark.parametrize(
    "stop_at",
    [("SetStringValue", 1), ("shell/Receive", 4), ("SetStringValue", 2), ("GetBinaryValue", 4), ("shell/Command", 5)],
    ids=["the note", "the end of the installer", "the note of what it asks for", "the wait for its work", "the order to restart"],
)
def test_what_only_a_restart_completes_is_completed_after_a_killed_run(lab: Lab, ansible: Ansible, stop_at: tuple[str, int]) -> None:
    patch(lab, connector={"version": "1.5.4287.0", "registered": True}, product={"in_use": True})
    common = {"installer_file": lab.state["installer_file"], "poll_interval": 0.2, "install_timeout": 3, "reboot": True}
    options = {**common, "version": "1.5.4892.0"}
    kill_at(lab, ansible, "connector", options, *stop_at)
    checked = module(ansible, "connector", "--check", **options)
    done = module(ansible, "connector", **options)
    assert (checked.result["plan"], checked.writes) == (done.result["plan"], [])
    assert (done.result["rebooted"], done.result["reboot_required"]) == (True, False)
    assert server(lab)["connector"]["version"] == "1.5.4892.0"
    last = module(ansible, "connector", **options)
    assert (last.result["changed"], last.writes) == (False, [])


def test_the_claim_of_a_killed_run_binds_nobody(lab: Lab, ansible: Ansible) -> None:
    kill_at(lab, ansible, "connector_claim", {"state": "held"}, "GetStringValue", 3)
    assert [entry["action"] for entry in lab.journal(kind="write", plane="wsman")] == ["CreateKey", "SetStringValue"]
    assert module(ansible, "connector_claim", state="held").result["claim"]["pid"]

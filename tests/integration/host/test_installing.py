# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module connector on the lab: newest version, room, leftovers, generations, another installer's turn, restarts, and removals."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import typing as t

import pytest

from tests.integration.host.module_run import Outcome, module, patch, server
from tests.support.lab_process import Lab
from tests.support.playbook import Ansible

OLD = "1.5.4287.0"
NEWEST = "1.5.4892.0"
SIGNATURE = "whoever-has-it-may-read"


def connector(ansible: Ansible, *arguments: str, **options: t.Any) -> Outcome:
    assert ansible.lab is not None
    given = {"installer_file": ansible.lab.state["installer_file"], "poll_interval": 0.2, **options}
    return module(ansible, "connector", *arguments, **{name: value for name, value in given.items() if value is not None})


def shown(outcome: Outcome) -> str:
    """The output in one line: Ansible wraps its warnings."""
    return " ".join(outcome.run.output.split())


def message(outcome: Outcome) -> str:
    assert outcome.result["failed"], outcome.result
    return str(outcome.result["msg"])


def assert_nothing_more_to_do(ansible: Ansible, **options: t.Any) -> None:
    again = connector(ansible, **options)
    assert (again.result["changed"], again.writes) == (False, [])


def test_servers_made_of_an_image_get_a_registration_each(lab: Lab, ansible: Ansible) -> None:
    connector(ansible)
    image = server(lab)
    assert (image["connector"]["installed"], image["connector"]["registered"], image["connector"]["thumbprint"]) == (True, False, None)
    assert lab.get("/tenant")["connectors"] == []
    # What a copy has of the image: the product, in the same version.
    copies = ("nam-web-01", "nam-web-02")
    lab.patch(f"/servers/{copies[1]}", {"connector": {"version": image["connector"]["version"], "registered": False}})
    role = {"name": "The role", "ansible.builtin.include_role": {"name": "entra.app_proxy.connector"}}
    start = lab.last_seq()
    ansible.playbook([{"name": "Made of the image", "hosts": "nam_web", "gather_facts": False, "tasks": [role]}]).succeeded()
    ids = {lab.get(f"/servers/{name}")["connector"]["connector_id"] for name in copies}
    assert len(ids) == len(copies)
    assert {one["id"] for one in lab.get("/tenant")["connectors"]} == ids
    assert not [one for one in lab.get("/processes") if one["seq"] > start and "REGISTERCONNECTOR" in one["command_line"]]


def test_latest_takes_what_the_installer_has_and_keeps_the_registration(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"version": OLD, "registered": True})
    assert not connector(ansible).result["changed"]
    checked = connector(ansible, "--check", state="latest")
    assert checked.writes == []
    done = connector(ansible, state="latest")
    assert done.result["plan"] == checked.result["plan"]
    assert "the installer is newer" in done.result["plan"]["lines"][0]
    assert server(lab)["connector"]["version"] == NEWEST
    assert done.result["registration"] == {"required": False, "reason": None, "state": "registered", "kept": True}
    assert "the registration was kept" in done.result["outcome"]
    assert_nothing_more_to_do(ansible, state="latest")


def test_latest_from_an_address_downloads_to_compare(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"version": OLD})
    address = {"installer_file": None, "installer_url": lab.state["installer_url"], "state": "latest"}
    checked = connector(ansible, "--check", **address)
    assert (checked.result["changed"], checked.writes) == (False, [])
    assert "not judged" in shown(checked)
    assert connector(ansible, **address).result["changed"]
    assert not connector(ansible, **address).result["changed"]
    assert server(lab)["connector"]["version"] == NEWEST


def processes(lab: Lab) -> list[str]:
    """The command lines of the installers that were run."""
    return [one["command_line"] for one in lab.get("/processes") if "REGISTERCONNECTOR" in one["command_line"]]


@pytest.mark.parametrize(
    ("blocked", "unknown", "reason"),
    [(True, False, "Unable to connect to the remote server"), (False, True, "(404) Not Found")],
    ids=["blocked", "unknown"],
)
def test_a_download_that_fails_is_told_and_leaves_nothing_behind(
    lab: Lab, ansible: Ansible, blocked: bool, unknown: bool, reason: str
) -> None:
    address = lab.state["installer_url"]
    patch(lab, blocked_urls=[address.rpartition("/")[0]] if blocked else [])
    url = f"{address}.old" if unknown else address
    failed = connector(ansible, installer_file=None, installer_url=f"{url}?sv=2024&sig={SIGNATURE}")
    assert SIGNATURE not in failed.run.output
    assert f"the server could not download the installer from {url}: " in message(failed)
    assert reason in message(failed)
    assert "installer_proxy" in message(failed)
    state = server(lab)
    assert (state["connector"]["installed"], processes(lab)) == (False, [])
    assert not [path for path in [*state["files"], *state["folders"]] if "entra.app_proxy" in path]


def test_what_the_server_cannot_reach_itself_it_downloads_through_a_proxy(lab: Lab, ansible: Ansible) -> None:
    address = lab.state["installer_url"]
    patch(lab, blocked_urls=[address.rpartition("/")[0]])
    through = {"installer_file": None, "installer_url": address, "installer_proxy": "http://proxy.contoso.example:8080"}
    done = connector(ansible, **through)
    assert (server(lab)["connector"]["installed"], server(lab)["connector"]["version"]) == (True, NEWEST)
    assert [entry["detail"]["proxy"] for entry in done.writes if (entry["detail"] or {}).get("what") == "download"] == [
        through["installer_proxy"]
    ]
    assert_nothing_more_to_do(ansible, **through)


def test_a_full_disk_is_told_before_anything_is_copied(lab: Lab, ansible: Ansible) -> None:
    patch(lab, product={"free_bytes": 200 * 1024**2})
    refused = connector(ansible)
    assert "drive C: has 200 MiB free, the installation needs 300 MiB" in message(refused)
    assert (refused.writes, refused.result["done"]) == ([], [])
    assert connector(ansible, minimum_free_mib=100).result["changed"]


@pytest.mark.parametrize(("code", "words"), [(1603, "fatal error"), (1602, "was cancelled"), (1625, "not known")])
def test_a_failing_installer_shows_the_end_of_its_log(lab: Lab, ansible: Ansible, code: int, words: str) -> None:
    patch(lab, installer_exit_code=code)
    failed = connector(ansible)
    assert f"exit code {code}" in message(failed)
    assert words in message(failed)
    assert "Failed to execute MSI package" in message(failed)
    assert failed.result["failure"]["exit_code"] == code
    assert not [path for path in server(lab)["files"] if "entra.app_proxy" in path]


@pytest.mark.parametrize("status", ["HashMismatch", "NotTrusted", "NotSigned"])
def test_an_installer_whose_signature_is_not_valid_is_not_run(lab: Lab, ansible: Ansible, status: str) -> None:
    made = lab.post("/installers", {"signature_status": status})
    refused = connector(ansible, installer_file=made["path"])
    assert f"is not signed by Microsoft: signature {status}" in message(refused)
    assert not server(lab)["connector"]["installed"]
    assert not [one for one in lab.get("/processes") if "REGISTERCONNECTOR" in one["command_line"]]


def test_a_product_that_has_updated_itself_is_not_mended_with_an_older_installer(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"version": "1.5.9000.0", "registered": True}, services={"WAPCUpdaterSvc": None})
    refused = connector(ansible)
    assert "exit code 1638: another version of the product is already installed" in message(refused)
    assert "use an installer at least as new as what is installed" in message(refused)
    assert server(lab)["connector"]["version"] == "1.5.9000.0"
    newer = lab.post("/installers", {"version": "1.5.9000.0"})["path"]
    assert connector(ansible, installer_file=newer, remove_leftovers=True).result["connector"]["installed"]


def test_another_installation_is_waited_for_and_reported_at_the_deadline(lab: Lab, ansible: Ansible) -> None:
    patch(lab, product={"busy_runs": 1000})
    failed = connector(ansible, install_timeout=2)
    assert "1618: another installation is running on the server, still so after 2 seconds" in message(failed)
    patch(lab, product={"busy_runs": 2})
    assert connector(ansible).result["connector"]["installed"]
    assert len([one for one in lab.get("/processes") if "REGISTERCONNECTOR" in one["command_line"]]) > 3


def test_leftovers_are_told_and_removed_when_asked(lab: Lab, ansible: Ansible) -> None:
    patch(lab, leftovers=True)
    failed = connector(ansible, install_timeout=3)
    assert "remove_leftovers=true" in message(failed)
    assert "an earlier installation has left service WAPCUpdaterSvc" in shown(failed)
    checked = connector(ansible, "--check", remove_leftovers=True)
    done = connector(ansible, remove_leftovers=True)
    assert done.result["plan"] == checked.result["plan"]
    removed = [line for line in done.result["plan"]["lines"] if line.startswith("- remove leftover")]
    assert [line.split(" (")[0] for line in removed] == [
        r"- remove leftover folder C:\Program Files\Microsoft AAD App Proxy Connector",
        "- remove leftover service WAPCUpdaterSvc",
    ]
    assert done.result["connector"]["installed"]
    assert_nothing_more_to_do(ansible, remove_leftovers=True)


@pytest.mark.parametrize(
    ("strategy", "takes_over", "kept"), [("in_place", True, True), ("in_place", False, False), ("reinstall", True, False)]
)
def test_legacy_becomes_entra_and_tells_what_became_of_the_registration(
    lab: Lab, ansible: Ansible, strategy: str, takes_over: bool, kept: bool
) -> None:
    patch(lab, connector={"generation": "legacy", "registered": True}, product={"upgrade_keeps_registration": takes_over})
    wanted = {"version": "1.5.3829.0", "upgrade_strategy": strategy}
    checked = connector(ansible, "--check", **wanted)
    done = connector(ansible, **wanted)
    assert done.result["plan"] == checked.result["plan"]
    assert done.result["plan"]["changes"][0]["action"] == {"in_place": "upgrade", "reinstall": "reinstall"}[strategy]
    assert "is not documented" in shown(done)
    assert done.result["connector"]["generation"] == "entra"
    assert (done.result["registration"]["kept"], done.result["registration"]["required"]) == (kept, not kept)

    before = lab.get("/tenant")["connectors"][0]["id"]
    registered = module(ansible, "connector_registration", tenant_id=lab.state["tenant_id"], token=lab.token())
    assert registered.result["changed"] is not kept
    assert (registered.result["connector"]["registration"]["connector_id"] == before) is kept
    assert server(lab)["services"]["WAPCSvc"]["state"] == "Running"
    assert_nothing_more_to_do(ansible, **wanted)


def test_a_slow_service_is_waited_for_and_a_broken_one_reported(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True}, services={"WAPCSvc": {"state": "Stopped", "account": r"LAB\\someone"}})
    lab.patch("/timing", {"service_start": 2.0})
    done = connector(ansible)
    assert done.result["connector"]["services"]["WAPCSvc"]["state"] == "Running"
    # Left alone.
    assert server(lab)["services"]["WAPCSvc"]["account"] == r"LAB\\someone"
    patch(lab, services={"WAPCSvc": {"state": "Stopped"}}, product={"stubborn_service": True})
    failed = connector(ansible, install_timeout=3)
    assert "service WAPCSvc did not become Running within 3 seconds" in message(failed)


@contextlib.contextmanager
def looked_at(lab: Lab, times: int, then: t.Callable[[], object]) -> t.Iterator[None]:
    """When something has been looked at so often on the servers while the block runs, this happens."""
    start, over = lab.last_seq(), threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            if sum(entry["action"] == "Enumerate" for entry in lab.journal(since=start)) >= times:
                then()
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def test_services_that_start_with_windows_are_waited_for_and_are_no_change(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True}, services={"WAPCSvc": {"state": "Start Pending"}})
    with looked_at(lab, 6, lambda: patch(lab, services={"WAPCSvc": {"state": "Running"}})):
        done = connector(ansible)
    assert (done.result["changed"], done.result["plan"]["lines"], done.writes) == (False, [], [])
    assert done.result["connector"]["services"]["WAPCSvc"]["state"] == "Running"


def test_a_service_that_is_just_stopping_is_started_when_it_has_stopped(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True}, services={"WAPCSvc": {"state": "Stop Pending"}})
    with looked_at(lab, 6, lambda: patch(lab, services={"WAPCSvc": {"state": "Stopped"}})):
        done = connector(ansible)
    assert [entry["action"] for entry in done.writes] == ["StartService"]
    assert server(lab)["services"]["WAPCSvc"]["state"] == "Running"


@pytest.mark.parametrize(("code", "delay"), [(3010, 0.0), (1641, 0.0), (1641, 1.5)])
def test_a_restart_is_made_when_allowed_and_waited_for(lab: Lab, ansible: Ansible, code: int, delay: float) -> None:
    patch(lab, installer_exit_code=code, connector={"version": OLD, "registered": True}, product={"restart_delay": delay})
    before = server(lab)["boot"]
    done = connector(ansible, state="latest", reboot=True)
    assert (done.result["rebooted"], done.result["reboot_required"]) == (True, False)
    assert server(lab)["boot"] > before
    assert done.result["connector"]["services"]["WAPCSvc"]["state"] == "Running"


def test_a_restart_that_is_not_allowed_is_reported(lab: Lab, ansible: Ansible) -> None:
    patch(lab, installer_exit_code=3010)
    before = server(lab)["boot"]
    done = connector(ansible)
    assert (done.result["rebooted"], done.result["reboot_required"]) == (False, True)
    assert server(lab)["boot"] == before


def test_a_restart_that_the_installer_makes_although_it_is_not_allowed_is_told_and_waited_for(lab: Lab, ansible: Ansible) -> None:
    patch(lab, installer_exit_code=1641, connector={"version": OLD, "registered": True})
    before = server(lab)["boot"]
    done = connector(ansible, state="latest")
    assert server(lab)["boot"] > before
    assert (done.result["rebooted"], done.result["reboot_required"]) == (True, False)
    assert "has begun a restart of NAM-WEB-01 by itself (exit code 1641), although reboot=false" in shown(done)
    assert done.result["connector"]["services"]["WAPCSvc"]["state"] == "Running"
    assert_nothing_more_to_do(ansible, state="latest")


def test_a_removal_is_not_allowed_a_restart_either(lab: Lab, ansible: Ansible) -> None:
    patch(lab, installer_exit_code=3010, connector={})
    before = server(lab)["boot"]
    done = connector(ansible, state="absent", installer_file=None)
    assert (done.result["rebooted"], done.result["reboot_required"], server(lab)["boot"]) == (False, True, before)


SERVICES = {"WAPCSvc", "WAPCUpdaterSvc"}
PRODUCT = "Microsoft Entra private network connector"
NO_SERVICES = {"WAPCSvc": None, "WAPCUpdaterSvc": None}
NO_FOLDERS = [{"path": rf"C:\Program Files\{folder}", "absent": True} for folder in (PRODUCT, f"{PRODUCT} Updater")]


@dataclasses.dataclass(frozen=True)
class Half:
    """:param before: what is done to a server with a registered connector.
    :param options: of the removal, beside state=absent.
    """

    before: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    options: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    generation: str = "entra"


@pytest.mark.parametrize("strategy", ["in_place", "reinstall"])
def test_what_is_in_use_is_upgraded_by_one_run_that_may_restart(lab: Lab, ansible: Ansible, strategy: str) -> None:
    patch(lab, connector={"version": OLD, "registered": True}, product={"in_use": True})
    wanted = {"state": "latest", "upgrade_strategy": strategy, "reboot": True, "install_timeout": 3}
    done = connector(ansible, **wanted)
    assert (done.result["rebooted"], done.result["reboot_required"]) == (True, False)
    assert server(lab)["connector"]["version"] == NEWEST
    assert_nothing_more_to_do(ansible, **wanted)


def test_what_is_in_use_waits_for_a_restart_that_is_not_allowed(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"version": OLD, "registered": True}, product={"in_use": True})
    wanted = {"state": "latest", "install_timeout": 2}
    done = connector(ansible, **wanted)
    assert (done.result["rebooted"], done.result["reboot_required"]) == (False, True)
    assert f"the upgrade is not complete (version {OLD})" in shown(done)
    assert server(lab)["connector"]["version"] == OLD
    checked = connector(ansible, "--check", **wanted, reboot=True)
    restarted = connector(ansible, **wanted, reboot=True)
    assert restarted.result["plan"] == checked.result["plan"]
    assert [change["action"] for change in restarted.result["plan"]["changes"]] == ["restart", "upgrade"]
    assert server(lab)["connector"]["version"] == NEWEST
    assert len([one for one in lab.get("/processes") if "REGISTERCONNECTOR" in one["command_line"]]) == 1
    assert_nothing_more_to_do(ansible, **wanted)


@pytest.mark.parametrize("by", ["registry", "installer"])
def test_what_is_in_use_is_removed_by_one_run_that_may_restart(lab: Lab, ansible: Ansible, by: str) -> None:
    patch(lab, connector={"registered": True}, product={"in_use": True})
    absent = {"state": "absent", "remove_folders": True, "install_timeout": 3, "reboot": True}
    if by == "registry":
        absent["installer_file"] = None
    done = connector(ansible, **absent)
    assert (done.result["rebooted"], done.result["reboot_required"]) == (True, False)
    assert not [folder for folder in server(lab)["folders"] if "private network connector" in folder.lower()]
    assert_nothing_more_to_do(ansible, **absent)


HALVES = {
    "whole, with its folders and a restart": Half(options={"remove_folders": True, "reboot": True}),
    "whole, by the installer that is given": Half(options={"installer_file": "given"}),
    "whole, of the legacy generation": Half(generation="legacy"),
    "legacy, no connector service": Half({"services": {"WAPCSvc": None}}, generation="legacy"),
    "service entries only": Half({"connector": {"installed": False}, "services": {"WAPCSvc": {"state": "Stopped"}}}),
    "no connector service": Half({"services": {"WAPCSvc": None}}),
    "no updater service": Half({"services": {"WAPCUpdaterSvc": None}}),
    "no service": Half({"services": NO_SERVICES}),
    "no service, by the installer that is given": Half({"services": NO_SERVICES}, {"installer_file": "given"}),
    "only listed as installed": Half({"services": NO_SERVICES, "files": NO_FOLDERS}),
    "only listed as installed, with a restart": Half({"services": NO_SERVICES, "files": NO_FOLDERS}, {"reboot": True}),
    "whole, where the uninstallers of the packages fail": Half({"msiexec_exit_code": 1603}),
}


def listed(lab: Lab) -> list[str]:
    """What the lab's own registry lists as installed."""
    return list(server(lab)["connector"]["listed"])


@pytest.mark.parametrize("half", HALVES)
def test_every_half_removed_state_ends_removed(lab: Lab, ansible: Ansible, half: str) -> None:
    case = HALVES[half]
    patch(lab, connector={"registered": True, "generation": case.generation})
    patch(lab, **case.before)
    given = lab.state["installer_file"] if case.options.get("installer_file") else None
    absent = {"install_timeout": 20, **case.options, "state": "absent", "installer_file": given}
    restarts = bool(case.options.get("reboot"))
    before = server(lab)
    checked = connector(ansible, "--check", **absent)
    assert server(lab) == before
    done = connector(ansible, **absent)
    assert done.result["plan"] == checked.result["plan"]
    assert done.result["changed"]
    state = server(lab)
    assert (state["boot"] > before["boot"], done.result["rebooted"]) == (restarts, restarts)
    assert not SERVICES & set(state["services"])
    assert not [path for path in state["files"] if path.lower().endswith("connectorservice.exe")]
    assert listed(lab) == []
    if case.options.get("remove_folders"):
        assert not [folder for folder in state["folders"] if "private network connector" in folder.lower()]
    assert_nothing_more_to_do(ansible, **absent)


def test_uninstallers_that_all_fail_are_told_with_the_way_out_and_the_next_run_ends_what_they_began(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True}, installer_exit_code=1603, msiexec_exit_code=1612)
    absent = {"state": "absent", "installer_file": None, "install_timeout": 3}
    failed = connector(ansible, **absent)
    assert "Windows still lists as installed: Microsoft Entra private network connector" in message(failed)
    assert "1603" in message(failed)
    assert "1612" in message(failed)
    assert "Program Install and Uninstall troubleshooter" in message(failed)
    assert not SERVICES & set(server(lab)["services"])
    patch(lab, installer_exit_code=None, msiexec_exit_code=None)
    assert connector(ansible, **absent).result["changed"]
    assert listed(lab) == []
    assert_nothing_more_to_do(ansible, **absent)


def test_a_product_that_is_only_listed_keeps_the_installer_from_its_work_until_it_is_removed(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"installed": True})
    patch(lab, services=NO_SERVICES, files=NO_FOLDERS)
    failed = connector(ansible, install_timeout=3)
    assert "remove_leftovers=true" in message(failed)
    checked = connector(ansible, "--check", remove_leftovers=True)
    done = connector(ansible, remove_leftovers=True)
    assert done.result["plan"] == checked.result["plan"]
    assert f"- remove leftover product {PRODUCT} " in done.result["plan"]["lines"][0]
    assert server(lab)["connector"]["installed"]
    assert_nothing_more_to_do(ansible, remove_leftovers=True)


def test_a_registry_that_may_not_be_searched_ends_a_removal_before_anything_is_removed_by_hand(lab: Lab, ansible: Ansible) -> None:
    policy = {"key": r"HKCU\Software\Microsoft\Windows\CurrentVersion\Policies\System", "name": "DisableRegistryTools", "value": 1}
    patch(lab, connector={"registered": True}, registry=[policy])
    before = server(lab)
    failed = connector(ansible, state="absent", installer_file=None)
    assert "Registry editing has been disabled by your administrator" in message(failed)
    assert "Prevent access to registry editing tools" in message(failed)
    assert (failed.writes, server(lab)) == ([], before)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From each state that a server may be in, role connector makes an installed, registered, running connector; a second run does nothing.

What was reached is read from the lab's own state and from its tenant, past every module.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

import pytest

from tests.integration.host.module_run import SERVER, patch, server
from tests.support.lab_process import Lab
from tests.support.playbook import Ansible, Run

NEWEST = "1.5.4892.0"
OTHER_TENANT = "99999999-aaaa-4bbb-8ccc-dddddddddddd"
USER_STORE = r"C:\Windows\ServiceProfiles\NetworkService\AppData\Roaming\Microsoft\SystemCertificates\My\Certificates"
SERVICES = ("WAPCSvc", "WAPCUpdaterSvc")
REGISTERED = {"registered": True}


@dataclasses.dataclass(frozen=True)
class Case:
    """:param before: what the server is like.
    :param wishes: variables of the role.
    :param changes: how many tasks change something.
    :param foreseen: how many check mode tells of, where it cannot know all of them; None: all.
    :param keeps: whether the connector stays the one that it was in the tenant; None when it was none.
    """

    before: t.Mapping[str, t.Any]
    changes: int
    keeps: bool | None = None
    wishes: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    restarts: bool = False
    foreseen: int | None = None


# As in a rolling upgrade: otherwise a connector that serves is left alone.
UPGRADE = {"connector_version": NEWEST, "connector_i_accept_that_serving_connectors_go_down": True}
CASES = {
    "absent": Case({}, 2),
    "half installed, no updater service": Case(
        {"connector": {"installed": True}, "services": {"WAPCUpdaterSvc": None}}, 2, wishes={"connector_remove_leftovers": True}
    ),
    "half installed, no connector service": Case(
        {"connector": {"installed": True}, "services": {"WAPCSvc": None}}, 2, wishes={"connector_remove_leftovers": True}
    ),
    # Certificate and trust settings are Windows' and outlive the product.
    "half removed after its registration": Case(
        {"connector": REGISTERED, "services": {"WAPCSvc": None}}, 1, keeps=True, wishes={"connector_remove_leftovers": True}
    ),
    "leftovers of an earlier installation": Case({"leftovers": True}, 2, wishes={"connector_remove_leftovers": True}),
    "stopped": Case({"connector": REGISTERED, "services": {name: {"state": "Stopped"} for name in SERVICES}}, 1, keeps=True),
    "stopped and disabled": Case(
        {"connector": REGISTERED, "services": {name: {"state": "Stopped", "start_mode": "Disabled"} for name in SERVICES}}, 1, keeps=True
    ),
    "unregistered": Case({"connector": {"installed": True}}, 1),
    "expired": Case({"connector": {"registered": True, "age_days": 200, "valid_days": 180}}, 1, keeps=False),
    "expired, with a certificate of another product beside it": Case(
        {
            "connector": {"registered": True, "age_days": 200, "valid_days": 180},
            "files": [{"path": rf"{USER_STORE}\{'AB' * 20}", "text": "of another product"}],
        },
        1,
        keeps=False,
    ),
    "renewed": Case({"connector": {"registered": True, "in_user_store": True, "first_certificate_days": 170}}, 0, keeps=True),
    "of another tenant": Case(
        {"connector": {"registered": True, "tenant_id": OTHER_TENANT}}, 1, keeps=False, wishes={"connector_allow_tenant_change": True}
    ),
    "legacy": Case({"connector": {"generation": "legacy", "registered": True}}, 0, keeps=True),
    "legacy, to be upgraded": Case({"connector": {"generation": "legacy", "registered": True}}, 1, keeps=True, wishes=UPGRADE),
    "legacy, to be upgraded, which loses the registration": Case(
        {"connector": {"generation": "legacy", "registered": True}, "product": {"upgrade_keeps_registration": False}},
        2,
        keeps=False,
        wishes=UPGRADE,
        foreseen=1,
    ),
    "upgraded by itself": Case(
        {"connector": {"registered": True, "version": "1.5.9000.0"}}, 0, keeps=True, wishes={"connector_version": NEWEST}
    ),
    "pending restart, which the installer then asks for": Case(
        {"pending_reboot": True, "installer_exit_code": 3010}, 2, wishes={"connector_reboot": True}, restarts=True
    ),
    "pending restart of a connector that is as it should be": Case(
        {"connector": REGISTERED, "pending_reboot": True}, 0, keeps=True, wishes={"connector_reboot": True}
    ),
}


def role(ansible: Ansible, wishes: t.Mapping[str, t.Any], *arguments: str) -> Run:
    task = {"name": "The role", "ansible.builtin.include_role": {"name": "entra.app_proxy.connector"}}
    play = {"name": "The role", "hosts": SERVER, "gather_facts": False, "tasks": [task]}
    return ansible.playbook([play], *arguments, variables=dict(wishes)).succeeded()


def active_connectors(lab: Lab) -> dict[str, str]:
    return {one["id"]: one["machine_name"] for one in lab.get("/tenant")["connectors"] if one["status"] == "active"}


@pytest.mark.parametrize("name", CASES)
def test_the_role_converges_and_the_second_run_does_nothing(lab: Lab, ansible: Ansible, name: str) -> None:
    case = CASES[name]
    lab.patch("/timing", {"becomes_active": 0})
    patch(lab, **case.before)
    before = server(lab)
    checked = role(ansible, case.wishes, "--check")
    assert (checked.total("changed"), server(lab)) == (case.changes if case.foreseen is None else case.foreseen, before)

    done = role(ansible, case.wishes)
    assert done.total("changed") == case.changes
    after = server(lab)
    found = after["connector"]
    assert (found["installed"], found["updater_installed"], found["registered"]) == (True, True, True)
    assert found["tenant_id"] == lab.state["tenant_id"]
    assert datetime.datetime.fromisoformat(found["not_after"]) > datetime.datetime.now(datetime.timezone.utc)
    services = [after["services"][service] for service in SERVICES]
    assert {(service["state"], service["start_mode"]) for service in services} == {("Running", "Auto")}
    assert active_connectors(lab).get(found["connector_id"]) == "NAM-WEB-01"
    assert (after["boot"] > before["boot"]) is case.restarts
    if case.keeps is not None:
        assert (found["connector_id"] == before["connector"]["connector_id"]) is case.keeps
    if "connector_version" in case.wishes:
        assert found["version"] >= NEWEST

    start = lab.last_seq()
    assert role(ansible, case.wishes).total("changed") == 0
    entries = lab.journal(since=start)
    assert [entry for entry in entries if entry["kind"] in ("write", "shell") and entry["plane"] != "admin"] == []
    assert [entry for entry in entries if entry["plane"] == "login"] == []
    assert server(lab) == after

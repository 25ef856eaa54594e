# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signing in with the real azure-identity, by every way that a machine without Azure can go; and what is refused, and how."""

from __future__ import annotations

import typing as t

import pytest

from tests.support.lab_process import Lab
from tests.support.playbook import Ansible, Run

INFO = "entra.app_proxy.connector_group_info"
TOKEN = "entra.app_proxy.registration_token"
ASSERT = "ansible.builtin.assert"

Task = dict[str, t.Any]


def connection(lab: Lab) -> dict[str, str]:
    names = ("tenant_id", "graph_endpoint", "authority", "ca_file")
    return {name: lab.state[name] for name in names}


def run(ansible: Ansible, lab: Lab, tasks: list[Task], **secrets: str) -> Run:
    """Run the tasks on localhost. Secrets are variables: Ansible itself prints the lines of a playbook around a failed task."""
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {"group/entra.app_proxy.tenant": connection(lab)},
        "tasks": tasks,
    }
    return ansible.playbook([play], "-vvvvv", variables=secrets)


def info(**options: t.Any) -> Task:
    return {"name": f"sign in by {options.get('auth_source', 'auto')}", INFO: options}


def test_applications_sign_in_by_secret_certificate_and_federated_token(ansible: Ansible, lab: Lab) -> None:
    lab.patch("/tenant", {"app_only": True})
    client = {"client_id": lab.state["client_id"]}
    secret = lab.state["client_secret"]
    environment = {
        "AZURE_TENANT_ID": lab.state["tenant_id"],
        "AZURE_CLIENT_ID": lab.state["client_id"],
        "AZURE_CLIENT_SECRET": "{{ secret }}",
    }
    tasks = [
        info(auth_source="client_secret", client_secret="{{ secret }}", **client),
        info(certificate_path=lab.state["client_certificate_file"], **client),
        info(federated_token_file=lab.state["federated_token_file"], **client),
        {**info(auth_source="environment"), "environment": environment, "no_log": True},
    ]
    done = run(ansible, lab, tasks, secret=secret).succeeded()
    assert done.total("ok") == 4
    shown = done.output.replace(f"AZURE_CLIENT_SECRET={secret}", "")  # how Ansible shows an environment with -vvv
    assert secret not in shown


def test_a_program_on_azure_signs_in_by_its_managed_identity(ansible: Ansible, lab: Lab) -> None:
    lab.patch("/tenant", {"app_only": True})
    machine = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": lab.state["imds_endpoint"]}
    app_service = {"IDENTITY_ENDPOINT": lab.state["identity_endpoint"], "IDENTITY_HEADER": "{{ header }}"}
    named = lab.state["managed_identity_client_id"]
    tasks = [
        {**info(auth_source="managed_identity"), "environment": machine},
        {**info(auth_source="managed_identity", client_id=named), "environment": machine},
        {**info(auth_source="managed_identity"), "environment": app_service, "no_log": True},
    ]
    assert run(ansible, lab, tasks, header=lab.state["identity_header"]).succeeded().total("ok") == 3
    asked = lab.journal(plane="login", action="managed_identity")
    assert [entry["status"] for entry in asked] == [200, 200, 200]
    assert [entry["detail"] for entry in asked] == [None, {"client_id": named}, None]


def test_users_sign_in_by_azure_cli_device_code_and_token(ansible: Ansible, lab: Lab) -> None:
    token = lab.token("graph")
    tasks = [
        info(),
        info(auth_source="device_code"),
        info(access_token="{{ given }}"),
        {TOKEN: {"source": "device_code"}, "register": "by_code", "no_log": True},
        {TOKEN: {"source": "given", "value": "{{ by_code.token }}"}, "register": "checked", "no_log": True},
        {TOKEN: {}, "register": "found", "no_log": True},
        {TOKEN: {"source": "given", "value": "{{ found.token }}"}, "no_log": True},
        {ASSERT: {"that": "checked.token == by_code.token", "quiet": True}, "no_log": True},
    ]
    done = run(ansible, lab, tasks, given=token).succeeded()
    assert done.output.count("To sign in, open ") == 2
    assert done.total("changed") == 0
    assert token not in done.output
    # The start of every token: a JSON object in base64.
    assert '"eyJ' not in done.output


def test_a_refusal_says_what_to_do(ansible: Ansible, lab: Lab) -> None:
    app_only = lab.token("graph", app_only=True)
    ignored = {"ignore_errors": True}
    tasks = [
        {**info(access_token="{{ app_only }}"), **ignored},
        {**info(auth_source="client_secret", client_secret="{{ wrong }}", client_id=lab.state["client_id"]), **ignored},
        {**info(auth_source="client_secret"), **ignored},
        {**info(ca_file="/nowhere.pem"), **ignored},
        {**info(graph_endpoint="http://graph.example.com"), **ignored},
        {TOKEN: {"source": "given", "value": "{{ app_only }}"}, **ignored},
    ]
    done = run(ansible, lab, tasks, app_only=app_only, wrong="wrong-secret").succeeded()
    for said in (
        "The token is app-only",
        "AADSTS7000215: Invalid client secret provided",
        "auth_source=client_secret needs also: client_id, client_secret",
        "the file /nowhere.pem of the option ca_file does not exist",
        "graph_endpoint must be an https URL",
        "registration needs https://proxy.cloudwebappproxy.net/registerapp",
    ):
        assert said in done.output, said
    assert done.total("ignored") == len(tasks)
    assert app_only not in done.output
    assert "wrong-secret" not in done.output


def test_a_sign_in_service_that_does_not_answer_is_not_waited_for(ansible: Ansible, lab: Lab) -> None:
    lab.post("/faults", {"plane": "login", "kind": "delay", "form": "before", "seconds": 10, "count": 0})
    task = info(client_id=lab.state["client_id"], client_secret="{{ secret }}", request_timeout=1)
    done = run(ansible, lab, [task], secret=lab.state["client_secret"])
    assert done.rc == 2
    assert "could not get an access token for Microsoft Graph: " in done.output
    assert "Read timed out. (read timeout=1)" in done.output
    assert lab.journal(plane="graph") == []


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}},
        {"kind": "status", "status": 500},
        {"kind": "drop_before"},
        {"kind": "malformed", "form": "html"},
    ],
    ids=lambda fault: fault["kind"] + str(fault.get("status", "")),
)
def test_a_sign_in_service_in_trouble_is_told_and_graph_is_not_asked(ansible: Ansible, lab: Lab, fault: dict[str, t.Any]) -> None:
    lab.post("/faults", {"plane": "login", "count": 0, **fault})
    task = info(client_id=lab.state["client_id"], client_secret="{{ secret }}")
    done = run(ansible, lab, [task], secret=lab.state["client_secret"])
    assert done.rc == 2
    assert "could not get an access token for Microsoft Graph: " in done.output
    assert "Traceback" not in done.output
    assert lab.journal(plane="graph") == []


def test_what_needs_the_terminal_is_refused_in_an_asynchronous_task(ansible: Ansible, lab: Lab) -> None:
    later = {"async": 60, "poll": 1, "ignore_errors": True}
    tasks = [
        {**info(auth_source="device_code"), **later},
        {TOKEN: {"source": "device_code"}, **later},
        {"entra.app_proxy.connector_groups": {"groups": [], "plan_file": "plan.json"}, **later},
    ]
    done = run(ansible, lab, tasks).succeeded()
    for said in ('"auth_source=device_code needs the terminal', '"source=device_code needs the terminal'):
        assert said in done.output, done.output
    assert "plan_file needs the result of the task: do not run it asynchronously" in done.output, done.output


def test_a_password_of_the_proxy_is_not_shown(ansible: Ansible, lab: Lab) -> None:
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [info(**connection(lab), access_token="e30.e30.x", proxy="http://someone:{{ secret }}@127.0.0.1:1", timeout=1)],
    }
    # Older versions of ansible-core tell with every result how the module was called; newer ones only when told to.
    told = {"ANSIBLE_INJECT_INVOCATION": "true"}
    done = ansible.playbook([play], "-vvvvv", variables={"secret": "of-the-proxy"}, environment=told)
    assert done.rc == 2
    assert "http://someone:********@127.0.0.1:1" in done.output
    assert "of-the-proxy" not in done.output

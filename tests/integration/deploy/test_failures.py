# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may go wrong in a deployment: one clear error with the way out, and nothing half-changed that a further run does not mend."""

from __future__ import annotations

import pathlib

import certifi
import pytest

from tests.integration.deploy.conftest import Deployment
from tests.support.lab_process import ROOT

ONE_GROUP = {"nam": {"nam_web": {"hosts": {"nam-web-01": {}, "nam-web-02": {}}, "vars": {"connector_group_name": "NAM Web"}}}}
BOTH = ("nam-web-01", "nam-web-02")


@pytest.fixture
def small(deployment: Deployment) -> pathlib.Path:
    """An inventory of one group of two servers."""
    return deployment.inventory(ONE_GROUP)


def assert_next_run_completes(deployment: Deployment, inventory: pathlib.Path) -> None:
    deployment.run(inventory=inventory).succeeded()
    assert sorted(deployment.groups()["NAM Web"]["members"]) == ["NAM-WEB-01", "NAM-WEB-02"]
    assert len(deployment.lab.get("/tenant")["connectors"]) == 2


def test_a_group_of_one_server_is_refused_before_anything_is_touched(deployment: Deployment) -> None:
    inventory = deployment.inventory({"nam": {"nam_web": {"hosts": {"nam-web-01": {}}, "vars": {"connector_group_name": "NAM Web"}}}})
    start = deployment.lab.last_seq()
    run = deployment.run(inventory=inventory)
    assert run.rc != 0
    assert "nam_web" in run.output
    assert "has 1 host" in run.output
    assert deployment.lab.journal(since=start) == []


def test_every_mistake_of_the_declaration_is_reported_in_one_run(deployment: Deployment) -> None:
    two = {"nam-web-01": {}, "nam-web-02": {}}
    inventory = deployment.inventory(
        {
            "nam": {
                "nam_web": {"hosts": two, "vars": {"connector_group_name": "Web"}},
                "nam_hr": {"hosts": {"nam-hr-01": {}, "nam-web-01": {}}, "vars": {"connector_group_name": "web"}},
            },
            "mars": {"mars_web": {"hosts": {"eur-web-01": {}, "eur-web-02": {}}, "vars": {"connector_group_name": "Default"}}},
            "eur": {"eur_empty": {"hosts": {"nam-hr-02": {}}, "vars": {"connector_group_name": ""}}},
        }
    )
    start = deployment.lab.last_seq()
    run = deployment.run(inventory=inventory)
    assert run.rc != 0
    for expected in ("nam-web-01", "nam_hr", "mars_web", "Default", "eur_empty", "mars"):
        assert expected in run.output
    assert deployment.lab.journal(since=start) == []


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ({"tenant_id": "99999999-8888-4777-8666-555555555555"}, "99999999-8888-4777-8666-555555555555"),
        ({"expires_in": -3600}, "expired"),
        ({"guest": True}, "guest"),
    ],
    ids=["of another tenant", "expired", "of a guest"],
)
def test_a_token_that_cannot_register_is_refused_with_its_reason_and_never_sent(
    deployment: Deployment, small: pathlib.Path, token: dict[str, object], reason: str
) -> None:
    unfit = deployment.lab.token(**token)
    start = deployment.lab.last_seq()
    run = deployment.run(inventory=small, variables={"connector_registration_token": unfit, "connector_prerequisites": "enforced"})
    assert run.rc != 0
    assert reason in run.output
    assert "az account get-access-token" in run.output
    assert deployment.server_writes(start) == []
    assert [process for process in deployment.lab.get("/processes") if process["seq"] > start] == []
    assert deployment.lab.get("/tenant")["connectors"] == []
    assert_next_run_completes(deployment, small)


def test_a_token_is_evaluated_only_for_a_server_that_has_to_be_registered(deployment: Deployment, small: pathlib.Path) -> None:
    from_a_store = {"connector_registration_token": "{{ lookup('ansible.builtin.file', '/nowhere/token') }}"}
    asked = deployment.run(inventory=small, variables=from_a_store)
    assert "/nowhere/token" in asked.output
    assert deployment.server_writes(0) == []
    assert_next_run_completes(deployment, small)
    again = deployment.run(inventory=small, variables=from_a_store).succeeded()
    assert again.total("changed") == 0


def test_a_token_that_only_an_upgrade_has_made_necessary_is_judged_then(deployment: Deployment, small: pathlib.Path) -> None:
    for name in BOTH:
        legacy = {"generation": "legacy", "version": "1.5.1626.0", "registered": True}
        deployment.lab.patch(f"/servers/{name}", {"connector": legacy, "product": {"upgrade_keeps_registration": False}})
    before = {one["id"] for one in deployment.lab.get("/tenant")["connectors"]}
    upgrade = {"connector_version": "1.5.4892.0", "connector_i_accept_that_serving_connectors_go_down": True}
    given = {**upgrade, "connector_registration_token": deployment.lab.token(guest=True)}
    run = deployment.run("--tags", "connectors", inventory=small, variables=given)
    assert run.rc != 0
    assert "guest" in run.output
    assert {deployment.lab.get(f"/servers/{name}")["connector"]["version"] for name in BOTH} == {"1.5.4892.0"}
    assert {one["id"] for one in deployment.lab.get("/tenant")["connectors"]} == before


def test_a_sign_in_to_the_tenant_that_is_refused_is_known_before_a_server_is_touched(deployment: Deployment, small: pathlib.Path) -> None:
    wrong = {"app_proxy_auth_source": "client_secret", "app_proxy_client_id": deployment.lab.state["client_id"]}
    run = deployment.run(inventory=small, variables={**wrong, "app_proxy_client_secret": "not-the-secret"})
    assert run.rc != 0
    assert "AADSTS7000215: Invalid client secret provided" in run.output
    assert "not-the-secret" not in run.output
    assert deployment.lab.journal(plane="wsman") == []
    assert_next_run_completes(deployment, small)


def test_inventory_and_tenant_can_be_checked_without_asking_a_server_or_changing_anything(
    deployment: Deployment, small: pathlib.Path
) -> None:
    run = deployment.run("--tags", "fleet,tenant", inventory=small).succeeded()
    assert run.total("changed") == 0
    assert deployment.lab.journal(plane="wsman") == []
    assert {entry["kind"] for entry in deployment.lab.journal(plane="graph")} == {"read"}
    wrong = {"app_proxy_auth_source": "client_secret", "app_proxy_client_id": deployment.lab.state["client_id"]}
    refused = deployment.run("--tags", "fleet,tenant", inventory=small, variables={**wrong, "app_proxy_client_secret": "not-the-secret"})
    assert refused.rc != 0
    assert "AADSTS7000215: Invalid client secret provided" in refused.output


def test_a_tenant_id_that_is_no_guid_is_refused_before_anything_is_touched(deployment: Deployment, small: pathlib.Path) -> None:
    start = deployment.lab.last_seq()
    run = deployment.run(inventory=small, variables={"app_proxy_tenant_id": "contoso.onmicrosoft.com"})
    assert run.rc != 0
    assert "app_proxy_tenant_id is 'contoso.onmicrosoft.com', and it must be the GUID of the tenant" in run.output
    assert "overview page" in run.output
    assert deployment.lab.journal(since=start) == []


@pytest.mark.parametrize(
    ("cloud", "named", "told"),
    [
        ("global", None, None),
        ("us_gov_l4", None, "AzureUSGovernment"),
        ("us_gov_l5", None, "AzureUSGovernment"),
        ("us_gov_l4", "AzureCloud", "AzureCloud"),
        ("china", None, None),
        ("china", "AzureCloud", "AzureCloud"),
    ],
    ids=["public", "US Government", "its department of defense", "named otherwise", "China", "China named"],
)
def test_the_cloud_of_the_tenant_decides_what_the_registration_is_told(
    deployment: Deployment, small: pathlib.Path, cloud: str, named: str | None, told: str | None
) -> None:
    given = {"connector_environment_name": named} if named else {}
    run = deployment.run("--tags", "connectors", inventory=small, variables={"app_proxy_cloud": cloud, **given}).succeeded()
    details = [entry["detail"] or {} for entry in deployment.server_writes(0)]
    assert [one["environment"] for one in details if one.get("what") == "register"] == [told, told]
    assert ("set connector_environment_name" in run.output) == (cloud == "china" and named is None)


@pytest.mark.parametrize("mode", [(), ("--check",)], ids=["for real", "check mode"])
def test_applications_that_cannot_be_meant_are_all_told_before_a_server_is_touched(deployment: Deployment, mode: tuple[str, ...]) -> None:
    two = {
        "nam_web": {
            "hosts": dict.fromkeys(BOTH, {}),
            "vars": {"connector_group_name": "NAM Web", "connector_group_applications": ["Intranett", "Intranet"]},
        },
        "nam_hr": {
            "hosts": {"nam-hr-01": {}, "nam-hr-02": {}},
            "vars": {"connector_group_name": "NAM HR", "connector_group_applications": ["Payrol", "Twice"]},
        },
    }
    inventory = deployment.inventory({"nam": two})
    twice = [deployment.lab.post("/applications", {"display_name": "Twice"})["id"] for _number in range(2)]
    start = deployment.lab.last_seq()
    run = deployment.run(*mode, inventory=inventory)
    assert run.rc != 0
    said = " ".join(run.output.replace("\\n", " ").split())
    looked_for = "(looked for as object id, application id and display name; application_info lists those that are published)"
    assert "connector_group_applications cannot be carried out" in said
    assert f"- NAM Web: the tenant has no application Intranett {looked_for}" in said
    assert f"- NAM HR: the tenant has no application Payrol {looked_for}" in said
    assert "- NAM HR: application Twice is ambiguous, give one of these object ids instead:" in said
    assert all(one in said for one in twice)
    assert deployment.lab.journal(since=start, plane="wsman") == []
    assert deployment.since(start, "write") == []
    assert deployment.lab.get("/tenant")["connectors"] == []


def test_a_move_looks_for_its_applications_before_a_server_is_touched(deployment: Deployment, small: pathlib.Path) -> None:
    misspelled = {"connector_group_applications": ["Payrol"]}
    run = deployment.ansible.playbook(ROOT / "playbooks" / "move_connectors.yml", inventory=small, variables=misspelled)
    assert run.rc != 0
    assert "NAM Web: the tenant has no application Payrol" in run.output
    assert deployment.lab.journal(plane="wsman") == []
    assert deployment.lab.get("/tenant")["connectors"] == []


@pytest.mark.parametrize(
    ("applications", "more"), [([], []), (["Intranet", "Payroll"], ["list_applications", "batch"])], ids=["none", "two"]
)
def test_the_look_at_the_tenant_takes_two_lists_and_two_requests_more_when_applications_are_declared(
    deployment: Deployment, applications: list[str], more: list[str]
) -> None:
    named = {"connector_group_name": "NAM Web", "connector_group_applications": applications}
    inventory = deployment.inventory({"nam": {"nam_web": {"hosts": dict.fromkeys(BOTH, {}), "vars": named}}})
    start = deployment.lab.last_seq()
    deployment.run("--tags", "tenant", inventory=inventory).succeeded()
    entries = deployment.lab.journal(since=start, plane="graph")
    assert [one["action"] for one in entries if "item" not in (one["detail"] or {})] == ["list_groups", "list_connectors", *more]


def test_a_wrong_password_names_the_variable_to_correct(deployment: Deployment, small: pathlib.Path) -> None:
    run = deployment.run(inventory=small, variables={"ansible_password": "not-the-password"})
    assert run.rc != 0
    assert "ansible_password" in run.output
    assert "not-the-password" not in run.output
    assert deployment.server_writes(0) == []
    assert_next_run_completes(deployment, small)


@pytest.mark.parametrize("connection", ["winrm", "psrp"])
def test_an_untrusted_certificate_names_the_variable_to_correct(deployment: Deployment, connection: str) -> None:
    variable = {"winrm": "ansible_winrm_ca_trust_path", "psrp": "ansible_psrp_ca_cert"}[connection]
    deployment.ansible.connection = connection
    run = deployment.run(inventory=deployment.inventory(ONE_GROUP), variables={variable: certifi.where()})
    assert run.rc != 0
    assert variable in run.output
    assert deployment.server_writes(0) == []


def test_a_missing_installer_is_found_before_a_server_is_changed(deployment: Deployment, small: pathlib.Path) -> None:
    run = deployment.run(inventory=small, variables={"connector_installer_file": "/nowhere/Installer.exe"})
    assert run.rc != 0
    assert "/nowhere/Installer.exe" in run.output
    assert "installer_file" in run.output
    assert deployment.server_writes(0) == []
    assert_next_run_completes(deployment, small)


def test_an_installer_that_fails_is_reported_with_its_exit_code_and_the_next_run_mends_it(
    deployment: Deployment, small: pathlib.Path
) -> None:
    for name in BOTH:
        deployment.lab.patch(f"/servers/{name}", {"installer_exit_code": 1603})
    run = deployment.run(inventory=small)
    assert run.rc != 0
    assert "1603" in run.output
    assert deployment.lab.get("/tenant")["connectors"] == []
    for name in BOTH:
        deployment.lab.patch(f"/servers/{name}", {"installer_exit_code": None})
    assert_next_run_completes(deployment, small)

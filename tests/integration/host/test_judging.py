# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registration, trust certificate, clones and health on the lab: the good way, and what each failure says."""

from __future__ import annotations

import concurrent.futures

import pytest

from tests.integration.host.module_run import Outcome, module, patch, server
from tests.support.lab_process import Lab
from tests.support.playbook import Ansible
from tests.support.waiting import wait_until


def credentials(lab: Lab) -> dict[str, str]:
    return {"tenant_id": lab.state["tenant_id"], "user": lab.state["tenant_user"], "password": lab.state["tenant_password"]}


def check(outcome: Outcome, name: str) -> dict[str, str]:
    return next(one for one in outcome.result["checks"] if one["name"] == name)


def known(*ids: str) -> list[dict[str, str]]:
    return [{"id": one, "machine_name": "NAM-WEB-01", "status": "active"} for one in ids]


def test_credentials_register_and_their_environment_reaches_the_cmdlet(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={})
    done = module(ansible, "connector_registration", **credentials(lab), environment_name="AzureUSGovernment")
    assert done.result["changed"]
    assert done.result["registration"]["state"] == "registered"
    (registered,) = [entry["detail"] for entry in done.writes if (entry["detail"] or {}).get("what") == "register"]
    assert registered["environment"] == "AzureUSGovernment"
    assert lab.state["tenant_password"] not in done.run.output


def test_an_environment_that_the_cmdlet_does_not_know_is_told_with_its_words(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={})
    failed = module(
        ansible, "connector_registration", tenant_id=lab.state["tenant_id"], token=lab.token(), environment_name="AzureMars", timeout=3
    )
    assert "Cannot validate argument on parameter 'EnvironmentName'" in failed.result["msg"]
    assert server(lab)["connector"]["registered"] is False


@pytest.mark.parametrize("arguments", [(), ("--check",)], ids=["real", "check"])
@pytest.mark.parametrize(
    ("kind", "claims", "reason"),
    [
        ("registration", {"guest": True}, "it was issued to a guest user"),
        ("registration", {"expires_in": -3600}, "it expired at"),
        ("registration", {"tenant_id": "99999999-8888-4777-8666-555555555555"}, "99999999-8888-4777-8666-555555555555"),
        ("graph", {}, "it is for the audience"),
    ],
    ids=["of a guest", "expired", "of another tenant", "for another audience"],
)
def test_a_token_that_cannot_register_is_refused_before_the_server_is_touched(
    lab: Lab, ansible: Ansible, kind: str, claims: dict[str, object], reason: str, arguments: tuple[str, ...]
) -> None:
    patch(lab, connector={})
    token = lab.token(kind, **claims)
    failed = module(ansible, "connector_registration", *arguments, tenant_id=lab.state["tenant_id"], token=token)
    assert reason in failed.result["msg"]
    assert (failed.result["changed"], failed.writes, failed.shells) == (False, [], 0)
    assert token not in failed.run.output


def test_multifactor_authentication_is_the_failure_that_says_nothing(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={})
    lab.patch("/tenant", {"user_needs_mfa": True})
    failed = module(ansible, "connector_registration", **credentials(lab), timeout=3)
    assert "which is what an account with multifactor authentication looks like" in failed.result["msg"]
    assert "register with a token" in failed.result["msg"]
    assert server(lab)["events"] == []


def test_a_refused_user_is_told_with_the_reason_of_the_event_log(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={})
    lab.patch("/tenant", {"user_is_administrator": False})
    failed = module(ansible, "connector_registration", **credentials(lab), timeout=3)
    assert "The registration request was denied" in failed.result["msg"]
    assert "Application Administrator" in failed.result["msg"]


def test_a_registered_connector_that_does_not_run_is_told_with_the_reason_of_its_log(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={}, product={"stubborn_service": True})
    failed = module(ansible, "connector_registration", tenant_id=lab.state["tenant_id"], token=lab.token(), timeout=3)
    assert "received its trust certificate, but service WAPCSvc did not become Running" in failed.result["msg"]
    assert "-Connector/Admin says: The connector service has ended: it was told to by a test" in failed.result["msg"]
    assert failed.result["done"][0] == f"registered in tenant {lab.state['tenant_id']}"
    patch(lab, product={"stubborn_service": False})
    mended = module(ansible, "connector")
    assert (mended.result["registration"]["required"], server(lab)["services"]["WAPCSvc"]["state"]) == (False, "Running")


def test_what_the_tenant_has_forgotten_is_registered_again(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True})
    own = server(lab)["connector"]["connector_id"]
    other = "0d1f6f6e-6b1c-4e57-8f0d-6d2c1a4a9a11"
    assert module(ansible, "connector_info", known_connectors=known(own)).result["registration"]["required"] is False
    found = module(ansible, "connector_info", known_connectors=known(other)).result["registration"]
    assert (found["required"], found["reason"]) == (True, "the tenant does not know this connector any more")
    registered = module(
        ansible, "connector_registration", tenant_id=lab.state["tenant_id"], token=lab.token(), known_connectors=known(other)
    )
    assert (registered.result["changed"], registered.result["registration"]["required"]) == (True, False)
    assert server(lab)["connector"]["connector_id"] != own


def test_a_renewed_certificate_is_estimated_while_the_first_is_valid_and_read_when_asked(lab: Lab, ansible: Ansible) -> None:
    lab.patch("/timing", {"certificate_days": 365})
    patch(lab, connector={"registered": True, "in_user_store": True, "age_days": 20, "valid_days": 400, "first_certificate_days": 190})
    estimated = module(ansible, "connector_info")
    registration = estimated.result["connector"]["registration"]
    assert (registration["in_user_store"], registration["estimated"], registration["renewal_overdue"]) == (True, True, False)
    assert estimated.shells == 0
    exact = module(ansible, "connector_info", read_certificate=True)
    registration = exact.result["connector"]["registration"]
    assert (registration["in_user_store"], registration["estimated"], registration["days_left"]) == (True, False, 379)
    assert registration["issuer"] == "connectorregistrationca.msappproxy.net"
    assert registration["connector_id"] == server(lab)["connector"]["connector_id"]
    assert (exact.shells, exact.writes) == (1, [])


def test_a_renewed_certificate_that_has_ended_only_by_the_estimate_needs_no_registration(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True, "in_user_store": True, "age_days": 200, "valid_days": 400, "first_certificate_days": 390})
    looked = module(ansible, "connector_registration", tenant_id=lab.state["tenant_id"])
    registration = looked.result["connector"]["registration"]
    assert (looked.result["changed"], looked.writes, looked.shells) == (False, [], 1)
    assert (registration["state"], registration["estimated"], registration["days_left"]) == ("registered", False, 199)
    assert registration["connector_id"] == server(lab)["connector"]["connector_id"]


def test_a_renewed_certificate_is_read_once_the_first_has_ended(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True, "in_user_store": True, "age_days": 20, "valid_days": 400, "first_certificate_days": 200})
    found = module(ansible, "connector_info")
    registration = found.result["connector"]["registration"]
    assert (registration["in_user_store"], registration["estimated"], registration["days_left"]) == (True, False, 379)
    assert (found.shells, found.writes) == (1, [])


def test_an_overdue_renewal_is_a_warning(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True, "age_days": 200, "valid_days": 365})
    judged = module(ansible, "connector_health")
    assert judged.result["connector"]["registration"]["renewal_overdue"] is True
    assert check(judged, "renewal")["status"] == "warning"
    assert check(judged, "certificate")["status"] == "ok"


def test_health_looks_at_logs_counters_endpoints_and_the_tenants_view(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True})
    own = server(lab)["connector"]["connector_id"]
    plain = module(ansible, "connector_health")
    assert (plain.result["status"], plain.shells) == ("ok", 0)
    asked = {"since": "24h", "counters": True, "known_connectors": known(own)}
    well = module(ansible, "connector_health", **asked)
    assert (well.result["status"], well.result["events"], well.shells) == ("ok", [], 1)
    assert well.result["counters"] != {}

    channel, source = "Microsoft-Microsoft Entra private network-Connector/Admin", "Microsoft Entra private network connector"
    text = "Connector failed to download the configuration."
    patch(lab, events=[{"channel": channel, "provider": source, "event_id": 12, "level": 2, "message": text}])
    legacy = {
        "channel": "Application",
        "provider": "Microsoft AAD Application Proxy Connector",
        "event_id": 13,
        "level": 2,
        # A character that XML has no place for.
        "message": f"{text}\x1b[0m",
    }
    patch(lab, events=[legacy])
    ill = module(ansible, "connector_health", since="1h", known_connectors=known())
    assert text in check(ill, "events")["evidence"]
    assert (check(ill, "events")["status"], check(ill, "tenant_view")["status"]) == ("warning", "critical")
    assert sorted(event["id"] for event in ill.result["events"]) == [12, 13]
    assert check(module(ansible, "connector_health", since="1h", errors_critical=2), "events")["status"] == "critical"
    lab.post("/clock", {"advance": 7200})
    assert check(module(ansible, "connector_health", since="1h", clock_skew_seconds=9999), "events")["status"] == "ok"
    assert ill.writes == []


@pytest.mark.parametrize("reachable", [True, False])
def test_health_tries_the_endpoints_when_asked(lab: Lab, ansible: Ansible, reachable: bool) -> None:
    patch(lab, connector={"registered": True})
    if not reachable:
        patch(lab, endpoints={"login.microsoftonline.com:443": "blocked"})
    judged = module(ansible, "connector_health", endpoints=True)
    assert check(judged, "endpoints")["status"] == ("ok" if reachable else "critical"), check(judged, "endpoints")


def test_health_tries_the_endpoints_through_the_connectors_own_proxy(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True})
    module(ansible, "connector_proxy", mode="proxy", address="http://proxy.contoso.example:8080")
    assert check(module(ansible, "connector_health", endpoints=True), "endpoints")["status"] == "ok"
    patch(lab, endpoints={"proxy.contoso.example:8080": "blocked"})
    assert check(module(ansible, "connector_health", endpoints=True), "endpoints")["status"] == "critical"
    past = module(ansible, "connector_health", endpoints=True, proxy="http://other.contoso.example:3128")
    assert check(past, "endpoints")["status"] == "ok"


CHANNELS = (
    ("Microsoft-Microsoft Entra private network-Connector/Admin", "Microsoft Entra private network connector"),
    ("Microsoft-Microsoft Entra private network-Updater/Admin", "Microsoft Entra private network connector updater"),
    ("Microsoft-AadApplicationProxy-Connector/Admin", "Microsoft AAD Application Proxy Connector"),
    ("Microsoft-AadApplicationProxy-Updater/Admin", "Microsoft AAD Application Proxy Connector Updater"),
    ("Application", "Microsoft Entra private network connector"),
    ("Application", "Microsoft AAD Application Proxy Connector"),
)


def test_health_finds_an_error_in_every_channel_of_both_generations(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True})
    events = [
        {"channel": channel, "provider": provider, "event_id": number, "level": 2, "message": f"in {channel}"}
        for number, (channel, provider) in enumerate(CHANNELS, 100)
    ]
    other = {"channel": "Application", "provider": "Somebody else", "event_id": 99, "level": 2, "message": "not ours"}
    patch(lab, events=[*events, other])
    found = module(ansible, "connector_health", since="1h").result["events"]
    assert sorted(event["id"] for event in found) == [event["event_id"] for event in events]


def test_errors_are_found_behind_newer_warnings_and_counted_to_the_threshold(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True})
    (channel, provider), warned = CHANNELS[0], {"event_id": 30, "level": 3, "message": "slow"}
    expired = "Connector re-registration failed: The Connector trust certificate expired. Run PowerShell cmdlet ..."
    patch(lab, events=[{"channel": channel, "provider": provider, "event_id": 1000, "level": 2, "message": expired}])
    patch(lab, events=[{"channel": channel, "provider": provider, **warned}] * 60)
    hidden = module(ansible, "connector_health", since="1h")
    assert check(hidden, "events")["status"] == "critical"
    assert "1 error(s) since 1h" in check(hidden, "events")["evidence"]
    assert [event["level"] for event in hidden.result["events"]].count(3) == 50

    failed = {"channel": channel, "provider": provider, "event_id": 12, "level": 2, "message": "failed"}
    patch(lab, events=[failed] * 60)
    many = module(ansible, "connector_health", since="1h")
    assert "at least 50 error(s)" in check(many, "events")["evidence"]
    assert check(many, "events")["status"] == "warning"
    assert check(module(ansible, "connector_health", since="1h", errors_critical=60), "events")["status"] == "critical"


def test_a_log_that_may_not_be_read_is_unknown_and_what_the_others_say_counts(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True}, unreadable_logs=["Application"])
    quiet = module(ansible, "connector_health", since="1h", fail_on="warning")
    assert (check(quiet, "events")["status"], quiet.result["status"], quiet.result["healthy"]) == ("unknown", "unknown", True)
    assert "Access is denied" in check(quiet, "events")["evidence"]
    assert "Event Log Readers" in check(quiet, "events")["remedy"]
    assert "errors in them are not seen: Application" in " ".join(quiet.run.output.split())
    channel, provider = CHANNELS[0]
    patch(lab, events=[{"channel": channel, "provider": provider, "event_id": 12, "level": 2, "message": "failed"}])
    ill = module(ansible, "connector_health", since="1h")
    assert (check(ill, "events")["status"], "Access is denied" in check(ill, "events")["evidence"]) == ("warning", True)


def test_another_account_of_a_service_is_a_warning(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True}, services={"WAPCSvc": {"account": r"CONTOSO\svc-proxy"}})
    found = check(module(ansible, "connector_health"), "account WAPCSvc")
    assert (found["status"], found["evidence"]) == ("warning", r"runs as CONTOSO\svc-proxy")


def test_without_a_certificate_the_tenants_view_is_unknown(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"installed": True})
    assert check(module(ansible, "connector_health", known_connectors=[]), "tenant_view")["status"] == "unknown"


@pytest.mark.parametrize(
    ("age", "thresholds", "status"),
    [
        (140, {}, "ok"),
        (155, {}, "warning"),
        (155, {"certificate_warning_days": 20}, "ok"),
        (155, {"certificate_critical_days": 26}, "critical"),
        (175, {}, "critical"),
        (175, {"certificate_critical_days": 0}, "warning"),
    ],
)
def test_how_many_days_are_too_few_is_an_option(lab: Lab, ansible: Ansible, age: int, thresholds: dict[str, int], status: str) -> None:
    patch(lab, connector={"registered": True, "age_days": age, "valid_days": 180})
    assert check(module(ansible, "connector_health", **thresholds), "certificate")["status"] == status


def test_how_wrong_a_clock_may_be_and_which_version_is_too_old_are_options(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True, "version": "1.5.4287.0"})
    lab.post("/clock", {"advance": 600})
    ill = module(ansible, "connector_health", version="1.5.4892.0")
    assert (check(ill, "clock")["status"], check(ill, "version")["status"]) == ("warning", "warning")
    well = module(ansible, "connector_health", version="1.5.4287.0", clock_skew_seconds=900)
    assert (check(well, "clock")["status"], check(well, "version")["status"]) == ("ok", "ok")


def test_counters_that_cannot_be_read_are_unknown_and_hide_nothing(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True}, services={"WAPCSvc": {"state": "Stopped"}})
    judged = module(ansible, "connector_health", counters=True)
    assert (check(judged, "counters")["status"], judged.result["counters"], judged.result["status"]) == ("unknown", {}, "critical")


def test_waiting_ends_as_soon_as_all_is_well(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True})
    # After a start of Windows the services take an hour, which passes when the module has looked twice.
    lab.patch("/timing", {"service_start": 3600})
    patch(lab, boot="now")
    start = lab.last_seq()

    def let_it_start() -> None:
        wait_until("two looks", lambda: sum(entry["action"] == "Enumerate" for entry in lab.journal(since=start)) >= 6)
        lab.post("/clock", {"advance": 3601})

    with concurrent.futures.ThreadPoolExecutor() as workers:
        hour = workers.submit(let_it_start)
        waited = module(ansible, "connector_health", "-v", wait_timeout=120, poll_interval=0.2, clock_skew_seconds=9999)
        hour.result()
    assert waited.result["healthy"] is True
    assert "service WAPCSvc" in waited.run.output.partition("waiting for a healthy connector")[2]


def test_a_restart_in_the_middle_of_a_wait_is_waited_out(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True}, services={"WAPCSvc": {"state": "Stopped"}})
    start = lab.last_seq()

    def restart_it() -> None:
        wait_until("a program", lambda: any(entry["action"] == "shell/Command" for entry in lab.journal(since=start)))
        patch(lab, reboot=0)

    with concurrent.futures.ThreadPoolExecutor() as workers:
        restarted = workers.submit(restart_it)
        waited = module(ansible, "connector_health", "-v", wait_timeout=120, poll_interval=0.5, since="1h", counters=True)
        restarted.result()
    assert waited.result["healthy"] is True
    assert "the server does not answer" in waited.run.output
    assert server(lab)["shells"] == 0


def test_a_server_that_does_not_answer_at_first_is_waited_for(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True})
    lab.post("/faults", {"kind": "drop_before", "plane": "wsman", "target": "nam-web-01", "count": 4})
    waited = module(ansible, "connector_health", "-v", wait_timeout=120, poll_interval=0.5)
    assert waited.result["healthy"] is True
    assert "the server does not answer" in waited.run.output


def test_a_server_that_stays_away_is_unreachable(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True}, reachable=False)
    health = {"entra.app_proxy.connector_health": {"wait_timeout": 2, "poll_interval": 0.5}}
    run = ansible.playbook([{"hosts": "nam-web-01", "gather_facts": False, "tasks": [health]}], "-v")
    assert "waiting for a healthy connector" in run.output
    assert run.recap["nam-web-01"]["unreachable"] == 1


@pytest.mark.parametrize(("limit", "fails"), [("critical", False), ("warning", True), ("never", False)])
def test_what_makes_it_fail_is_an_option_and_the_checks_come_all_the_same(lab: Lab, ansible: Ansible, limit: str, fails: bool) -> None:
    patch(lab, connector={"registered": True, "age_days": 155, "valid_days": 180})
    judged = module(ansible, "connector_health", fail_on=limit)
    assert bool(judged.result.get("failed")) is fails
    assert check(judged, "certificate")["status"] == "warning"
    if fails:
        assert "certificate: valid until" in judged.result["msg"]


def test_an_expired_certificate_shows_in_the_log(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True, "age_days": 181})
    lab.get("/tenant")
    judged = module(ansible, "connector_health", since="7d")
    assert check(judged, "registration")["status"] == "critical"
    assert check(judged, "events")["status"] == "critical"
    assert "trust certificate has expired" in check(judged, "events")["remedy"]


def test_waiting_shows_what_is_not_well(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"registered": True}, services={"WAPCSvc": {"state": "Stopped"}})
    waited = module(ansible, "connector_health", "-v", wait_timeout=2, poll_interval=0.5)
    assert "waiting for a healthy connector" in waited.run.output
    assert "not well: service WAPCSvc" in waited.run.output
    assert waited.result["status"] == "critical"


def test_clones_are_stopped_and_the_copy_gets_its_own_registration(lab: Lab, ansible: Ansible) -> None:
    lab.patch("/servers/nam-web-01", {"connector": {"registered": True}})
    lab.patch("/servers/nam-web-02", {"connector": {"clone_of": "nam-web-01"}})
    play = {
        "name": "Role",
        "hosts": "nam_web",
        "gather_facts": False,
        "tasks": [{"name": "The role", "ansible.builtin.include_role": {"name": "entra.app_proxy.connector"}}],
    }
    run = ansible.playbook([play])
    assert {host: counts["failed"] for host, counts in run.recap.items()} == {"nam-web-01": 1, "nam-web-02": 1}
    assert "nam-web-01 and nam-web-02" in run.output
    assert "connector_i_accept_a_new_registration_of=THE-COPY" in run.output
    # A text that holds the name of the copy names it only as a whole.
    assert ansible.playbook([play], "-e", "connector_i_accept_a_new_registration_of=nam-web-02-old").total("failed") == 2
    ansible.playbook([play], "-e", "connector_i_accept_a_new_registration_of=nam-web-02").succeeded()
    ids = {lab.get(f"/servers/{name}")["connector"]["connector_id"] for name in ("nam-web-01", "nam-web-02")}
    assert len(ids) == 2
    assert ansible.playbook([play]).succeeded().total("changed") == 0

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Authentication, message encryption, reachability: what an HTTP client meets."""

from __future__ import annotations

import concurrent.futures
import typing as t

import pytest
import requests
from pypsrp.exceptions import AuthenticationError
from pypsrp.wsman import WSMan
from winrm.exceptions import InvalidCredentialsError

from tests.support.waiting import wait_until
from tests.unit.lab.servers.live import NAME, Cim, LiveLab

WAYS = [("basic", "https"), ("ntlm", "https"), ("ntlm", "http")]
ENVELOPE = '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/><s:Body>%s</s:Body></s:Envelope>'
IDENTIFY = ENVELOPE % '<i:Identify xmlns:i="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"/>'
SOAP = {"Content-Type": "application/soap+xml;charset=UTF-8"}


@pytest.mark.parametrize(("transport", "scheme"), WAYS)
def test_pywinrm_reads_in_every_way(live: LiveLab, transport: str, scheme: str) -> None:
    with live.protocol(transport, scheme) as protocol:
        assert Cim(protocol).get("Win32_Service", Name="winrm")["State"] == "Running"
    assert {entry["kind"] for entry in live.journal()} <= {"auth", "read"}
    assert live.journal(kind="read")[0]["action"] == "Get"


@pytest.mark.parametrize(("transport", "scheme"), WAYS)
def test_pypsrp_reads_in_every_way(live: LiveLab, transport: str, scheme: str) -> None:
    with wsman(live, transport, scheme) as client:
        client.update_max_payload_size()
        assert client.max_envelope_size == 500 * 1024


@pytest.mark.parametrize("user", ["{user}", "LAB\\{user}", "WEB-01\\{user}", "{user}@LAB"])
def test_ntlm_knows_the_account_in_several_domains(live: LiveLab, user: str) -> None:
    with live.protocol("ntlm", "http", username=user.format(**live.state)) as protocol:
        assert Cim(protocol).get("Win32_ComputerSystem")["Name"] == "WEB-01"


@pytest.mark.parametrize(("transport", "scheme"), WAYS)
def test_a_wrong_password_is_refused(live: LiveLab, transport: str, scheme: str) -> None:
    with live.protocol(transport, scheme, password="wrong") as protocol, pytest.raises(InvalidCredentialsError):
        Cim(protocol).get("Win32_ComputerSystem")
    assert {entry["kind"] for entry in live.journal()} == {"auth"}


def test_a_changed_password_counts_at_once(live: LiveLab) -> None:
    live.patch(password="another one")
    with live.protocol("ntlm") as protocol, pytest.raises(InvalidCredentialsError):
        Cim(protocol).get("Win32_ComputerSystem")
    with live.protocol("ntlm", password="another one") as protocol:
        assert Cim(protocol).get("Win32_ComputerSystem")["Name"] == "WEB-01"


def test_pypsrp_wrong_password(live: LiveLab) -> None:
    with wsman(live, "ntlm", "http", password="wrong") as client, pytest.raises(AuthenticationError):
        client.update_max_payload_size()


def test_basic_is_not_offered_over_http(live: LiveLab) -> None:
    account = (live.state["user"], live.state["password"])
    reply = requests.post(live.endpoint("http"), data=IDENTIFY, headers=SOAP, auth=account, timeout=5)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"] == "Negotiate"


def test_clear_text_over_http_gets_an_empty_500(live: LiveLab) -> None:
    with live.protocol("ntlm", "http", message_encryption="never") as protocol, pytest.raises(Exception, match="500"):
        Cim(protocol).get("Win32_ComputerSystem")
    assert live.journal(kind="error")[-1]["status"] == 500


def test_identify(live: LiveLab) -> None:
    reply = post(live, IDENTIFY)
    assert reply.status_code == 200
    assert "IdentifyResponse" in reply.text


@pytest.mark.parametrize(
    ("body", "status"), [("no xml", 400), (ENVELOPE % "" + "x" * 600_000, 400), ("<a/>", 400), (IDENTIFY + " " * 600_000, 413)]
)
def test_bad_bodies(live: LiveLab, body: str, status: int) -> None:
    assert post(live, body).status_code == status
    assert live.journal(kind="error")


def test_another_path_is_unknown(live: LiveLab) -> None:
    assert post(live, IDENTIFY, path="/other").status_code == 404
    assert live.world.journal.unknowns()


def test_unreachable_and_back_on_the_same_port(live: LiveLab) -> None:
    for _unused in range(2):
        live.patch(reachable=False)
        with live.protocol() as protocol, pytest.raises(requests.exceptions.ConnectionError):
            Cim(protocol).get("Win32_ComputerSystem")
        live.patch(reachable=True)
        with live.protocol() as protocol:
            assert Cim(protocol).get("Win32_ComputerSystem")["Name"] == "WEB-01"


def test_a_reset_makes_a_server_reachable(live: LiveLab) -> None:
    live.patch(reachable=False)
    live.reset()
    with live.protocol() as protocol:
        assert Cim(protocol).get("Win32_ComputerSystem")["Name"] == "WEB-01"


def test_a_reboot_closes_the_listeners_and_changes_the_boot_time(live: LiveLab) -> None:
    live.patch(reboot_seconds=3600)
    with live.protocol() as protocol:
        before = Cim(protocol).get("Win32_OperatingSystem")["LastBootUpTime"]
    live.do(live.server.reboot)
    with live.protocol() as protocol, pytest.raises(requests.exceptions.ConnectionError):
        Cim(protocol).get("Win32_OperatingSystem")
    live.advance(3600)
    with live.protocol() as protocol:
        assert Cim(protocol).get("Win32_OperatingSystem")["LastBootUpTime"] > before


@pytest.mark.parametrize(
    ("fault", "message", "started"),
    [
        ({"kind": "status", "status": 503}, "503", False),
        ({"kind": "drop_before"}, "Connection", False),
        ({"kind": "drop_after"}, "Connection", True),
        ({"kind": "malformed"}, "unbound prefix|not well-formed|no element", True),
    ],
)
def test_ordered_faults(live: LiveLab, fault: dict[str, t.Any], message: str, started: bool) -> None:
    live.patch(services={"Spooler": {"start_mode": "Manual"}})
    live.do(lambda: live.world.faults.add({"plane": "wsman", "target": NAME, "action": "StartService", **fault}))
    with live.protocol() as protocol, pytest.raises(Exception, match=message):
        Cim(protocol).invoke("Win32_Service", "StartService", Name="Spooler")
    assert (live.server.services.get("Spooler").state != "Stopped") is started  # type: ignore[union-attr]


def test_a_request_that_waits_during_a_reset_does_not_act_on_the_new_world(live: LiveLab) -> None:
    live.do(lambda: live.world.faults.add({"kind": "delay", "plane": "wsman", "seconds": 0.5, "action": "StopService"}))
    with live.protocol() as protocol, concurrent.futures.ThreadPoolExecutor() as workers:
        waiting = workers.submit(Cim(protocol).invoke, "Win32_Service", "StopService", Name="W32Time")
        wait_until("the fault", lambda: live.do(live.world.faults.as_list)[0]["hits"])
        live.reset()
        with pytest.raises(requests.exceptions.ConnectionError):
            waiting.result()
    assert live.server.services.get("W32Time").state == "Running"  # type: ignore[union-attr]
    assert live.journal(action="StopService") == []


def wsman(live: LiveLab, auth: str, scheme: str, password: str | None = None) -> WSMan:
    """pypsrp's WSMan."""
    return WSMan(
        "localhost",
        port=live.state["servers"][NAME][f"{scheme}_port"],
        ssl=scheme == "https",
        auth=auth,
        username=live.state["user"],
        password=password or live.state["password"],
        cert_validation=live.state["ca_file"],
        reconnection_retries=0,
    )


def post(live: LiveLab, body: str, path: str = "/wsman") -> requests.Response:
    """One plain request with Basic over https."""
    url = live.endpoint().replace("/wsman", path)
    account = (live.state["user"], live.state["password"])
    return requests.post(url, data=body.encode(), headers=SOAP, auth=account, verify=live.state["ca_file"], timeout=5)

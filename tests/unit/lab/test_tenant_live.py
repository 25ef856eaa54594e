# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab as a process: the real azure-identity and a real HTTP client against its tenant, the az stand-in, the admin API."""

from __future__ import annotations

import collections.abc
import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import stat
import subprocess
import sys
import time
import typing as t

import pytest
import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AzureCliCredential,
    CertificateCredential,
    ClientSecretCredential,
    CredentialUnavailableError,
    DeviceCodeCredential,
    WorkloadIdentityCredential,
)

from tests.support import contract

ROOT = pathlib.Path(__file__).parents[3]
WORLD = ROOT / "tests" / "lab" / "worlds" / "tenant_only.json"
SCOPE = "https://graph.microsoft.com/.default"
REGISTRATION = "https://proxy.cloudwebappproxy.net/registerapp"
P = "/beta/onPremisesPublishingProfiles/applicationProxy"


@dataclasses.dataclass
class Running:
    """The process, its state document, and an HTTP client for either door."""

    process: subprocess.Popen[str]
    state: dict[str, t.Any]
    path: pathlib.Path
    http: requests.Session

    def admin(self, method: str, path: str, body: t.Any = None) -> t.Any:
        """Call the admin API."""
        answer = self.http.request(method, self.state["admin"] + path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def graph(self, path: str, token: str | None = None) -> requests.Response:
        """GET from Graph, as the administrator or with another token."""
        bearer = token or self.admin("POST", "/tokens", {"kind": "graph"})["token"]
        return self.http.get(self.state["graph_endpoint"] + path, headers={"Authorization": f"Bearer {bearer}"})

    def secret_credential(self, **changes: str) -> ClientSecretCredential:
        """Return a credential as the collection builds it."""
        names = {"tenant_id": self.state["tenant_id"], "client_id": self.state["client_id"], "client_secret": self.state["client_secret"]}
        return ClientSecretCredential(**{**names, **changes}, **self.identity_options)

    @property
    def identity_options(self) -> dict[str, t.Any]:
        """Return what every credential of azure-identity needs here."""
        return {
            "authority": self.state["authority"],
            "connection_verify": self.state["ca_file"],
            "disable_instance_discovery": True,
        }


@contextlib.contextmanager
def started(folder: pathlib.Path) -> collections.abc.Iterator[Running]:
    """Start the lab as the tools do, and stop it by closing its standard input."""
    path = folder / "lab state.json"
    command = [sys.executable, "-m", "tests.lab", "--world", str(WORLD), "--state-file", str(path), "--exit-on-eof"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "The lab is ready.\n"
        state = json.loads(path.read_text())
        with requests.Session() as http:
            http.trust_env = False
            http.verify = state["ca_file"]
            yield Running(process, state, path, http)
        process.stdin.close()
        process.stdout.read()
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> collections.abc.Iterator[Running]:
    """One lab for all tests of this file."""
    with started(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def lab(shared: Running, monkeypatch: pytest.MonkeyPatch) -> Running:
    """Return the lab as new, with its az first on PATH."""
    shared.admin("POST", "/reset")
    monkeypatch.setenv("APP_PROXY_LAB", str(shared.path))
    monkeypatch.setenv("PATH", f"{shared.state['bin_dir']}{os.pathsep}{os.environ['PATH']}")
    return shared


def test_the_state_file_is_private(lab: Running) -> None:
    assert stat.S_IMODE(lab.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(pathlib.Path(lab.state["ca_file"]).parent.stat().st_mode) == 0o700


def test_every_way_to_sign_in_gets_a_token(lab: Running) -> None:
    tenant, client, options = lab.state["tenant_id"], lab.state["client_id"], lab.identity_options
    lab.admin("PATCH", "/timing", {"device_code_interval": 0})
    shown: list[str] = []
    credentials: dict[str, t.Any] = {
        "secret": lab.secret_credential(),
        "certificate": CertificateCredential(tenant, client, lab.state["client_certificate_file"], **options),
        "federated": WorkloadIdentityCredential(
            tenant_id=tenant, client_id=client, token_file_path=lab.state["federated_token_file"], **options
        ),
        "device code": DeviceCodeCredential(tenant_id=tenant, prompt_callback=lambda uri, code, _expires: shown.append(code), **options),
        "az": AzureCliCredential(tenant_id=tenant),
    }
    tokens: dict[str, AccessToken] = {name: credential.get_token(SCOPE) for name, credential in credentials.items()}
    assert len(shown) == 1
    statuses = {name: lab.graph(f"{P}/connectors", token.token).status_code for name, token in tokens.items()}
    assert statuses == {"secret": 403, "certificate": 403, "federated": 403, "device code": 200, "az": 200}
    assert all(4000 < token.expires_on - time.time() < 5000 for token in tokens.values())
    assert lab.admin("GET", "/unknown") == []


def test_wrong_credentials_get_the_number_of_the_real_error(lab: Running) -> None:
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        lab.secret_credential(client_secret="wrong").get_token(SCOPE)
    with pytest.raises(ClientAuthenticationError, match="AADSTS700016"):
        lab.secret_credential(client_id="11111111-1111-1111-1111-111111111111").get_token(SCOPE)
    with pytest.raises(ClientAuthenticationError, match="AADSTS500011"):
        lab.secret_credential().get_token("https://unknown.example/.default")
    with pytest.raises(ClientAuthenticationError, match="check your tenant"):
        lab.secret_credential(tenant_id="11111111-1111-1111-1111-111111111111").get_token(SCOPE)


def az(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run az."""
    return subprocess.run(["az", "account", "get-access-token", *arguments], capture_output=True, text=True, check=False, cwd="/")


def test_az_prints_a_registration_token_and_the_journal_knows_of_it(lab: Running) -> None:
    done = az("--resource-type", "aad-graph", "--scope", f"{REGISTRATION}/user_impersonation", "--query", "accessToken", "-o", "tsv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(".") == 2
    entries = [entry for entry in lab.admin("GET", "/journal") if entry["action"] == "token"]
    assert [(entry["plane"], entry["resource"], entry["status"]) for entry in entries] == [("login", REGISTRATION, 200)]


def test_a_device_code_flow_for_registration_is_in_the_journal(lab: Running) -> None:
    lab.admin("PATCH", "/timing", {"device_code_interval": 0})
    client = "55747057-9b5d-4bd4-b387-abf52a8bd489"
    credential = DeviceCodeCredential(
        client, tenant_id=lab.state["tenant_id"], prompt_callback=lambda *_shown: None, **lab.identity_options
    )
    credential.get_token(f"{REGISTRATION}/user_impersonation")
    granted = [entry for entry in lab.admin("GET", "/journal") if entry["action"] == "token" and entry["status"] == 200]
    assert [entry["resource"] for entry in granted] == [REGISTRATION]


def test_az_says_when_nobody_is_logged_in(lab: Running) -> None:
    lab.admin("PATCH", "/tenant", {"az_logged_in": False})
    done = az("--output", "json")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "ERROR: Please run 'az login' to setup account.\n")
    with pytest.raises(CredentialUnavailableError, match="az login"):
        AzureCliCredential().get_token(SCOPE)


def test_az_refuses_what_it_does_not_know_and_tells_the_journal(lab: Running) -> None:
    assert az("--colour", "red").returncode == 2
    assert len(lab.admin("GET", "/unknown")) == 1


@pytest.mark.parametrize(("kind", "written"), [("drop_before", False), ("drop_after", True)])
def test_a_cut_connection_leaves_the_write_done_or_not(lab: Running, kind: str, written: bool) -> None:
    lab.admin("POST", "/faults", {"kind": kind, "plane": "graph", "method": "POST"})
    token = lab.admin("POST", "/tokens", {"kind": "graph"})["token"]
    with pytest.raises(requests.ConnectionError):
        lab.http.post(
            f"{lab.state['graph_endpoint']}{P}/connectorGroups", json={"name": "New"}, headers={"Authorization": f"Bearer {token}"}
        )
    assert ("New" in [group["name"] for group in lab.admin("GET", "/tenant")["groups"]]) == written


def test_ordered_answers_delays_and_broken_bodies(lab: Running) -> None:
    lab.admin("POST", "/faults", {"kind": "status", "plane": "graph", "status": 503, "headers": {"Retry-After": "3"}, "body": "<html>"})
    refused = lab.graph(f"{P}/connectors")
    assert (refused.status_code, refused.headers["Retry-After"], refused.text) == (503, "3", "<html>")
    lab.admin("POST", "/faults", {"kind": "malformed", "plane": "graph"})
    broken = lab.graph(f"{P}/connectors")
    assert broken.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        broken.json()
    lab.admin("POST", "/faults", {"kind": "delay", "plane": "graph", "seconds": 0.2})
    assert lab.graph(f"{P}/connectors").elapsed.total_seconds() > 0.2
    lab.admin("POST", "/faults", {"kind": "delay", "form": "after", "plane": "graph", "seconds": 0.2})
    assert lab.graph(f"{P}/connectors").elapsed.total_seconds() > 0.2
    assert lab.graph(f"{P}/connectors").status_code == 200


def test_the_next_link_can_be_followed_as_it_is(lab: Running) -> None:
    lab.admin("PATCH", "/tenant", {"page_size": 2})
    first = lab.graph(f"{P}/connectors?$select=machineName").json()
    second = lab.graph(first["@odata.nextLink"].removeprefix(lab.state["graph_endpoint"])).json()
    assert [item["machineName"] for item in first["value"] + second["value"]] == ["NAM-01", "NAM-02", "SPARE-01"]
    assert "@odata.nextLink" not in second


def test_a_dropped_item_of_a_batch_and_broken_pages_over_the_wire(lab: Running) -> None:
    lab.admin("POST", "/faults", {"kind": "drop_after", "plane": "graph", "scope": "item", "action": "create_group"})
    lab.admin("POST", "/faults", {"kind": "malformed", "plane": "graph", "form": "html", "action": "list_connectors"})
    lab.admin("POST", "/faults", {"kind": "paging", "plane": "graph", "form": "foreign", "action": "list_groups"})
    token = {"Authorization": f"Bearer {lab.admin('POST', '/tokens', {'kind': 'graph'})['token']}"}
    create = {
        "id": "1",
        "method": "POST",
        "url": f"{P.removeprefix('/beta')}/connectorGroups",
        "body": {"name": "New"},
        "headers": {"Content-Type": "application/json"},
    }
    answer = lab.http.post(f"{lab.state['graph_endpoint']}/beta/$batch", json={"requests": [create]}, headers=token)
    assert (answer.status_code, answer.json()) == (200, {"responses": []})
    assert "New" in [group["name"] for group in lab.admin("GET", "/tenant")["groups"]]
    broken = lab.graph(f"{P}/connectors")
    assert (broken.status_code, broken.headers["Content-Type"], broken.text[:6]) == (200, "text/html", "<html>")
    foreign = lab.graph(f"{P}/connectorGroups").json()["@odata.nextLink"]
    assert foreign.startswith("https://127.0.0.1:")
    assert lab.http.get(foreign).status_code == 401
    assert lab.http.get(foreign, headers=token).status_code == 200


def test_every_token_can_be_made_to_expire(lab: Running) -> None:
    token = lab.admin("POST", "/tokens", {"kind": "graph"})["token"]
    assert lab.graph(f"{P}/connectors", token).status_code == 200
    lab.admin("DELETE", "/tokens")
    refused = lab.graph(f"{P}/connectors", token)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
    assert "authorization_uri=" in refused.headers["WWW-Authenticate"]
    assert lab.graph(f"{P}/connectors", lab.secret_credential().get_token(SCOPE).token).status_code == 403


@pytest.mark.parametrize("mode", ["observed", "documented"])
def test_exchanges_are_kept_when_asked_for_and_conform(lab: Running, mode: str) -> None:
    lab.admin("PATCH", "/tenant", {"mode": mode})
    lab.admin("PATCH", "/recording", {"on": True})
    token = lab.admin("POST", "/tokens", {"kind": "graph"})["token"]
    lab.http.post(f"{lab.state['graph_endpoint']}{P}/connectorGroups", json={"name": "New"}, headers={"Authorization": f"Bearer {token}"})
    lab.graph(f"{P}/connectorGroups?$top=2", token)
    lab.admin("PATCH", "/recording", {"on": False})
    lab.graph(f"{P}/connectorGroups", token)
    kept = lab.admin("GET", "/exchanges")
    assert [one["status"] for one in kept] == [200 if mode == "observed" else 201, 200]
    assert kept[0]["request_body"] == {"name": "New"}
    assert token not in json.dumps(kept)
    assert contract.assert_conforms(kept) == 2
    lab.admin("DELETE", "/exchanges")
    assert lab.admin("GET", "/exchanges") == []


def test_a_large_tenant_is_there_in_one_call(lab: Running) -> None:
    size = {"groups": 10_000, "connectors_per_group": 5, "applications": 2_000}
    started = time.monotonic()
    assert lab.admin("POST", "/seed", size) == {"groups": 10_001, "connectors": 50_000, "applications": 2_000}
    assert time.monotonic() - started < 15
    lab.admin("PATCH", "/tenant", {"page_size": 500})
    page = lab.graph(f"{P}/connectors?$select=machineName&$top=2").json()
    assert [one["machineName"] for one in page["value"]] == ["HOST-00001", "HOST-00002"]
    lab.admin("POST", "/reset")
    assert len(lab.admin("GET", "/tenant")["connectors"]) == 3


def test_an_inactive_connector_may_have_been_silent_for_some_days(lab: Running) -> None:
    lab.admin("POST", "/connectors", {"machine_name": "NAM-01", "status": "inactive", "silent_days": 9, "version": "1.5.1.0"})
    twins = [one for one in lab.admin("GET", "/tenant")["connectors"] if one["machine_name"] == "NAM-01"]
    assert [one["status"] for one in twins] == ["active", "inactive"]
    lab.admin("POST", "/clock", {"advance": 86400})
    twins = [one for one in lab.admin("GET", "/tenant")["connectors"] if one["machine_name"] == "NAM-01"]
    assert [one["status"] for one in twins] == ["active"]


def test_the_clock_lets_an_inactive_connector_vanish(lab: Running) -> None:
    lab.admin("POST", "/clock", {"advance": 10 * 86400})
    assert [one["machine_name"] for one in lab.admin("GET", "/tenant")["connectors"]] == ["NAM-01", "SPARE-01"]
    lab.admin("POST", "/reset")
    assert len(lab.admin("GET", "/tenant")["connectors"]) == 3


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/faults", {"kind": "nonsense", "plane": "graph"}),
        ("POST", "/faults", {"kind": "stale", "plane": "graph", "pth": "x"}),
        ("POST", "/faults", {"kind": "stale", "plane": "graph", "path": "("}),
        ("PATCH", "/timing", {"becomes_active": -1}),
        ("PATCH", "/tenant", {"mode": "other"}),
        ("PATCH", "/tenant", {"app_only": 1}),
        ("POST", "/clock", {"advance": -1}),
        ("POST", "/applications", {"display_name": "x", "group": "none"}),
        ("POST", "/installers", {"generation": "older"}),
        ("POST", "/seed", {"groups": "many"}),
        ("POST", "/faults", {"kind": "paging", "plane": "wsman"}),
    ],
)
def test_the_admin_api_says_what_it_cannot_do(lab: Running, method: str, path: str, body: t.Any) -> None:
    answer = lab.http.request(method, lab.state["admin"] + path, json=body)
    assert answer.status_code == 400
    assert "error" in answer.json()


def test_a_signal_stops_the_lab_and_nothing_is_left(tmp_path: pathlib.Path) -> None:
    with started(tmp_path) as running:
        folder = pathlib.Path(running.state["ca_file"]).parent
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(timeout=10) == 0
        assert not folder.exists()
        assert not running.path.exists()

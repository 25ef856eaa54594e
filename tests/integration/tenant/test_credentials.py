# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each kind of credential, with the real azure-identity against the lab's token endpoints: that it gets in, and how it fails."""

from __future__ import annotations

import dataclasses
import datetime
import pathlib
import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import paths
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.auth import claims_of
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.clouds import CLOUDS
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.connection import AUTH_SOURCES, Connection
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.deadline import Deadline
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import TenantError
from tests.support.lab_process import Lab

Text = dict[str, str]
Given = t.Callable[[Lab, pathlib.Path], Text]

STRANGER = "11111111-1111-1111-1111-111111111111"
PASSWORD = "of the key"


def nothing(_lab: Lab, _folder: pathlib.Path) -> Text:
    return {}


def application(*names: str) -> Given:
    """The lab's application, with those of its proofs."""
    known = {"certificate_path": "client_certificate_file"}
    return lambda lab, _folder: {name: lab.state[known.get(name, name)] for name in ("client_id", *names)}


def application_with(**options: str) -> Given:
    """The lab's application with options of its own; C({folder}) is the folder of the test."""
    return lambda lab, folder: {"client_id": lab.state["client_id"], **{name: one.format(folder=folder) for name, one in options.items()}}


def of_cloud(name: str) -> Given:
    """The lab's application, as one of a cloud, whose scope is asked for."""
    return lambda lab, _folder: {"cloud": name, "client_id": lab.state["client_id"], "client_secret": lab.state["client_secret"]}


def app_service(lab: Lab, _folder: pathlib.Path) -> Text:
    return {"IDENTITY_ENDPOINT": lab.state["identity_endpoint"], "IDENTITY_HEADER": lab.state["identity_header"]}


def machine(lab: Lab, _folder: pathlib.Path) -> Text:
    return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": lab.state["imds_endpoint"]}


def azure_cli(lab: Lab, _folder: pathlib.Path) -> Text:
    return lab.variables({"PATH": "/usr/bin:/bin"})


@dataclasses.dataclass(frozen=True)
class Case:
    """One way to sign in.

    :param given: options beside those that say where the tenant is.
    :param environment: environment variables.
    :param settings: switches of the lab's tenant.
    :param says: what the failure says; empty = it gets in.
    """

    source: str
    given: Given = nothing
    environment: Given = nothing
    settings: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    says: str = ""


GOOD = {
    "access token": Case("access_token", lambda lab, _folder: {"access_token": lab.token("graph")}),
    "client secret": Case("client_secret", application("client_secret")),
    "client certificate": Case("client_certificate", application("certificate_path")),
    "client certificate with a password": Case(
        "client_certificate", application_with(certificate_path="{folder}/encrypted.pem", certificate_password=PASSWORD)
    ),
    "client certificate as PKCS12": Case(
        "client_certificate", application_with(certificate_path="{folder}/bundle.p12", certificate_password=PASSWORD)
    ),
    **{f"client secret in cloud {name}": Case("client_secret", of_cloud(name)) for name in CLOUDS},
    "federated token": Case("federated_token", application("federated_token_file")),
    "managed identity of a machine": Case("managed_identity", environment=machine),
    "managed identity of App Service": Case("managed_identity", environment=app_service),
    "managed identity that is named": Case(
        "managed_identity", lambda lab, _folder: {"client_id": lab.state["managed_identity_client_id"]}, machine
    ),
    "Azure CLI": Case("azure_cli", environment=azure_cli),
    "device code": Case("device_code"),
    "environment": Case(
        "environment",
        environment=lambda lab, _folder: {f"AZURE_{name.upper()}": lab.state[name] for name in ("tenant_id", "client_id", "client_secret")},
    ),
}
OF_USERS = ("access_token", "azure_cli", "device_code")
BAD = {
    "refused token": Case("access_token", lambda _lab, _folder: {"access_token": "e30.e30.x"}, says="HTTP 401 .*sign in again"),
    "wrong secret": Case("client_secret", application_with(client_secret="wrong"), says="AADSTS7000215: Invalid client secret provided"),
    "unknown application": Case(
        "client_secret",
        lambda _lab, _folder: {"client_id": STRANGER, "client_secret": "any"},
        says="AADSTS700016: Application with identifier",
    ),
    "certificate that is not there": Case(
        "client_certificate",
        application_with(certificate_path="/nowhere.pem"),
        says="auth_source=client_certificate cannot be used: .*/nowhere.pem",
    ),
    "file that is no certificate": Case(
        "client_certificate",
        application_with(certificate_path="{folder}/token"),
        says="auth_source=client_certificate cannot be used: .*certificate",
    ),
    "wrong password of a certificate": Case(
        "client_certificate",
        application_with(certificate_path="{folder}/encrypted.pem", certificate_password="wrong"),
        says="auth_source=client_certificate cannot be used: .*[Pp]assword",
    ),
    "certificate of someone else": Case(
        "client_certificate",
        application_with(certificate_path="{folder}/stranger.pem"),
        says="AADSTS700027: Client assertion failed signature validation",
    ),
    "federated token of someone else": Case(
        "federated_token", application_with(federated_token_file="{folder}/token"), says="AADSTS700027"
    ),
    "federated token that is not there": Case(
        "federated_token",
        application_with(federated_token_file="/nowhere"),
        says="could not get an access token for Microsoft Graph: .*/nowhere",
    ),
    "identity that the machine does not have": Case(
        "managed_identity", lambda _lab, _folder: {"client_id": STRANGER}, machine, says="Identity not found"
    ),
    "machine without any identity": Case("managed_identity", nothing, machine, {"managed_identity": False}, "Identity not found"),
    "wrong header of App Service": Case(
        "managed_identity",
        environment=lambda lab, folder: {**app_service(lab, folder), "IDENTITY_HEADER": "wrong"},
        says="App Service managed identity .*401, Unauthorized",
    ),
    "Azure CLI that nobody signed in to": Case("azure_cli", nothing, azure_cli, {"az_logged_in": False}, "az login"),
    "no Azure CLI": Case(
        "azure_cli",
        environment=lambda _lab, _folder: {"PATH": "/nowhere"},
        says="Azure CLI not found on path. Install .*az login .*another auth_source",
    ),
    "declined device code": Case("device_code", settings={"device_code": "deny"}, says="could not get an access token.*declined"),
    "environment that says nothing": Case("environment", says="EnvironmentCredential authentication unavailable"),
}


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's own sign-in takes part."""
    azure = ("CLIENT_ID", "CLIENT_SECRET", "CLIENT_CERTIFICATE_PATH", "TENANT_ID", "FEDERATED_TOKEN_FILE", "USERNAME", "PASSWORD")
    for name in (*(f"AZURE_{name}" for name in azure), "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(lab: Lab, tmp_path: pathlib.Path) -> pathlib.Path:
    """The application's own key behind a password, in both forms; a certificate that the tenant does not know; a token of nothing."""
    pem = pathlib.Path(lab.state["client_certificate_file"]).read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    write_pem(
        tmp_path / "encrypted.pem", x509.load_pem_x509_certificate(pem), key, serialization.BestAvailableEncryption(PASSWORD.encode())
    )
    (tmp_path / "bundle.p12").write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"app", t.cast(t.Any, key), x509.load_pem_x509_certificate(pem), None, serialization.BestAvailableEncryption(PASSWORD.encode())
        )
    )
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    write_pem(tmp_path / "stranger.pem", self_signed(other), other, serialization.NoEncryption())
    (tmp_path / "token").write_text("e30.e30.x")
    return tmp_path


def self_signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stranger")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=1))
    return builder.sign(key, hashes.SHA256())


def write_pem(path: pathlib.Path, certificate: x509.Certificate, key: t.Any, encryption: serialization.KeySerializationEncryption) -> None:
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))


@dataclasses.dataclass(frozen=True)
class SignedIn:
    """The claims of the token, and what the user was shown."""

    claims: dict[str, t.Any]
    shown: list[str]


def sign_in(lab: Lab, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, case: Case) -> SignedIn:
    """Sign in and read the tenant."""
    lab.patch("/tenant", {"app_only": True, **case.settings})
    lab.patch("/timing", {"device_code_interval": 0})
    where = {name: lab.state[name] for name in ("tenant_id", "graph_endpoint", "authority", "ca_file")}
    given = case.given(lab, folder)
    for name, value in case.environment(lab, folder).items():
        monkeypatch.setenv(name, value)
    shown: list[str] = []
    client = GraphClient(Connection(auth_source=case.source, **where, **given), Deadline(60), prompt=shown.append)
    try:
        assert client.call(paths.LIST_GROUPS).body["value"]
        return SignedIn(claims_of(client.sign_in()), shown)
    finally:
        client.close()


@pytest.mark.parametrize("cases", [GOOD, BAD], ids=["good", "bad"])
def test_no_kind_is_left_out(cases: dict[str, Case]) -> None:
    assert {case.source for case in cases.values()} == set(AUTH_SOURCES) - {"auto"}


@pytest.mark.parametrize("name", GOOD)
def test_it_gets_in(lab: Lab, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    done = sign_in(lab, folder, monkeypatch, GOOD[name])
    source = GOOD[name].source
    assert done.claims["idtyp"] == ("user" if source in OF_USERS else "app")
    assert bool(done.shown) == (source == "device_code")
    if name == "managed identity that is named":
        assert done.claims["appid"] == lab.state["managed_identity_client_id"]


@pytest.mark.parametrize("name", BAD)
def test_it_fails_with_the_reason(lab: Lab, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(TenantError, match=BAD[name].says):
        sign_in(lab, folder, monkeypatch, BAD[name])
    assert lab.journal(kind="read", status=200) == []


def test_a_managed_identity_is_refused_as_the_application_it_is(lab: Lab, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TenantError, match=r"HTTP 403 .*The token is app-only"):
        sign_in(lab, folder, monkeypatch, dataclasses.replace(GOOD["managed identity of a machine"], settings={"app_only": False}))

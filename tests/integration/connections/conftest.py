# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One lab for all tests of connections, with a real KDC beside it where the machine has one."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import importlib.util
import pathlib
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from ansible_collections.entra.app_proxy.plugins.plugin_utils.connection_adapter import open_session
from tests.integration.connections.guide import Setup
from tests.support import kdc as kdcs
from tests.support.connections import connection
from tests.support.kdc import REALM, Kdc
from tests.support.lab_process import Lab

SERVER = "nam-web-01"
# When an authentication breaks in its middle, the libraries leave a socket to the garbage collection.
SOCKETS_ARE_FORGOTTEN = pytest.mark.filterwarnings("ignore:unclosed <:ResourceWarning")
# The realm's account has a password of its own, so that no test passes by NTLM unseen.
REALM_PASSWORD = "Of-the-realm-1"


@pytest.fixture(scope="session")
def shared_kdc(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Kdc | None]:
    """The KDC, or None where something is missing for it."""
    if kdcs.missing():
        yield None
        return
    running = Kdc.start(tmp_path_factory.mktemp("kdc"), {"lab-admin": REALM_PASSWORD})
    yield running
    running.stop()


@pytest.fixture(scope="session")
def shared_lab(tmp_path_factory: pytest.TempPathFactory, shared_kdc: Kdc | None) -> t.Iterator[Lab]:
    """In place of the general one: its servers take the tickets of the KDC."""
    options = ["--keytab", str(shared_kdc.keytab)] if shared_kdc else []
    environment = shared_kdc.environment if shared_kdc else {}
    with Lab.start(tmp_path_factory.mktemp("lab"), options=options, environment=environment) as running:
        yield running


@pytest.fixture
def kdc(shared_kdc: Kdc | None) -> Kdc:
    """The KDC; a test that needs it is skipped with what is missing."""
    if shared_kdc is None:
        pytest.skip(kdcs.missing())
    return shared_kdc


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, shared_kdc: Kdc | None) -> None:
    """No CA, no ticket and no realm of this machine's own takes part."""
    # pywinrm warns when it finds one in the environment, and warnings are errors here.
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path}/no-ticket")
    for name, value in (shared_kdc.environment if shared_kdc else {}).items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def forgotten_sockets() -> t.Iterator[None]:
    """They are collected before the next test, which would be blamed for them."""
    yield
    gc.collect()


@dataclasses.dataclass
class Reach:
    """One server of the lab, and inventories that lead to it."""

    lab: Lab
    directory: pathlib.Path
    kdc: Kdc | None

    def __post_init__(self) -> None:
        self.place = self.lab.state["servers"][SERVER]

    def allow(self, **settings: t.Any) -> None:
        """Set the server's WinRM service, such as C(CredSSP=True)."""
        self.lab.patch(f"/servers/{SERVER}", {"winrm": settings})

    def fault(self, kind: str, **fields: t.Any) -> None:
        """Order trouble for a request to the server."""
        self.lab.post("/faults", {"kind": kind, "plane": "wsman", "target": SERVER, **fields})

    def variables(self, setup: Setup) -> dict[str, t.Any]:
        """The guide's variables with the lab's values; skips when this machine lacks what the set-up needs."""
        if setup.is_kerberos and self.kdc is None:
            pytest.skip(kdcs.missing())
        if setup.authentication == "credssp" and importlib.util.find_spec("requests_credssp") is None:
            pytest.skip("CredSSP is not tested here, missing: Python module requests_credssp (requirements/dev.txt)")
        state = self.lab.state
        values: dict[str, t.Any] = {
            "5986": self.place["https_port"],
            "5985": self.place["http_port"],
            "USER": state["user"],
            "PASSWORD": state["password"],
            "USER@REALM": f"{state['user']}@{REALM}",
            "KERBEROS_PASSWORD": REALM_PASSWORD,
            "CA.pem": state["ca_file"],
            "CERTIFICATE.pem": state["winrm_certificate_file"],
            "KEY.pem": state["winrm_key_file"],
        }
        found = {name: values.get(value, value) for name, value in setup.variables.items()}
        transport = found.pop("ansible_winrm_transport", None)
        lists = {"ansible_winrm_transport": [transport]} if transport else {}
        # Its own name in the realm is this; see the guide about KRB5_CONFIG.
        return {**found, **lists, "ansible_host": "localhost", "ansible_winrm_kinit_env_vars": ["KRB5_CONFIG"]}

    def ticket(self, monkeypatch: pytest.MonkeyPatch, *options: str) -> pathlib.Path:
        """Run kinit as a user does, and lead KRB5CCNAME to the ticket."""
        assert self.kdc is not None
        cache = self.directory / "ticket"
        self.kdc.ticket(self.lab.state["user"], REALM_PASSWORD, cache, *options)
        monkeypatch.setenv("KRB5CCNAME", f"FILE:{cache}")
        return cache

    @contextlib.contextmanager
    def opened(self, setup: Setup, **changes: t.Any) -> t.Iterator[Session]:
        """A session as an inventory with these variables makes it; a change to None takes a variable away."""
        variables = {name: value for name, value in {**self.variables(setup), **changes}.items() if value is not None}
        plugin = connection(setup.kind, variables)
        session = open_session(plugin)
        try:
            yield session
        finally:
            session.close()
        assert plugin.connected is False

    def entries(self, since: int) -> list[dict[str, t.Any]]:
        """What reached the server after journal entry C(since)."""
        return self.lab.journal(since=since, plane="wsman", target=SERVER)


@pytest.fixture
def reach(lab: Lab, tmp_path: pathlib.Path, shared_kdc: Kdc | None) -> Reach:
    return Reach(lab, tmp_path, shared_kdc)

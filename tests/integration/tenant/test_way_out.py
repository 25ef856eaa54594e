# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way out to Graph and to the sign-in: through a proxy, and with the certificate authorities that are named."""

from __future__ import annotations

import http.server
import select
import socket
import threading
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import paths
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.connection import Connection
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.deadline import Deadline
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import TenantError
from tests.support.lab_process import Lab


class Tunnel(http.server.BaseHTTPRequestHandler):
    """One client of the proxy: CONNECT, and then bytes both ways."""

    server: Proxy

    def do_CONNECT(self) -> None:
        self.server.asked.append(self.path)
        if self.server.refuses:
            self.send_error(407)
            return
        host, _colon, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10) as far:
            self.send_response(200)
            self.end_headers()
            ends = {self.connection: far, far: self.connection}
            while True:
                for end in select.select(list(ends), [], [], 10)[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)

    def log_message(self, *_arguments: object) -> None:
        """Silence."""


class Proxy(http.server.ThreadingHTTPServer):
    """A proxy on loopback. C(asked) is where it was asked to connect to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.asked: list[str] = []
        self.refuses = False
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def proxy() -> t.Iterator[Proxy]:
    with Proxy() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def list_groups(lab: Lab, **options: t.Any) -> int:
    """Sign in as the lab's application, or with the token that is given, and read; return the status."""
    names = ("tenant_id", "graph_endpoint", "authority", "ca_file", "client_id", "client_secret")
    client = GraphClient(Connection(**{**{name: lab.state[name] for name in names}, **options}), Deadline(3))
    try:
        return client.call(paths.LIST_GROUPS).status
    finally:
        client.close()


def test_sign_in_and_graph_both_go_through_the_proxy(lab: Lab, proxy: Proxy) -> None:
    lab.patch("/tenant", {"app_only": True})
    assert list_groups(lab, proxy=proxy.url) == 200
    endpoint = lab.state["graph_endpoint"].removeprefix("https://")
    assert set(proxy.asked) == {endpoint}
    assert len(proxy.asked) >= 2, "one for the sign-in, one for Graph"
    assert lab.journal(plane="login", action="token")


def test_a_proxy_that_refuses_is_named_as_a_place_to_look(lab: Lab, proxy: Proxy) -> None:
    proxy.refuses = True
    with pytest.raises(TenantError, match=r"no answer: .*407.*options graph_endpoint and proxy"):
        list_groups(lab, proxy=proxy.url, access_token=lab.token("graph"))
    with pytest.raises(TenantError, match="could not get an access token .*407"):
        list_groups(lab, proxy=proxy.url)
    assert lab.journal(plane="graph") == []


def test_a_certificate_of_an_unknown_authority_is_refused_with_the_option_that_mends_it(lab: Lab) -> None:
    with pytest.raises(TenantError, match=r"no answer: .*not trusted: name the CA bundle that signed it in the option ca_file"):
        list_groups(lab, ca_file=None, access_token=lab.token("graph"))
    with pytest.raises(TenantError, match=r"could not get an access token.*not trusted: name the CA bundle"):
        list_groups(lab, ca_file=None)
    assert lab.journal(plane="graph") == []

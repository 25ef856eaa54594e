# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diagnosis, and the registration token that must outlive a deployment."""

from __future__ import annotations

import base64
import email.utils
import json
import time
import typing as t

import pytest
from ansible.errors import AnsibleLookupError

from ansible_collections.entra.app_proxy.plugins.lookup.registration_token import LookupModule
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.connection import Connection
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.deadline import Deadline
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.diagnosis import diagnose
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import LoginError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.probe import look
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.token_sources import checked, outlives
from tests.unit.tenant.graph_server import Reply, Server, scripted

REGISTRATION = "https://proxy.cloudwebappproxy.net/registerapp"


def jwt(**claims: t.Any) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.c2lnbmF0dXJl"


def registration_token(life: float) -> str:
    return jwt(aud=REGISTRATION, tid="6babcaad-604b-40ac-a9d7-9fd97c0b779f", exp=time.time() + life, scp="user_impersonation")


def examine(token: str, *replies: Reply, **more: t.Any) -> dict[str, t.Any]:
    server = Server(scripted(*(replies or (Reply(200, {"isEnabled": True}),))))
    try:
        return diagnose(Connection(access_token=token, graph_endpoint=server.root, authority=server.root, **more), Deadline(30))
    finally:
        server.close()


def test_all_is_well() -> None:
    found = examine(jwt(tid="t-1", scp="Directory.ReadWrite.All", upn="a@b.c", exp=time.time() + 600, secret="s3cret"), tenant_id="T-1")
    assert (found["ok"], found["problems"]) == (True, [])
    assert found["token"]["kind"] == "user"
    assert set(found["token"]["claims"]) == {"tid", "upn", "exp"}
    assert found["libraries"]["azure-identity"]


def test_no_part_of_the_token_is_told() -> None:
    token = jwt(tid="t-1", scp="User.Read", exp=1)
    assert not [part for part in token.split(".") if part in json.dumps(examine(token))]


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"scp": "User.Read"}, "none of the delegated permissions Directory.AccessAsUser.All, Directory.ReadWrite.All"),
        ({"scp": "Directory.ReadWrite.All", "tid": "other"}, "the token is of tenant other, and tenant_id is mine"),
        ({"scp": "Directory.ReadWrite.All", "exp": 1}, "the token has expired"),
    ],
)
def test_what_the_token_lacks_is_said(claims: dict[str, t.Any], said: str) -> None:
    assert said in " ".join(examine(jwt(**claims), tenant_id="mine")["problems"])


def test_a_refusal_is_told_with_its_code_and_its_reason() -> None:
    refused = Reply(403, {"error": {"code": "Some_Code", "message": "No."}}, {"request-id": "r-1"})
    found = examine(jwt(roles=["Directory.ReadWrite.All"], idtyp="app"), refused)
    assert (found["application_proxy"]["status"], found["application_proxy"]["code"]) == (403, "Some_Code")
    assert "The token is app-only" in found["problems"][0]
    assert found["endpoints"]["graph"]["reachable"]


@pytest.mark.parametrize(("seconds", "said"), [(600, "behind"), (-600, "ahead of"), (30, "")])
def test_a_wrong_clock_is_told(seconds: int, said: str) -> None:
    date = {"Date": email.utils.formatdate(time.time() + seconds, usegmt=True)}
    server = Server(lambda _incoming: Reply(200, {}, date))
    try:
        probe = look(f"{server.root}/beta", ca_file=None, proxy=None)
    finally:
        server.close()
    assert probe.skew == pytest.approx(-seconds, abs=3)
    found = examine("opaque", Reply(200, {"isEnabled": True}, date))
    assert [said for problem in found["problems"] if f"s {said} that of" in problem] == ([said] * 2 if said else [])


def test_an_endpoint_that_is_not_there_is_told() -> None:
    probe = look("https://127.0.0.1:9/beta", ca_file=None, proxy=None, timeout=2)
    assert (probe.reachable, probe.status, bool(probe.error)) == (False, None, True)


@pytest.mark.parametrize(("life", "margin", "enough"), [(600, 300, True), (200, 300, False), (-1, 0, False), (1, 0, True)])
def test_a_token_must_outlive_the_margin(life: float, margin: int, enough: bool) -> None:
    assert outlives(registration_token(life), margin) is enough
    if life > 0:
        assert checked(registration_token(life), None, margin)["fresh"] is enough


def test_a_token_that_says_nothing_is_left_to_the_other_checks() -> None:
    assert outlives("opaque", 300)


class Az:
    """Stands for the Azure CLI."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
        self.calls = 0
        self._token = token
        name = "ansible_collections.entra.app_proxy.plugins.lookup.registration_token.from_azure_cli"
        monkeypatch.setattr(name, self.answer)

    def answer(self, _controller: t.Any, _tenant: str | None) -> str:
        self.calls += 1
        if self._token is None:
            raise LoginError("no az here")
        return self._token


@pytest.mark.parametrize(
    ("life", "options", "fresh", "calls"),
    [
        (600, {}, False, 0),
        (200, {}, True, 1),
        (-5, {}, True, 1),
        (200, {"refresh_margin": 100}, False, 0),
        (-5, {"refresh": False}, False, 0),
    ],
)
def test_the_lookup_asks_only_when_the_token_would_end_too_soon(
    monkeypatch: pytest.MonkeyPatch, life: float, options: dict[str, t.Any], fresh: bool, calls: int
) -> None:
    az, given = Az(monkeypatch, "another"), registration_token(life)
    assert lookup(token=given, **options) == ["another" if fresh else given]
    assert az.calls == calls


def test_without_a_fresh_one_a_token_that_lives_a_little_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    Az(monkeypatch, None)
    given = registration_token(200)
    assert lookup(token=given) == [given]


@pytest.mark.parametrize(("token", "said"), [("", "^no az here"), ("ended", "has ended, and no fresh one was got: no az here")])
def test_without_any_token_that_lives_the_lookup_fails(monkeypatch: pytest.MonkeyPatch, token: str, said: str) -> None:
    Az(monkeypatch, None)
    with pytest.raises(AnsibleLookupError, match=said):
        lookup(token=registration_token(-5) if token else "")


def lookup(**options: t.Any) -> list[str]:
    """The lookup with these options and the documented defaults, as Ansible's plugin loader would set them."""
    module = LookupModule()
    values = {"token": "", "tenant_id": None, "refresh_margin": 300, "refresh": True, "environment": {}, **options}
    module.set_options = lambda **_given: None
    module.get_option = values.__getitem__
    return module.run([])

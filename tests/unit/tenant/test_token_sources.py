# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registration token: from a program called az that really runs, or handed over; checked in any case."""

from __future__ import annotations

import base64
import dataclasses
import json
import pathlib
import time
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.registration_token import RESOURCE, SCOPE
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import token_sources
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.connection import Connection
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import LoginError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.token_sources import checked, from_device_code, get_token

TENANT = "6babcaad-604b-40ac-a9d7-9fd97c0b779f"


@dataclasses.dataclass
class Module:
    """What of an AnsibleModule is used here."""

    params: dict[str, t.Any]


def module(**params: t.Any) -> Module:
    return Module({"source": "azure_cli", "value": None, "tenant_id": TENANT, **params})


@pytest.fixture
def write_az(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[[str], None]:
    def write(script: str) -> None:
        path = tmp_path / "az"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return write


def token(**claims: t.Any) -> str:
    claims = {"aud": RESOURCE, "tid": TENANT, "exp": int(time.time()) + 3600, "upn": "admin@contoso.com", **claims}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.sig"


def test_az_is_asked_for_the_scope_of_registration_in_the_tenant(write_az: t.Callable[[str], None], tmp_path: pathlib.Path) -> None:
    write_az(f'echo "$@" > {tmp_path}/asked; echo \'{{"accessToken": "the-token"}}\'')
    assert get_token(module()) == "the-token"
    asked = (tmp_path / "asked").read_text().split()
    assert asked == ["account", "get-access-token", "--scope", SCOPE, "--output", "json", "--tenant", TENANT]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1",
            r"exit code 1\): ERROR: Please run 'az login'.*az login --allow-no-subscriptions --scope",
        ),
        ("exit 3", "exit code 3.*it gave no reason"),
        ("echo no json", "something else than a token"),
        ("echo '{}'", "something else than a token"),
    ],
)
def test_what_az_answers_is_told(write_az: t.Callable[[str], None], script: str, said: str) -> None:
    write_az(script)
    with pytest.raises(LoginError, match=said):
        get_token(module())


def test_an_az_that_does_not_end_is_not_waited_for(write_az: t.Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_sources, "CLI_TIMEOUT", 0.2)
    write_az("exec sleep 60")
    with pytest.raises(LoginError, match=r"did not end within 0\.2 s.*Try it by hand: .*az account get-access-token"):
        get_token(module())


def test_an_az_that_cannot_be_run_is_told(write_az: t.Callable[[str], None], tmp_path: pathlib.Path) -> None:
    write_az("")
    (tmp_path / "az").write_text("#!/nowhere/sh\n")
    with pytest.raises(LoginError, match="could not be run: .*No such file"):
        get_token(module())


@pytest.mark.parametrize("wrong", [{"authority": "http://login.example.com"}, {"tenant_id": "no tenant"}])
def test_a_device_code_that_cannot_be_asked_for_is_told(wrong: dict[str, str]) -> None:
    with pytest.raises(LoginError, match="signing in with a device code gave no registration token"):
        from_device_code(Connection(**wrong), lambda _text: None, 5)


def test_a_missing_az_and_a_missing_value_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LoginError, match="not on the PATH .* Install .*az login .*source=device_code"):
        get_token(module())
    with pytest.raises(LoginError, match="needs the option value"):
        get_token(module(source="given"))


def test_a_good_token_tells_whose_it_is_and_when_it_ends() -> None:
    found = checked(token(exp=1893456000), TENANT)
    assert (found["account"], found["expires_on"], found["tenant_id"]) == ("admin@contoso.com", "2030-01-01T00:00:00Z", TENANT)


@pytest.mark.parametrize("claims", [{"aud": "https://graph.microsoft.com"}, {"exp": 1}, {"tid": "other"}, {"idtyp": "app"}, {"acct": 1}])
def test_a_token_that_cannot_register_is_refused_and_not_shown(claims: dict[str, t.Any]) -> None:
    with pytest.raises(LoginError, match="the registration token cannot be used") as caught:
        checked(token(**claims), TENANT)
    assert token(**claims) not in str(caught.value)

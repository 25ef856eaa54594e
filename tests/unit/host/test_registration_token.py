# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The claims of a registration token."""

from __future__ import annotations

import base64
import datetime
import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.registration_token import RESOURCE, TokenError, check_token
from tests.unit.host.builders import NOW, OTHER_TENANT, TENANT

GOOD: dict[str, t.Any] = {
    "aud": RESOURCE,
    "iss": f"https://sts.windows.net/{TENANT}/",
    "tid": TENANT,
    "exp": int((NOW + datetime.timedelta(minutes=60)).timestamp()),
    "upn": "admin@contoso.example",
    "appid": "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
    "scp": "user_impersonation",
}


def token(**changes: t.Any) -> str:
    claims = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    parts = ({"alg": "none"}, claims)
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), "c2lnbmF0dXJl"])


def reasons(text: str, tenant_id: str | None = TENANT) -> list[str]:
    with pytest.raises(TokenError) as caught:
        check_token(text, tenant_id, NOW)
    assert text not in str(caught.value)
    return caught.value.reasons


def test_a_good_token_gives_its_claims() -> None:
    claims = check_token(token(), TENANT.upper(), NOW)
    assert (claims.tenant_id, claims.account, claims.audience) == (TENANT, "admin@contoso.example", RESOURCE)
    assert claims.expires_on == NOW + datetime.timedelta(minutes=60)


def test_any_tenant_will_do_when_none_is_asked_for() -> None:
    assert check_token(token(tid=OTHER_TENANT, iss=f"https://sts.windows.net/{OTHER_TENANT}/"), None, NOW).tenant_id == OTHER_TENANT


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": "https://graph.microsoft.com"}, "audience https://graph.microsoft.com"),
        ({"aud": None}, "audience none"),
        ({"aud": OTHER_TENANT, "scp": "Directory.Read.All"}, "audience"),
        ({"tid": OTHER_TENANT}, f"it is of tenant {OTHER_TENANT}"),
        ({"tid": None}, "it names no tenant"),
        ({"exp": int(NOW.timestamp()) - 600}, "it expired at 2026-07-01T11:50:00Z, 10 minute(s) ago"),
        ({"exp": int(NOW.timestamp())}, "it expired"),
        ({"exp": None}, "it names no moment of expiry"),
        ({"exp": "soon"}, "it names no moment of expiry"),
        ({"exp": 10**30}, "it names no moment of expiry"),
        ({"acct": 1}, "guest"),
        ({"idp": f"https://sts.windows.net/{OTHER_TENANT}/"}, "guest"),
        ({"idp": "live.com"}, "guest"),
        ({"upn": "someone_partner.example#EXT#@contoso.example"}, "guest"),
        ({"idtyp": "app"}, "application"),
    ],
)
def test_each_mistake_is_named(changes: dict[str, t.Any], reason: str) -> None:
    found = reasons(token(**changes))
    assert any(reason in sentence for sentence in found), found


def test_all_mistakes_are_named_at_once() -> None:
    assert len(reasons(token(aud="x", tid=OTHER_TENANT, exp=1, acct=1))) == 4


@pytest.mark.parametrize("changes", [{"aud": RESOURCE + "/"}, {"acct": 0}, {"idp": GOOD["iss"]}, {"aud": OTHER_TENANT}])
def test_forms_that_are_fine(changes: dict[str, t.Any]) -> None:
    assert check_token(token(**changes), TENANT, NOW).tenant_id == TENANT


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (token() + "\n", "white space"),
        (token().replace(".", ".\r\n", 1), "white space"),
        ("no-token", "1 part(s)"),
        ("a.b.c", "not base64 of JSON"),
        ("a.WzFd.c", "not a JSON object"),
        ("a.ü.c", "not base64 of JSON"),
    ],
)
def test_what_is_no_token_is_said_so(text: str, reason: str) -> None:
    assert reason in reasons(text)[0]


@given(text=st.text())
def test_any_text_is_judged_without_another_error(text: str) -> None:
    with pytest.raises(TokenError):
        check_token(text, TENANT, NOW)

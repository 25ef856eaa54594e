# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registered, unregistered or expired, from what the stores hold."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.host import registration_state
from ansible_collections.entra.app_proxy.plugins.module_utils.host.registration_state import StoredFile, judge, user_store_needed
from ansible_collections.entra.app_proxy.plugins.module_utils.host.trust_certificate import TrustCertificate
from tests.unit.host.builders import CONNECTOR, NOW, TENANT, certificate, days

FRESH = certificate()
OLD = certificate(not_before=NOW - days(190), not_after=NOW - days(10))
RENEWED = StoredFile("A" * 40, NOW - days(20))


@pytest.mark.parametrize(
    ("certificates", "files", "trust_settings", "running", "expected"),
    [
        ([], [], False, False, ("unregistered", None, False)),
        ([], [], True, True, ("unregistered", None, False)),
        ([FRESH], [], True, True, ("registered", FRESH.thumbprint, False)),
        # A stopped connector stays registered while its trust settings are there.
        ([FRESH], [], True, False, ("registered", FRESH.thumbprint, False)),
        # The folder of the trust settings is not verified: a running service speaks for the certificate.
        ([FRESH], [], False, True, ("registered", FRESH.thumbprint, False)),
        # A certificate alone is a leftover.
        ([FRESH], [], False, False, ("unregistered", None, False)),
        ([OLD], [], True, True, ("expired", OLD.thumbprint, False)),
        ([OLD, FRESH], [], True, True, ("registered", FRESH.thumbprint, False)),
        ([OLD], [RENEWED], True, True, ("registered", RENEWED.thumbprint, True)),
        ([OLD], [StoredFile("B" * 40, OLD.not_before)], True, True, ("expired", OLD.thumbprint, False)),
        # The old one may have been deleted from the machine store.
        ([], [RENEWED], True, True, ("registered", RENEWED.thumbprint, True)),
        ([], [RENEWED], False, True, ("unregistered", None, False)),
    ],
)
def test_the_judgement(
    certificates: list[TrustCertificate],
    files: list[StoredFile],
    trust_settings: bool,
    running: bool,
    expected: tuple[str, str | None, bool],
) -> None:
    found = judge(certificates, files, trust_settings=trust_settings, connector_running=running, now=NOW)
    assert (found.state, found.thumbprint, found.in_user_store) == expected


def test_a_renewed_certificate_keeps_connector_and_tenant_and_gets_an_estimated_end() -> None:
    found = judge([OLD], [RENEWED], trust_settings=True, connector_running=True, now=NOW)
    assert (found.connector_id, found.tenant_id) == (CONNECTOR, TENANT)
    assert found.not_after == RENEWED.modified + days(180)
    assert found.days_left == 160


def test_a_renewed_certificate_that_is_too_old_has_expired_as_well() -> None:
    old = certificate(not_before=NOW - days(500), not_after=NOW - days(320))
    found = judge([old], [StoredFile("A" * 40, NOW - days(320))], trust_settings=True, connector_running=True, now=NOW)
    assert found.state == "expired"


@pytest.mark.parametrize(
    ("certificates", "trust_settings", "expected"),
    [([], False, False), ([], True, True), ([FRESH], True, False), ([OLD], True, True), ([OLD, FRESH], True, False)],
)
def test_the_user_store_is_looked_at_only_when_the_machine_store_cannot_tell(
    certificates: list[TrustCertificate], trust_settings: bool, expected: bool
) -> None:
    assert user_store_needed(certificates, trust_settings, NOW) is expected


@given(age=st.integers(min_value=0, max_value=1000), left=st.integers(min_value=-1000, max_value=1000))
def test_days_left_agree_with_the_state(age: int, left: int) -> None:
    begun = NOW - datetime.timedelta(days=age)
    found = judge([certificate(not_before=begun, not_after=NOW + days(left))], [], trust_settings=True, connector_running=True, now=NOW)
    assert found.days_left == left
    assert found.state == ("expired" if left <= 0 else "registered")
    assert days(180) == registration_state.RENEWAL_AGE

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registry blobs: made by cryptography, cut, mixed with other properties, of other issuers."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.host import trust_certificate
from tests.unit.host.builders import CONNECTOR, NOW, TENANT, THUMBPRINT, blob, days, encoded_certificate


def test_the_connectors_certificate_tells_connector_tenant_and_validity() -> None:
    found = trust_certificate.read(THUMBPRINT.lower(), blob(encoded_certificate()))
    assert found is not None
    assert (found.thumbprint, found.connector_id, found.tenant_id) == (THUMBPRINT, CONNECTOR, TENANT)
    assert (found.not_before, found.not_after) == (NOW - days(10), NOW + days(170))


def test_a_connector_id_may_be_wrapped_in_an_octet_string() -> None:
    wrapped = b"\x04\x10" + uuid.UUID(CONNECTOR).bytes_le
    found = trust_certificate.read(THUMBPRINT, blob(encoded_certificate(connector_id=wrapped)))
    assert found is not None
    assert found.connector_id == CONNECTOR


@pytest.mark.parametrize("connector_id", [None, b"", b"\x01" * 15])
def test_without_a_readable_id_it_is_still_the_connectors_certificate(connector_id: bytes | None) -> None:
    found = trust_certificate.read(THUMBPRINT, blob(encoded_certificate(connector_id=connector_id)))
    assert found is not None
    assert found.connector_id is None


def test_a_subject_that_is_no_guid_gives_no_tenant() -> None:
    found = trust_certificate.read(THUMBPRINT, blob(encoded_certificate(subject="nam-web-01")))
    assert found is not None
    assert found.tenant_id is None


@pytest.mark.parametrize("issuer", ["hisconnectorregistrationca.msappproxy.net", "Contoso CA", "x" + trust_certificate.ISSUER])
def test_certificates_of_other_issuers_are_not_the_connectors(issuer: str) -> None:
    assert trust_certificate.read(THUMBPRINT, blob(encoded_certificate(issuer=issuer))) is None


def test_a_blob_without_a_certificate_gives_nothing() -> None:
    assert trust_certificate.certificate_of_blob(b"\x03\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00ab") is None


def test_a_certificate_of_no_known_version_is_somebody_elses() -> None:
    # The version is the first number of a certificate, [0] INTEGER; 3 stands there as 2.
    encoded = encoded_certificate(issuer="Contoso CA")
    third, unknown = b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07"
    assert third in encoded
    assert trust_certificate.read(THUMBPRINT, blob(encoded.replace(third, unknown, 1))) is None


def test_a_certificate_with_an_extension_twice_is_not_taken_for_ours() -> None:
    # Two numbers of the same length in the same arc: the second becomes the first.
    identifier = bytes.fromhex("060a2b060104018237520101")
    other = bytes.fromhex("060a2b060104018237520102")
    encoded = encoded_certificate(extensions=[("1.3.6.1.4.1.311.82.1.2", b"\x05\x00"), ("1.3.6.1.4.1.311.82.1.1", b"\x05\x00")])
    assert encoded.count(identifier) == encoded.count(other) == 1
    assert trust_certificate.read(THUMBPRINT, blob(encoded.replace(other, identifier))) is None


@given(position=st.integers(0, 10_000), change=st.integers(1, 255))
def test_a_certificate_with_one_wrong_byte_is_never_an_error(position: int, change: int) -> None:
    encoded = bytearray(encoded_certificate())
    encoded[position % len(encoded)] ^= change
    trust_certificate.read(THUMBPRINT, blob(bytes(encoded)))


@given(garbage=st.binary(max_size=200))
def test_garbage_is_never_an_error(garbage: bytes) -> None:
    assert trust_certificate.read(THUMBPRINT, garbage) is None
    assert trust_certificate.read(THUMBPRINT, blob(garbage)) is None


@given(length=st.integers(min_value=0))
def test_a_cut_blob_is_never_an_error(length: int) -> None:
    whole = blob(encoded_certificate())
    found = trust_certificate.read(THUMBPRINT, whole[: length % len(whole)])
    assert found is None


@given(number=st.integers(min_value=33, max_value=2**32 - 1), data=st.binary(max_size=40))
def test_other_properties_around_the_certificate_do_not_matter(number: int, data: bytes) -> None:
    encoded = encoded_certificate()
    assert trust_certificate.certificate_of_blob(blob(encoded, before=((number, data), (1, data)))) == encoded

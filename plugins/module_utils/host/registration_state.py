# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Registered, unregistered or expired: one judgement over what the stores hold. Pure.

Ground: after a renewal the new certificate is in the personal store of NETWORK SERVICE and the old one stays in the
machine store [MS, concept-connectors]; a certificate is renewed when it is more than 180 days old [MS, application-proxy-security].
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import EXPIRED, REGISTERED, Registration
from ansible_collections.entra.app_proxy.plugins.module_utils.host.trust_certificate import TrustCertificate

RENEWAL_AGE = datetime.timedelta(days=180)

# A certificate's file is written moments after the certificate begins; a renewed one comes months later.
_SAME_CERTIFICATE = datetime.timedelta(days=1)


@dataclasses.dataclass(frozen=True)
class StoredFile:
    """A file in the store of NETWORK SERVICE: its name is the thumbprint.

    :param certificate: what is in it, when somebody has read it.
    """

    thumbprint: str
    modified: datetime.datetime
    path: str = ""
    certificate: TrustCertificate | None = None


def newest(certificates: t.Iterable[TrustCertificate]) -> TrustCertificate | None:
    return max(certificates, key=lambda certificate: certificate.not_before, default=None)


def user_store_needed(certificates: t.Sequence[TrustCertificate], trust_settings: bool, now: datetime.datetime) -> bool:
    """Whether the machine store alone cannot tell: its certificate is missing, or old enough to have been renewed."""
    certificate = newest(certificates)
    if certificate is None:
        return trust_settings
    return certificate.not_after <= now or now - certificate.not_before > RENEWAL_AGE


def is_certain(estimate: Registration, certificates: t.Sequence[TrustCertificate], now: datetime.datetime) -> bool:
    """Whether the host is registered whatever was taken for the renewed certificate: the one in the machine store is valid.

    Other products may keep certificates in the store of NETWORK SERVICE as well; only what is in a file tells whose it is.
    """
    certificate = newest(certificates)
    return certificate is not None and certificate.not_after > now and estimate.state == REGISTERED


def judge(
    certificates: t.Sequence[TrustCertificate],
    user_store: t.Sequence[StoredFile],
    *,
    trust_settings: bool,
    connector_running: bool,
    now: datetime.datetime,
) -> Registration:
    """The registration of a host.

    :param trust_settings: whether TrustSettings.xml was found at one of its candidate paths; that of another generation than the
        installed one does not count: whether it is taken over is not known, and a connector that was taken over runs.
    :param connector_running: whether the connector's service runs.
    """
    certificate = newest(certificates)
    renewed = _renewed(certificate, user_store) if trust_settings else None
    if renewed is not None:
        return _of_user_store(certificate, renewed, now)
    if certificate is None:
        return Registration()
    # The folder of the trust settings is not verified, so their absence alone does not unmake a registration: only when
    # the service does not run either is the certificate taken for a leftover of an earlier installation.
    if not trust_settings and not connector_running:
        return Registration()
    return _of_machine_store(certificate, now)


def _renewed(certificate: TrustCertificate | None, user_store: t.Sequence[StoredFile]) -> StoredFile | None:
    later = [file for file in user_store if certificate is None or file.modified > certificate.not_before + _SAME_CERTIFICATE]
    return max(later, key=lambda file: file.modified, default=None)


def _of_machine_store(certificate: TrustCertificate, now: datetime.datetime) -> Registration:
    return Registration(
        state=EXPIRED if certificate.not_after <= now else REGISTERED,
        connector_id=certificate.connector_id,
        tenant_id=certificate.tenant_id,
        thumbprint=certificate.thumbprint,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        days_left=(certificate.not_after - now).days,
        subject=certificate.subject,
        issuer=certificate.issuer,
        renewal_overdue=now - certificate.not_before > RENEWAL_AGE,
    )


def _of_user_store(certificate: TrustCertificate | None, renewed: StoredFile, now: datetime.datetime) -> Registration:
    if renewed.certificate is not None:
        return dataclasses.replace(_of_machine_store(renewed.certificate, now), in_user_store=True)
    # Only the file's name and age are known; that a renewed certificate lives as long as the first is inferred.
    not_after = None if certificate is None else renewed.modified + (certificate.not_after - certificate.not_before)
    return Registration(
        state=EXPIRED if not_after is not None and not_after <= now else REGISTERED,
        connector_id=None if certificate is None else certificate.connector_id,
        tenant_id=None if certificate is None else certificate.tenant_id,
        thumbprint=renewed.thumbprint,
        not_before=renewed.modified,
        not_after=not_after,
        days_left=None if not_after is None else (not_after - now).days,
        in_user_store=True,
        subject=None if certificate is None else certificate.subject,
        issuer=None if certificate is None else certificate.issuer,
        estimated=True,
        renewal_overdue=now - renewed.modified > RENEWAL_AGE,
    )

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""transfer/Get of winrm/config: the service's own settings, abridged from a recorded reply [REAL]."""

from __future__ import annotations

from tests.lab.servers.protocol import soap
from tests.lab.servers.state.winrm import WinrmService

CONFIG = "http://schemas.microsoft.com/wbem/wsman/1/config"
GET = f"{soap.TRANSFER}/Get"


def body(max_shells: int, service: WinrmService) -> str:
    """Return cfg:Config."""
    return (
        f'<cfg:Config xmlns:cfg="{CONFIG}"><cfg:MaxEnvelopeSizekb>500</cfg:MaxEnvelopeSizekb><cfg:MaxTimeoutms>60000</cfg:MaxTimeoutms>'
        "<cfg:MaxBatchItems>32000</cfg:MaxBatchItems><cfg:MaxProviderRequests>4294967295</cfg:MaxProviderRequests>"
        "<cfg:Service><cfg:MaxConcurrentOperationsPerUser>1500</cfg:MaxConcurrentOperationsPerUser>"
        "<cfg:EnumerationTimeoutms>240000</cfg:EnumerationTimeoutms><cfg:MaxConnections>300</cfg:MaxConnections>"
        "<cfg:MaxPacketRetrievalTimeSeconds>120</cfg:MaxPacketRetrievalTimeSeconds><cfg:AllowUnencrypted>false</cfg:AllowUnencrypted>"
        f"<cfg:Auth><cfg:Basic>{_flag(service.Basic)}</cfg:Basic><cfg:Kerberos>true</cfg:Kerberos><cfg:Negotiate>true</cfg:Negotiate>"
        f"<cfg:Certificate>{_flag(service.Certificate)}</cfg:Certificate><cfg:CredSSP>{_flag(service.CredSSP)}</cfg:CredSSP>"
        f"<cfg:CbtHardeningLevel>{service.CbtHardeningLevel}</cfg:CbtHardeningLevel>"
        "</cfg:Auth><cfg:AllowRemoteAccess>true</cfg:AllowRemoteAccess></cfg:Service><cfg:Winrs>"
        "<cfg:AllowRemoteShellAccess>true</cfg:AllowRemoteShellAccess><cfg:IdleTimeout>7200000</cfg:IdleTimeout>"
        f"<cfg:MaxShellsPerUser>{max_shells}</cfg:MaxShellsPerUser></cfg:Winrs></cfg:Config>"
    )


def _flag(value: bool) -> str:
    return "true" if value else "false"

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The registry values that a connector wants, as data.

Ground: how-to-configure-connectors [MS]; the values of the enhanced security of Internet Explorer are third-party knowledge.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.health import CRITICAL, OK, WARNING

_TLS = r"SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2"
_DOTNET = r"SOFTWARE\Microsoft\.NETFramework\v4.0.30319"
_WINHTTP = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\WinHttp"
_COMPONENTS = r"SOFTWARE\Microsoft\Active Setup\Installed Components"
_ESC_ADMINISTRATORS = rf"{_COMPONENTS}\{{A509B1A7-37EF-4b3f-8CFC-4F3A74704073}}"
_ESC_USERS = rf"{_COMPONENTS}\{{A509B1A8-37EF-4b3f-8CFC-4F3A74704073}}"

# Windows Server 2019: the first with HTTP/2 in WinHTTP by default.
HTTP2_SINCE_BUILD = 17763


@dataclasses.dataclass(frozen=True)
class Setting:
    """One DWORD below HKEY_LOCAL_MACHINE.

    :param missing: what it means that the value is not there. C(ok): Windows does the right thing then, and nothing is written.
    :param switch: every value but 0 means on.
    """

    key: str
    value: str
    wanted: int
    missing: str = WARNING
    switch: bool = False

    @property
    def name(self) -> str:
        return rf"HKLM\{self.key}\{self.value}"


@dataclasses.dataclass(frozen=True)
class Requirement:
    """Settings that serve one purpose.

    :param name: of the check.
    :param reason: why they are needed, for a plan.
    :param reboot: they take effect only after a restart of the server.
    """

    name: str
    reason: str
    settings: tuple[Setting, ...]
    reboot: bool = True


TLS = Requirement(
    "tls12",
    "the connector speaks TLS 1.2 only, and Microsoft asks for it to be enabled explicitly",
    tuple(
        setting
        for side in (rf"{_TLS}\Client", rf"{_TLS}\Server")
        # Older advice of Microsoft's [KB 245030], and tools that follow it, enable a protocol with 0xFFFFFFFF.
        for setting in (Setting(side, "DisabledByDefault", 0), Setting(side, "Enabled", 1, switch=True))
    ),
)
STRONG_CRYPTO = Requirement(
    "dotnet_strong_crypto",
    ".NET must use the system's TLS versions and strong cryptography",
    (Setting(_DOTNET, "SchUseStrongCrypto", 1), Setting(_DOTNET, "SystemDefaultTlsVersions", 1)),
)
HTTP2 = Requirement(
    "http2",
    "single sign-on with Kerberos fails over HTTP/2",
    (Setting(_WINHTTP, "EnableDefaultHTTP2", 0, missing=CRITICAL),),
)
IE_ESC = Requirement(
    "ie_enhanced_security",
    "the sign-in window of an interactive registration stays blank with it",
    tuple(Setting(key, "IsInstalled", 0, missing=OK) for key in (_ESC_ADMINISTRATORS, _ESC_USERS)),
    reboot=False,
)

RESTARTING = tuple(requirement.name for requirement in (TLS, STRONG_CRYPTO, HTTP2, IE_ESC) if requirement.reboot)
"""The checks that are good only after a restart."""


def required(*, kerberos_sso: bool, interactive_registration: bool, build: int | None) -> list[Requirement]:
    """Those that apply.

    :param build: of Windows, such as 20348; None when it is not known.
    """
    found: list[Requirement] = [TLS, STRONG_CRYPTO]
    if kerberos_sso and build is not None and build >= HTTP2_SINCE_BUILD:
        found.append(HTTP2)
    if interactive_registration:
        found.append(IE_ESC)
    return found


def status(setting: Setting, found: int | None) -> str:
    """What a value that was found means."""
    if found is None:
        return setting.missing
    same = bool(found) == bool(setting.wanted) if setting.switch else found == setting.wanted
    return OK if same else CRITICAL


def shown(requirement: Requirement, found: t.Mapping[Setting, int | None]) -> str:
    """The values as evidence."""
    texts = []
    for setting in requirement.settings:
        data = found.get(setting)
        short = rf"{setting.key.rpartition(chr(92))[2]}\{setting.value}"
        texts.append(f"{short} is {'not set' if data is None else data}")
    return ", ".join(texts)

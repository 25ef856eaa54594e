# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server's WinRM service allows: winrm/config/service/auth, and the mapping of client certificates."""

from __future__ import annotations

import dataclasses
import typing as t

STRICT = "Strict"
CBT_LEVELS = ("None", "Relaxed", STRICT)


@dataclasses.dataclass
class WinrmService:
    """Names and defaults are those of winrm/config; Basic is on here, as in the recorded service [REAL]. Negotiate is always on."""

    Basic: bool = True
    Certificate: bool = False
    CredSSP: bool = False
    CbtHardeningLevel: str = "Relaxed"
    """Strict refuses a client without channel binding token. Relaxed lets it in, and is not told apart from None here."""
    certificate_subject: str = ""
    """The user principal name whose certificate is mapped to the account (WSMan:\\localhost\\ClientCertificate, Subject)."""

    def patch(self, values: t.Mapping[str, t.Any]) -> None:
        """Change fields. Raises ValueError for what is not known."""
        known = {field.name: field for field in dataclasses.fields(self)}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ValueError(f"unknown fields {unknown} of the WinRM service; known: {sorted(known)}")
        for name, value in values.items():
            if type(getattr(self, name)) is not type(value):
                raise ValueError(f"{name} of the WinRM service must be of type {type(getattr(self, name)).__name__}, not {value!r}")
        if values.get("CbtHardeningLevel", STRICT) not in CBT_LEVELS:
            raise ValueError(f"CbtHardeningLevel must be one of {CBT_LEVELS}, not {values['CbtHardeningLevel']!r}")
        for name, value in values.items():
            setattr(self, name, value)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shares of other machines: a program reaches them only with credentials that the client has handed over, the second hop.

CredSSP hands over the password, Kerberos a ticket when it is told to delegate; NTLM, a client certificate and Basic, which is for local
accounts, do not [DOC, Ansible's guide to WinRM]. What the share answers is [INF].
"""

from __future__ import annotations

import contextvars

DENIED = "Access is denied"

delegated: contextvars.ContextVar[bool] = contextvars.ContextVar("delegated", default=False)
"""Whether the request that is being served came with credentials that lead on."""


def is_refused(path: str) -> bool:
    """Say whether a program of the present request is not let in at the share that a path names. False for a path of the server itself."""
    return path.replace("/", "\\").startswith("\\\\") and not delegated.get()

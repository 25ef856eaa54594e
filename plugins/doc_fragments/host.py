# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this doc fragment is **PRIVATE** to the collection. It can have breaking changes at any time.

from __future__ import annotations


class ModuleDocFragment:
    # What all modules that work on a Windows server have in common.
    DOCUMENTATION = r"""
options: {}
requirements:
  - pywinrm on the controller, for the connection C(winrm)
  - pypsrp on the controller, for the connection C(psrp)
  - cryptography >= 42 on the controller
notes:
  - Works over the host's own connection C(winrm) or C(psrp), with WS-Management calls of its own. Other connections, C(become), C(async)
    and C(environment) are refused with a message that says why.
  - Connect as an administrator of the server.
  - Nobody has run this on a real Windows server yet; see the collection's C(docs/fidelity.md) for what each assumption rests on.
"""

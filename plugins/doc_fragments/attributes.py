# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this doc fragment is **PRIVATE** to the collection. It can have breaking changes at any time.

from __future__ import annotations


class ModuleDocFragment:
    # What every module declares; each module adds its own `support`.
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return the changes it would make without making them.
  diff_mode:
    description: Will return details on what has changed (or what would change in C(check_mode)), when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
      - This assumes that what the module manages has not changed in between.
"""

    # For modules that change nothing; used together with the standard fragment.
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module changes nothing.
  diff_mode:
    support: N/A
    details:
      - This module changes nothing.
  idempotent:
    support: full
    details:
      - This module changes nothing.
"""

    # Modules that work on a Windows server, over its own connection.
    HOST = r"""
options: {}
attributes:
  platform:
    description: Target OS or families that can be operated against.
    support: full
    platforms: windows
    details:
      - Runs on the controller and reaches the server through its C(winrm) or C(psrp) connection.
  action_group:
    description: Use C(group/entra.app_proxy.host) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - entra.app_proxy.host
"""

    # Modules that work on the tenant, over Microsoft Graph.
    TENANT = r"""
options: {}
attributes:
  platform:
    description: Target OS or families that can be operated against.
    support: full
    platforms: all
    details:
      - Runs where its task runs, normally on the controller, and calls Microsoft Graph from there.
  action_group:
    description: Use C(group/entra.app_proxy.tenant) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - entra.app_proxy.tenant
notes:
  - Runs where its task runs, so normally on the controller; use C(delegate_to=localhost) in a play over Windows hosts.
"""

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_restart
version_added: "1.0.0"
short_description: Restart a Windows server and wait until it is back
description:
  - Orders a restart with C(shutdown.exe) and waits for a boot that is later than the order, by the server's own clock.
  - Restarts in any case, and asks nobody. Ask M(entra.app_proxy.connector_group_guard) before.
options:
  reason:
    description: Why, as the server's event log will tell. One line.
    type: str
    default: maintenance of the connector
  delay:
    description: Seconds between the order and the restart.
    type: int
    default: 2
  timeout:
    description: How many seconds the restart may take.
    type: int
    default: 900
  poll_interval:
    description: Seconds between two looks.
    type: float
    default: 2.0
extends_documentation_fragment:
  - entra.app_proxy.attributes
  - entra.app_proxy.attributes.host
  - entra.app_proxy.host
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: none
    details:
      - It restarts the server each time.
seealso:
  - module: entra.app_proxy.connector_group_guard
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: Restart the server
  entra.app_proxy.server_restart:
    reason: monthly patches
    timeout: 1200
"""

RETURN = r"""
last_boot_before:
  description: When the server had started before, in UTC.
  returned: success
  type: str
  sample: "2026-07-01T08:00:00Z"
last_boot:
  description: When it has started now, in UTC.
  returned: success
  type: str
  sample: "2026-07-08T08:00:00Z"
seconds:
  description: How long the restart took.
  returned: success
  type: int
  sample: 95
plan:
  description: What had to be done; the same in check mode.
  returned: success
  type: dict
  contains:
    summary:
      description: One line.
      type: str
      returned: always
    counts:
      description: Number of changes of each action.
      type: dict
      returned: always
    lines:
      description: One line for each change.
      type: list
      elements: str
      returned: always
    changes:
      description: The same as data.
      type: list
      elements: dict
      returned: always
done:
  description: What had been changed before the failure.
  returned: failure
  type: list
  elements: str
failure:
  description: The failure for programs, with such keys as C(operation) and C(exit_code).
  returned: failure
  type: dict
"""

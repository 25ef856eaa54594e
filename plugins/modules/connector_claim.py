# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: connector_claim
version_added: "1.0.0"
short_description: Note on a server that this run works on it
description:
  - Two operators who run the same playbook must not work on one server at the same time. This module writes into the server's registry
    which run works on it, and refuses while another run's note stands there.
  - The claim belongs to the run of C(ansible-playbook), not to the task. It ends when it is released, when the run is known to be dead,
    which only a run on the same controller can tell, or when O(lease) is over and the run is not known to live.
  - The same controller is one of the same host name, and beyond that of the same start and process namespace, or, when it has been started
    again, of the same C(/etc/machine-id). A container is another one. Where the system does not tell these, O(lease) decides.
  - The modules of this collection that change a server heed it. They fail, before they change anything, while another run's claim stands.
    Nothing else heeds it.
options:
  state:
    description:
      - V(held) writes the claim, or renews it.
      - V(released) takes it away. Another run's claim is left alone, unless that run is known to be dead.
    type: str
    choices: [held, released]
    required: true
  purpose:
    description: What the server is claimed for, as another operator will read it.
    type: str
    default: maintenance
  lease:
    description: How many seconds the claim holds, by the server's clock, when it is neither renewed nor released.
    type: int
    default: 7200
  take_over:
    description: Whether to take a server although another run's claim holds. Only when that run is certainly dead.
    type: bool
    default: false
  wait_timeout:
    description: How many seconds to wait for another run to let go.
    type: int
    default: 0
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
      - A claim is renewed each time.
seealso:
  - module: entra.app_proxy.connector_drain
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: Claim the server
  entra.app_proxy.connector_claim:
    state: held
    purpose: monthly patches
    wait_timeout: 600

- name: Let it go
  entra.app_proxy.connector_claim:
    state: released
"""

RETURN = r"""
claim:
  description: The claim that stands after the task, with C(controller), C(pid), C(purpose), C(until), and all of it in words as C(by).
  returned: success, V(null) when there is none
  type: dict
left:
  description:
    - For O(state=held), the claim of another run that stood there and did not count any more, such as that of a run that was killed. What
      that run began may be unfinished.
  returned: success, V(null) when there was none
  type: dict
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
failure:
  description: The failure for programs, with such keys as C(operation) and C(claim).
  returned: failure
  type: dict
"""

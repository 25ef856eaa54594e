# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: connector_drain
version_added: "1.0.0"
short_description: Take connectors out of their groups for maintenance, and give them back
description:
  - Moves connectors to the group Default, where they carry nothing as long as no application uses Default, and back again into the groups
    that they are declared in. A connector is moved out only when its group can spare it, by the judgement of
    M(entra.app_proxy.connector_group_guard), for which the tenant is read right before.
  - Moving a connector does not end the connections that it has. A restart of its server does. Wait a while in between.
  - Two runs on one controller never look and move at the same time. Two runs on different controllers may; so the tenant is read again
    after each move, and a connector whose group then has less than it needs goes back at once, and is refused.
options:
  state:
    description:
      - V(drained) moves the connectors to the group Default.
      - V(returned) waits until each connector is active and moves it from Default into its declared group. One that is in some other group
        stays there and is reported.
    type: str
    choices: [drained, returned]
    required: true
  groups:
    description:
      - The declared connector groups, as filter P(entra.app_proxy.fleet_desired#filter) returns them, or as
        M(entra.app_proxy.connector_groups) takes them.
      - They tell the minimum of each group. Groups that are not among them need two active connectors.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the group.
        type: str
        required: true
      id:
        description: Id of the group, where its name does not tell it from others.
        type: str
      region:
        description: Region of the group. Not used here.
        type: str
      connectors:
        description:
          - The connectors declared in it, each an id, a machine name, or a dictionary with C(id), C(machine_name) and C(name).
          - C(serving) set to V(true) tells that its server calls itself registered, and that its service is not stopped. With
            O(retiring) such a connector has to be known to the tenant.
        type: list
        elements: raw
      applications:
        description: The applications declared to use it. Not used here.
        type: list
        elements: str
      min_connectors:
        description: How many active connectors the group needs.
        type: int
        default: 2
  hosts:
    description:
      - The hosts that are asked about, in this order, each by the C(name) of its connector in O(groups), or its machine name or id where
        it has no name.
    type: list
    elements: str
    required: true
  accepted_shortfall:
    description:
      - How many active connectors fewer than its minimum a group may keep. At least one stays in any case.
      - Someone has to accept this. It is written into the result wherever it made a difference.
    type: int
    default: 0
  accepted_outages:
    description:
      - Names of connector groups that may be left without any active connector, which is an outage of their applications.
      - Someone has to accept this. It is written into the result wherever it made a difference.
    type: list
    elements: str
  accept_default_in_use:
    description:
      - Whether connectors may move to the group Default although applications use it, which they then serve.
      - Someone has to accept this. It is written into the result wherever it made a difference.
    type: bool
    default: false
  retiring:
    description: The connectors go for good. A group of which all go needs none of them, provided that no application uses it.
    type: bool
    default: false
  wait_timeout:
    description:
      - How many seconds to wait until all are where they are to be. The tenant is read again at every look.
      - A refusal that waiting cannot change is told at once.
    type: int
    default: 0
  wait_interval:
    description: Seconds between two looks.
    type: int
    default: 5
  wait_for:
    description: The hosts of O(hosts) that are waited for. The others are moved if that is possible at once. Without it, all.
    type: list
    elements: str
  refusals:
    description: Whether a refusal, or a connector that could not be moved, fails the task or is only told in RV(results).
    type: str
    choices: [fail, report]
    default: fail
extends_documentation_fragment:
  - entra.app_proxy.attributes
  - entra.app_proxy.attributes.tenant
  - entra.app_proxy.tenant
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: entra.app_proxy.connector_group_guard
  - module: entra.app_proxy.connector_groups
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: Make a group with a connector to spare
  entra.app_proxy.connector_groups:
    groups: &groups
      - name: NAM Spare
        min_connectors: 2
        connectors: [NAM-WEB-01, NAM-WEB-02, NAM-HR-01]

- name: Take one out of it
  entra.app_proxy.connector_drain:
    state: drained
    groups: *groups
    hosts: [NAM-WEB-01]
    accept_default_in_use: true

- name: Give it back
  entra.app_proxy.connector_drain:
    state: returned
    groups: *groups
    hosts: [NAM-WEB-01]
    wait_timeout: 300
"""

RETURN = r"""
plan:
  description: The moves, in check mode those that would be made.
  returned: when the tenant could be read
  type: dict
  contains:
    summary:
      description: How many, or C(nothing to do).
      type: str
      returned: always
      sample: 1 move
    counts:
      description: The same as numbers.
      type: dict
      returned: always
      sample: {"move": 1}
    lines:
      description: One readable line for each.
      type: list
      elements: str
      returned: always
    changes:
      description: The moves, with C(action), C(kind), C(name), C(before), C(after) and C(reason).
      type: list
      elements: dict
      returned: always
results:
  description: What became of each of O(hosts), in their order.
  returned: when the tenant could be read
  type: list
  elements: dict
  contains:
    host:
      description: The host, as in O(hosts).
      type: str
      returned: always
    status:
      description: V(drained), V(returned), V(refused), or V(failed).
      type: str
      returned: always
    ok:
      description: Whether it is where it was to be.
      type: bool
      returned: always
    reason:
      description: Why, with the numbers.
      type: str
      returned: always
    verdict:
      description: The answer of M(entra.app_proxy.connector_group_guard).
      type: dict
      returned: always, V(null) for O(state=returned)
error:
  description: What the service answered, or C(reasons) why the declared groups cannot be meant.
  returned: when the tenant could not be read
  type: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import drain
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.guard_options import DRAIN, question_of, waiting_of
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.module import run, tenant_module


def work(module: AnsibleModule, client: GraphClient) -> dict[str, t.Any]:
    params = module.params
    question, waiting = question_of(params), waiting_of(params)
    if params["state"] == "drained":
        done = drain.drain(client, question, waiting, check_mode=module.check_mode)
    else:
        done = drain.give_back(client, question, waiting, check_mode=module.check_mode)
    result: dict[str, t.Any] = {"changed": done.changed, "plan": done.plan.as_dict(), "results": [one.as_dict() for one in done.items]}
    if module._diff:
        result["diff"] = done.plan.diff()
    problems = [one.reason for one in done.items if not one.ok]
    if problems and params["refusals"] == "fail":
        result.update(failed=True, msg=". ".join(problems))
    return result


def main() -> None:
    module = tenant_module(DRAIN)
    run(module, lambda client: work(module, client), extra_time=module.params["wait_timeout"])


if __name__ == "__main__":
    main()

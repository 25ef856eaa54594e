# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: connector_group_guard
version_added: "1.0.0"
short_description: May this connector leave its group, or go down, now?
description:
  - Asks the tenant, at this moment, whether connectors can be spared. A connector that is active may leave when those that stay are active
    and at or above the minimum of the group. One that is not active may leave in any case, because it carries nothing.
  - Put it right before anything that takes a server down, such as a restart or a patch. This module changes nothing. To take a connector
    out of its group use M(entra.app_proxy.connector_drain), which asks the same question again as it moves.
  - Several hosts are judged one after the other, each by what those before it leave behind.
options:
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
      - How many seconds to wait until the answer is yes for all. The tenant is read again at every look.
      - A refusal that waiting cannot change is told at once.
    type: int
    default: 0
  wait_interval:
    description: Seconds between two looks.
    type: int
    default: 5
  step:
    description:
      - V(leave) asks whether the connector may move to the group Default and then go down. This also takes that no application uses
        Default.
      - V(down) asks whether it may go down in the group that it is in.
    type: str
    choices: [leave, down]
    default: leave
  refusals:
    description: Whether a refusal fails the task (V(fail)), or is only told in RV(verdicts) (V(report)).
    type: str
    choices: [fail, report]
    default: fail
extends_documentation_fragment:
  - entra.app_proxy.attributes
  - entra.app_proxy.attributes.info_module
  - entra.app_proxy.attributes.tenant
  - entra.app_proxy.tenant
seealso:
  - module: entra.app_proxy.connector_drain
  - module: entra.app_proxy.connector_groups
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: Ask whether a server can be spared, before something else takes it down
  entra.app_proxy.connector_group_guard:
    groups:
      - name: NAM Web
        connectors: [NAM-WEB-01, NAM-WEB-02]
    hosts: [NAM-WEB-01]
    step: down
    wait_timeout: 60

- name: Ask about the whole fleet, and only show the answers
  entra.app_proxy.connector_group_guard:
    groups: "{{ hostvars | entra.app_proxy.fleet | entra.app_proxy.fleet_desired(hostvars) }}"
    hosts: [nam-web-01, eur-web-01]
    refusals: report
  register: guard

- name: Show the answers
  ansible.builtin.debug:
    msg: "{{ guard.verdicts | map(attribute='reason') }}"
"""

RETURN = r"""
ok:
  description: Whether all answers are yes.
  returned: when the tenant could be read
  type: bool
verdicts:
  description: One answer for each of O(hosts), in their order.
  returned: when the tenant could be read
  type: list
  elements: dict
  contains:
    host:
      description: The host, as in O(hosts).
      type: str
      returned: always
      sample: nam-web-01
    machine_name:
      description: Its computer name.
      type: str
      returned: always
      sample: NAM-WEB-01
    id:
      description: Id of the connector; null when the tenant does not know it.
      type: str
      returned: always
    declared_group:
      description: The connector group that it is declared in.
      type: str
      returned: always
      sample: NAM Web
    group:
      description: The connector group that it is in now.
      type: str
      returned: always
      sample: NAM Web
    in_default:
      description: Whether that is the group Default.
      type: bool
      returned: always
    active:
      description: Whether the tenant calls it active.
      type: bool
      returned: always
    required:
      description: How many active connectors the group must keep, after what was accepted.
      type: int
      returned: always
      sample: 2
    remaining:
      description: How many it would keep.
      type: int
      returned: always
      sample: 2
    allowed:
      description: The answer.
      type: bool
      returned: always
    reason:
      description: Why, with the numbers and, for a refusal, what to do first.
      type: str
      returned: always
    may_improve:
      description: For a refusal, whether it can turn into a yes by waiting. It cannot when the group has too few connectors at all.
      type: bool
      returned: always
    accepted:
      description: What had to be accepted for this answer.
      type: list
      elements: str
      returned: always
error:
  description: What the service answered, or C(reasons) why the declared groups cannot be meant.
  returned: when the tenant could not be read
  type: dict
"""

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.drain import ask
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.guard_options import GUARD, question_of, waiting_of
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.module import run, tenant_module


def work(params: t.Mapping[str, t.Any], client: GraphClient) -> dict[str, t.Any]:
    verdicts = ask(client, question_of(params), waiting_of(params))
    refusals = [one.reason for one in verdicts if not one.allowed]
    result: dict[str, t.Any] = {"changed": False, "ok": not refusals, "verdicts": [one.as_dict() for one in verdicts]}
    if refusals and params["refusals"] == "fail":
        result.update(failed=True, msg=". ".join(refusals))
    return result


def main() -> None:
    module = tenant_module(GUARD)
    run(module, lambda client: work(module.params, client), extra_time=module.params["wait_timeout"])


if __name__ == "__main__":
    main()

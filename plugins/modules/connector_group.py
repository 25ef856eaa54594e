# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: connector_group
version_added: "1.0.0"
short_description: Keep one connector group
description:
  - Keeps one connector group with its region, its connectors and its applications. For more than a few groups use
    M(entra.app_proxy.connector_groups), which looks at the tenant once for all of them.
  - What is not given is not managed. A new group gets from the service what is not given.
  - A connector is always in exactly one group. So adding one is moving it here, and removing one is moving it to the group Default.
  - An application that stops using this group falls back to Default, which must have O(default_min_connectors) active connectors.
  - The two-connector rule is enforced. No group is taken below its minimum, and no application is assigned to a group that is below it.
    What is refused is reported in RV(blocked), with the numbers and the steps that would be safe.
options:
  name:
    description:
      - Name of the group, compared without case. Should the tenant have several of this name, the task fails and names their ids.
      - Together with O(id) it is the name that the group shall have. Default is never renamed.
      - At least one of O(name) and O(id) is required.
    type: str
  id:
    description: Id of the group. A group that is declared by its id must exist; it is not created.
    type: str
  state:
    description:
      - V(present) for a group that exists, with all that is given.
      - V(absent) for one that does not. Only an empty group is deleted, and Default never. A group that is not empty is refused, unless
        O(connectors.set) or O(applications.set) are given as empty lists, which empty it first.
    type: str
    choices: [present, absent]
    default: present
  region:
    description:
      - Region of the group, such as V(nam), V(eur), V(aus), V(asia), V(ind) or V(japan). The set is open; the service decides.
      - The service sets a region only on a group without connectors and applications. Else the change is refused.
    type: str
  min_connectors:
    description:
      - How many active connectors the group needs. V(0) says that it may be emptied.
    type: int
    default: 2
  connectors:
    description:
      - Which connectors are in the group. Each is an id, a machine name, or a dictionary with C(id), C(machine_name) or both, of which
        C(id) decides, and optionally C(zone), as in M(entra.app_proxy.connector_groups).
    type: dict
    suboptions:
      add:
        description: These are moved into the group.
        type: list
        elements: raw
      remove:
        description: These are moved to Default, if they are in the group.
        type: list
        elements: raw
      set:
        description: These are moved into the group, and all others out of it to Default. Cannot stand beside the other two.
        type: list
        elements: raw
  applications:
    description:
      - Which applications use the group. Each is an object id, an application (client) id or a display name. An ambiguous name is refused
        with the object ids.
    type: dict
    suboptions:
      add:
        description: These are assigned to the group. They must be published through Application Proxy.
        type: list
        elements: str
      remove:
        description: These stop using the group, if they do, and fall back to Default.
        type: list
        elements: str
      set:
        description: These are assigned to the group, and all others stop using it. Cannot stand beside the other two.
        type: list
        elements: str
  shortfall:
    description:
      - What happens when the group has less than O(min_connectors) active connectors in the end. V(fail) fails the task, V(report) only
        tells it in RV(group) and RV(blocked).
    type: str
    choices: [fail, report]
    default: fail
  default_min_connectors:
    description:
      - How many active connectors the group Default must have before an application may fall back to it, and must keep while applications
        use it. V(0) lets both happen in any case.
    type: int
    default: 2
  allow_disruptive:
    description:
      - Whether a connector may be moved from a group of one region to one of another when that takes it through the Default group. The
        service allows such moves only out of groups of the default region, so they take two steps, between which the connector serves the
        applications of Default.
    type: bool
    default: false
  accepted_outages:
    description:
      - Names of connector groups that connectors may leave without regard to the minimum, which may be an outage of their applications.
      - Name the group Default where connectors that serve its applications shall leave it all the same.
    type: list
    elements: str
  wait_timeout:
    description:
      - How many seconds to wait for declared connectors that exist but are inactive, when the group would be below its minimum without
        them. In check mode there is no wait.
    type: int
    default: 300
  wait_interval:
    description: Seconds between two looks while waiting. The first looks come sooner.
    type: int
    default: 5
  plan_file:
    description:
      - A file on the controller to which RV(plan) is written as JSON, readable for its owner only. A relative name is beside the playbook.
      - It is written in check mode as well, with the same content. Its shape is the JSON schema C(docs/plan_file.schema.json) of this
        collection.
    type: path
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
  - module: entra.app_proxy.connector_groups
  - module: entra.app_proxy.connector_group_info
  - module: entra.app_proxy.application_connector_group
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: Keep a connector group with exactly these connectors
  entra.app_proxy.connector_group:
    name: NAM Web
    region: nam
    connectors:
      set: [NAM-WEB-01, NAM-WEB-02]
    applications:
      add: [Intranet]

- name: Put one more connector into it, and leave the others
  entra.app_proxy.connector_group:
    name: NAM Web
    connectors:
      add: [NAM-HR-01]

- name: Take it out again; it goes to Default
  entra.app_proxy.connector_group:
    name: NAM Web
    connectors:
      remove: [NAM-HR-01]

- name: Empty the group and delete it
  entra.app_proxy.connector_group:
    name: NAM Web
    state: absent
    connectors:
      set: []
    applications:
      set: []
"""

RETURN = r"""
group:
  description:
    - The group, read back after the changes; in check mode as it would be. It has the keys of
      RV(entra.app_proxy.connector_groups#module:groups). V(null) once it is gone.
  returned: when the tenant could be read; V(null) for O(state=absent)
  type: dict
plan:
  description: What was to be done, the same in check mode, with C(summary), C(counts), C(lines) and C(changes).
  returned: when the tenant could be read
  type: dict
  contains:
    summary:
      description: How many steps of each kind, or C(nothing to do).
      type: str
      returned: always
      sample: 1 create, 2 move
    counts:
      description: The same as numbers.
      type: dict
      returned: always
      sample: {"create": 1, "move": 2}
    lines:
      description: One readable line for each step, in the order in which they are taken.
      type: list
      elements: str
      returned: always
    changes:
      description: The steps, with C(action), C(kind), C(name), C(before), C(after) and C(reason).
      type: list
      elements: dict
      returned: always
summary:
  description: The plan as a person reads it, and what was left out of it with the steps that would be safe. The same in check mode.
  returned: when the tenant could be read
  type: list
  elements: str
blocked:
  description:
    - Steps that were needed and not taken, each with C(action), C(kind), C(name), C(group), C(reason), C(shortfall), C(active),
      C(required) and C(safe_steps), as M(entra.app_proxy.connector_groups) returns them.
  returned: when the tenant could be read
  type: list
  elements: dict
failures:
  description:
    - Steps that the service refused or that did not come through, each with C(operation), C(resource), C(status), C(code), C(message),
      C(request_id) and C(retry_after).
  returned: when the tenant could be read
  type: list
  elements: dict
error:
  description: What the service answered, or C(reasons) why what is declared cannot be meant.
  returned: when the tenant could not be read
  type: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import read_group
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.module import run, tenant_module
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.options import CONNECTOR_GROUP
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.reconcile import Rules, reconcile
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import actual_group
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.result import task_result


def work(module: AnsibleModule, client: GraphClient) -> dict[str, t.Any]:
    params = module.params
    desired = read_group(params)
    how = Rules(
        check_mode=module.check_mode,
        allow_disruptive=params["allow_disruptive"],
        outages=tuple(params["accepted_outages"] or ()),
        wait_timeout=params["wait_timeout"],
        wait_interval=params["wait_interval"],
        default_minimum=params["default_min_connectors"],
    )
    done = reconcile(client, [desired], how)
    for warning in done.warnings:
        module.warn(warning)
    problems = done.shortfalls if params["shortfall"] == "fail" else []
    exists = actual_group(done.targets[0], done.state) is not None
    return {**task_result(done, diff=module._diff, problems=problems), "group": done.groups[0] if exists else None}


def main() -> None:
    module = tenant_module(CONNECTOR_GROUP, required_one_of=[("name", "id")])
    run(module, lambda client: work(module, client), extra_time=module.params["wait_timeout"])


if __name__ == "__main__":
    main()

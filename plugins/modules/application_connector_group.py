# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: application_connector_group
version_added: "1.0.0"
short_description: Keep the connector group of one application
description:
  - Keeps which connector group an application uses. For the applications of a whole fleet use M(entra.app_proxy.connector_groups).
  - An application is assigned only to a group that has O(min_connectors) active connectors. Otherwise the task fails, with the numbers
    and the steps that would be safe, and the application keeps what it has.
options:
  application:
    description:
      - The application, by object id, application (client) id or display name. An ambiguous name is refused with the object ids.
      - It must be published through Application Proxy.
    type: str
    required: true
  connector_group:
    description:
      - The connector group, by id or name. It must exist.
      - Required for O(state=present). With O(state=absent) the assignment is taken away only if it is to this group.
    type: str
  state:
    description:
      - V(present) for an application that uses O(connector_group).
      - V(absent) for one that does not use it, or no group of its own at all. It then falls back to the group Default.
    type: str
    choices: [present, absent]
    default: present
  min_connectors:
    description:
      - How many active connectors the group must have that the application is to use. With O(state=absent) that is Default.
      - V(0) assigns it in any case.
    type: int
    default: 2
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
  - module: entra.app_proxy.application_info
  - module: entra.app_proxy.connector_groups
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: A connector group with two connectors
  entra.app_proxy.connector_group:
    name: NAM Web
    region: nam
    connectors:
      add: [NAM-WEB-01, NAM-WEB-02]

- name: Let an application use it
  entra.app_proxy.application_connector_group:
    application: Intranet
    connector_group: NAM Web

- name: Let it fall back to Default
  entra.app_proxy.application_connector_group:
    application: Intranet
    state: absent
"""

RETURN = r"""
application:
  description: The application, with C(id), C(app_id) and C(name).
  returned: when the tenant could be read
  type: dict
connector_group:
  description: The group that it uses, read back after the change; in check mode the one that it would use.
  returned: when the tenant could be read
  type: dict
  contains:
    id:
      description: Id of the group.
      type: str
      returned: always
    name:
      description: Its name.
      type: str
      returned: always
      sample: NAM Web
    region:
      description: Its region.
      type: str
      returned: always, V(null) when it is not known
      sample: nam
    is_default:
      description: Whether it is the group Default.
      type: bool
      returned: always
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

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.assignment import keep_assignment
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.module import run, tenant_module
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.options import APPLICATION_CONNECTOR_GROUP
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.result import task_result


def work(module: AnsibleModule, client: GraphClient) -> dict[str, t.Any]:
    params = module.params
    kept = keep_assignment(
        client,
        params["application"],
        params["connector_group"],
        absent=params["state"] == "absent",
        minimum=params["min_connectors"],
        check_mode=module.check_mode,
    )
    for warning in kept.done.warnings:
        module.warn(warning)
    refused = [one.reason for one in kept.done.outcome.blocked]
    return {
        **task_result(kept.done, diff=module._diff, problems=refused),
        "application": kept.application,
        "connector_group": kept.connector_group,
    }


def main() -> None:
    module = tenant_module(APPLICATION_CONNECTOR_GROUP, required_if=[("state", "present", ("connector_group",))])
    run(module, lambda client: work(module, client))


if __name__ == "__main__":
    main()

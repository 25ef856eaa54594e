# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: connector_group_info
version_added: "1.0.0"
short_description: Read connector groups with their connectors and applications
description:
  - Reads the connector groups of a tenant, who is in them, which applications use them, and whether they are highly available.
  - Groups of other products that the service lists beside them (such as those of provisioning) are left out.
options:
  names:
    description: Read only the groups of these names, compared without case, or of these ids. Without it, all groups.
    type: list
    elements: str
  min_connectors:
    description:
      - How many active connectors a group needs to be called highly available. The group Default needs none as long as no application
        uses it.
    type: int
    default: 2
extends_documentation_fragment:
  - entra.app_proxy.attributes
  - entra.app_proxy.attributes.info_module
  - entra.app_proxy.attributes.tenant
  - entra.app_proxy.tenant
seealso:
  - module: entra.app_proxy.connector_groups
  - module: entra.app_proxy.tenant_connector_info
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: Read all connector groups
  entra.app_proxy.connector_group_info:
  register: all_groups

- name: Show those that are not highly available
  ansible.builtin.debug:
    msg: "{{ all_groups.groups | rejectattr('ok') | map(attribute='problems') | flatten }}"

- name: Read some groups, signed in with a token from elsewhere
  entra.app_proxy.connector_group_info:
    names: [NAM Web, EUR Web]
    auth_source: access_token
    access_token: "{{ graph_token }}"
  register: some_groups
"""

RETURN = r"""
groups:
  description: The groups, sorted by name.
  returned: success
  type: list
  elements: dict
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
      returned: always
      sample: nam
    is_default:
      description: Whether it is the group Default, which new connectors join.
      type: bool
      returned: always
    required:
      description: How many active connectors it needs.
      type: int
      returned: always
      sample: 2
    active:
      description: How many it has.
      type: int
      returned: always
      sample: 2
    members:
      description: Its connectors, each with C(id), C(machine_name), C(status) and C(version).
      type: list
      elements: dict
      returned: always
    missing:
      description: Always empty here, as nothing is declared; the key is there so that the shape is that of connector_groups.
      type: list
      elements: str
      returned: always
    inactive:
      description: Machine names of its connectors that are not active.
      type: list
      elements: str
      returned: always
    applications:
      description: The applications that use it, each with C(id), C(app_id) and C(name).
      type: list
      elements: dict
      returned: always
    ok:
      description: Whether it has the active connectors it needs.
      type: bool
      returned: always
    problems:
      description: What is wrong with it, in sentences.
      type: list
      elements: str
      returned: always
desired:
  description:
    - The same groups as entries of the option C(groups) of M(entra.app_proxy.connector_groups); giving them back changes nothing. The
      group Default is left out.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the group.
      type: str
      returned: always
    region:
      description: Its region.
      type: str
      returned: always
    min_connectors:
      description: Value of O(min_connectors).
      type: int
      returned: always
    connectors:
      description: Its connectors, each with C(id) and C(machine_name).
      type: list
      elements: dict
      returned: always
    applications:
      description: Object ids of the applications that use it.
      type: list
      elements: str
      returned: always
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.entra.app_proxy.plugins.module_utils.service import folded
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import rules
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.module import run, tenant_module
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.observe import observe_groups
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.options import CONNECTOR_GROUP_INFO
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.report import as_desired, group_result


def work(module: AnsibleModule, client: GraphClient) -> dict[str, t.Any]:
    minimum = module.params["min_connectors"]
    state = observe_groups(client, module.params["names"])
    if warning := rules.default_in_use_warning(state):
        module.warn(warning)
    groups = sorted((group for group in state.groups if group.id in state.read_groups), key=lambda one: (folded(one.name), one.id))
    return {
        "changed": False,
        "groups": [group_result(group, state, minimum) for group in groups],
        "desired": [as_desired(group, state, minimum) for group in groups if not group.is_default],
    }


def main() -> None:
    module = tenant_module(CONNECTOR_GROUP_INFO)
    run(module, lambda client: work(module, client))


if __name__ == "__main__":
    main()

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tenant_connector_info
version_added: "1.0.0"
short_description: Read the connectors of a tenant with their groups
description:
  - Reads the connectors that the tenant knows, whether they are active, and the connector group that each is in.
  - This is the tenant's view. For the view of a server use M(entra.app_proxy.connector_info).
  - Inactive connectors are removed by the service after ten days.
options:
  machine_names:
    description: Read only the connectors of these machines, compared without case, or of these ids. Without it, all connectors.
    type: list
    elements: str
extends_documentation_fragment:
  - entra.app_proxy.attributes
  - entra.app_proxy.attributes.info_module
  - entra.app_proxy.attributes.tenant
  - entra.app_proxy.tenant
seealso:
  - module: entra.app_proxy.connector_info
  - module: entra.app_proxy.connector_group_info
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: Read all connectors
  entra.app_proxy.tenant_connector_info:
  register: tenant

- name: Show inactive ones
  ansible.builtin.debug:
    msg: "{{ tenant.connectors | rejectattr('active') | map(attribute='machine_name') | list }}"

- name: Read the connectors of one machine
  entra.app_proxy.tenant_connector_info:
    machine_names: [NAM-WEB-01]
"""

RETURN = r"""
stale:
  description:
    - Machines with several connectors. C(used) is the id of the one in use, the active one with the highest version, and C(others) are
      those of the rest, left behind by earlier registrations. There is a warning for each as well.
  returned: success
  type: list
  elements: dict
  sample: [{"machine_name": "NAM-WEB-01", "used": "5b0e0b0a-0f3c-4a52-9c52-6a8f6f4f7c11", "others": []}]
connectors:
  description: The connectors, sorted by machine name. One machine may have several, left behind by earlier registrations.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Id of the connector.
      type: str
      returned: always
    machine_name:
      description: Name of the server it runs on.
      type: str
      returned: always
      sample: NAM-WEB-01
    status:
      description: What the service says, V(active) or V(inactive).
      type: str
      returned: always
      sample: active
    active:
      description: Whether that is V(active).
      type: bool
      returned: always
    version:
      description: Version of the connector.
      type: str
      returned: always
      sample: 1.5.4892.0
    external_ip:
      description: Address from which the service sees it.
      type: str
      returned: always
    group:
      description: Its connector group, with C(id), C(name), C(region) and C(is_default).
      type: dict
      returned: always
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.entra.app_proxy.plugins.module_utils.service import folded
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import rules
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.module import run, tenant_module
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.observe import (
    connector_groups,
    observe_lists,
    observe_placed,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.options import TENANT_CONNECTOR_INFO
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.report import connector_result


def work(module: AnsibleModule, client: GraphClient) -> dict[str, t.Any]:
    names = module.params["machine_names"]
    wanted = None if names is None else {folded(name) for name in names}
    # Of all connectors the groups tell where they are, in fewer requests than the connectors themselves.
    state = observe_placed(client) if wanted is None else observe_lists(client)
    chosen = [one for one in state.connectors if wanted is None or {folded(one.machine_name), folded(one.id)} & wanted]
    placed = chosen if wanted is None else connector_groups(client, chosen)
    placed = sorted(placed, key=lambda one: (folded(one.machine_name), one.id))
    stale = rules.stale_connectors(chosen).values()
    for same in stale:
        module.warn(rules.duplicate_warning(same[0], same[1:], same[0].id))
    return {
        "changed": False,
        "connectors": [connector_result(one, state) for one in placed],
        "stale": [{"machine_name": one.machine_name, "used": one.id, "others": [other.id for other in others]} for one, *others in stale],
    }


def main() -> None:
    module = tenant_module(TENANT_CONNECTOR_INFO)
    run(module, lambda client: work(module, client))


if __name__ == "__main__":
    main()

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: application_info
version_added: "1.0.0"
short_description: Read which application uses which connector group, on which connectors
description:
  - Reads the applications that are published through Application Proxy, the connector group that each uses, and the connectors that
    serve it. It flags applications that use the group Default, whose group is below its minimum, or whose group stands in one zone.
options:
  applications:
    description:
      - Read only these applications, each by object id, application (client) id or display name. An ambiguous name is refused.
      - Without it, all published ones.
    type: list
    elements: str
  connector_groups:
    description: Read only the applications of these connector groups, each by id or name.
    type: list
    elements: str
  min_connectors:
    description: How many active connectors a group needs, Default included, as long as it serves applications.
    type: int
    default: 2
  zones:
    description: Failure domain of each server, such as a data centre, by machine name. Without it zones are not judged.
    type: dict
extends_documentation_fragment:
  - entra.app_proxy.attributes
  - entra.app_proxy.attributes.info_module
  - entra.app_proxy.attributes.tenant
  - entra.app_proxy.tenant
seealso:
  - module: entra.app_proxy.application_connector_group
  - module: entra.app_proxy.connector_group_info
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: Read which application uses which connectors
  entra.app_proxy.application_info:
    zones:
      NAM-WEB-01: east
      NAM-WEB-02: west
  register: audit

- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ audit.applications | rejectattr('ok') | map(attribute='problems') | flatten }}"

- name: Read one application
  entra.app_proxy.application_info:
    applications: [Intranet]
"""

RETURN = r"""
applications:
  description: The applications, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Object id.
      type: str
      returned: always
    app_id:
      description: Application (client) id.
      type: str
      returned: always
    name:
      description: Display name.
      type: str
      returned: always
      sample: Intranet
    connector_group:
      description: The group that it uses, with C(id), C(name), C(region) and C(is_default).
      type: dict
      returned: always
    connectors:
      description: The connectors of that group, each with C(id), C(machine_name), C(status), C(version) and C(zone).
      type: list
      elements: dict
      returned: always
    required:
      description: How many active connectors the group needs.
      type: int
      returned: always
      sample: 2
    active:
      description: How many it has.
      type: int
      returned: always
      sample: 2
    on_default:
      description: Whether it uses the group Default, and so connectors that nobody chose for it.
      type: bool
      returned: always
    below_minimum:
      description: Whether the group has fewer active connectors than it needs.
      type: bool
      returned: always
    single_zone:
      description: The zone that all active connectors of the group are in.
      type: str
      returned: always, V(null) when they are in several, or when that is not known
    ok:
      description: Whether none of this is so.
      type: bool
      returned: always
    problems:
      description: What is wrong, in sentences.
      type: list
      elements: str
      returned: always
counts:
  description:
    - How many applications there are (C(applications)), and how many have each flag (C(on_default), C(below_minimum), C(single_zone)).
  returned: success
  type: dict
  sample: {"applications": 12, "below_minimum": 1, "on_default": 3, "single_zone": 0}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.audit import audit, observe_uses
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.module import run, tenant_module
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.options import APPLICATION_INFO


def work(module: AnsibleModule, client: GraphClient) -> dict[str, t.Any]:
    params = module.params
    state, found = observe_uses(client, params["applications"], params["connector_groups"])
    applications = audit(found, state, params["min_connectors"], params["zones"] or {})
    flags = ("on_default", "below_minimum", "single_zone")
    counts = {flag: sum(bool(one[flag]) for one in applications) for flag in flags}
    return {"changed": False, "applications": applications, "counts": {"applications": len(applications), **counts}}


def main() -> None:
    module = tenant_module(APPLICATION_INFO)
    run(module, lambda client: work(module, client))


if __name__ == "__main__":
    main()

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_desired
author: the entra.app_proxy authors (@entra-app-proxy)
version_added: 1.0.0
short_description: The declared fleet as the groups that module connector_groups takes
description:
  - Joins the declared fleet with what the servers said of themselves.
  - A host that role P(entra.app_proxy.connector#role) has been run on in this play run carries the fact C(connector_member) with its
    computer name and connector id; such a connector is found by its id. Any other is found by its computer name.
  - A host on which the role met another run's claim, or could not look for one, carries the fact C(connector_claimed_by), which says whose.
    Where hosts carry it, those that do not, as C(--limit) left them out, are taken for claimed as well.
positional: hostvars
options:
  _input:
    description:
      - A fleet, as filter P(entra.app_proxy.fleet#filter) returns it.
    type: dict
    required: true
  hostvars:
    description:
      - Ansible's own variable C(hostvars).
    type: raw
    required: true
seealso:
  - plugin: entra.app_proxy.fleet
    plugin_type: filter
  - module: entra.app_proxy.connector_groups
"""

EXAMPLES = r"""
- name: Bring the connector groups to what the inventory declares
  entra.app_proxy.connector_groups:
    groups: "{{ hostvars | entra.app_proxy.fleet | entra.app_proxy.fleet_desired(hostvars) }}"
"""

RETURN = r"""
_value:
  description: The value for option O(entra.app_proxy.connector_groups#module:groups) of module M(entra.app_proxy.connector_groups).
  type: list
  elements: dict
  sample:
    - name: NAM Web
      region: nam
      min_connectors: 2
      applications: [Intranet]
      connectors:
        - {name: nam-web-01, machine_name: NAM-WEB-01, id: 5b0e0b0a-0f3c-4a52-9c52-6a8f6f4f7c11}
        - {name: nam-web-02, machine_name: NAM-WEB-02}
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.entra.app_proxy.plugins.module_utils.fleet import fleet as declared
from ansible_collections.entra.app_proxy.plugins.module_utils.fleet import model
from ansible_collections.entra.app_proxy.plugins.plugin_utils import inventory_tree


def fleet_desired(fleet: t.Any, hostvars: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """The filter."""
    if not isinstance(fleet, t.Mapping) or "groups" not in fleet:
        raise AnsibleFilterError("fleet_desired needs a fleet, as the filter entra.app_proxy.fleet returns it")
    hosts = [host["name"] for group in fleet["groups"] for host in group["hosts"]]
    return declared.desired(
        fleet, {host: inventory_tree.variables(hostvars, host, [model.MEMBER, model.CLAIMED_BY]) for host in hosts if host in hostvars}
    )


class FilterModule:
    """Ansible's door to the filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fleet_desired": fleet_desired}

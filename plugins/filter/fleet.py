# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet
author: the entra.app_proxy authors (@entra-app-proxy)
version_added: 1.0.0
short_description: The declared fleet of connectors, read from the inventory
description:
  - Reads connector groups from inventory groups of three levels, namely a root group, below it one group for each region,
    below each of these one group for each connector group, which holds the hosts.
  - Reports every mistake at once, each with the inventory name it stands under and the way out.
    It does not fail, so that the caller decides what to do.
  - The hosts of groups below a connector group, such as one for each data centre, belong to the connector group.
  - "Variables of a connector group, set in the inventory group or above it:
    C(connector_group_name), default the name of the inventory group;
    C(connector_group_region), default C(connector_region), default the name of the region's inventory group;
    C(connector_group_min_connectors), default 2;
    C(connector_group_applications), a list of display names or ids of the applications that use the group."
  - "Variables of a host: C(connector_machine_name), default the inventory name without its domain in upper case;
    C(connector_zone), where the server stands."
requirements:
  - jsonschema >= 4.18
positional: root
options:
  _input:
    description:
      - Ansible's own variable C(hostvars).
    type: raw
    required: true
  root:
    description:
      - The inventory group under which the fleet stands.
    type: str
    default: connectors
seealso:
  - plugin: entra.app_proxy.fleet_desired
    plugin_type: filter
  - plugin: entra.app_proxy.ha_verdict
    plugin_type: filter
"""

EXAMPLES = r"""
# inventory:
#   connectors:
#     children:
#       nam:
#         children:
#           nam_web:
#             hosts: {nam-web-01: , nam-web-02: }
#             vars: {connector_group_name: NAM Web, connector_group_applications: [Intranet]}

- name: Refuse a fleet with mistakes
  ansible.builtin.assert:
    that: fleet.errors | length == 0
    fail_msg: "{{ fleet.errors }}"
  vars:
    fleet: "{{ hostvars | entra.app_proxy.fleet }}"

- name: A fleet under another name
  ansible.builtin.debug:
    msg: "{{ (hostvars | entra.app_proxy.fleet(root='proxy_servers')).summary }}"
"""

RETURN = r"""
_value:
  description: The declared fleet.
  type: dict
  contains:
    groups:
      description: The connector groups, in the order of the inventory.
      type: list
      elements: dict
      contains:
        inventory_group:
          description: Name of the inventory group.
          type: str
        name:
          description: Name of the connector group.
          type: str
        region:
          description: Its region.
          type: str
        min_connectors:
          description: How many active connectors it needs.
          type: int
        applications:
          description: The applications that use it.
          type: list
          elements: str
        hosts:
          description: Its hosts.
          type: list
          elements: dict
          contains:
            name:
              description: Inventory name.
              type: str
            machine_name:
              description: Computer name, as the server told it to role P(entra.app_proxy.connector#role), otherwise as declared.
              type: str
            zone:
              description: Where the server stands; null when that is not declared.
              type: str
            id:
              description: Id of its connector, once the server has told it to role P(entra.app_proxy.connector#role).
              type: str
              returned: when it is known
    errors:
      description: Every mistake. With one of these the fleet must not be deployed.
      type: list
      elements: str
    warnings:
      description: What works and may be wrong.
      type: list
      elements: str
    summary:
      description: One line for each group, for a person.
      type: list
      elements: str
  sample:
    groups:
      - inventory_group: nam_web
        name: NAM Web
        region: nam
        min_connectors: 2
        applications: [Intranet]
        hosts:
          - {name: nam-web-01, machine_name: NAM-WEB-01, zone: null}
          - {name: nam-web-02, machine_name: NAM-WEB-02, zone: null}
    errors: []
    warnings: []
    summary: ["NAM Web (nam): nam-web-01, nam-web-02; applications: Intranet"]
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.entra.app_proxy.plugins.module_utils.fleet import fleet as declared
from ansible_collections.entra.app_proxy.plugins.module_utils.fleet import model
from ansible_collections.entra.app_proxy.plugins.module_utils.fleet.schema import SchemaUnavailable
from ansible_collections.entra.app_proxy.plugins.plugin_utils import inventory_tree


def fleet(hostvars: t.Any, root: str = model.ROOT) -> model.Fleet:
    """The filter."""
    tree = inventory_tree.tree(hostvars)
    names = (*model.GROUP_VARIABLES, *model.HOST_VARIABLES)
    values = {host: inventory_tree.variables(hostvars, host, names) for host in declared.hosts_of(tree, root)}
    try:
        return declared.read(tree, values, root)
    except SchemaUnavailable as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Ansible's door to the filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fleet": fleet}

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: ha_verdict
author: the entra.app_proxy authors (@entra-app-proxy)
version_added: 1.0.0
short_description: Whether every declared connector group is highly available
description:
  - Compares connector groups, as they were read from the tenant, with the declared fleet. A group is highly available when it has
    at least as many active connectors as it needs. Declared servers that are not among them are named, in any case.
  - This is the judgement that the modules of the collection use as well.
positional: fleet
options:
  _input:
    description:
      - The C(groups) that module M(entra.app_proxy.connector_group_info) returns.
    type: list
    elements: dict
    required: true
  fleet:
    description:
      - A fleet, as filter P(entra.app_proxy.fleet#filter) returns it.
    type: dict
    required: true
seealso:
  - plugin: entra.app_proxy.fleet
    plugin_type: filter
  - module: entra.app_proxy.connector_group_info
"""

EXAMPLES = r"""
- name: Read the connector groups
  entra.app_proxy.connector_group_info:
  register: found

- name: Show which of them are highly available
  ansible.builtin.debug:
    msg: "{{ (found.groups | entra.app_proxy.ha_verdict(hostvars | entra.app_proxy.fleet)).table }}"
"""

RETURN = r"""
_value:
  description: The verdict.
  type: dict
  contains:
    ok:
      description: Whether every declared group is highly available.
      type: bool
    rows:
      description: One row for each declared group.
      type: list
      elements: dict
      contains:
        group:
          description: Name of the connector group.
          type: str
        region:
          description: Its region.
          type: str
        required:
          description: How many active connectors it needs.
          type: int
        active:
          description: How many it has.
          type: int
        members:
          description: Computer names of its members.
          type: list
          elements: str
        missing:
          description: Inventory names of declared servers that are not active members.
          type: list
          elements: str
        zones:
          description: The declared zones of its active members.
          type: list
          elements: str
        shared_zone:
          description: The zone that all of its active members are in; null when they are in several, or when that is not known of each.
          type: str
        exists:
          description: Whether the tenant has the group.
          type: bool
        ok:
          description: Whether the group is highly available.
          type: bool
    table:
      description: The rows as lines of text, with a heading.
      type: list
      elements: str
    warnings:
      description: One sentence for each group whose active members are all in one zone.
      type: list
      elements: str
    failures:
      description: One sentence for each group that is not highly available, naming the missing servers.
      type: list
      elements: str
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.ha import verdict


def ha_verdict(groups: t.Any, fleet: t.Any) -> dict[str, t.Any]:
    """The filter."""
    if not isinstance(groups, list):
        raise AnsibleFilterError("ha_verdict needs a list of connector groups, as module entra.app_proxy.connector_group_info returns it")
    if not isinstance(fleet, t.Mapping) or "groups" not in fleet:
        raise AnsibleFilterError("ha_verdict needs a fleet, as the filter entra.app_proxy.fleet returns it")
    return dict(verdict(groups, fleet["groups"]))


class FilterModule:
    """Ansible's door to the filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"ha_verdict": ha_verdict}

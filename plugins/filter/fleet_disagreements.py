# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_disagreements
author: the entra.app_proxy authors (@entra-app-proxy)
version_added: 1.0.0
short_description: Variables that count for a whole run, and differ between its hosts
description:
  - What is asked once for many hosts is asked with the variables of one of them. This filter tells which of such variables are not the same
    for all of these hosts, for example because the inventory sets them for one group only.
positional: hosts, defaults
options:
  _input:
    description:
      - Ansible's own variable C(hostvars).
    type: raw
    required: true
  hosts:
    description: The inventory names of the hosts.
    type: list
    elements: str
    required: true
  defaults:
    description:
      - The variables, each with the value of a host that does not set it. Where that is a boolean, V(no) and V(false) are the same.
    type: dict
    required: true
seealso:
  - plugin: entra.app_proxy.fleet_waves
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Stop when the servers do not agree
  ansible.builtin.assert:
    that: differing | length == 0
    fail_msg: "{{ differing }}"
  vars:
    differing: "{{ hostvars | entra.app_proxy.fleet_disagreements(groups['connectors'], {'upgrade_drain': true}) }}"
"""

RETURN = r"""
_value:
  description: One sentence for each variable that differs, with an example of each value.
  type: list
  elements: str
"""

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.fleet import agreement
from ansible_collections.entra.app_proxy.plugins.plugin_utils import inventory_tree


def fleet_disagreements(hostvars: t.Mapping[str, t.Any], hosts: t.Sequence[str], defaults: t.Mapping[str, t.Any]) -> list[str]:
    """The filter."""
    values = {str(host): inventory_tree.variables(hostvars, host, list(defaults)) for host in hosts if host in hostvars}
    return agreement.disagreements(values, defaults)


class FilterModule:
    """Ansible's door to the filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fleet_disagreements": fleet_disagreements}

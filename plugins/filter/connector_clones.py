# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: connector_clones
author: the entra.app_proxy authors (@entra-app-proxy)
version_added: 1.0.0
short_description: Hosts that are clones of each other
description:
  - Finds connectors that were seen on more than one host, which is what happens when a machine is cloned after its registration.
  - Looks at what role P(entra.app_proxy.connector#role) has read of each host in this play run. A host that is going to be registered anew
    (C(connector_i_accept_a_new_registration_of) of the role) is left out.
positional: hosts
options:
  _input:
    description:
      - Ansible's own variable C(hostvars).
    type: raw
    required: true
  hosts:
    description:
      - The hosts to compare.
    type: list
    elements: str
    required: true
seealso:
  - plugin: entra.app_proxy.fleet_desired
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Tell which machines are clones of each other
  ansible.builtin.debug:
    msg: "{{ hostvars | entra.app_proxy.connector_clones(ansible_play_hosts_all) }}"
"""

RETURN = r"""
_value:
  description: Connector id to the hosts it was seen on. Empty when no machine is a clone.
  type: dict
  sample:
    5b0e0b0a-0f3c-4a52-9c52-6a8f6f4f7c11: [nam-web-01, nam-web-02]
"""

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import clones
from ansible_collections.entra.app_proxy.plugins.plugin_utils import inventory_tree

INSTALLATION = "connector_installation"
ANEW = "connector_registers_anew"


def connector_clones(hostvars: t.Mapping[str, t.Any], hosts: t.Sequence[str]) -> dict[str, list[str]]:
    """The filter."""
    return clones.clones({host: _identity(hostvars, host) for host in hosts if host in hostvars})


def _identity(hostvars: t.Mapping[str, t.Any], host: str) -> str | None:
    found = inventory_tree.variables(hostvars, host, [INSTALLATION, ANEW])
    installation = found.get(INSTALLATION)
    if found.get(ANEW) or not isinstance(installation, dict):
        return None
    registration = (installation.get("connector") or {}).get("registration") or {}
    connector_id = registration.get("connector_id")
    return str(connector_id) if connector_id else None


class FilterModule:
    """Ansible's door to the filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"connector_clones": connector_clones}

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_waves
author: the entra.app_proxy authors (@entra-app-proxy)
version_added: 1.0.0
short_description: The waves in which a rolling operation goes through the fleet
description:
  - Wave k holds the k-th server of every connector group. So no two servers of a group are in one wave, all groups proceed side by side,
    and there are as many waves as the largest group has servers.
positional: selected
options:
  _input:
    description:
      - A fleet, as filter P(entra.app_proxy.fleet#filter) returns it.
    type: dict
    required: true
  selected:
    description: The inventory names of the servers that take part.
    type: list
    elements: str
    required: true
  first:
    description: Those of them whose turn is before that of the others of their group, such as servers that are out of their groups already.
    type: list
    elements: str
    default: []
seealso:
  - plugin: entra.app_proxy.fleet
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the waves
  ansible.builtin.debug:
    msg: "{{ (hostvars | entra.app_proxy.fleet | entra.app_proxy.fleet_waves(groups['connectors'])).lines }}"
"""

RETURN = r"""
_value:
  description: The waves.
  type: dict
  contains:
    order:
      description: The servers, wave by wave.
      type: list
      elements: str
    sizes:
      description: How many servers each wave has.
      type: list
      elements: int
    hosts:
      description: By server C(group), C(wave) (from 1), C(waves), and C(before), the servers of its group whose turn is earlier.
      type: dict
    lines:
      description: One line for each wave, for a person.
      type: list
      elements: str
    left_out:
      description: The servers that do not take part, of the groups of which others do.
      type: list
      elements: str
  sample:
    order: [nam-web-01, eur-web-01, nam-web-02]
    sizes: [2, 1]
    hosts:
      nam-web-02: {group: NAM Web, wave: 2, waves: 2, before: [nam-web-01]}
    lines: ["wave 1 of 2: nam-web-01 (NAM Web), eur-web-01 (EUR Web)", "wave 2 of 2: nam-web-02 (NAM Web)"]
    left_out: [eur-web-02]
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.entra.app_proxy.plugins.module_utils.fleet import waves


def fleet_waves(fleet: t.Any, selected: t.Sequence[str], first: t.Sequence[str] = ()) -> dict[str, t.Any]:
    """The filter."""
    if not isinstance(fleet, t.Mapping) or "groups" not in fleet:
        raise AnsibleFilterError("fleet_waves needs a fleet, as the filter entra.app_proxy.fleet returns it")
    hosts = {str(host) for host in selected}
    found = waves.turns(fleet["groups"], hosts, {str(host) for host in first})
    return {**waves.as_dict(found), "left_out": waves.left_out(fleet["groups"], hosts)}


class FilterModule:
    """Ansible's door to the filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fleet_waves": fleet_waves}

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_findings
author: the entra.app_proxy authors (@entra-app-proxy)
version_added: 1.0.0
short_description: What is wrong with a fleet, joined from servers and tenant
description:
  - Joins three views by connector id, namely what is declared, what each server says of itself, and what the tenant says.
  - "Codes of findings: C(declaration), C(not_checked), C(check), C(renewal_overdue), C(updater_stopped), C(other_tenant), C(not_in_tenant),
    C(inactive), C(wrong_group), C(cloned), C(same_machine), C(undeclared), C(version_behind), C(group_missing), C(group_below_minimum),
    C(application_below_minimum), C(one_zone), C(application_on_default)."
positional: hosts, groups
options:
  _input:
    description:
      - A fleet, as filter P(entra.app_proxy.fleet#filter) returns it.
    type: dict
    required: true
  hosts:
    description:
      - By inventory name, what module M(entra.app_proxy.connector_health) returned for the server, also when it failed or the server could
        not be reached.
    type: dict
    required: true
  groups:
    description: The C(groups) that module M(entra.app_proxy.connector_group_info) returns when it is asked for all of them.
    type: list
    elements: dict
    required: true
  asked:
    description:
      - Inventory names of the servers that were to be asked. Of the others only what the tenant says is judged. The default is all servers.
    type: list
    elements: str
seealso:
  - plugin: entra.app_proxy.ha_verdict
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Read the connector groups
  entra.app_proxy.connector_group_info:
  register: tenant

- name: Show what the tenant's view alone tells
  ansible.builtin.debug:
    msg: "{{ (hostvars | entra.app_proxy.fleet | entra.app_proxy.fleet_findings({}, tenant.groups)).lines }}"
"""

RETURN = r"""
_value:
  description: The findings.
  type: dict
  contains:
    worst:
      description: The highest severity among them; null when there are none.
      type: str
    counts:
      description: How many of each severity.
      type: dict
    findings:
      description: The findings, the worst first, each with C(severity) (V(info), V(warning) or V(critical)), C(code), C(subject),
        C(evidence) and C(remedy).
      type: list
      elements: dict
    lines:
      description: One line for each, for a person.
      type: list
      elements: str
    verdict:
      description: What filter P(entra.app_proxy.ha_verdict#filter) says of the groups.
      type: dict
"""

import dataclasses
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.entra.app_proxy.plugins.module_utils.fleet import findings as rules
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.ha import verdict


def fleet_findings(fleet: t.Any, hosts: t.Mapping[str, t.Any], groups: t.Any, asked: t.Sequence[str] | None = None) -> dict[str, t.Any]:
    """The filter."""
    if not isinstance(fleet, t.Mapping) or "groups" not in fleet:
        raise AnsibleFilterError("fleet_findings needs a fleet, as the filter entra.app_proxy.fleet returns it")
    if not isinstance(groups, list):
        raise AnsibleFilterError("fleet_findings needs the groups that module entra.app_proxy.connector_group_info returns")
    judged = verdict(groups, rules.with_ids(fleet, hosts))
    found = rules.findings(fleet, hosts, {"groups": groups, "rows": judged["rows"]}, asked)
    return {
        "worst": rules.worst(found),
        "counts": {severity: sum(one.severity == severity for one in found) for severity in reversed(rules.SEVERITIES)},
        "findings": [dataclasses.asdict(one) for one in found],
        "lines": [one.line() for one in found],
        "verdict": dict(judged),
    }


class FilterModule:
    """Ansible's door to the filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fleet_findings": fleet_findings}

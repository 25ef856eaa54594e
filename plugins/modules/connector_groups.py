# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: connector_groups
version_added: "1.0.0"
short_description: Bring about connector groups with their connectors and applications
description:
  - Brings a whole fleet of connector groups about, in one task with one login and one look at the tenant. Missing groups are created,
    declared connectors moved into them, and declared applications assigned to them.
  - What is not declared is left alone, be it a group, a connector in a declared group or an application. O(purge) deletes undeclared
    groups.
  - The two-connector rule is enforced. An application is assigned to a group only while that has O(groups[].min_connectors) active
    connectors, and no connector is moved out of another group that would fall below its own minimum (two, unless it is declared here). What
    is refused is reported in RV(blocked) with the numbers and the safe way.
  - The Default group needs no connectors as long as no application uses it. While applications do, it keeps O(default_min_connectors).
    Where all of them are declared for other groups, which have their minimum once their connectors have come from Default, they are handed
    over so that at every instant one active connector at least serves them.
  - A connector is always in exactly one group, and new connectors join the group Default. So adding one to a group is moving it, and
    taking it away from a group means declaring it in another one.
  - Every write is read back. A write whose answer was lost is looked for in the tenant before it is sent again. The creation of a group is
    looked for during three minutes, as the service may show an old state for a while, so there is never a second group of one name.
options:
  groups:
    description: The declared connector groups. RV(entra.app_proxy.connector_group_info#module:desired) can be given here as it is.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the group. Names are compared without case.
          - Should the tenant have several groups of this name, the task fails and names their ids. Give O(groups[].id) then.
        type: str
        required: true
      id:
        description:
          - Id of the group, where its name does not tell it from others. A group that is declared by its id must exist; it gets
            O(groups[].name) where it has another one.
        type: str
      region:
        description:
          - Region of the group, such as V(nam), V(eur), V(aus), V(asia), V(ind) or V(japan). The set is open; the service decides.
          - If it is not given, the region is not managed; a new group then gets the region of the tenant.
          - The service sets a region only on a group without connectors and applications, so it is changed only on an empty group. Else
            the change is refused and reported in RV(blocked).
        type: str
      connectors:
        description:
          - The connectors that must be in this group. Others that are in it stay there. If it is not given, connectors are not managed.
          - Each is an id, a machine name, or a dictionary with C(id), C(machine_name) or both, of which C(id) decides. C(name) is the
            name of its host in the inventory, for messages. What an info module tells beside these (C(status), C(version) and the like)
            says nothing here, as only the service sets it.
          - Machine names are compared without case. A short one and a full one (V(WEB-01) and V(web-01.contoso.com)) are the same machine,
            unless the tenant has several full ones.
          - C(zone) is the failure domain of its server, such as a data centre. When all active connectors of a group are in one zone,
            a warning says so.
          - Of several connectors of one machine the active one with the highest version is taken, and the others are reported in a
            warning.
          - C(pending) set to V(true) stands for a host that check mode would register before this task. It is taken for a new, active
            connector in Default, so that check mode shows the plan of the real run. Outside check mode it says nothing.
          - C(arrived) set to V(true) says that the same run has just registered it. It is in Default only on its way, and may leave
            although applications use Default, since none has ever had to count on it.
          - C(claimed) says who else works on its server at this moment, in words. Such a connector is left where it is, nothing counts on
            it, and the move that it needs is reported in RV(blocked). Role P(entra.app_proxy.connector#role) finds it out.
        type: list
        elements: raw
      applications:
        description:
          - The applications that must use this group. Others that use it stay. If it is not given, applications are not managed.
          - Each is an object id, an application (client) id or a display name. An ambiguous name is refused with the object ids.
          - An application must be published through Application Proxy.
        type: list
        elements: str
      min_connectors:
        description: How many active connectors the group needs.
        type: int
        default: 2
  shortfall:
    description:
      - What happens when a declared group has less than O(groups[].min_connectors) active connectors in the end. In any case all else is
        done before.
      - V(fail) fails the task, V(report) only tells it in RV(groups) and RV(blocked).
      - Refused moves and refused changes of a region fail the task in any case.
    type: str
    choices: [fail, report]
    default: fail
  purge:
    description:
      - Whether groups that are not declared are deleted. Their connectors move to Default before.
      - The group Default and groups of other products are never deleted, and groups that applications use only with O(purge_in_use).
      - What would be deleted is judged before anything is changed. See O(max_delete).
    type: bool
    default: false
  max_delete:
    description:
      - How many groups O(purge) may delete in one run, as a number, or as a percentage of the groups that the tenant has beside Default,
        rounded down, such as V(10%). If it would be more, the task fails and nothing is changed, so that an inventory that was read half
        does not empty the tenant.
    type: str
    default: "1"
  purge_in_use:
    description:
      - Whether O(purge) also deletes groups that applications use. These fall back to Default before, which must have
        O(default_min_connectors) active connectors.
    type: bool
    default: false
  default_min_connectors:
    description:
      - How many active connectors the group Default must have before an application may fall back to it, and must keep while applications
        use it. Where Default is itself one of O(groups), its O(groups[].min_connectors) counts instead.
    type: int
    default: 2
  allow_disruptive:
    description:
      - Whether a connector may be moved from a group of one region to one of another when that takes it through the Default group. The
        service allows such moves only out of groups of the default region, so they take two steps, between which the connector serves the
        applications of Default.
    type: bool
    default: false
  accepted_outages:
    description:
      - Names of connector groups that connectors may leave without regard to the minimum, which may be an outage of their applications.
      - Name the group Default where connectors that serve its applications shall leave it all the same.
    type: list
    elements: str
  wait_timeout:
    description:
      - How many seconds to wait for declared connectors that exist but are inactive, when their group would be below its minimum without
        them. Connectors that do not exist are not waited for. In check mode there is no wait.
    type: int
    default: 300
  wait_interval:
    description: Seconds between two looks while waiting. The first looks come sooner.
    type: int
    default: 5
  plan_file:
    description:
      - A file on the controller to which RV(plan) is written as JSON, readable for its owner only. A relative name is beside the playbook.
      - It is written in check mode as well, with the same content. Its shape is the JSON schema C(docs/plan_file.schema.json) of this
        collection.
    type: path
extends_documentation_fragment:
  - entra.app_proxy.attributes
  - entra.app_proxy.attributes.tenant
  - entra.app_proxy.tenant
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: entra.app_proxy.connector_group_info
  - module: entra.app_proxy.tenant_connector_info
  - name: Understand Microsoft Entra private network connector groups
    description: What connector groups are for, and the advice of two connectors in each.
    link: https://learn.microsoft.com/entra/global-secure-access/concept-connector-groups
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: Bring two connector groups about
  entra.app_proxy.connector_groups:
    groups:
      - name: NAM Web
        region: nam
        connectors:
          - NAM-WEB-01
          - machine_name: NAM-WEB-02
        applications:
          - Intranet
      - name: EUR Web
        region: eur
        connectors: [EUR-WEB-01, EUR-WEB-02]

- name: Show what a purge would delete, and keep the plan
  entra.app_proxy.connector_groups:
    groups:
      - name: NAM Web
      - name: EUR Web
    purge: true
    max_delete: 10%
    plan_file: connector-groups-plan.json
  check_mode: true

- name: Create an empty group of a region, to be filled later
  entra.app_proxy.connector_groups:
    groups:
      - name: EUR Reserve
        region: eur
    shortfall: report

- name: Read the groups of the tenant
  entra.app_proxy.connector_group_info:
  register: present

- name: Give them back, which changes nothing
  entra.app_proxy.connector_groups:
    groups: "{{ present.desired }}"
    shortfall: report
"""

RETURN = r"""
summary:
  description: The plan as a person reads it, and what was left out of it with the steps that would be safe. The same in check mode.
  returned: when the tenant could be read
  type: list
  elements: str
  sample:
    - "Plan: 1 connector group to create, 2 connectors to move, 1 application to assign, nothing to delete."
outcomes:
  description:
    - What became of each group, first the declared ones in their order, then those that were or were not purged.
  returned: when the tenant could be read
  type: list
  elements: dict
  contains:
    name:
      description: Name of the group.
      type: str
      returned: always
    status:
      description: One of C(created), C(changed), C(unchanged), C(deleted), C(refused), C(failed) and, for undeclared groups, C(kept).
      type: str
      returned: always
    changed:
      description: Whether a step was taken. In check mode, whether one would be.
      type: bool
      returned: always
    steps:
      description: The steps that were taken, as lines.
      type: list
      elements: str
      returned: always
    reasons:
      description: Why steps were not taken.
      type: list
      elements: str
      returned: always
plan:
  description: What was to be done, the same in check mode.
  returned: when the tenant could be read
  type: dict
  contains:
    summary:
      description: How many steps of each kind, or C(nothing to do).
      type: str
      returned: always
      sample: 1 assign, 1 create, 2 move
    counts:
      description: The same as numbers.
      type: dict
      returned: always
      sample: {"assign": 1, "create": 1, "move": 2}
    lines:
      description: One readable line for each step, in the order in which they are taken.
      type: list
      elements: str
      returned: always
      sample: ["+ create connector_group NAM Web (region: nam): it is declared and does not exist"]
    changes:
      description: The steps, with C(action), C(kind), C(name), C(before), C(after) and C(reason).
      type: list
      elements: dict
      returned: always
groups:
  description:
    - The declared groups in the order of O(groups), read back after the changes. In check mode as they would be.
  returned: when the tenant could be read
  type: list
  elements: dict
  contains:
    id:
      description: Id of the group.
      type: str
      returned: always, V(null) when check mode would create it
    name:
      description: Name of the group as the tenant has it.
      type: str
      returned: always
      sample: NAM Web
    region:
      description: Its region.
      type: str
      returned: always, V(null) when it is not known
      sample: nam
    is_default:
      description: Whether it is the group Default.
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
      description: Declared connectors that are not in it.
      type: list
      elements: str
      returned: always
    inactive:
      description: Machine names of its connectors that are not active.
      type: list
      elements: str
      returned: always
    applications:
      description:
        - The applications that use it, each with C(id), C(app_id) and C(name). The last two are null for an application that is not
          declared, as the list of a group tells only the id.
      type: list
      elements: dict
      returned: always
    ok:
      description: Whether it has the active connectors it needs and nothing about it was refused.
      type: bool
      returned: always
    problems:
      description: What is wrong with it, in sentences.
      type: list
      elements: str
      returned: always
blocked:
  description:
    - Steps that were needed and not taken, each with C(action), C(kind), C(name), C(group), C(reason), and C(shortfall), which tells
      whether it only waits for active connectors. C(active) and C(required) are the numbers of the group that the reason is about, and
      C(safe_steps) is what to do, in order, so that the step becomes possible.
  returned: when the tenant could be read
  type: list
  elements: dict
failures:
  description:
    - Steps that the service refused or that did not come through, each with C(operation), C(resource), C(status), C(code), C(message),
      C(request_id) and C(retry_after).
  returned: when the tenant could be read
  type: list
  elements: dict
error:
  description: What the service answered, or C(reasons) why the declared groups cannot be meant.
  returned: when the tenant could not be read
  type: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import read_groups
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.module import run, tenant_module
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.options import CONNECTOR_GROUPS
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.purge import Purge, read_limit
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.reconcile import Rules, reconcile
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.result import task_result


def work(module: AnsibleModule, client: GraphClient) -> dict[str, t.Any]:
    params = module.params
    how = Rules(
        check_mode=module.check_mode,
        allow_disruptive=params["allow_disruptive"],
        outages=tuple(params["accepted_outages"] or ()),
        wait_timeout=params["wait_timeout"],
        wait_interval=params["wait_interval"],
        default_minimum=params["default_min_connectors"],
        purge=Purge(read_limit(params["max_delete"]), params["purge_in_use"]) if params["purge"] else None,
    )
    done = reconcile(client, read_groups(params["groups"]), how)
    for warning in done.warnings:
        module.warn(warning)
    problems = done.shortfalls if params["shortfall"] == "fail" else []
    return {**task_result(done, diff=module._diff, problems=problems), "groups": done.groups, "outcomes": done.items}


def main() -> None:
    module = tenant_module(CONNECTOR_GROUPS)
    run(module, lambda client: work(module, client), extra_time=module.params["wait_timeout"])


if __name__ == "__main__":
    main()

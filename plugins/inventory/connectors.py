# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: connectors
author: the entra.app_proxy authors (@entra-app-proxy)
version_added: 1.0.0
short_description: Hosts from the connectors of a tenant
description:
  - Makes one host of each machine that has a connector in the tenant, grouped by connector group, region, status and version.
  - Uses a YAML file whose name ends with C(app_proxy_connectors.yml) or C(app_proxy_connectors.yaml).
  - The name of a host is that of its machine in lower case, so that it is the same host as in an inventory that declares the fleet. Where
    yours are other names, see O(domain) and O(hostnames).
  - Of several connectors of one machine the newest active one is used; the others are in the variable C(tenant_connector_others), and in a
    warning.
  - The variables of a host are C(tenant_connector_id), C(tenant_connector_machine_name), C(tenant_connector_status),
    C(tenant_connector_active), C(tenant_connector_version), C(tenant_connector_external_ip), C(tenant_connector_group),
    C(tenant_connector_group_id), C(tenant_connector_group_is_default), C(tenant_connector_region), C(tenant_connector_others) and, with
    O(include_applications), C(tenant_connector_applications).
  - How to connect to a host is not set. C(tenant_connector_external_ip) is the address from which the service sees a connector, normally
    that of a firewall, and nothing to connect to.
options:
  plugin:
    description: Marks the file as one for this plugin.
    type: str
    required: true
    choices: [entra.app_proxy.connectors]
  group_by:
    description:
      - What the hosts are grouped by. The groups are C(tenant_group_NAME), C(tenant_region_NAME), C(tenant_status_NAME) and
        C(tenant_version_NAME), in lower case and with an underscore for each character that the name of a group cannot have.
      - The group of a connector group is a child of that of its region, if there is one. All of them are below C(tenant_connectors).
    type: list
    elements: str
    choices: [group, region, status, version]
    default: [group, region, status, version]
  group_prefix:
    description: How the names of these groups begin. Give each tenant its own where several are in one inventory.
    type: str
    default: tenant_
  include_inactive:
    description:
      - Whether machines whose connector is inactive are hosts as well. They are those that need attention, until the service forgets them
        after ten days.
    type: bool
    default: true
  include_applications:
    description:
      - Whether to read the applications of each connector group, into the variable C(tenant_connector_applications).
      - Where the service does not tell them with the groups, that takes one request more for every 20 connector groups.
    type: bool
    default: false
  connector_groups:
    description: Only machines whose connector is in one of these connector groups, by name or id. One that does not exist is an error.
    type: list
    elements: str
    default: []
  regions:
    description: Only machines whose connector is in a connector group of one of these regions. One that no group has is an error.
    type: list
    elements: str
    default: []
  domain:
    description: DNS domain to add to the names of machines, if they have none. Not together with O(hostnames).
    type: str
  hostnames:
    description:
      - Jinja2 expressions over the variables of a host. The first one that gives something is its name.
      - An expression that fails is an error if O(strict=true), and otherwise gives nothing.
      - Two machines with the same name are an error, and so is a machine without one.
    type: list
    elements: str
    default: []
  use_expired_cache:
    description:
      - When the tenant cannot be reached, use the copy of it in the cache, however old it is, with a warning that tells its age.
      - Without it, or when there is no copy, that is an error. A refused credential or missing permission is always one.
      - Needs O(cache=true) and an O(cache_plugin) that outlives the run.
      - A service that refuses connections is given up after about 15 seconds, but one that is silent only after minutes. Set O(timeout)
        to wait less.
    type: bool
    default: false
extends_documentation_fragment:
  - entra.app_proxy.tenant
  - entra.app_proxy.tenant.plugin
  - constructed
  - inventory_cache
notes:
  - O(tenant_id), O(client_id), O(client_secret), O(certificate_path), O(certificate_password), O(federated_token_file), O(access_token),
    O(graph_endpoint), O(authority), O(ca_file) and O(proxy) may be templates, with lookups and extra variables. Nothing else is, apart from
    the expressions of O(compose), O(groups), O(keyed_groups) and O(hostnames). What the tenant tells is never taken for a template.
  - C(ansible-inventory --list) shows extra variables as those of every host. So give secrets by a lookup, or encrypted by C(ansible-vault)
    where they stand.
  - The cache holds connectors, connector groups and applications as the tenant told them, and neither options nor credentials. A copy of
    another tenant is not used; to tell tenants apart, set O(tenant_id).
  - An inventory source that fails is only a warning for Ansible as long as another one is good. Set
    C(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=true) to make it an error.
  - A device code for O(auth_source=device_code) is shown on standard error.
seealso:
  - module: entra.app_proxy.tenant_connector_info
  - plugin: entra.app_proxy.fleet
    plugin_type: filter
"""

EXAMPLES = r"""
# prod.app_proxy_connectors.yml: every connector of the tenant that the Azure CLI is signed in to.
plugin: entra.app_proxy.connectors

---
# Names as in an inventory that declares web-01.corp.example.com, and only one region of it.
plugin: entra.app_proxy.connectors
domain: corp.example.com
regions: [nam]
include_inactive: false

---
# Signed in as an application. Its secret comes from a lookup; it could be a text encrypted by ansible-vault as well.
# Microsoft documents these calls as not supported for applications: see the option auth_source.
plugin: entra.app_proxy.connectors
tenant_id: "{{ app_proxy_tenant_id }}"
client_id: "{{ graph_client_id }}"
client_secret: "{{ lookup('ansible.builtin.env', 'GRAPH_CLIENT_SECRET') }}"

---
# A copy for ten minutes, and for as long as the tenant cannot be reached.
plugin: entra.app_proxy.connectors
tenant_id: "{{ lookup('ansible.builtin.env', 'AZURE_TENANT_ID') }}"
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/app_proxy_connectors
cache_timeout: 600
use_expired_cache: true

---
# Own groups and variables in place of those of group_by.
plugin: entra.app_proxy.connectors
include_applications: true
group_by: []
strict: true
hostnames:
  - tenant_connector_machine_name | lower ~ '-in-' ~ tenant_connector_region
compose:
  ansible_host: tenant_connector_machine_name | lower ~ '.corp.example.com'
  upgrade_wanted: tenant_connector_version is version('1.5.3925.0', '<')
groups:
  serves_intranet: "'Intranet' in tenant_connector_applications"
  unassigned: tenant_connector_group_is_default
keyed_groups:
  - key: tenant_connector_region
    prefix: region
    parent_group: regions
"""

from ansible_collections.entra.app_proxy.plugins.plugin_utils.connector_inventory import ConnectorInventory


class InventoryModule(ConnectorInventory):
    """The inventory plugin."""

    NAME = "entra.app_proxy.connectors"

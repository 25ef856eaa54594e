# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: connector_proxy
version_added: "1.0.0"
short_description: Set the outbound proxy of the connector on a Windows server
description:
  - Sets the outbound proxy in the configuration files of both services, connector and updater, of either generation, and whether requests
    to the backend go through it as well.
  - Changes only that in the files. Everything else stays as it is, byte for byte, also comments, encoding and byte order mark.
  - Before the first change each file is copied to one of the same name with C(.original) behind it. That copy is never overwritten.
  - Restarts a service only when something that it reads has changed, and only when it runs. So the service of a connector that is not
    registered stays stopped.
  - A play over many servers restarts them side by side. On servers that serve, run it as tasks of the playbook
    C(entra.app_proxy.upgrade_connectors) (C(upgrade_tasks_file)), one server of each connector group at a time.
  - An option that is not given is not managed.
options:
  mode:
    description:
      - V(proxy) goes through the proxy in O(address).
      - V(direct) uses no proxy at all.
      - V(default) removes the setting from the files. Then Windows' own default applies, the C(machine.config) of .NET and
        automatic detection.
      - Without it the files are left alone.
    type: str
    choices: [proxy, direct, default]
  address:
    description:
      - The proxy, such as V(http://proxy.contoso.com:8080). The prefix V(http://) is compulsory, even before an IP address.
      - It must let CONNECT to ports 443 and 80 pass without signing in, and must not inspect TLS.
      - Required with O(mode=proxy).
    type: str
  bypass_on_local:
    description: Whether local addresses are reached directly. Only with O(mode=proxy).
    type: bool
  use_system_default:
    description: Whether the system's proxy settings take part. Only with O(mode=proxy).
    type: bool
  bypass_list:
    description:
      - Addresses that are reached directly, each a regular expression of .NET. An empty list removes those that are there.
      - Only with O(mode=proxy).
    type: list
    elements: str
  use_for_backend:
    description:
      - Whether requests to the published applications go through the proxy, too. It is the registry value
        C(UseDefaultProxyForBackendRequests); it also needs the per-machine proxy policy of Internet Explorer, which is not managed here.
    type: bool
  timeout:
    description: Seconds that each step may take (reading or writing a file, stopping or starting a service).
    type: int
    default: 120
  poll_interval:
    description: Seconds between two looks while waiting.
    type: float
    default: 2.0
extends_documentation_fragment:
  - entra.app_proxy.attributes
  - entra.app_proxy.attributes.host
  - entra.app_proxy.host
attributes:
  check_mode:
    support: full
    details:
      - Works also on a host where the connector is not installed yet (it would be installed by the step before).
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - Reading the files takes a shell and a PowerShell script on the server.
  - An upgrade of the product may write the files anew. Run this on every run of your playbook, after M(entra.app_proxy.connector).
  - A proxy in these files only, and none for the system, makes the connector fail to validate certificates. Then also run
    C(netsh winhttp set proxy) on the server.
  - Before anything is written, the services that will have to restart are noted on the server, below C(HKLM\SOFTWARE\entra.app_proxy).
    When a run ends in between, the next one with O(mode) or O(use_for_backend) makes the restarts that are missing.
  - Users are cut off while the service of a registered connector restarts. Do one server of a group after the other (C(serial)).
seealso:
  - module: entra.app_proxy.connector
  - module: entra.app_proxy.connector_prerequisites
    description: Tries the endpoints through the proxy.
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: Install the connector
  entra.app_proxy.connector:
    installer_file: "{{ connector_installer_file }}"

- name: Go through a proxy
  entra.app_proxy.connector_proxy:
    mode: proxy
    address: http://proxy.contoso.example:8080
    bypass_on_local: true
    bypass_list:
      - .*\.contoso\.example

- name: Requests to the applications go through it, too
  entra.app_proxy.connector_proxy:
    use_for_backend: true

- name: Use no proxy at all
  entra.app_proxy.connector_proxy:
    mode: direct

- name: Leave it to Windows again
  entra.app_proxy.connector_proxy:
    mode: default
    use_for_backend: false

- name: Look only
  entra.app_proxy.connector_proxy:
  register: found
"""

RETURN = r"""
proxy:
  description: The settings as they were read back; in check mode as they would be.
  returned: success
  type: dict
  contains:
    machine_name:
      description: The server's own name.
      type: str
      returned: always
      sample: NAM-WEB-01
    generation:
      description: V(entra) or V(legacy).
      type: str
      returned: always
      sample: entra
    service:
      description: The configuration file of the connector's service.
      type: dict
      returned: always
      contains:
        path:
          description: The file.
          type: str
          returned: always, V(null) in check mode when nothing is installed
          sample: C:\Program Files\Microsoft Entra private network connector\MicrosoftEntraPrivateNetworkConnectorService.exe.config
        mode:
          description: V(proxy), V(direct) or V(default).
          type: str
          returned: always, V(null) when only O(use_for_backend) is given
          sample: proxy
        address:
          description: The proxy.
          type: str
          returned: always, V(null) when there is none
          sample: http://proxy.contoso.com:8080
        bypass_on_local:
          description: Whether local addresses are reached directly.
          type: bool
          returned: always, V(null) when the file does not say
          sample: true
        use_system_default:
          description: Whether the system's proxy settings take part.
          type: bool
          returned: always, V(null) when the file does not say
          sample: true
        bypass_list:
          description: Addresses that are reached directly.
          type: list
          elements: str
          returned: always, V(null) when the file has no such list
          sample: []
    updater:
      description: The configuration file of the updater's service, with the same keys as RV(proxy.service).
      type: dict
      returned: always
      sample:
        path: C:\Program Files\Microsoft AAD App Proxy Connector Updater\ApplicationProxyConnectorUpdaterService.exe.config
        mode: default
        address:
        bypass_on_local:
        use_system_default:
        bypass_list:
    use_for_backend:
      description: Whether requests to the backend go through the proxy.
      type: bool
      returned: always
      sample: false
restarted:
  description: The services that were restarted; in check mode those that would be.
  returned: success
  type: list
  elements: str
  sample: [WAPCSvc, WAPCUpdaterSvc]
plan:
  description: What had to be changed; the same in check mode.
  returned: success
  type: dict
  contains:
    summary:
      description: One line.
      type: str
      returned: always
      sample: 2 configure
    counts:
      description: Number of changes of each action.
      type: dict
      returned: always
      sample: {configure: 2}
    lines:
      description: One line for each change.
      type: list
      elements: str
      returned: always
      sample:
        - '~ configure outbound_proxy WAPCSvc (mode: default -> direct): its configuration file says otherwise'
    changes:
      description: The same as data, each with C(action), C(kind), C(name), C(before), C(after) and C(reason).
      type: list
      elements: dict
      returned: always
      sample: []
outcome:
  description: What was done, in words; in check mode what would be done.
  returned: success
  type: str
  sample: service WAPCSvc restarted
done:
  description: What had been changed before the failure.
  returned: failure
  type: list
  elements: str
  sample: []
failure:
  description: The failure for programs, with such keys as C(operation), C(exit_code) or C(fault_code).
  returned: failure
  type: dict
  sample:
    operation: restart service WAPCSvc
"""

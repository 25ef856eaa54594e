# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: connector_prerequisites
version_added: "1.0.0"
short_description: Check and mend what a connector needs of its Windows server
description:
  - Looks at everything that Microsoft asks of a server before a connector is installed on it, and returns a list of checks, each with
    status, evidence and remedy.
  - Always checked are operating system, .NET release, TLS 1.2, strong cryptography of .NET, a conflict with Microsoft Entra Password
    Protection Proxy, PowerShell's execution policy, a pending restart, and the clock.
  - Checked when an option asks for it are HTTP/2, the enhanced security of Internet Explorer, the dynamic ports, the endpoints of the
    cloud, and backend applications.
  - With O(state=enforced) it mends what a registry value or C(netsh) can mend, and says what needs a restart of the server. It never
    restarts the server itself.
  - Reads the registry and services without a shell. Only O(dynamic_ports), O(endpoints) and O(backends) open one.
options:
  state:
    description:
      - V(checked) looks only.
      - V(enforced) also writes the registry values of TLS 1.2, strong cryptography, HTTP/2 and the enhanced security of Internet
        Explorer, and the dynamic ports, as far as they are checked.
    type: str
    choices: [checked, enforced]
    default: checked
  kerberos_sso:
    description:
      - Applications use single sign-on with Kerberos through this connector. Then HTTP/2 must be off in WinHTTP on Windows Server 2019
        and later.
    type: bool
    default: false
  interactive_registration:
    description: Somebody registers the connector in a window on the server. Then the enhanced security of Internet Explorer must be off.
    type: bool
    default: false
  dynamic_ports:
    description: Also check (and, with O(state=enforced), set) the ports for outgoing connections, 64511 ports from 1025.
    type: bool
    default: false
  endpoints:
    description:
      - Also try from the server whether the endpoints of the cloud are reached, on ports 443 and 80. A documented name with a wildcard
        cannot be tried; those are listed in the check C(endpoints_not_probed).
    type: bool
    default: false
  cloud:
    description: Whose endpoints. For V(china) no list is known.
    type: str
    choices: [global, us_gov_l4, us_gov_l5, china]
    default: global
  tenant_id:
    description: Also try the endpoints that bear the tenant's id. Their names are not documented, so that they are never critical.
    type: str
  proxy:
    description:
      - The proxy through which the endpoints are tried, such as V(http://proxy.contoso.com:8080). V(http://) is compulsory, and there
        must be no user in it.
      - Without it, the proxy in the configuration file of the installed connector; without that, none.
    type: str
  backends:
    description:
      - Applications that this server must reach, each a URL or V(host:port). A TCP connection is opened, directly, and nothing is sent.
    type: list
    elements: str
  clock_skew_seconds:
    description: A larger difference between the clocks of server and controller is a warning.
    type: int
    default: 300
  probe_timeout:
    description: Seconds for the connections of one kind (endpoints, backends). They are opened at the same time.
    type: int
    default: 10
  timeout:
    description: Seconds that each program on the server may take.
    type: int
    default: 120
  fail_on:
    description: Fail when, at the end, a check has this status or a worse one. The checks are returned all the same.
    type: str
    choices: [never, warning, critical]
    default: never
extends_documentation_fragment:
  - entra.app_proxy.attributes
  - entra.app_proxy.attributes.host
  - entra.app_proxy.host
attributes:
  check_mode:
    support: full
    details:
      - The checks are then returned as they would be after the changes.
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - What waits for a restart is noted on the server, below C(HKLM\SOFTWARE\entra.app_proxy). RV(reboot_required) and the checks say it
    until Windows has started again, also in a later run.
seealso:
  - module: entra.app_proxy.connector
  - module: entra.app_proxy.connector_proxy
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: See whether the server is fit for a connector
  entra.app_proxy.connector_prerequisites:
  register: prerequisites

- name: Show what is not well
  ansible.builtin.debug:
    msg: "{{ prerequisites.checks | rejectattr('status', 'eq', 'ok') }}"

- name: Mend what can be mended, on a server whose applications sign users in with Kerberos
  entra.app_proxy.connector_prerequisites:
    state: enforced
    kerberos_sso: true
    dynamic_ports: true
  register: prerequisites

- name: Mend what keeps the sign-in window of a registration by hand blank
  entra.app_proxy.connector_prerequisites:
    state: enforced
    interactive_registration: true

- name: Say that a restart is due
  ansible.builtin.debug:
    msg: "{{ inventory_hostname }} has to be restarted"
  when: prerequisites.reboot_required

- name: Try the endpoints through the proxy and the applications directly, and fail when one that is needed is not reached
  entra.app_proxy.connector_prerequisites:
    endpoints: true
    tenant_id: "{{ app_proxy_tenant_id }}"
    proxy: http://proxy.contoso.example:8080
    backends:
      - https://intranet.contoso.example/
      - payroll.contoso.example:8443
    fail_on: critical
"""

RETURN = r"""
machine_name:
  description: The server's own name.
  returned: success, and failure because of O(fail_on)
  type: str
  sample: NAM-WEB-01
checks:
  description: Every check that applies, always in the same order; after the changes, if there are any.
  returned: success, and failure because of O(fail_on)
  type: list
  elements: dict
  contains:
    name:
      description:
        - What was checked, one of C(os), C(dotnet), C(tls12), C(dotnet_strong_crypto), C(http2), C(ie_enhanced_security),
          C(password_protection_proxy), C(execution_policy), C(pending_reboot), C(clock), C(dynamic_ports), C(endpoints_not_probed).
        - For what was tried it is C(endpoint) or C(backend), a space, and its name.
      type: str
      returned: always
      sample: tls12
    status:
      description: V(ok), V(unknown), V(warning) or V(critical).
      type: str
      returned: always
      sample: warning
    evidence:
      description: What was seen.
      type: str
      returned: always
      sample: Client\DisabledByDefault is not set, Client\Enabled is not set
    remedy:
      description: What to do about it; empty when there is nothing to do.
      type: str
      returned: always
      sample: run this module with state=enforced, then restart the server
    mendable:
      description: Whether O(state=enforced) can mend it.
      type: bool
      returned: always
      sample: true
    reboot_required:
      description: Whether the server has to be restarted for it, now or after it has been mended.
      type: bool
      returned: always
      sample: true
status:
  description: The worst status of all checks.
  returned: success, and failure because of O(fail_on)
  type: str
  sample: warning
ready:
  description: Whether no check is V(critical).
  returned: success, and failure because of O(fail_on)
  type: bool
  sample: true
reboot_required:
  description: Whether the server has to be restarted, because of what was changed (or would be, in check mode), by this run
    or an earlier one, or for another reason.
  returned: success, and failure because of O(fail_on)
  type: bool
  sample: true
plan:
  description: What had to be changed; the same in check mode.
  returned: success, and failure because of O(fail_on)
  type: dict
  contains:
    summary:
      description: One line.
      type: str
      returned: always
      sample: 4 set
    counts:
      description: Number of changes of each action.
      type: dict
      returned: always
      sample: {set: 4}
    lines:
      description: One line for each change.
      type: list
      elements: str
      returned: always
      sample:
        - '~ set registry_value HKLM\SOFTWARE\Microsoft\.NETFramework\v4.0.30319\SchUseStrongCrypto (data: none -> 1): .NET must ...'
    changes:
      description: The same as data, each with C(action), C(kind), C(name), C(before), C(after) and C(reason).
      type: list
      elements: dict
      returned: always
      sample: []
outcome:
  description: What was done, in words; in check mode what would be done.
  returned: success, and failure because of O(fail_on)
  type: str
  sample: HKLM\SOFTWARE\Microsoft\.NETFramework\v4.0.30319\SchUseStrongCrypto set to 1
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
    operation: judge the prerequisites
"""

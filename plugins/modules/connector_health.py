# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: connector_health
version_added: "1.0.0"
short_description: Judge the connector of a Windows server
description:
  - Looks at installation, services and their accounts, version, registration, trust certificate and clock, and returns a list of checks,
    each with status, evidence and remedy. That takes a handful of calls and no shell.
  - Event logs, performance counters, endpoints and the tenant's view are looked at only when they are asked for.
  - Can wait for the connector to become healthy, and can fail when it is not.
options:
  tenant_id:
    description: Tenant in which the host must be registered. Without it any tenant will do.
    type: str
  version:
    description: The version that must at least be installed. Without it any version will do.
    type: str
  known_connectors:
    description:
      - The connectors that the tenant knows, as M(entra.app_proxy.tenant_connector_info) returns them.
      - With it there is a check C(tenant_view), whether the tenant knows this connector and takes it for active.
      - Without it the tenant is not asked, and a host is judged by its own certificate, trust settings and service.
    type: list
    elements: dict
  read_certificate:
    description:
      - Read a certificate that was renewed from the store of NETWORK SERVICE, which takes a shell and a PowerShell process on the server.
        Otherwise its validity is estimated from the age of its file, as long as the certificate in the machine store is valid as well.
    type: bool
    default: false
  since:
    description:
      - With it there is a check C(events) of the errors since then, in the Admin channels of connector and updater (of both generations)
        and in the Application log. RV(events) holds errors and warnings. That takes a shell.
      - Of each log the newest 50 are read, or as many as O(errors_warning) or O(errors_critical) when that is more, and when there are
        warnings among them, as many errors apart. A number that may be larger is told as V(at least).
      - A log that cannot be read, for which an account must be an administrator or a member of Event Log Readers, makes the check
        V(unknown) unless the other logs say worse, and is shown as a warning.
      - An age such as V(90m), V(24h) or V(7d), or a moment such as V(2026-07-01T09:00:00Z), by the server's clock.
    type: str
  counters:
    description:
      - Read the product's performance counters into RV(counters). That takes a shell. Their names are not documented, so they are not
        judged.
    type: bool
    default: false
  endpoints:
    description:
      - With it there is a check C(endpoints), whether the server reaches the addresses that the connector needs. That takes a shell and a
        PowerShell process. M(entra.app_proxy.connector_prerequisites) tells of each address apart.
    type: bool
    default: false
  cloud:
    description: Whose addresses O(endpoints) means.
    type: str
    choices: [global, us_gov_l4, us_gov_l5, china]
    default: global
  proxy:
    description:
      - Proxy through which O(endpoints) are tried, such as V(http://proxy.example.com:8080). V(http://) is compulsory, and there must
        be no user in it, as for the proxy of the connector itself.
      - Without it the one that the connector itself is configured for, if any.
    type: str
  probe_timeout:
    description: Seconds for all O(endpoints) together.
    type: int
    default: 10
  certificate_warning_days:
    description: Fewer days left than this are a warning.
    type: int
    default: 30
  certificate_critical_days:
    description: Fewer days left than this are critical.
    type: int
    default: 7
  clock_skew_seconds:
    description: A larger difference between the clocks of server and controller is a warning.
    type: int
    default: 300
  errors_warning:
    description: So many errors O(since) are a warning.
    type: int
    default: 1
  errors_critical:
    description:
      - So many errors O(since) are critical. Without it only the error that the trust certificate has expired is.
    type: int
  fail_on:
    description: Fail when a check has this status or a worse one. The checks are returned all the same.
    type: str
    choices: [never, warning, critical]
    default: never
  wait_timeout:
    description:
      - Seconds to wait until no check has the status that O(fail_on) names, or a worse one; with O(fail_on=never), until none is V(warning)
        or V(critical). V(0) looks once. What is seen meanwhile is shown with C(-v).
      - A server that does not answer, such as one that is restarting, is waited for as well. When it does not answer at the end, it is
        unreachable, whatever was seen of it before.
      - The check C(tenant_view) is not waited for, because the tenant is not asked again.
    type: int
    default: 0
  poll_interval:
    description: Seconds between two looks while waiting.
    type: float
    default: 2.0
extends_documentation_fragment:
  - entra.app_proxy.attributes
  - entra.app_proxy.attributes.info_module
  - entra.app_proxy.attributes.host
  - entra.app_proxy.host
seealso:
  - module: entra.app_proxy.connector_info
  - module: entra.app_proxy.tenant_connector_info
    description: The tenant's view of its connectors.
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: Judge the connector
  entra.app_proxy.connector_health:
    tenant_id: "{{ app_proxy_tenant_id }}"
  register: health

- name: Show what is not well
  ansible.builtin.debug:
    msg: "{{ health.checks | rejectattr('status', 'in', ['ok', 'unknown']) }}"
  when: not health.healthy

- name: Read what the tenant knows
  entra.app_proxy.tenant_connector_info:
  delegate_to: localhost
  register: tenant

- name: Judge it with the tenant's view, the errors of the last day, and performance counters
  entra.app_proxy.connector_health:
    tenant_id: "{{ app_proxy_tenant_id }}"
    known_connectors: "{{ tenant.connectors }}"
    since: 24h
    counters: true
    errors_critical: 10

- name: Judge whether it reaches the service
  entra.app_proxy.connector_health:
    tenant_id: "{{ app_proxy_tenant_id }}"
    endpoints: true

- name: Wait until the connector is well, and fail when it is still critical then
  entra.app_proxy.connector_health:
    tenant_id: "{{ app_proxy_tenant_id }}"
    wait_timeout: 60
    fail_on: critical
"""

RETURN = r"""
checks:
  description: Every check, always in the same order.
  returned: success, and failure because of O(fail_on)
  type: list
  elements: dict
  contains:
    name:
      description:
        - What was checked, one of C(installation), C(service WAPCSvc), C(service WAPCUpdaterSvc), C(account WAPCSvc),
          C(account WAPCUpdaterSvc), C(version), C(registration), C(tenant), C(certificate), C(renewal), C(clock).
        - When it was asked for also C(tenant_view) (O(known_connectors)), C(events) (O(since)), C(counters), C(endpoints).
      type: str
      returned: always
      sample: certificate
    status:
      description: V(ok), V(unknown), V(warning) or V(critical).
      type: str
      returned: always
      sample: warning
    evidence:
      description: What was seen.
      type: str
      returned: always
      sample: valid until 2026-12-28, 12 day(s) left
    remedy:
      description: What to do about it; empty when there is nothing to do.
      type: str
      returned: always
      sample: it should renew itself
healthy:
  description: Whether no check is V(warning) or V(critical).
  returned: success, and failure because of O(fail_on)
  type: bool
  sample: true
status:
  description: The worst status of all checks.
  returned: success, and failure because of O(fail_on)
  type: str
  sample: ok
events:
  description: Errors and warnings O(since), newest first, as far as they were read.
  returned: success, and failure because of O(fail_on)
  type: list
  elements: dict
  contains:
    channel:
      description: Where it was logged.
      type: str
      returned: always
      sample: Microsoft-Microsoft Entra private network-Connector/Admin
    provider:
      description: Who logged it.
      type: str
      returned: always
      sample: Microsoft Entra private network connector
    id:
      description: Number of the event.
      type: int
      returned: always
      sample: 1000
    level:
      description: V(1) critical, V(2) error, V(3) warning.
      type: int
      returned: always
      sample: 2
    at:
      description: When, in UTC.
      type: str
      returned: always
      sample: "2026-07-01T09:00:00Z"
    message:
      description: Its text.
      type: str
      returned: always
      sample: Connector failed to download the configuration.
counters:
  description: Performance counters by name.
  returned: success, and failure because of O(fail_on)
  type: dict
  sample: {}
connector:
  description: The host as it was observed last.
  returned: success, and failure because of O(fail_on)
  type: dict
  contains:
    machine_name:
      description: The server's own name. The tenant shows the connector under it.
      type: str
      returned: always
      sample: NAM-WEB-01
    installed:
      description: Whether both products (connector and updater) are there with services and executables.
      type: bool
      returned: always
      sample: true
    generation:
      description: V(entra) (Microsoft Entra private network connector) or V(legacy) (Microsoft AAD Application Proxy Connector).
      type: str
      returned: always, V(null) when nothing is installed
      sample: entra
    version:
      description: File version of the connector's service executable.
      type: str
      returned: always, V(null) when nothing is installed
      sample: 1.5.4892.0
    serving:
      description: Whether applications may be using it, as the host is registered and the service C(WAPCSvc) is not stopped.
      type: bool
      returned: always
      sample: true
    install_dir:
      description: The connector's folder.
      type: str
      returned: always, V(null) when nothing is installed
      sample: C:\Program Files\Microsoft Entra private network connector
    services:
      description: The services C(WAPCSvc) and C(WAPCUpdaterSvc), as far as they exist, with state, start mode, account and path.
      type: dict
      returned: always
      sample:
        WAPCSvc:
          state: Running
          start_mode: Auto
          account: NT AUTHORITY\NetworkService
          path: '"C:\Program Files\Microsoft Entra private network connector\MicrosoftEntraPrivateNetworkConnectorService.exe"'
    registration:
      description: Whether the host is registered, and as whom.
      type: dict
      returned: always
      contains:
        state:
          description: V(registered), V(unregistered) or V(expired).
          type: str
          returned: always
          sample: registered
        connector_id:
          description: The connector's id in the tenant, read from its trust certificate.
          type: str
          returned: always, V(null) when it is not known
          sample: 0d1f6f6e-6b1c-4e57-8f0d-6d2c1a4a9a11
        tenant_id:
          description: The tenant that the trust certificate names.
          type: str
          returned: always, V(null) when it is not known
          sample: 11111111-2222-3333-4444-555555555555
        thumbprint:
          description: The trust certificate.
          type: str
          returned: always, V(null) when there is none
          sample: 4905CC64B2D81BBED60962ECC5DCF63F643CCD55
        not_before:
          description: Begin of its validity, in UTC.
          type: str
          returned: always, V(null) when there is none
          sample: "2026-07-01T09:00:00Z"
        not_after:
          description: End of its validity, in UTC. An estimate when RV(connector.registration.estimated=true).
          type: str
          returned: always, V(null) when it is not known
          sample: "2026-12-28T09:00:00Z"
        days_left:
          description: Whole days until then, by the server's clock.
          type: int
          returned: always, V(null) when it is not known
          sample: 173
        in_user_store:
          description: The certificate was renewed, and the new one lies in the store of NETWORK SERVICE.
          type: bool
          returned: always
          sample: false
        subject:
          description: Common name of the certificate's subject.
          type: str
          returned: always, V(null) when it is not known
          sample: 11111111-2222-3333-4444-555555555555
        issuer:
          description: Common name of the certificate's issuer.
          type: str
          returned: always, V(null) when it is not known
          sample: connectorregistrationca.msappproxy.net
        estimated:
          description:
            - Whether a renewed certificate was not read, which takes a shell.
            - Then C(not_before) is the moment when its file was written, and C(not_after) supposes that it lives as long as the first one.
          type: bool
          returned: always
          sample: false
        renewal_overdue:
          description: Whether it is older than 180 days, the age at which it ought to have renewed itself.
          type: bool
          returned: always, V(null) when it is not known
          sample: false
    os:
      description: Operating system with caption, version, Windows directory, last boot and local time (both in UTC).
      type: dict
      returned: always
      sample:
        caption: Microsoft Windows Server 2022 Standard
        version: 10.0.20348
        windows_directory: C:\Windows
        last_boot: "2026-07-01T08:00:00Z"
        local_time: "2026-07-08T08:00:00Z"
    files:
      description:
        - Paths of the connector's and the updater's executables.
        - Paths of C(RegisterConnector.ps1) and C(TrustSettings.xml) where they were found.
      type: dict
      returned: always
      sample:
        connector: []
        updater: []
        register_script:
        trust_settings:
failure:
  description: The failure for programs, with such keys as C(operation) or C(fault_code).
  returned: failure
  type: dict
  sample:
    operation: reading Win32_OperatingSystem on https://server:5986/wsman
"""

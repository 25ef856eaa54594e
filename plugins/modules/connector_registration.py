# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: connector_registration
version_added: "1.0.0"
short_description: Register the connector of a Windows server in a tenant
description:
  - Registers an installed connector in the declared tenant when it is not registered, when its trust certificate has expired, or, when
    that is allowed, when it is registered in another tenant.
  - A host that is registered needs no token; one that is given is then not even looked at.
  - Success is judged by its effect, a new trust certificate of the tenant and the service running. The reason of a failure is read
    from the server's Application log; when the certificate has come and only the service does not run, from the product's own logs, too.
  - Token and password travel on the standard input of a process on the server. They are never on a command line, in a file or in a result.
options:
  tenant_id:
    description: The tenant in which the connector must be registered.
    type: str
    required: true
  token:
    description:
      - Registration token, from M(entra.app_proxy.registration_token).
      - It lives 60 to 90 minutes and must be of a user (not a guest) of this tenant who is Application Administrator.
      - Audience, tenant, expiry and guest are checked before anything is changed.
    type: str
  user:
    description:
      - User name, for registering with credentials. Unfit for accounts with multifactor authentication. Their registration ends without
        any error and registers nothing, which this module finds out after O(timeout) seconds. Prefer O(token).
      - On Server Core it does not work with versions before 1.5.3437.0.
    type: str
  password:
    description: Password of O(user).
    type: str
  environment_name:
    description:
      - Name of the cloud, such as V(AzureUSGovernment). Given to Microsoft's registration only when it is given here.
    type: str
  allow_tenant_change:
    description: Register a host anew that is registered in another tenant. Otherwise that is an error.
    type: bool
    default: false
  force:
    description: Register even when that is not needed. Then every run is a change.
    type: bool
    default: false
  known_connectors:
    description:
      - The connectors that the tenant knows, as M(entra.app_proxy.tenant_connector_info) returns them.
      - With it a host whose connector the tenant does not know any more (it forgets one that was inactive for ten days) has to be
        registered again.
      - Without it the tenant is not asked, and a host is judged by its own certificate, trust settings and service.
    type: list
    elements: dict
  timeout:
    description: Seconds that each step may take (the registration itself, the wait for its certificate, the wait for the service).
    type: int
    default: 180
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
      - Works also on a host where the connector is not installed yet (it would be installed by the step before), and without a token.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - With O(force=true) each run registers.
notes:
  - While a registration is under way it is noted on the server, below C(HKLM\SOFTWARE\entra.app_proxy). When a run ends meanwhile, the
    registration goes on there. The next run then waits for it, for the O(timeout) of the run that began it, before it registers again.
  - A service that is just starting or stopping, as after a start of Windows, is waited for before anything is judged, for a minute at
    most, in check mode as well.
seealso:
  - module: entra.app_proxy.connector
  - module: entra.app_proxy.registration_token
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: Install the connector
  entra.app_proxy.connector:
    installer_file: "{{ connector_installer_file }}"
    tenant_id: "{{ app_proxy_tenant_id }}"

- name: Register the connector with a token
  entra.app_proxy.connector_registration:
    tenant_id: "{{ app_proxy_tenant_id }}"
    token: "{{ connector_registration_token }}"

- name: Registered hosts need no token
  entra.app_proxy.connector_registration:
    tenant_id: "{{ app_proxy_tenant_id }}"

- name: Bring a server from another tenant into this one
  entra.app_proxy.connector_registration:
    tenant_id: "{{ app_proxy_tenant_id }}"
    token: "{{ connector_registration_token }}"
    allow_tenant_change: true

- name: Give a server that was copied after its registration one of its own
  entra.app_proxy.connector_registration:
    tenant_id: "{{ app_proxy_tenant_id }}"
    token: "{{ connector_registration_token }}"
    force: true

- name: Read what the tenant knows
  entra.app_proxy.tenant_connector_info:
  delegate_to: localhost
  register: tenant

- name: Register a server again whose connector the tenant has removed
  entra.app_proxy.connector_registration:
    tenant_id: "{{ app_proxy_tenant_id }}"
    token: "{{ connector_registration_token }}"
    known_connectors: "{{ tenant.connectors }}"

- name: Register with an account that has no multifactor authentication, in the US Government cloud
  entra.app_proxy.connector_registration:
    tenant_id: "{{ app_proxy_tenant_id }}"
    user: "{{ connector_registration_user }}"
    password: "{{ connector_registration_password }}"
    environment_name: AzureUSGovernment
"""

RETURN = r"""
connector:
  description: The host as it was observed last (after the registration; in check mode before it).
  returned: success
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
registration:
  description: Whether the host has to be registered (again).
  returned: success
  type: dict
  contains:
    required:
      description: Whether M(entra.app_proxy.connector_registration) has work to do. Then it needs a token.
      type: bool
      returned: always
      sample: false
    reason:
      description: Why.
      type: str
      returned: always, V(null) when RV(registration.required=false)
      sample: the host is not registered
    state:
      description: V(registered), V(unregistered) or V(expired).
      type: str
      returned: always
      sample: registered
plan:
  description: What had to be done; the same in check mode.
  returned: success
  type: dict
  contains:
    summary:
      description: One line.
      type: str
      returned: always
      sample: 1 register
    counts:
      description: Number of changes of each action.
      type: dict
      returned: always
      sample: {register: 1}
    lines:
      description: One line for each change.
      type: list
      elements: str
      returned: always
      sample:
        - "~ register registration NAM-WEB-01 (state: unregistered -> registered): the host is not registered"
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
  sample: registered in tenant 11111111-2222-3333-4444-555555555555
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
    operation: run MicrosoftEntraPrivateNetworkConnectorInstaller.exe
    exit_code: 1603
"""

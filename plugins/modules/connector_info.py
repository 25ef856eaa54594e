# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: connector_info
version_added: "1.0.0"
short_description: Facts about the connector of a Windows server
description:
  - Reads what is known of the connector on a server, in a handful of WS-Management reads that start no process there.
  - For a judgement use M(entra.app_proxy.connector_health).
options:
  tenant_id:
    description: Tenant in which the host ought to be registered. It is only used to judge RV(registration.required).
    type: str
  known_connectors:
    description:
      - The connectors that the tenant knows, as M(entra.app_proxy.tenant_connector_info) returns them.
      - It is only used to judge RV(registration.required).
      - Without it the tenant is not asked, and a host is judged by its own certificate, trust settings and service.
    type: list
    elements: dict
  read_certificate:
    description:
      - Read a certificate that was renewed from the store of NETWORK SERVICE, which takes a shell and a PowerShell process on the server.
        Otherwise its validity is estimated from the age of its file, as long as the certificate in the machine store is valid as well.
    type: bool
    default: false
extends_documentation_fragment:
  - entra.app_proxy.attributes
  - entra.app_proxy.attributes.info_module
  - entra.app_proxy.attributes.host
  - entra.app_proxy.host
seealso:
  - module: entra.app_proxy.connector_health
  - module: entra.app_proxy.tenant_connector_info
    description: The tenant's view of its connectors.
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: Read the facts
  entra.app_proxy.connector_info:
    tenant_id: "{{ app_proxy_tenant_id }}"
  register: facts

- name: Read the facts, also those of a certificate that was renewed
  entra.app_proxy.connector_info:
    read_certificate: true

- name: Show version and registration
  ansible.builtin.debug:
    msg: "{{ facts.connector.machine_name }}: {{ facts.connector.version }}, {{ facts.connector.registration.state }}"
"""

RETURN = r"""
connector:
  description: The host as it was observed now.
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
failure:
  description: The failure for programs, with such keys as C(operation) or C(fault_code).
  returned: failure
  type: dict
  sample:
    operation: reading Win32_OperatingSystem on https://server:5986/wsman
"""

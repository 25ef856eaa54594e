# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: connector
version_added: "1.0.0"
short_description: Install, upgrade, mend or remove the Entra private network connector on a Windows server
description:
  - Sees to it that the Microsoft Entra private network connector (formerly Azure AD Application Proxy connector) is installed on a
    server, in at least the declared version, with both services starting by themselves and, on a registered host, running.
  - The installer runs silently and does not register. Registering is the job of M(entra.app_proxy.connector_registration).
  - The module waits until the files and services are there; the installer's exit code alone proves nothing.
options:
  state:
    description:
      - V(present) installs what is missing, upgrades what is too old, and mends an incomplete installation.
      - V(absent) removes connector and updater. The connector stays in the tenant, inactive, for ten days.
    type: str
    choices: [present, absent]
    default: present
  version:
    description:
      - The version that must at least be installed, such as V(1.5.3829.0). The product updates itself, so a newer one is never a
        difference. An installer that is older than this is not run.
      - Without it any installed version will do.
    type: str
  installer_file:
    description:
      - Path of the installer on the controller. It is copied to the server over the host's own connection, and removed afterwards.
      - Only one of O(installer_file), O(installer_path) and O(installer_url) can be given. With none of them the server downloads
        Microsoft's current installer.
      - With O(state=absent) a given installer does the removal; otherwise what the registry of the server names is removed.
    type: path
  installer_path:
    description:
      - Path of the installer on the server, or a UNC path that the connecting user can read from there (which takes CredSSP or
        Kerberos delegation).
    type: str
  installer_url:
    description: Address from which the server itself downloads the installer.
    type: str
  installer_proxy:
    description: Proxy that the server uses for this download, such as V(http://proxy.example.com:8080).
    type: str
  installer_sha256:
    description: SHA-256 of the installer. One that differs is not run.
    type: str
  verify_publisher:
    description:
      - Run the installer only when its Authenticode signature is valid and Microsoft's.
    type: bool
    default: true
  tenant_id:
    description:
      - Tenant in which the host ought to be registered. It is only used to judge RV(registration.required).
    type: str
  install_timeout:
    description: Seconds that each step may take (bringing the installer, running it, waiting for files and services).
    type: int
    default: 600
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
      - The installer is not brought to the server and so not examined there.
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: entra.app_proxy.connector_registration
  - module: entra.app_proxy.connector_info
  - name: Release notes of the connector
    description: Versions, and what is new in them.
    link: https://learn.microsoft.com/entra/global-secure-access/reference-version-history
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: Install the connector with an installer from the controller
  entra.app_proxy.connector:
    installer_file: "{{ connector_installer_file }}"

- name: Have at least this version, installed from a share, and only this very file
  entra.app_proxy.connector:
    version: 1.5.3829.0
    installer_path: \\files.example.com\software\MicrosoftEntraPrivateNetworkConnectorInstaller.exe
    installer_sha256: 6a0f6ab0b0a2e0d0b5b8a9f3d9a4b7c2e1f00d9c8b7a695847362514f3e2d1c0

- name: Let the server download Microsoft's current installer through a proxy
  entra.app_proxy.connector:
    installer_proxy: http://proxy.example.com:8080
    tenant_id: "{{ connector_tenant_id }}"
  register: connector

- name: Tell whether a registration token will be needed
  ansible.builtin.debug:
    msg: "{{ connector.registration.reason }}"
  when: connector.registration.required

- name: Remove connector and updater
  entra.app_proxy.connector:
    state: absent
"""

RETURN = r"""
connector:
  description: The host as it was observed last (after the changes; in check mode before them).
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
          description: End of its validity, in UTC. An estimate when RV(connector.registration.in_user_store=true).
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
reboot_required:
  description: Whether the installer asked for a restart of the server. Nothing is restarted. Not known in check mode, where it is V(false).
  returned: success
  type: bool
  sample: false
plan:
  description: What had to be done; the same in check mode.
  returned: success
  type: dict
  contains:
    summary:
      description: One line.
      type: str
      returned: always
      sample: 1 install
    counts:
      description: Number of changes of each action.
      type: dict
      returned: always
      sample: {install: 1}
    lines:
      description: One line for each change.
      type: list
      elements: str
      returned: always
      sample:
        - "+ install connector NAM-WEB-01 (installed: True): no connector is installed"
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
  sample: "install: the installer ran, exit code 0 (done)"
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

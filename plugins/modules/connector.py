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
      - V(latest) also upgrades when the installer is newer than what is installed. The installer's own version is read from the file, so
        one that the server downloads is downloaded at every run; in check mode it is not, and no upgrade is planned for it.
      - V(absent) removes connector and updater, by their uninstallers, and by hand what is left of either and has no uninstaller, or one
        that fails. What Windows still lists as installed afterwards is a failure that names the uninstaller's own. The connector stays in
        the tenant, inactive, for ten days.
    type: str
    choices: [present, latest, absent]
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
      - Path of the installer on the server, or a UNC path that the connecting user can read from there. That takes a second hop, which
        CredSSP has, and Kerberos with delegation (C(ansible_winrm_kerberos_delegation), C(ansible_psrp_negotiate_delegate)). NTLM,
        client certificates and Basic are refused by the share.
      - It holds no percent sign, for which C(cmd.exe) would put the value of a variable.
    type: str
  installer_url:
    description:
      - Address from which the server itself downloads the installer.
      - A user and a query in it, such as a shared access signature, are not shown in messages.
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
  upgrade_strategy:
    description:
      - How a newer version comes. V(in_place) runs the new installer over the old installation; V(reinstall) removes connector and updater
        first. Microsoft's pages recommend the one and the other.
      - When an uninstaller fails, V(reinstall) ends there and leaves the connector as it is.
      - Whether the registration outlives it tells RV(registration.kept). When it does not, RV(registration.required) is V(true) afterwards
        and M(entra.app_proxy.connector_registration) renews it.
    type: str
    choices: [in_place, reinstall]
    default: in_place
  upgrade_serving:
    description:
      - Whether the installer may run on a connector that serves, that is, on a host that is registered and whose service C(WAPCSvc) is not
        stopped. The installer stops the services, and a play that runs all servers of a connector group side by side would leave the group
        without an active connector.
      - With V(false) an upgrade, a reinstallation or a repair of such a host is not done but told in RV(deferred); services are seen to all
        the same. A host that does not serve, such as a new one, is installed or upgraded at once.
      - The role P(entra.app_proxy.connector#role) gives V(false); the playbook C(entra.app_proxy.upgrade_connectors) gives V(true) when it
        has taken the server out of its group.
    type: bool
    default: true
  remove_leftovers:
    description:
      - Remove what an earlier installation of either generation has left, before anything is installed. On a host without a whole
        installation those are its services, its folders below C(Program Files), and what Windows lists as installed, which is uninstalled;
        on a host with one, the folders of the other generation.
      - Leftovers make a silent installation end well and install nothing. Without this option they are named in a warning.
      - The registration (certificate and trust settings) is not touched.
    type: bool
    default: false
  remove_folders:
    description:
      - With O(state=absent) also remove the product's folders below C(Program Files) and C(ProgramData), of both generations, with
        configuration, logs and trust settings.
    type: bool
    default: false
  reboot:
    description:
      - Restart the server when the installer asks for it, and after a removal, and wait until it is up again. Traffic that runs over the
        connector is cut off.
      - Without it nothing is restarted, and RV(reboot_required) tells what the installer asked for. What comes only with that restart, such
        as the new version of a file that was in use, is then no failure but a warning.
      - Installers and uninstallers are run with C(/norestart). One that restarts the server all the same (exit code 1641) cannot be
        stopped; the module then waits until the server is up again, warns, and returns RV(rebooted=true).
      - What waits for a restart is noted on the server, below C(HKLM\SOFTWARE\entra.app_proxy), until Windows has started again. So a run
        that ends in between leaves its restart to the next one.
    type: bool
    default: false
  reboot_timeout:
    description: Seconds until the server must be up again after a restart.
    type: int
    default: 900
  minimum_free_mib:
    description:
      - So many MiB must be free on the system drive, beside the room for the installer itself, before anything is copied and installed.
        Microsoft documents no number.
    type: int
    default: 300
  tenant_id:
    description:
      - Tenant in which the host ought to be registered. It is only used to judge RV(registration.required).
    type: str
  known_connectors:
    description:
      - The connectors that the tenant knows, as M(entra.app_proxy.tenant_connector_info) returns them.
      - With it a host whose connector the tenant does not know any more (it forgets one that was inactive for ten days) has to be
        registered again.
      - Without it the tenant is not asked, and a host is judged by its own certificate, trust settings and service.
    type: list
    elements: dict
  install_timeout:
    description:
      - Seconds that each step may take (bringing the installer, running it, waiting for files and services).
      - An installer that finds another installation running (exit code 1618) is tried again for as long.
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
notes:
  - A service that is just starting or stopping, as after a start of Windows, is waited for before anything is judged, for a minute at
    most, in check mode as well.
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
    installer_sha256: "{{ connector_installer_sha256 }}"
  vars:
    # The server reads the share in the name of the connecting user, which takes more than NTLM.
    ansible_winrm_transport: credssp

- name: Let the server download Microsoft's current installer through a proxy
  entra.app_proxy.connector:
    installer_proxy: http://proxy.example.com:8080
    tenant_id: "{{ app_proxy_tenant_id }}"
  register: connector

- name: Tell whether a registration token will be needed
  ansible.builtin.debug:
    msg: "{{ connector.registration.reason }}"
  when: connector.registration.required

- name: Let the server download the installer from an address of your own
  entra.app_proxy.connector:
    installer_url: "{{ connector_installer_url }}"
    installer_sha256: "{{ connector_installer_sha256 }}"

- name: Have the version of this installer, and remove what an earlier installation has left
  entra.app_proxy.connector:
    state: latest
    installer_file: "{{ connector_installer_file }}"
    remove_leftovers: true

- name: Come to the renamed generation by a removal and a new installation
  entra.app_proxy.connector:
    version: 1.5.3829.0
    installer_file: "{{ connector_installer_file }}"
    upgrade_strategy: reinstall
  register: upgrade

- name: Tell whether the registration has outlived it
  ansible.builtin.debug:
    msg: "{{ 'kept' if upgrade.registration.kept else 'register the connector again' }}"
  when: upgrade.registration.kept is not none

- name: Install what is new, and leave connectors that serve at their version
  entra.app_proxy.connector:
    version: 1.5.4892.0
    installer_file: "{{ connector_installer_file }}"
    upgrade_serving: false
  register: connector

- name: Tell what is left to a rolling upgrade
  ansible.builtin.debug:
    msg: "{{ connector.deferred.lines }}"

- name: Install into an image from which servers are made
  entra.app_proxy.connector:
    installer_file: "{{ connector_installer_file }}"
  register: image

- name: See that the image is not registered, or all its servers would be one and the same connector
  ansible.builtin.assert:
    that: image.registration.state == 'unregistered'

- name: Remove connector and updater, their folders too, and restart the server
  entra.app_proxy.connector:
    state: absent
    remove_folders: true
    reboot: true
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
    kept:
      description: Whether the registration that the host had has outlived the installer.
      type: bool
      returned: always, V(null) when there was none, no installer ran, or in check mode
      sample: true
reboot_required:
  description:
    - Whether something, such as an installer, has asked for a restart of the server that has not taken place.
    - With O(reboot=true) and O(state=absent) also when it was an earlier run that it asked.
    - Not known in check mode, where it is V(false).
  returned: success
  type: bool
  sample: false
rebooted:
  description: Whether the server was restarted, with O(reboot=true) or by an installer on its own.
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
deferred:
  description:
    - What was left undone because the connector serves and O(upgrade_serving=false), in the form of RV(plan). It is no part of RV(plan),
      and the same in check mode.
  returned: success
  type: dict
  sample:
    summary: 1 upgrade
    counts: {upgrade: 1}
    lines:
      - "~ upgrade connector NAM-WEB-01 (version: 1.5.3829.0 -> at least 1.5.4892.0): the installed version is below the declared minimum"
    changes: []
claim:
  description:
    - The claim of another run that stands on the server, with C(controller), C(pid), C(purpose), C(until), and all of it in words as C(by).
      Where there is something to do, the task fails instead. See M(entra.app_proxy.connector_claim).
  returned: success, and failure once it was looked for; V(null) when no other run works on it
  type: dict
  sample:
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

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: connector_probe
version_added: "1.0.0"
short_description: See on a server whether what this collection assumes holds
description:
  - Much of what this collection relies on is documented nowhere and was inferred. This module looks at a real server and tells of each such
    assumption whether it holds there. It only reads.
  - Playbook P(entra.app_proxy.connector_info#module) is for facts; this is for bug reports. The playbook C(smoke_readonly) of this
    collection runs every probe and writes the report into a file on the controller.
  - Ids, thumbprints, names of users, accounts that are not Windows' own, and the server's own name are taken out of the result.
  - A probe that fails does not end the module, nor does a server that cannot be observed as the other modules do it. Then finding
    C(observe) says why, and the probes go on that need nothing of it; the others have outcome V(not_seen).
  - It fails only when the server cannot be reached, or does not let the account in.
options:
  probes:
    description:
      - What to look at.
      - 'V(service_get): transfer/Get answers with one typed instance.'
      - 'V(missing_instance): A Get of what does not exist is the fault that we take for "there is none".'
      - 'V(registry_namespace): StdRegProv answers in root/cimv2, or in root/default.'
      - 'V(registry_return_values): A missing value answers 1, a missing key 2.'
      - 'V(registry_binary): GetBinaryValue answers with one element for each byte.'
      - 'V(datafile_query): One query by Name ... OR Name ... is answered from the named files, without a walk over the disk.'
      - 'V(folder_query): Win32_Directory is answered by Name.'
      - 'V(free_space): Win32_LogicalDisk tells the free bytes.'
      - 'V(os_times): Boot time and local time come as moments with a zone.'
      - 'V(boot_time): The boot time is later than the last event of the run before, and no later than the first of this one.'
      - 'V(shell_encoding): What a program prints arrives as UTF-8, and its exit code as it is.'
      - 'V(script_input): A command through cmd.exe reads standard input to its end, and PowerShell runs our scripts.'
      - 'V(dynamic_ports): Netsh prints two numbers behind colons for a range of dynamic ports.'
      - 'V(installer_logs): Where the installer''s logs lie, and what they are called: those of the last 30 days.'
      - 'V(exe_version): The installed version is the file version of the service''s executable.'
      - 'V(uninstall_entries): The Uninstall keys name both products by the display names that we look for.'
      - 'V(service_accounts): The services run as NETWORK SERVICE and SYSTEM.'
      - 'V(trust_settings): TrustSettings.xml lies at one of the paths that we look at.'
      - 'V(certificate_fields): Issuer, the connector''s id in an extension, and the tenant''s id in the subject.'
      - 'V(renewed_certificate): After a renewal the certificate is a file in the store of NETWORK SERVICE, formed as in the registry.'
      - 'V(registration_registry): What registration writes into the product''s key. Names only.'
      - 'V(register_script): RegisterConnector.ps1 lies in the product''s folder and takes the parameters that we give.'
      - 'V(event_channels): The Admin channels have the names that we ask for.'
      - 'V(performance_counters): The product''s set of performance counters has the name that we ask for; the names in it are news.'
    type: list
    elements: str
    required: true
    choices:
      - service_get
      - missing_instance
      - registry_namespace
      - registry_return_values
      - registry_binary
      - datafile_query
      - folder_query
      - free_space
      - os_times
      - boot_time
      - shell_encoding
      - script_input
      - dynamic_ports
      - installer_logs
      - exe_version
      - uninstall_entries
      - service_accounts
      - trust_settings
      - certificate_fields
      - renewed_certificate
      - registration_registry
      - register_script
      - event_channels
      - performance_counters
  mask:
    description: Further words that are not to be in the result, such as the name of your domain.
    type: list
    elements: str
extends_documentation_fragment:
  - entra.app_proxy.attributes
  - entra.app_proxy.attributes.info_module
  - entra.app_proxy.attributes.host
  - entra.app_proxy.host
seealso:
  - module: entra.app_proxy.connector_info
  - module: entra.app_proxy.connector_health
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: See whether the certificate is where this collection looks for it
  entra.app_proxy.connector_probe:
    probes:
      - certificate_fields
      - trust_settings
    mask:
      - contoso
  register: probed

- name: Show what does not hold
  ansible.builtin.debug:
    msg: "{{ probed.failed_probes }}"
"""

RETURN = r"""
findings:
  description:
    - What each probe found, by its name. C(about) is the assumption. C(outcome) is V(holds), V(fails), or V(not_seen) when there is
      nothing on this server by which it could be seen. C(evidence) is what was seen.
    - C(exchanges) is how many messages it took, and C(seconds) how long.
    - The first one, whatever is asked, is C(observe), that what every module starts from can be read.
    - An error as evidence has such keys as C(error), C(fault_code) and C(said). Without C(said) the server's name was not known, which
      the text might hold.
  returned: success
  type: dict
  sample:
    registry_namespace:
      about: StdRegProv answers in root/cimv2, or in root/default.
      outcome: holds
      evidence: {root/cimv2: Windows Server 2022 Standard}
      exchanges: 2
      seconds: 0.31
failed_probes:
  description: The probes whose assumption does not hold here.
  returned: success
  type: list
  elements: str
  sample: []
windows:
  description: Caption and version of Windows.
  returned: success
  type: dict
  sample:
    caption: Microsoft Windows Server 2022 Standard
    version: 10.0.20348
connection:
  description:
    - How the server was reached. C(plugin) is the connection plugin, C(scheme) is V(https) or V(http). C(authentication) is the one that
      worked; as long as none has, those that are tried. C(message_encryption) is then null.
  returned: always, null when nothing was asked
  type: dict
  sample:
    plugin: winrm
    scheme: https
    authentication: [ntlm]
    message_encryption: false
versions:
  description: The versions on the controller of Python, of this collection, and of the packages that speak to the server.
  returned: always
  type: dict
  sample:
    python: 3.12.3
    entra.app_proxy: 1.0.0
    ansible-core: 2.18.1
    pywinrm: 0.5.0
    pypsrp: 0.8.1
failure:
  description: The failure for programs, with such keys as C(operation) or C(fault_code). Unlike the findings it names the server.
  returned: failure
  type: dict
  sample:
    operation: reading Win32_Service Name=WinRM on https://nam-web-01.contoso.com:5986/wsman
    fault_code: 5
"""

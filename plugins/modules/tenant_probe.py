# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tenant_probe
version_added: "1.0.0"
short_description: See in a tenant whether what this collection assumes holds
description:
  - Some of what this collection relies on is documented by nobody, or was seen by others only. This module looks at a real tenant and
    tells of each such assumption whether it holds there. It only reads.
  - This is for bug reports. The playbook C(smoke_readonly) of this collection runs it and writes the report into a file on the
    controller.
  - The result holds no name and no id of anything in the tenant, only statuses, error codes, numbers, the names of properties and
    headers, and the words for regions, types and statuses.
  - It does not fail when reading is refused. That is a finding, too.
options: {}
extends_documentation_fragment:
  - entra.app_proxy.attributes
  - entra.app_proxy.attributes.info_module
  - entra.app_proxy.attributes.tenant
  - entra.app_proxy.tenant
seealso:
  - module: entra.app_proxy.debug_client
  - module: entra.app_proxy.connector_probe
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: See whether the tenant is as this collection takes it to be
  entra.app_proxy.tenant_probe:
  register: probed

- name: Show what does not hold
  ansible.builtin.debug:
    msg: "{{ probed.failed_probes }}"
"""

RETURN = r"""
findings:
  description:
    - What each probe found, by its name. C(about) is the assumption. C(outcome) is V(holds), V(fails), or V(not_seen) when there is
      nothing in this tenant by which it could be seen. C(evidence) is what was seen, and C(requests) how many requests it took.
  returned: success
  type: dict
  sample:
    expand_member_of:
      about: The list of connectors expands memberOf.
      outcome: fails
      evidence: {status: 400, code: BadRequest, items: 0, expanded: 0, longest: 0, with_next_link: 0}
      requests: 1
failed_probes:
  description: The probes whose assumption does not hold here.
  returned: success
  type: list
  elements: str
  sample: [expand_member_of]
token_kind:
  description: Whether the token is of an application (V(app)) or of a user (V(user)). Null when it does not say.
  returned: success
  type: str
  sample: user
"""

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.module import run, tenant_module
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.tenant_probes import probe_tenant


def main() -> None:
    run(tenant_module(()), probe_tenant)


if __name__ == "__main__":
    main()

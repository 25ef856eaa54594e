# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: debug_client
version_added: "1.0.0"
short_description: Find out why a tenant cannot be reached or refuses to answer
description:
  - Tries step by step what every tenant module needs, and tells what came of each - reaching Microsoft Graph and the token service,
    their TLS, the difference of the clocks, signing in, what the token says, and one read of Application Proxy.
  - It does not fail when a step does. What is wrong is in RV(problems).
  - It holds no secret, neither the token nor a part of it. It does name the signed-in user, the tenant and addresses.
  - The result is made for people and B(no contract). Keys may come, change and go with any release.
options: {}
extends_documentation_fragment:
  - entra.app_proxy.attributes
  - entra.app_proxy.attributes.info_module
  - entra.app_proxy.attributes.tenant
  - entra.app_proxy.tenant
seealso:
  - module: entra.app_proxy.connector_group_info
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: Try everything that the tenant modules need
  entra.app_proxy.debug_client:
  register: diagnosis

- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ diagnosis.problems or 'nothing was found' }}"
"""

RETURN = r"""
ok:
  description: Whether nothing is wrong.
  returned: success
  type: bool
problems:
  description: What is wrong, in sentences.
  returned: success
  type: list
  elements: str
endpoints:
  description:
    - For C(graph) and C(authority) the C(url), whether it was C(reachable), the C(status) of its answer, its C(tls) version and cipher,
      the C(clock_skew_seconds) by its header Date (positive when this machine is ahead), the C(seconds) it took, or the C(error).
  returned: success
  type: dict
login:
  description: The C(auth_source) used, whether it gave a token (C(ok)), the C(seconds) it took, or the C(error).
  returned: success
  type: dict
token:
  description:
    - What the token says of itself, without checking its signature. C(kind) is C(app) or C(user), C(scopes) and C(roles) are what it may
      do, C(directory_roles) are the ids of the roles of the user, C(expires_in) is in seconds, and C(claims) has the rest. Null when there
      is no token, or an opaque one.
  returned: success
  type: dict
application_proxy:
  description: What one read of Application Proxy gave, as C(ok), C(status), C(code), C(message) and C(request_id).
  returned: success
  type: dict
libraries:
  description: Versions of Python, OpenSSL and the libraries in use; null for one that is not installed.
  returned: success
  type: dict
"""

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.deadline import Deadline
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.diagnosis import diagnose
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import TenantError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.module import finish, require_sdk, tenant_module
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.options import connection_of


def main() -> None:
    module = tenant_module(())
    require_sdk(module)
    try:
        result = diagnose(connection_of(module.params), Deadline(module.params["timeout"]))
    except TenantError as error:
        module.fail_json(msg=str(error))
    finish(module, {"changed": False, **result})


if __name__ == "__main__":
    main()

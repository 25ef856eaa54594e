# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: registration_token
version_added: "1.0.0"
short_description: Get the token that registers connectors
description:
  - Gets an access token with which M(entra.app_proxy.connector_registration) can register connectors, and checks that it is one. Audience,
    tenant and expiry must be right, and it must not be a guest's or an application's.
  - The token belongs to a user with at least the role Application Administrator and lives 60 to 90 minutes. Connectors do not keep it.
  - Set C(no_log=true) on the task, because the token is part of its result.
options:
  source:
    description:
      - Where the token comes from.
      - V(azure_cli) asks the Azure CLI, which must have been signed in with C(az login) on the machine where the task runs.
      - V(device_code) shows a code on the terminal of the controller, to be entered in a browser. Whether the service's own client
        application allows this is not documented.
      - V(given) takes O(value) and only checks it.
    type: str
    choices: [given, azure_cli, device_code]
    default: azure_cli
  value:
    description: The token, for O(source=given).
    type: str
  refresh_margin:
    description:
      - How many seconds the token must live at least to be called fresh. One that does not is returned with RV(fresh=false) and a warning.
      - In a long deployment give the token to the servers by lookup P(entra.app_proxy.registration_token#lookup), which gets another one
        where this one would end too soon. Role P(entra.app_proxy.connector#role) does.
    type: int
    default: 300
extends_documentation_fragment:
  - entra.app_proxy.attributes
  - entra.app_proxy.attributes.info_module
  - entra.app_proxy.attributes.tenant
  - entra.app_proxy.tenant
notes:
  - Options about signing in to Microsoft Graph are accepted because all modules of the action group share them. Of these only
    O(tenant_id), O(timeout), and for O(source=device_code) O(authority), O(cloud), O(ca_file) and O(proxy) have a meaning here.
seealso:
  - plugin: entra.app_proxy.registration_token
    plugin_type: lookup
  - module: entra.app_proxy.connector_registration
author:
  - the entra.app_proxy authors (@entra-app-proxy)
"""

EXAMPLES = r"""
- name: Get a registration token from the Azure CLI
  entra.app_proxy.registration_token:
    tenant_id: "{{ app_proxy_tenant_id }}"
  register: registration
  no_log: true

- name: Check a token that was got elsewhere
  entra.app_proxy.registration_token:
    source: given
    value: "{{ registration.token }}"
    tenant_id: "{{ app_proxy_tenant_id }}"
  register: checked
  no_log: true
"""

RETURN = r"""
token:
  description: The token. A secret.
  returned: success
  type: str
expires_on:
  description: When it ends, in UTC.
  returned: success
  type: str
  sample: "2026-11-23T12:00:00Z"
expires_in:
  description: How many seconds it lives.
  returned: success
  type: int
  sample: 3599
fresh:
  description: Whether it lives longer than O(refresh_margin).
  returned: success
  type: bool
tenant_id:
  description: The tenant it is for.
  returned: success
  type: str
account:
  description: The user it was issued to; null when the token does not say.
  returned: success
  type: str
  sample: proxy-admin@contoso.com
"""

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import TenantError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.module import finish, tenant_module
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.options import REGISTRATION_TOKEN
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.token_sources import checked, get_token


def main() -> None:
    module = tenant_module(REGISTRATION_TOKEN)
    try:
        result = checked(get_token(module), module.params["tenant_id"], module.params["refresh_margin"])
    except TenantError as error:
        module.fail_json(msg=str(error))
    if not result["fresh"]:
        margin = module.params["refresh_margin"]
        module.warn(f"the registration token ends in {result['expires_in']} s, less than refresh_margin={margin}: use it at once")
    finish(module, {"changed": False, **result})


if __name__ == "__main__":
    main()

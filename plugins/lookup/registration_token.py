# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: registration_token
author: the entra.app_proxy authors (@entra-app-proxy)
version_added: 1.0.0
short_description: A registration token that still lives when it is used
description:
  - Returns the token it is given as long as that lives longer than O(refresh_margin), and otherwise a fresh one from the Azure CLI.
  - A lookup is evaluated when the task of a host really starts. So a deployment may take longer than a token lives, which is 60 to 90
    minutes, and still ask for as few tokens as possible.
  - The Azure CLI runs on the controller, and must have been signed in there with C(az login).
  - When there is no fresh token, one that still lives a little is returned, with a warning. One that has ended is an error.
options:
  _terms:
    description: Nothing is looked up by name.
    type: list
    elements: str
    default: []
  token:
    description: The token at hand, such as one that M(entra.app_proxy.registration_token) got at the beginning.
    type: str
    default: ""
  tenant_id:
    description: Tenant (a GUID) for which a fresh token is asked.
    type: str
  refresh_margin:
    description: How many seconds a token must live at least.
    type: int
    default: 300
  refresh:
    description: Whether a fresh token may be asked for. Not with a device code, for which a person would have to be there.
    type: bool
    default: true
  environment:
    description: Environment variables for the Azure CLI, such as C(AZURE_CONFIG_DIR).
    type: dict
    default: {}
seealso:
  - module: entra.app_proxy.registration_token
  - module: entra.app_proxy.connector_registration
"""

EXAMPLES = r"""
- name: Get a registration token, once for all servers
  entra.app_proxy.registration_token:
    tenant_id: "{{ app_proxy_tenant_id }}"
  register: registration
  no_log: true

- name: Use it, or another one where it would end too soon
  entra.app_proxy.registration_token:
    source: given
    value: "{{ lookup('entra.app_proxy.registration_token', token=registration.token, tenant_id=app_proxy_tenant_id) }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description: The token. A secret.
  type: list
  elements: str
"""

import os
import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import LoginError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.token_sources import from_azure_cli, outlives

display = Display()


class LookupModule(LookupBase):
    """The lookup."""

    def run(self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        token, margin = str(self.get_option("token") or "").strip(), self.get_option("refresh_margin")
        if token and (outlives(token, margin) or not self.get_option("refresh")):
            return [token]
        try:
            return [from_azure_cli(self.get_option("tenant_id"), self._environment())]
        except LoginError as error:
            if token and outlives(token, 0):
                display.warning(f"the registration token ends in less than {margin} s, and there is no fresh one: {error}")
                return [token]
            had = "the registration token at hand has ended, and no fresh one was got: " if token else ""
            raise AnsibleLookupError(f"{had}{error}") from error

    def _environment(self) -> dict[str, str]:
        """That of the controller, with the variables of the option."""
        return {**os.environ, **{name: str(value) for name, value in (self.get_option("environment") or {}).items()}}

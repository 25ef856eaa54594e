# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What the tenant modules share: arguments, signing in, and errors as task failures."""

from __future__ import annotations

import typing as t
import urllib.parse

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import sdk
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.deadline import Deadline
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import TenantError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.options import CONNECTION, Field, argument_spec, connection_of

Work = t.Callable[[GraphClient], dict[str, t.Any]]


def tenant_module(fields: tuple[Field, ...], **conditions: t.Any) -> AnsibleModule:
    """A module with these options and those of the connection.

    :param conditions: conditions between options, such as C(required_one_of), as AnsibleModule takes them.
    """
    module = AnsibleModule(argument_spec=argument_spec((*CONNECTION, *fields)), supports_check_mode=True, **conditions)
    password = urllib.parse.urlsplit(module.params["proxy"] or "").password
    if password:
        module.no_log_values.add(password)
    return module


def run(module: AnsibleModule, work: Work, *, extra_time: float = 0) -> None:
    """Sign in, do the work, and end the module with its result.

    :param work: returns the task result; with C(failed) and C(msg) in it the task fails, all the same with every key.
    :param extra_time: seconds beyond the option C(timeout) that the work may wait for things other than answers.
    """
    require_sdk(module)
    client = None
    try:
        client = GraphClient(connection_of(module.params), Deadline(module.params["timeout"] + extra_time))
        result = work(client)
    except TenantError as error:
        module.fail_json(msg=str(error), error=error.as_dict())
    finally:
        if client is not None:
            client.close()
    finish(module, result)


def finish(module: AnsibleModule, result: dict[str, t.Any]) -> None:
    """End the module: well, or with C(failed) in the result."""
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


def require_sdk(module: AnsibleModule) -> None:
    """End the module with a clear message when azure-core or azure-identity is missing."""
    if sdk.IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("azure-core and azure-identity"), exception=sdk.IMPORT_ERROR)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Why the tenant modules have an action plugin: what has to be done on the controller, wherever the module runs.

A device code must be shown while the task runs, which a module cannot do: the user signs in here, and the module gets the token. And
the plan is exported to a file of the controller. Everything else is the module's.
"""

from __future__ import annotations

import pathlib
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.display import Display

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import plan_file, sdk
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.auth import sign_in
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.connection import Connection
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import LoginError, TenantError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.options import CONNECTION, argument_spec, connection_of
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.token_sources import from_device_code

Arguments = dict[str, t.Any]

display = Display()


class TenantAction(NormalAction):  # type: ignore[misc]  # ansible-core is not typed
    """A tenant module, run as any other module, after the user has signed in where that takes a device code."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        try:
            export = self._export()
            if self._task.args.get(self._asks_for()) == "device_code" and not self._task.async_val:
                self._task.args = {**self._task.args, **self._signed_in(self._task.args)}
        except TenantError as error:
            return {"failed": True, "changed": False, "msg": str(error), "error": error.as_dict()}
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        if export and "plan" in result:
            try:
                plan_file.write(export, self._task.resolved_action or self._task.action, result["plan"])
            except TenantError as error:
                result.update(failed=True, msg=". ".join(text for text in (result.get("msg"), str(error)) if text))
        return result

    def _export(self) -> pathlib.Path | None:
        """The file that the plan is to be written to; relative names are beside the playbook.

        :raises TenantError: it could not be written, which is better known before anything is changed.
        """
        name = self._task.args.get("plan_file")
        if not name:
            return None
        if self._task.async_val:
            raise TenantError("plan_file needs the result of the task: do not run it asynchronously")
        path = pathlib.Path(self._loader.path_dwim(str(name)))
        plan_file.check(path)
        return path

    def _asks_for(self) -> str:
        """The option that names the source of the token."""
        return "auth_source"

    def _signed_in(self, arguments: Arguments) -> Arguments:
        """What to hand to the module instead of the wish for a device code."""
        connection, _timeout = connection_for(arguments)
        return {"auth_source": "access_token", "access_token": sign_in(connection, show)}


class RegistrationTokenAction(TenantAction):
    """The same for the token that registers connectors."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        # What was handed to the module as a secret is blotted out in its result.
        if "token" in result and self._task.args.get("value"):
            result["token"] = str(self._task.args["value"]).strip()
        return result

    def _asks_for(self) -> str:
        return "source"

    def _signed_in(self, arguments: Arguments) -> Arguments:
        connection, timeout = connection_for(arguments)
        return {"source": "given", "value": from_device_code(connection, show, timeout)}


def show(message: str) -> None:
    """Show a message on the terminal now, whatever the verbosity."""
    display.display(message, color="bright yellow")


def connection_for(arguments: Arguments) -> tuple[Connection, int]:
    """The connection that a task's arguments describe, with their defaults and environment, and the seconds it may take.

    :raises LoginError: the arguments are wrong, or azure-identity is missing on the controller.
    """
    if sdk.IMPORT_ERROR is not None:
        raise LoginError("signing in with a device code needs azure-core and azure-identity on the controller")
    spec = argument_spec(CONNECTION)
    checked = ArgumentSpecValidator(spec).validate({name: value for name, value in arguments.items() if name in spec})
    if checked.error_messages:
        raise LoginError("; ".join(checked.error_messages))
    values = checked.validated_parameters
    return connection_of(values), int(values["timeout"])

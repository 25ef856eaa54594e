# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What the host modules' action plugins have in common: refuse, validate, open, run the job, close, and word what went wrong."""

from __future__ import annotations

import traceback
import typing as t

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError, OptionsError, details_of
from ansible_collections.entra.app_proxy.plugins.module_utils.host.options import Options
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import ProcessLost, Shell
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.redaction import redacted
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import (
    AuthenticationError,
    TransportError,
    WSManError,
)
from ansible_collections.entra.app_proxy.plugins.plugin_utils.connection_adapter import open_session, refuse

Result = dict[str, t.Any]

display = Display()


class HostAction(ActionBase):  # type: ignore[misc]  # ansible-core is not typed
    """A host module. A subclass names its options and its job."""

    _requires_connection = True
    _supports_check_mode = True
    _supports_async = False

    OPTIONS: t.ClassVar[Options]

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        # First of all, because it says more about async than the base class does.
        refuse(self._task, self._play_context, self._connection)
        result: Result = super().run(tmp, task_vars)
        secrets: list[str] = []
        try:
            values = self._options(secrets)
        except OptionsError as error:
            return {**result, **_scrubbed(self._failure(error.message, error.details, None), secrets)}
        result.update(_scrubbed(self._outcome(values, secrets, task_vars or {}), secrets))
        if not self._task.diff:
            result.pop("diff", None)
        return result

    def job(self, server: Server, options: t.Mapping[str, t.Any], check_mode: bool) -> Result:
        """What the module does on an open server.

        :param options: validated; every option of C(OPTIONS) is there.
        """
        raise NotImplementedError

    def _options(self, secrets: list[str]) -> dict[str, t.Any]:
        options = type(self).OPTIONS
        validator = ArgumentSpecValidator(
            options.argument_spec(),
            mutually_exclusive=options.mutually_exclusive,
            required_together=options.required_together,
        )
        validation = validator.validate(dict(self._task.args))
        values: dict[str, t.Any] = validation.validated_parameters
        secrets.extend(options.secrets(values))
        problems = [*(_problem(error) for error in validation.errors), *options.problems(values)]
        if problems:
            raise OptionsError(problems, f"ansible-doc {self._task.action} describes every option")
        return values

    def _outcome(self, values: t.Mapping[str, t.Any], secrets: t.Sequence[str], task_vars: t.Mapping[str, t.Any]) -> Result:
        session = open_session(self._connection)
        shell = Shell(session)
        server = Server(
            session=session,
            shell=shell,
            put_file=self._put_file,
            progress=lambda text: display.v(redacted(text, secrets), host=task_vars.get("inventory_hostname")),
            warn=lambda text: display.warning(redacted(text, secrets)),
        )
        try:
            return self.job(server, values, bool(self._task.check_mode))
        except HostError as error:
            return self._failure(error.message, error.details, server)
        except TransportError as error:
            if not server.done and not isinstance(error, ProcessLost):
                # Without its causes, which newer versions of Ansible would print as well: they say the same again.
                raise AnsibleConnectionFailure(redacted(error.message, secrets)) from None
            return self._failure(str(error), details_of(error), server)
        except AuthenticationError as error:
            return self._failure(error.message, details_of(error), server)
        except WSManError as error:
            return self._failure(str(error), details_of(error), server)
        except AnsibleError:
            raise
        except Exception as error:
            # A mistake of this collection. What has been changed until then is told all the same.
            message = f"{type(error).__name__}: {error}. This is a bug in entra.app_proxy: report it with the traceback (-vvv)"
            return {**self._failure(message, {}, server), "exception": traceback.format_exc()}
        finally:
            shell.close()
            session.close()

    def _put_file(self, local: str, remote: str) -> None:
        try:
            self._connection.put_file(local, remote)
        except AnsibleConnectionFailure:
            raise
        except AnsibleError as error:
            raise HostError(
                f"copying {local} to {remote} on the server failed: {error}. Check free space and rights there, or use installer_url",
                operation="copy the installer",
            ) from error

    def _failure(self, message: str, details: t.Mapping[str, t.Any], server: Server | None) -> Result:
        more = dict(details)
        result: Result = {**(server.learnt if server else {}), **more.pop("result", {})}
        done = server.done if server else []
        # What was changed before it failed is changed: a handler may depend on it.
        return {**result, "failed": True, "changed": bool(done), "msg": message, "failure": more, "done": list(done)}


def _problem(error: Exception) -> str:
    # For an option that does not exist the validator gives only its name and those that do exist.
    prefix = "unsupported option " if isinstance(error, UnsupportedError) else ""
    return f"{prefix}{error}"


def _scrubbed(result: Result, secrets: t.Sequence[str]) -> Result:
    scrubbed: Result = remove_values(result, secrets)
    return scrubbed

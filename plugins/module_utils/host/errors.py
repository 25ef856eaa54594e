# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What the host half raises."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.faults import WSManFault
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import HttpError, WSManError


class HostError(Exception):
    """Something on one host did not go as it had to.

    :param message: what was being done, what the server answered, what the user can do. Never a secret.
    :param details: the same for programs: such as operation, exit_code, fault_code.
    """

    def __init__(self, message: str, **details: t.Any) -> None:
        self.message = message
        self.details = details
        super().__init__(message)


class OptionsError(HostError):
    """The options of the task cannot be carried out. Holds every mistake at once."""

    def __init__(self, problems: t.Sequence[str], help_text: str) -> None:
        super().__init__(f"{'; '.join(problems)}. {help_text}", operation="validate options", problems=list(problems))


def details_of(error: WSManError | HostError) -> dict[str, t.Any]:
    """An error for programs: what was being done, and the code that the other side answered with."""
    if isinstance(error, HostError):
        return dict(error.details)
    found: dict[str, t.Any] = {"operation": error.doing}
    if isinstance(error, WSManFault):
        found["fault_code"] = error.code
    if isinstance(error, HttpError):
        found["http_status"] = error.status
    return found

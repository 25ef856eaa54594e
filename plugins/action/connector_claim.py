# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import claim
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.plugin_utils.host_action import HostAction, Result


class ActionModule(HostAction):
    """Note on a server that a run works on it; see the module's documentation."""

    OPTIONS = claim.CLAIM

    def job(self, server: Server, options: t.Mapping[str, t.Any], check_mode: bool) -> Result:
        return claim.claim(server, options, check_mode)

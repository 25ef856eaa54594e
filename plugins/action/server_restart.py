# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import restart
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.plugin_utils.host_action import HostAction, Result


class ActionModule(HostAction):
    """Restart the server; see the module's documentation."""

    OPTIONS = restart.RESTART

    def job(self, server: Server, options: t.Mapping[str, t.Any], check_mode: bool) -> Result:
        return restart.restart(server, options, check_mode)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import probe_job
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.plugin_utils.connection_adapter import AdaptedTransport
from ansible_collections.entra.app_proxy.plugins.plugin_utils.host_action import HostAction, Result
from ansible_collections.entra.app_proxy.plugins.plugin_utils.software_versions import software_versions


class ActionModule(HostAction):
    """See on a real server whether what the collection assumes holds; see the module's documentation."""

    OPTIONS = probe_job.PROBE

    _connection_facts: Result | None = None

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        result = super().run(tmp, task_vars)
        # A failure is about a connection, too.
        return {**result, "connection": self._connection_facts, "versions": software_versions()}

    def job(self, server: Server, options: t.Mapping[str, t.Any], check_mode: bool) -> Result:
        transport = server.session.transport
        try:
            return probe_job.connector_probe(server, options, check_mode)
        finally:
            self._connection_facts = transport.facts() if isinstance(transport, AdaptedTransport) else None

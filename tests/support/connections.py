# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real connection plugins with the options that a host with given variables has, without a playbook around them."""

from __future__ import annotations

import typing as t

import ansible.constants
import ansible.plugins.loader
from ansible.playbook.play_context import PlayContext


def connection(kind: str, variables: t.Mapping[str, t.Any]) -> t.Any:
    """A C(winrm) or C(psrp) plugin. Its options are set as ansible-core's task executor does it, extras included."""
    plugin = ansible.plugins.loader.connection_loader.get(kind, PlayContext(), "/dev/null")
    known = ansible.constants.config.get_plugin_vars("connection", kind)
    options: dict[str, t.Any] = {name: value for name, value in variables.items() if name in known}
    if getattr(plugin, "allow_extras", False):
        prefix = f"ansible_{plugin.extras_prefix}_"
        options["_extras"] = {name: value for name, value in variables.items() if name.startswith(prefix) and name not in options}
    plugin.set_options(var_options=options)
    return plugin

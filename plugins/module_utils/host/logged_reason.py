# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Why something went wrong just now, as the product's own event logs tell it."""

from __future__ import annotations

import datetime

from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.event_log import read_events
from ansible_collections.entra.app_proxy.plugins.module_utils.host.observe import operating_system
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import WSManError

# Seconds: the event may be a little older than the first look at what it is about.
_SLACK = 30


def logged_reason(server: Server, seconds: float) -> str:
    """The newest error of the last C(seconds), as a sentence to append to a message; empty when there is none or it cannot be read."""
    try:
        _machine, os = operating_system(server.session)
        since = (os.local_time or server.now()) - datetime.timedelta(seconds=seconds + _SLACK)
        errors = read_events(server, since, most=1).errors
    except (WSManError, HostError) as error:
        # What went wrong is the news, not that its reason could not be read.
        server.progress(f"the event logs could not be read: {error}")
        return ""
    return f". The log {errors[0].channel} says: {errors[0].message.rstrip('.')}" if errors else ""

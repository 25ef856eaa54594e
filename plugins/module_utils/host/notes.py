# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Notes in a server's registry: what a run has begun there, for the run after it when it was killed in the middle.

They lie in a key of the collection's own, and reading one takes one exchange and no shell. A note counts until Windows starts again, by
the server's own clock, which its boot time is told by: so one that was left behind does no harm.
"""

from __future__ import annotations

import datetime
import json
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import OperatingSystem
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import Registry

KEY = r"SOFTWARE\entra.app_proxy"
_SINCE = "since"


def read(registry: Registry, value: str, os: OperatingSystem) -> dict[str, t.Any]:
    """What the note says; empty when there is none, when nobody can read it, or when Windows has started again since.

    :param os: as it is now.
    """
    try:
        found = json.loads(registry.string(KEY, value) or "")
        since = datetime.datetime.fromisoformat(found.pop(_SINCE))
        is_over = os.last_boot is not None and os.last_boot > since
    except (ValueError, TypeError, AttributeError, KeyError):
        return {}
    return {} if is_over else found


def write(registry: Registry, value: str, content: t.Mapping[str, t.Any], os: OperatingSystem, now: datetime.datetime) -> None:
    """Write it, or write it anew.

    :param now: the controller's clock, for a server that does not tell its own.
    """
    registry.create_key(KEY)
    registry.set_string(KEY, value, json.dumps({**content, _SINCE: (os.local_time or now).isoformat()}, sort_keys=True))


def erase(registry: Registry, value: str) -> None:
    """Take it away, if it is there."""
    registry.delete_value(KEY, value)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wait for what another process or thread brings about: long enough for a busy machine, and never for ever."""

from __future__ import annotations

import time
import typing as t


def wait_until(what: str, condition: t.Callable[[], object], *, seconds: float = 120, alive: t.Callable[[], object] | None = None) -> None:
    """Return as soon as it is so.

    :param what: for the message.
    :param alive: whether it may still come about, such as that a run has not ended.
    :raises AssertionError: it can no longer come about, or did not in so many seconds.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        # Looked at once more: it may have come about just before the end.
        assert alive is None or alive() or condition(), f"it can no longer come about: {what}"
        assert time.monotonic() < deadline, f"it did not come about in {seconds:g} seconds: {what}"
        time.sleep(0.02)

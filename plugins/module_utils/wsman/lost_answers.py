# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Writes whose answer gets lost: look before doing anything else."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import TransportError, WSManError

T = t.TypeVar("T")


def write_or_look(write: t.Callable[[], T], is_done: t.Callable[[], bool], result: T) -> T:
    """Carry out a write that sets something to a wanted state, and so may be done twice.

    :param write: raises TransportError when its answer is lost.
    :param is_done: reads whether the wanted state is there. When it is not, the write is repeated, once.
    :param result: what the write gives when it is done but its answer is lost.
    :raises TransportError: of the write, when nothing can be seen any more.
    """
    try:
        return write()
    except TransportError as error:
        if not error.request_may_have_run:
            raise
        try:
            seen = is_done()
        except WSManError:
            # What was lost is what matters, not that the server does not answer the question after it either.
            raise error from None
    return result if seen else write()

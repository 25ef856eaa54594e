# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Whole lists in few pages: what would save requests is asked for, and done without where the service does not do it.

Large pages ($top) are sent by peers; expanded navigations ($expand) are declared in the metadata; that either works on connectors and
connector groups is shown by nobody. So a refusal costs one request, is remembered for the rest of the task, and the plain list follows.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.messages import Answer, Body, Request
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.paging import NEXT, read_list, read_rest

TOP = 999
"""Items of a page that are asked for: the most that Graph gives anywhere (documented for directory objects)."""
LARGE_PAGES = f"$top={TOP}"
CEILINGS = frozenset({100, TOP})
"""Lengths at which a list may have been cut without a next link, so that the plain one is read as well: by C($top) where the service takes
that for a limit, as OData has it, and by C($expand) of directory objects ("a maximum of 100 objects", observed by their users)."""
UNSUPPORTED = frozenset({400, 404, 405, 501})
"""How the service may say that it does not know an option (inferred: it was not tried by anyone)."""
NOT_ENABLED = "OnPremisesPublishing_NotEnabled"
"""Before the first connector of a tenant is registered (practised by others): there is nothing to list."""
CUT = 20
"""Objects that an expanded navigation holds at most, without a next link (documented for directory objects; here inferred)."""


def read_whole(client: GraphClient, request: Request, *, expand: str = "") -> list[Body]:
    """All items of a list.

    :param expand: the navigation that each item is to hold. Whether it does, only the items tell.
    :raises GraphError: a page was refused, is no page, or the pages go round in a circle.
    """
    wanted = [option for option in (f"$expand={expand}" if expand else "", LARGE_PAGES) if option]
    for options in _attempts([option for option in wanted if option not in client.unsupported]):
        asked = _with(request, options)
        answer = client.exchange(asked)
        if _is_refused(answer):
            continue
        if not answer.ok:
            raise client.refused(asked, answer)
        client.unsupported.update(option for option in wanted if option not in options)
        items = read_rest(client, asked, answer)
        if len(items) not in CEILINGS:
            return items
        plain = read_list(client, request)
        if len(plain) == len(items):
            return items
        client.unsupported.update(options)
        return plain
    items = read_list(client, request)
    client.unsupported.update(wanted)
    return items


def whole_navigations(bodies: t.Sequence[Body], name: str) -> dict[str, list[Body]]:
    """The expanded navigation of each item, by the item's id, as far as it came and is whole.

    One with a next link is cut, and so may be one without: the longest ones, from C(CUT) objects on, are not taken for whole.
    """
    found = {str(body["id"]): body[name] for body in bodies if isinstance(body.get(name), list)}
    linked = {str(body["id"]) for body in bodies if body.get(f"{name}{NEXT}")}
    longest = max((len(items) for items in found.values()), default=0)
    cut = max(longest, CUT)
    return {key: items for key, items in found.items() if key not in linked and len(items) < cut}


def _attempts(options: t.Sequence[str]) -> t.Iterator[t.Sequence[str]]:
    """What to ask for, best first: all of it, then one thing on its own, the likelier one before. Then only the plain list is left."""
    if options:
        yield options
    if len(options) > 1:
        yield from ([one] for one in reversed(options))


def _is_refused(answer: Answer) -> bool:
    return answer.status in UNSUPPORTED and answer.code != NOT_ENABLED


def _with(request: Request, options: t.Sequence[str]) -> Request:
    return dataclasses.replace(request, url=f"{request.url}?{'&'.join(options)}")

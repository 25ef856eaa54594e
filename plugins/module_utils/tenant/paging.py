# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Collections, page by page: the server's next link is followed as it stands, and nothing else decides about pages."""

from __future__ import annotations

import dataclasses

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import GraphError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.messages import Answer, Body, Request

NEXT = "@odata.nextLink"


def read_list(client: GraphClient, request: Request) -> list[Body]:
    """All items of a collection.

    :raises GraphError: a page was refused, is no page, or the pages go round in a circle.
    """
    return read_rest(client, request, client.call(request))


def read_rest(client: GraphClient, request: Request, first: Answer) -> list[Body]:
    """All items of a collection whose first page is here already (from a batch). An empty page may be followed by a full one."""
    items = _items(request, first)
    seen: set[str] = set()
    link, page_id = first.body.get(NEXT), first.headers.get("request-id")
    while link:
        if link in seen:
            raise GraphError(
                request.operation, request.resource, message="the service's next links go round in a circle", request_id=page_id
            )
        seen.add(link)
        page_request = dataclasses.replace(request, url=str(link))
        page = client.call(page_request)
        items.extend(_items(page_request, page))
        link, page_id = page.body.get(NEXT), page.headers.get("request-id")
    return _once(items)


def _once(items: list[Body]) -> list[Body]:
    """The items without those that came before: a list that changes while it is read may show one on two of its pages."""
    first: dict[str, Body] = {}
    for number, item in enumerate(items):
        first.setdefault(str(item.get("id") or f"item {number}"), item)
    return list(first.values())


def _items(request: Request, page: Answer) -> list[Body]:
    value = page.body.get("value")
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise GraphError(
            request.operation,
            request.resource,
            status=page.status,
            message="the answer is no list: it has no 'value'",
            request_id=page.headers.get("request-id"),
        )
    return value

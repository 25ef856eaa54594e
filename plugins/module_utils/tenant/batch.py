# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""JSON batching: 20 requests in one, each answered and throttled on its own (documented, Graph "json-batching")."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import GraphError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.messages import UNANSWERED, UNAUTHORIZED, Answer, Body, Request
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.policies import RETRIES, pause_for

SIZE = 20
"""Most requests that a batch may hold (documented)."""

Numbered = dict[int, Request]


def run_reads(client: GraphClient, requests: t.Sequence[Request]) -> list[Answer]:
    """Answers in the order of the requests. What failed for the moment is asked again, in a new batch.

    :raises GraphError: a batch as a whole was refused or not answered.
    """
    return _run(client, requests, safe=True)


def run_writes(client: GraphClient, requests: t.Sequence[Request]) -> list[Answer]:
    """Answers in the order of the requests. Only what was surely not carried out, as when it was throttled, is sent again.

    The requests of one call must not depend on each other: the service may carry them out in any order.

    :raises GraphError: a batch was refused or not answered; with C(may_have_run) nobody knows which of its writes took effect.
    """
    return _run(client, requests, safe=False)


def _run(client: GraphClient, requests: t.Sequence[Request], *, safe: bool) -> list[Answer]:
    asked = dict(enumerate(requests))
    answers = _until_settled(client, asked, safe=safe)
    # The token may run out between the batch and its items.
    refused = {number: request for number, request in asked.items() if answers[number].status == UNAUTHORIZED}
    if refused and client.renew_token():
        answers |= _until_settled(client, refused, safe=safe)
    return [answers[number] for number in asked]


def _until_settled(client: GraphClient, waiting: Numbered, *, safe: bool) -> dict[int, Answer]:
    answers: dict[int, Answer] = {}
    attempt = 0
    while waiting:
        try:
            for chunk in _chunks(waiting):
                answers.update(_send(client, chunk, safe=safe))
        except GraphError as error:
            if safe or not attempt:
                raise
            # What was answered before stays so. What was sent again may have run by now.
            return answers | (dict.fromkeys(waiting, Answer(UNANSWERED)) if error.may_have_run else {})
        again = {number: waiting[number] for number in waiting if _again(answers[number], safe, attempt)}
        if not again or not client.deadline.pause(_pause([answers[number] for number in again], attempt)):
            break
        waiting = again
        attempt += 1
    return answers


def _chunks(waiting: Numbered) -> t.Iterator[Numbered]:
    numbers = sorted(waiting)
    for start in range(0, len(numbers), SIZE):
        yield {number: waiting[number] for number in numbers[start : start + SIZE]}


def _send(client: GraphClient, chunk: Numbered, *, safe: bool) -> dict[int, Answer]:
    if len(chunk) == 1:
        number, request = next(iter(chunk.items()))
        return {number: client.exchange(request)}
    first = next(iter(chunk.values()))
    body = {"requests": [_item(number, request) for number, request in chunk.items()]}
    envelope = Request("POST", "/$batch", first.operation, f"batch of {len(chunk)}", body)
    answer = client.exchange(envelope, safe=safe)
    if not answer.ok:
        raise client.refused(envelope, answer)
    responses = answer.body.get("responses")
    found = {str(item.get("id")): item for item in responses if isinstance(item, dict)} if isinstance(responses, list) else {}
    return {number: _answer(found.get(str(number)), request) for number, request in chunk.items()}


def _item(number: int, request: Request) -> Body:
    item: Body = {"id": str(number), "method": request.method, "url": request.url}
    if request.body is not None:
        item["headers"] = {"Content-Type": "application/json"}
        item["body"] = request.body
    return item


def _answer(item: Body | None, request: Request) -> Answer:
    """An item's answer. One that is missing is unanswered: whether it was carried out is not known."""
    if item is None or not isinstance(item.get("status"), int):
        return Answer(UNANSWERED)
    headers = item.get("headers") or {}
    body = item.get("body")
    return Answer(
        item["status"],
        body if isinstance(body, dict) else {},
        {str(name).lower(): str(value) for name, value in headers.items()},
        # A read without a body is broken; a write may well have none.
        broken=200 <= item["status"] < 300 and not isinstance(body, dict) and (request.reads or body not in (None, "")),
    )


def _again(answer: Answer, safe: bool, attempt: int) -> bool:
    """A throttled item is asked again until the deadline, another failure only so many times, a write only if it was not carried out."""
    return answer.throttled or (attempt < RETRIES and answer.transient and (safe or answer.undone))


def _pause(answers: t.Sequence[Answer], attempt: int) -> float:
    """The longest Retry-After of the items (documented), or the next pause of the backoff."""
    asked = [answer.retry_after for answer in answers if answer.retry_after is not None]
    return pause_for(max(asked, default=None), attempt)

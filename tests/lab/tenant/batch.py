# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON batching (graph.md 6.2, MS): at most 20 steps, unique ids, dependsOn, a status per step."""

from __future__ import annotations

import dataclasses
import typing as t
import urllib.parse

from tests.lab.tenant.errors import UnknownRequest, bad_request
from tests.lab.tenant.http import Answer, Document

MAX_STEPS = 20
KEYS = {"id", "method", "url", "headers", "body", "dependsOn"}


@dataclasses.dataclass(frozen=True)
class Step:
    """One request of a batch. `path` is below the version."""

    id: str
    method: str
    path: str
    query: str
    headers: t.Mapping[str, str]
    body: t.Any
    depends_on: tuple[str, ...]


def read(document: t.Any) -> list[Step]:
    """Read a batch. Raises GraphError when the batch as a whole is refused."""
    requests = document.get("requests") if isinstance(document, dict) else None
    if not isinstance(requests, list) or not requests:
        raise bad_request("Invalid batch payload format.")
    if len(requests) > MAX_STEPS:
        raise bad_request(f"Number of batch request steps exceeds the maximum value of {MAX_STEPS}.")
    steps = [_read_step(entry) for entry in requests]
    ids = [step.id.lower() for step in steps]
    if len(set(ids)) != len(ids):
        raise bad_request("Request Id has to be unique in a batch.")
    for step in steps:
        if any(name.lower() not in ids or name.lower() == step.id.lower() for name in step.depends_on):
            raise bad_request(f"Request '{step.id}' depends on a request that is not in the batch.")
    return steps


def run(steps: t.Sequence[Step], serve: t.Callable[[Step], Answer]) -> list[Document]:
    """Serve the steps, each after those it depends on; a lost answer is missing. Raises GraphError for a circle."""
    statuses: dict[str, int] = {}
    answers: list[Document] = []
    waiting = list(steps)
    while waiting:
        step = next((one for one in waiting if all(name.lower() in statuses for name in one.depends_on)), None)
        if step is None:
            raise bad_request("The requests of the batch depend on each other in a circle.")
        waiting.remove(step)
        failed = [name for name in step.depends_on if statuses[name.lower()] >= 400]
        answer = _failed_dependency(failed) if failed else serve(step)
        statuses[step.id.lower()] = answer.status
        if not answer.lost:
            answers.append(_write_step(step, answer))
    return answers


def _read_step(entry: t.Any) -> Step:
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) and entry[name] for name in ("id", "method", "url")):
        raise bad_request("Every request of a batch needs id, method and url.")
    unknown = sorted(set(entry) - KEYS)
    if unknown:
        raise UnknownRequest(400, "BadRequest", f"Invalid batch payload format: unknown property '{unknown[0]}'.")
    path, _mark, query = entry["url"].partition("?")
    if not path.startswith("/") or path.lower().startswith(("/beta/", "/v1.0/", "/$batch")):
        raise bad_request(f"The url of a batch request must be relative to the version root: '{entry['url']}'.")
    headers = {str(name).lower(): str(value) for name, value in (entry.get("headers") or {}).items()}
    path = urllib.parse.unquote(path)
    return Step(entry["id"], entry["method"].upper(), path, query, headers, entry.get("body"), tuple(entry.get("dependsOn") or ()))


def _write_step(step: Step, answer: Answer) -> Document:
    headers = {"Cache-Control": "no-cache", **answer.headers}
    if answer.raw is not None:
        return {"id": step.id, "status": answer.status, "headers": {**headers, "Content-Type": answer.media_type}, "body": answer.raw}
    if answer.document is not None:
        headers["Content-Type"] = "application/json"
    return {"id": step.id, "status": answer.status, "headers": headers, "body": answer.document}


def _failed_dependency(names: t.Sequence[str]) -> Answer:
    message = f"Following requests failed: {', '.join(names)}"
    return Answer(424, {"error": {"code": "FailedDependency", "message": message, "innerError": {}}})

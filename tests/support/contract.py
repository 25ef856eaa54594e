# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recorded exchanges with Graph against the OpenAPI slice: every request, every answer, every item of a $batch.

    lab.patch("/recording", {"on": True})
    ...
    contract.assert_conforms(lab.get("/exchanges"))

The fixture C(lab) does this for every test that uses it.
"""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import re
import typing as t
import urllib.parse

import jsonschema
import yaml
from jsonschema.exceptions import best_match

from tests.support.schemas import PREFIX, Converter, Schema, is_navigation

SLICE = pathlib.Path(__file__).resolve().parent.parent / "contract" / "onprem-publishing.openapi.yaml"
Exchange = t.Mapping[str, t.Any]
Mode = t.Literal["documented", "observed"]

DEVIATIONS = {
    "context": "One object carries @odata.context as well as a collection (OData JSON 4.01, 4.6.1; example of Microsoft's "
    "New-EntraBetaApplicationProxyConnectorGroup).",
    "skiptoken": "A next link is followed as it is, whatever its query (Microsoft Graph: paging).",
    "spelling": "connectorGroups('id') is connectorGroups/id; the profile's name ignores case (examples of Microsoft's pages).",
    "region": "A request may name any region: more were seen live than are documented (terraform-provider-microsoft365 PR 3213).",
    "navigation": "An expanded navigation may have a next link of its own (OData JSON 4.01, 4.6.11).",
}
"""What the lab does and the slice does not say, with its source. Nothing else is let pass."""

UNCHECKED = ("status", "status_after", "malformed")
"""Faults whose answer is what a test ordered."""
LOST = ("drop_before", "drop_after")


@dataclasses.dataclass(frozen=True)
class Operation:
    """One operation of the slice. C(parameters) are those of the query by name."""

    method: str
    template: str
    pattern: re.Pattern[str]
    proven: bool
    parameters: t.Mapping[str, Schema]
    request: Schema | None
    responses: t.Mapping[str, t.Mapping[str, t.Any]]

    def response(self, status: int, mode: Mode) -> t.Mapping[str, t.Any] | None:
        """Return what the slice says of an answer. Of several kinds of success only those of C(mode), where there are any."""
        stated = self.responses.get(str(status))
        if stated is None:
            return self.responses.get("default") if status >= 400 else None
        if status >= 300 or mode in _modes(stated) or not any(mode in _modes(self.responses[key]) for key in self.responses if key < "3"):
            return stated
        return None


def _modes(response: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    """Return for which modes an answer has evidence: x-evidence names them; without it the answer holds for both."""
    evidence = response.get("x-evidence")
    return tuple(mode for mode in t.get_args(Mode) if evidence is None or mode in evidence)


class Contract:
    """The slice, ready to check. C(deviations) exists so that a test can show what each of them is for."""

    def __init__(self, document: t.Mapping[str, t.Any], deviations: t.Collection[str] = tuple(DEVIATIONS)) -> None:
        self._document = document
        self._deviations = frozenset(deviations)
        schemas = document["components"]["schemas"]
        self._out = Converter(schemas, request=True, open_values="region" in deviations)
        self._in = Converter(schemas, request=False, annotations="navigation" in deviations)
        self._definitions = {True: self._out.definitions(), False: self._in.definitions()}
        self._validators: dict[tuple[int, bool], jsonschema.Draft202012Validator] = {}
        self.operations = [
            self._operation(method, template, methods)
            for template, methods in document["paths"].items()
            for method in methods
            if method != "parameters"
        ]

    def problems(self, exchange: Exchange) -> list[str]:
        """Return everything in which an exchange, and the exchanges in it if it is a $batch, departs from the slice."""
        what = f"#{exchange.get('seq', '?')} {exchange['method']} {exchange['path']}"
        operation = self._find(exchange["method"], exchange["path"])
        if operation is None:
            return [f"{what}: no such operation"]
        found = [*self._request_problems(operation, exchange), *self._response_problems(operation, exchange)]
        if operation.template == "/$batch" and exchange["status"] == 200 and exchange.get("fault") not in UNCHECKED and not found:
            found += self._batch_problems(exchange)
        return [f"{what}: {problem}" for problem in found]

    def _operation(self, method: str, template: str, methods: t.Mapping[str, t.Any]) -> Operation:
        value = methods[method]
        pattern = "".join("[^/$][^/]*" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]+\})", template))
        parameters = [self._resolve(parameter) for parameter in value.get("parameters", ())]
        return Operation(
            method=method.upper(),
            template=template,
            pattern=re.compile(pattern),
            proven=value["x-doc-status"] != "generated-only",
            parameters={parameter["name"]: parameter["schema"] for parameter in parameters if parameter["in"] == "query"},
            request=_json_schema(value.get("requestBody", {})),
            responses={status: self._resolve(response) for status, response in value["responses"].items()},
        )

    def _find(self, method: str, path: str) -> Operation | None:
        version, _slash, below = path[1:].partition("/")
        if "spelling" in self._deviations:
            below = re.sub(r"\('([^'/]*)'\)", r"/\1", below)
        found = [one for one in self.operations if one.method == method and one.pattern.fullmatch(f"/{below}")]
        # A literal path, such as applications/$count, comes before one with a key.
        return min(found, key=lambda one: one.template.count("{"), default=None) if version == "beta" else None

    def _request_problems(self, operation: Operation, exchange: Exchange) -> t.Iterator[str]:
        refused = exchange["status"] >= 400
        unproven = operation.template.endswith("/$count") and exchange.get("settings", {}).get("count") == "allowed"
        if not (operation.proven or unproven or refused):
            yield "nobody has shown that this operation works (x-doc-status: generated-only)"
        for name, value in exchange["query"]:
            if problem := self._parameter_problem(operation, name, value):
                yield f"query: {problem}"
        body = exchange["request_body"]
        if operation.request is None:
            if body is not None:
                yield "the request must not have a body"
            return
        if not _is_json(exchange["request_headers"].get("content-type")):
            yield "the request must have the content type application/json"
        yield from self._body_problems(operation.request, body, "request", request=True)

    def _parameter_problem(self, operation: Operation, name: str, value: str) -> str | None:
        if name == "$skiptoken" and "skiptoken" in self._deviations and "$top" in operation.parameters:
            return None
        schema = operation.parameters.get(name)
        if schema is None:
            return f"{name} is no parameter of this operation"
        if schema["type"] == "integer" and not value.isdigit():
            return f"{name} must be a number, not {value!r}"
        if schema["type"] == "boolean" and value not in ("true", "false"):
            return f"{name} must be true or false, not {value!r}"
        if name not in ("$select", "$expand"):
            return None
        known = self._properties(operation)
        allowed = {key for key, one in known.items() if name == "$select" or is_navigation(one)}
        unknown = [part for part in value.split(",") if part not in allowed]
        return f"{name} names what is not there: {', '.join(unknown)}" if unknown else None

    def _properties(self, operation: Operation) -> dict[str, Schema]:
        """Return the properties of the objects that an operation answers with."""
        schema = _json_schema(operation.responses["200"]) or {}
        properties = self._in.properties(schema["$ref"].removeprefix(PREFIX))
        if "value" in properties:
            return self._in.properties(properties["value"]["items"]["$ref"].removeprefix(PREFIX))
        return properties

    def _response_problems(self, operation: Operation, exchange: Exchange) -> t.Iterator[str]:
        if exchange.get("fault") in UNCHECKED:
            return
        status, body, mode = exchange["status"], exchange["response_body"], exchange.get("settings", {}).get("mode", "observed")
        stated = operation.response(status, mode)
        if stated is None:
            yield f"status {status} is not what is {mode}; the slice has {', '.join(operation.responses)}"
            return
        content = stated.get("content")
        if content is None:
            if body is not None:
                yield f"an answer with status {status} must not have a body"
            return
        (media_type,) = content
        if (exchange.get("media_type") or "").partition(";")[0].strip() != media_type:
            yield f"the answer must have the content type {media_type}, not {exchange.get('media_type')!r}"
        elif media_type != "application/json":
            body = int(body) if str(body).isdigit() else body
        if "context" in self._deviations and isinstance(body, dict):
            body = {name: value for name, value in body.items() if name != "@odata.context"}
        yield from self._body_problems(content[media_type]["schema"], body, f"answer {status}", request=False)

    def _body_problems(self, schema: Schema, body: t.Any, what: str, *, request: bool) -> t.Iterator[str]:
        key = (id(schema), request)
        if key not in self._validators:
            converted = (self._out if request else self._in).convert(schema)
            self._validators[key] = jsonschema.Draft202012Validator({**converted, "$defs": self._definitions[request]})
        error = best_match(self._validators[key].iter_errors(body))
        if error is not None:
            yield f"{what}: {error.json_path}: {error.message[:300]}"

    def _batch_problems(self, exchange: Exchange) -> t.Iterator[str]:
        answers = exchange["response_body"]["responses"]
        by_id = {answer.get("id"): answer for answer in answers}
        faults = exchange.get("item_faults", {})
        asked = {step["id"]: step for step in exchange["request_body"]["requests"]}
        if len(by_id) != len(answers) or set(by_id) - set(asked):
            yield "the answers of the batch do not belong to its requests"
            return
        for name, step in asked.items():
            if name in by_id:
                item = _item(exchange, step, by_id[name], faults.get(name))
                yield from (f"item {name}: {problem.partition(' ')[2]}" for problem in self.problems(item))
            elif faults.get(name) not in LOST:
                yield f"item {name} has no answer"

    def _resolve(self, value: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
        """Follow a reference to a parameter or a response."""
        if "$ref" not in value:
            return value
        found: t.Any = self._document
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return t.cast("t.Mapping[str, t.Any]", found)


def _item(exchange: Exchange, step: t.Mapping[str, t.Any], answer: t.Mapping[str, t.Any], fault: str | None) -> Exchange:
    """Return an item of a batch as the exchange that it stands for."""
    path, _mark, query = step["url"].partition("?")
    headers = {name.lower(): value for name, value in step.get("headers", {}).items()}
    return {
        "method": step["method"].upper(),
        "path": f"/beta{urllib.parse.unquote(path)}",
        "query": urllib.parse.parse_qsl(query, keep_blank_values=True),
        "request_headers": headers,
        "request_body": step.get("body"),
        "status": answer["status"],
        "media_type": {name.lower(): value for name, value in answer.get("headers", {}).items()}.get("content-type"),
        "response_body": answer.get("body"),
        "fault": fault,
        "settings": exchange.get("settings", {}),
    }


def _json_schema(holder: t.Mapping[str, t.Any]) -> Schema | None:
    """Return the schema of a JSON body, or None where there is no body."""
    content = holder.get("content", {}).get("application/json", {})
    return t.cast("Schema | None", content.get("schema"))


def _is_json(content_type: str | None) -> bool:
    return (content_type or "").partition(";")[0].strip().lower() == "application/json"


@functools.cache
def load() -> Contract:
    """Read the slice, once per process."""
    return Contract(read())


def read() -> dict[str, t.Any]:
    """Return the document as it is."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return t.cast("dict[str, t.Any]", yaml.load(SLICE.read_text(encoding="utf-8"), loader))


def assert_conforms(exchanges: t.Iterable[Exchange]) -> int:
    """Check every exchange and return how many there were.

    :raises AssertionError: with all departures, when there are any.
    """
    checked, found = 0, []
    for exchange in exchanges:
        checked += 1
        found += load().problems(exchange)
    assert not found, f"{len(found)} departures from the OpenAPI slice of Microsoft Graph:\n" + "\n".join(found[:50])
    return checked

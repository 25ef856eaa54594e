# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The schemas of an OpenAPI 3.0 document as JSON Schema, closed: a property that is not declared is an error."""

from __future__ import annotations

import typing as t

Schema = dict[str, t.Any]
Schemas = t.Mapping[str, Schema]

PREFIX = "#/components/schemas/"


class Converter:
    """Converts for one direction. What is read-only is no property of a request."""

    def __init__(self, schemas: Schemas, *, request: bool, annotations: bool = False, open_values: bool = False) -> None:
        """:param annotations: whether an answer may say of a navigation where its next page is (members@odata.nextLink).
        :param open_values: whether any text will do where more values were observed than are declared.
        """
        self._schemas = schemas
        self._request = request
        self._annotations = annotations
        self._open_values = open_values

    def definitions(self) -> dict[str, Schema]:
        """Return all named schemas, for the key $defs."""
        return {name: self.convert(schema) for name, schema in self._schemas.items()}

    def convert(self, schema: Schema) -> Schema:
        """Convert one schema; references become references into $defs."""
        plain = self._plain(schema)
        return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") else plain

    def properties(self, name: str) -> dict[str, Schema]:
        """Return the properties of a named schema as the document has them, those it inherits included."""
        properties: dict[str, Schema] = _flatten(self._schemas, self._schemas[name])["properties"]
        return properties

    def _plain(self, schema: Schema) -> Schema:
        if "$ref" in schema:
            return {"$ref": schema["$ref"].replace(PREFIX, "#/$defs/")}
        parts = schema.get("allOf", [])
        if len(parts) == 1 and "$ref" in parts[0] and "properties" not in schema:
            return self._plain(parts[0])
        if "discriminator" in schema:
            kinds = [{"$ref": reference.replace(PREFIX, "#/$defs/")} for reference in schema["discriminator"]["mapping"].values()]
            return {"anyOf": [*kinds, self._object(schema)]}
        if parts or schema.get("type") == "object":
            return self._object(schema)
        if schema.get("type") == "array":
            limits = {key: schema[key] for key in ("maxItems",) if key in schema}
            return {"type": "array", "items": self.convert(schema["items"]), **limits}
        if "enum" in schema:
            observed = schema.get("x-observed-values", {}).get("values", ())
            return {"type": "string"} if observed and self._open_values else {"enum": [*schema["enum"], *observed]}
        return {"type": schema["type"]} if "type" in schema else {}

    def _object(self, schema: Schema) -> Schema:
        whole = _flatten(self._schemas, schema)
        declared = {name: value for name, value in whole["properties"].items() if not (self._request and value.get("readOnly"))}
        properties = {name: self.convert(value) for name, value in declared.items()}
        if self._annotations:
            properties |= {f"{name}@odata.nextLink": {"type": "string"} for name, value in declared.items() if is_navigation(value)}
        more = whole["additionalProperties"]
        return {
            "type": "object",
            "properties": properties,
            "required": whole["required"],
            "additionalProperties": self.convert(more) if isinstance(more, dict) else more,
        }


def is_navigation(schema: Schema) -> bool:
    """Say whether a property leads to other objects: what $expand may name."""
    return bool(schema.get("x-ms-navigationProperty"))


def _flatten(schemas: Schemas, schema: Schema) -> Schema:
    """Merge an object schema with those it inherits from."""
    result: Schema = {"properties": {}, "required": [], "additionalProperties": False}
    for part in (*schema.get("allOf", ()), schema):
        if "$ref" in part:
            part = _flatten(schemas, schemas[part["$ref"].removeprefix(PREFIX)])
        elif part is not schema:
            part = _flatten(schemas, part)
        result["properties"] |= part.get("properties", {})
        result["required"] += part.get("required", [])
        result["additionalProperties"] = part.get("additionalProperties") or result["additionalProperties"]
    return result

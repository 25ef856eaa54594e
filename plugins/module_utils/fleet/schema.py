# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The JSON schema (draft 2020-12) over a declared fleet, its complaints in the words of the inventory."""

from __future__ import annotations

import functools
import json
import pathlib
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.fleet import model

if t.TYPE_CHECKING:
    import jsonschema

SCHEMA = pathlib.Path(__file__).with_name("fleet.schema.json")

# The variable behind each property of the schema, and where its value comes from when it is not set.
_VARIABLES = {
    "name": (model.NAME, "when unset: the name of the inventory group"),
    "region": (model.REGION, f"when unset: {model.INHERITED_REGION}, or the name of the region's inventory group"),
    "min_connectors": (model.MINIMUM, None),
    "applications": (model.APPLICATIONS, None),
    "machine_name": (model.MACHINE_NAME, None),
    "zone": (model.ZONE, None),
}


class SchemaUnavailable(Exception):
    """The library jsonschema is missing."""


def violations(document: t.Mapping[str, t.Any]) -> list[str]:
    """Every value that breaks the schema: inventory name, variable, value, rule.

    :param document: an object with C(groups), in the shape of the schema but for the values.
    :raises SchemaUnavailable: when jsonschema is not installed.
    """
    # One value can break two rules of its property (empty, and so too short); a person is told once.
    found = {tuple(error.absolute_path): error for error in _validator().iter_errors(document)}
    return [_sentence(document, error) for _path, error in sorted(found.items(), key=lambda item: [str(step) for step in item[0]])]


@functools.lru_cache(maxsize=1)
def _validator() -> jsonschema.Draft202012Validator:
    try:
        from jsonschema import Draft202012Validator
    except ImportError as error:
        raise SchemaUnavailable(
            f"the Python library jsonschema (4.18 or newer) is needed to check the declared fleet: {error}."
            " Install it for the interpreter that runs Ansible, such as with: pip install -r requirements.txt"
        ) from error
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _sentence(document: t.Mapping[str, t.Any], error: jsonschema.ValidationError) -> str:
    path = list(error.absolute_path)
    names = [step for step in path if step in _VARIABLES]
    if not names:
        return f"{'.'.join(str(step) for step in path)}: {error.message}"
    variable, origin = _VARIABLES[str(names[-1])]
    if path[-1] != names[-1]:
        variable = f"an entry of {variable}"
    shown = "null" if error.instance is None else repr(_plain(error.instance))
    origin_note = f" ({origin})" if origin else ""
    return f"{_where(document, path)}: {variable} is {shown}{origin_note}; it must be {_rule(error)}"


def _where(document: t.Mapping[str, t.Any], path: list[t.Any]) -> str:
    group = document["groups"][path[1]]
    if path[2] == "hosts":
        return f"host '{group['hosts'][path[3]]['name']}'"
    return f"inventory group '{group['inventory_group']}'"


def _rule(error: jsonschema.ValidationError) -> str:
    schema = error.schema
    return str(schema["description"]) if isinstance(schema, t.Mapping) and "description" in schema else error.message


def _plain(value: t.Any) -> t.Any:
    """Without the types that Ansible gives to text, whose repr is not for a person."""
    return str(value) if isinstance(value, str) else value

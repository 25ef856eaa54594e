# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds what modules return against what their RETURN documents: every key, its type, and whether it may be null."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import typing as t

CALLBACKS = pathlib.Path(__file__).resolve().parent.parent / "support" / "callbacks"
# What Ansible itself adds or documents for all modules.
OF_ANSIBLE = {"changed", "deprecations", "diff", "failed", "failed_when_result", "invocation", "msg", "warnings", "exception"}
TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "dict": (dict,),
    "float": (float, int),
    "int": (int,),
    "list": (list,),
    "str": (str,),
}

Documented = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Recorded:
    """What one task returned."""

    task: str
    module: str
    result: dict[str, t.Any]

    @property
    def told(self) -> bool:
        """Whether there is something to see; the result of a task with C(no_log) is not."""
        return "censored" not in self.result

    @property
    def failed(self) -> bool:
        return bool(self.result.get("failed"))


def recording(file: pathlib.Path) -> dict[str, str]:
    """The environment of a run that writes its results into C(file)."""
    return {
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "record_results",
        "APP_PROXY_RESULTS": str(file),
    }


def recorded(file: pathlib.Path, collection: str) -> list[Recorded]:
    """The results of the collection's own modules, by their short names."""
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    prefix = f"{collection}."
    return [
        Recorded(line["task"], line["action"].removeprefix(prefix), line["result"]) for line in lines if line["action"].startswith(prefix)
    ]


def complaints(one: Recorded, documented: Documented) -> list[str]:
    """Where a result departs from RETURN."""
    returned = {key: value for key, value in one.result.items() if key not in OF_ANSIBLE and not key.startswith("_ansible_")}
    return [f"{one.task}: {complaint}" for complaint in _complaints(returned, documented, one.module, failed=one.failed)]


def _complaints(returned: Documented, documented: Documented, where: str, *, failed: bool) -> t.Iterator[str]:
    yield from (f"{where}.{key} is returned and not documented" for key in returned if key not in documented)
    for key, page in documented.items():
        if key in OF_ANSIBLE:
            continue
        place = f"{where}.{key}"
        if key not in returned:
            if _is_due(page, failed):
                yield f"{place} is documented as returned {page['returned']!r} and is missing"
            continue
        yield from _value_complaints(returned[key], page, place, failed=failed)


def _value_complaints(value: t.Any, page: Documented, place: str, *, failed: bool) -> t.Iterator[str]:
    if value is None:
        if "V(null)" not in str(page["returned"]):
            yield f"{place} is null, and its documentation does not say when"
        return
    if not _is_a(value, page["type"]):
        yield f"{place} is {type(value).__name__}, documented as {page['type']}"
        return
    items = value if isinstance(value, list) else [value]
    for item in items:
        if page["type"] == "list" and not _is_a(item, page["elements"]):
            yield f"{place} has an element that is {type(item).__name__}, documented as {page['elements']}"
        elif isinstance(item, dict) and page.get("contains"):
            yield from _complaints(item, page["contains"], place, failed=failed)


def _is_due(page: Documented, failed: bool) -> bool:
    when = str(page["returned"])
    return when.startswith("always") or (when.startswith("success") and not failed)


def _is_a(value: t.Any, kind: str) -> bool:
    # In Python True is a number.
    return isinstance(value, TYPES[kind]) and (kind == "bool" or not isinstance(value, bool))

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of option plan_file against its documented schema."""

from __future__ import annotations

import copy
import json
import pathlib
import tempfile
import typing as t

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import plan_file
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredGroup
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.plan import propose
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import resolve
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import TenantState
from tests.support.lab_process import ROOT
from tests.unit.tenant.builders import proposal, tenant, want
from tests.unit.tenant.strategies import departures, possible, tenants

SCHEMA = json.loads((ROOT / "docs" / "plan_file.schema.json").read_text())
MODULES = SCHEMA["properties"]["module"]["enum"]


def written(module: str, plan: t.Mapping[str, t.Any]) -> t.Any:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "plan.json"
        plan_file.write(path, module, plan)
        return json.loads(path.read_text())


def test_the_schema_is_a_schema_and_knows_the_format_and_every_module_that_writes_such_a_file() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["format"]["const"] == plan_file.FORMAT
    files = (ROOT / "plugins" / "modules").glob("*.py")
    assert {f"entra.app_proxy.{one.stem}" for one in files if "\n  plan_file:\n" in one.read_text()} == set(MODULES)


@given(tenants(), departures(), st.booleans(), st.sampled_from(MODULES))
def test_the_file_of_any_plan_is_as_the_schema_says(state: TenantState, fleet: list[DesiredGroup], disruptive: bool, module: str) -> None:
    fleet = possible(fleet, state)
    plan = propose(resolve(fleet, state), state, allow_disruptive=disruptive).plan
    document = written(module, plan.as_dict())
    jsonschema.validate(document, SCHEMA)
    assert len(document["lines"]) == len(document["changes"]) == sum(document["counts"].values())


@pytest.mark.parametrize("spoil", ["format", "action", "change", "property", "reason"])
def test_the_schema_refuses_what_is_no_such_file(spoil: str) -> None:
    plan = proposal(tenant({"Web": ["WEB1"]}, default=["WEB2"]), want("Web", ["WEB2"])).plan
    document = copy.deepcopy(written(MODULES[0], plan.as_dict()))
    jsonschema.validate(document, SCHEMA)
    (change,) = document["changes"]
    if spoil == "format":
        document["format"] = 2
    elif spoil == "action":
        change["action"] = "explode"
    elif spoil == "change":
        change["data"] = {}
    elif spoil == "property":
        change["after"]["id"] = "g-1"
    else:
        del change["reason"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)

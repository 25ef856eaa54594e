# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option tables are the documentation: what one says, the other says, too."""

from __future__ import annotations

import importlib
import typing as t

import pytest
import yaml

from ansible_collections.entra.app_proxy.plugins.doc_fragments import tenant as fragment
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import options
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.options import Field

MODULES = {
    "application_connector_group": options.APPLICATION_CONNECTOR_GROUP,
    "application_info": options.APPLICATION_INFO,
    "connector_group": options.CONNECTOR_GROUP,
    "connector_groups": options.CONNECTOR_GROUPS,
    "debug_client": (),
    "connector_group_info": options.CONNECTOR_GROUP_INFO,
    "tenant_connector_info": options.TENANT_CONNECTOR_INFO,
    "tenant_probe": (),
    "registration_token": options.REGISTRATION_TOKEN,
}


def documented(text: str) -> dict[str, t.Any]:
    return t.cast(dict[str, t.Any], yaml.safe_load(text)["options"])


def shape(entries: dict[str, t.Any]) -> dict[str, t.Any]:
    """What a table and the documentation must have in common."""
    return {
        name: {
            "type": entry.get("type", "str"),
            "elements": entry.get("elements"),
            "required": bool(entry.get("required")),
            "default": entry.get("default"),
            "choices": entry.get("choices"),
            "options": shape(entry.get("suboptions") or entry.get("options") or {}),
        }
        for name, entry in entries.items()
    }


@pytest.mark.parametrize("name", MODULES)
def test_a_module_documents_its_table(name: str) -> None:
    module = importlib.import_module(f"ansible_collections.entra.app_proxy.plugins.modules.{name}")
    assert shape(documented(module.DOCUMENTATION)) == shape(options.argument_spec(MODULES[name]))


def test_the_fragment_documents_the_connection() -> None:
    assert shape(documented(fragment.ModuleDocFragment.DOCUMENTATION)) == shape(options.argument_spec(options.CONNECTION))


@pytest.mark.parametrize("field", [field for field in options.CONNECTION if field.env], ids=lambda field: str(field.option))
def test_every_environment_variable_is_documented(field: Field) -> None:
    assert f"E({field.env})" in "".join(documented(fragment.ModuleDocFragment.DOCUMENTATION)[field.option]["description"])


def test_plugins_read_the_same_environment_variables() -> None:
    declared = documented(fragment.ModuleDocFragment.PLUGIN)
    variables = {name: [entry["name"] for entry in option["env"]] for name, option in declared.items()}
    assert variables == {field.option: [field.env] for field in options.CONNECTION if field.env}


def test_secrets_are_kept_out_of_logs() -> None:
    fields = (*options.CONNECTION, *options.REGISTRATION_TOKEN)
    assert {field.option for field in fields if field.no_log} == {"client_secret", "certificate_password", "access_token", "value"}


def test_what_is_not_given_is_neither_sent_nor_compared() -> None:
    assert options.payload(options.GROUP, {"name": "Web", "region": None}) == {"name": "Web"}
    assert options.differing(options.GROUP, {"name": "web", "region": "nam"}, {"name": "Web", "region": None}) == []
    assert [field.option for field in options.differing(options.GROUP, {"region": None}, {"region": "eur"})] == ["region"]

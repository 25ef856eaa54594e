# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every role that asks the tenant hands over every option of the connection, each from the variable of its name.

The table of the options is what they are held against: YAML cannot be derived from it.
"""

from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.options import CONNECTION, Field

ROOT = pathlib.Path(__file__).resolve().parents[3]
GROUP = "group/entra.app_proxy.tenant"
REQUIRED = "tenant_id"
OF_A_SIGN_IN = ("tenant_id", "cloud", "authority", "ca_file", "proxy", "timeout", "request_timeout")
"""What counts for a user who signs in with a device code or the Azure CLI; the rest of the connection is about Graph."""


def _defaults(node: t.Any) -> t.Iterator[dict[str, t.Any]]:
    """The module defaults for the tenant, wherever they stand in a file."""
    if isinstance(node, dict):
        if GROUP in node.get("module_defaults", {}):
            yield node["module_defaults"][GROUP]
        for value in node.values():
            yield from _defaults(value)
    elif isinstance(node, list):
        for item in node:
            yield from _defaults(item)


def _found() -> dict[str, dict[str, t.Any]]:
    files = sorted([*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/*.yml")])
    blocks = {file.relative_to(ROOT).as_posix(): list(_defaults(yaml.safe_load(file.read_text()))) for file in files}
    return {f"{name} {number}": block for name, found in blocks.items() for number, block in enumerate(found)}


BLOCKS = _found()
ROLES = sorted({name.split("/")[1] for name in BLOCKS if name.startswith("roles/")})


def _variable(field: Field) -> str:
    name = f"app_proxy_{field.option}"
    return f"{{{{ {name} }}}}" if field.option == REQUIRED else f"{{{{ {name} | default(omit) }}}}"


@pytest.mark.parametrize("name", BLOCKS)
def test_every_option_of_the_connection_is_handed_over(name: str) -> None:
    assert BLOCKS[name] == {field.option: _variable(field) for field in CONNECTION}


@pytest.mark.parametrize("role", ROLES)
def test_the_role_documents_these_variables_as_the_table_has_them(role: str) -> None:
    specs = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    documented = {name: entry for spec in specs.values() for name, entry in spec.get("options", {}).items()}
    for field in CONNECTION:
        entry = documented[f"app_proxy_{field.option}"]
        assert entry.get("type", "str") == field.type, field.option
        assert tuple(entry.get("choices", ())) == field.choices, field.option
        assert bool(entry.get("no_log")) == bool(field.no_log), field.option
        assert bool(entry.get("required")) == (field.option == REQUIRED), field.option


def test_the_registration_token_is_asked_for_where_the_tenant_is() -> None:
    tasks = yaml.safe_load((ROOT / "roles/connector/tasks/register.yml").read_text())
    (asked,) = (task["entra.app_proxy.registration_token"] for task in tasks if "entra.app_proxy.registration_token" in task)
    needed = [field for field in CONNECTION if field.option in OF_A_SIGN_IN]
    assert {name: asked[name] for name in OF_A_SIGN_IN} == {field.option: _variable(field) for field in needed}

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option tables of the modules of this part are their documentation."""

from __future__ import annotations

import importlib
import typing as t

import pytest
import yaml

from ansible_collections.entra.app_proxy.plugins.module_utils.host import claim, restart
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import guard_options, options

TABLES = {
    "connector_group_guard": options.argument_spec(guard_options.GUARD),
    "connector_drain": options.argument_spec(guard_options.DRAIN),
    "connector_claim": claim.CLAIM.argument_spec(),
    "server_restart": restart.RESTART.argument_spec(),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_module_documents_its_table(name: str) -> None:
    module = importlib.import_module(f"ansible_collections.entra.app_proxy.plugins.modules.{name}")
    assert _shape(yaml.safe_load(module.DOCUMENTATION)["options"]) == _shape(TABLES[name])


def _shape(entries: dict[str, t.Any]) -> dict[str, t.Any]:
    return {
        name: {
            "type": entry.get("type", "str"),
            "elements": entry.get("elements"),
            "required": bool(entry.get("required")),
            "default": entry.get("default"),
            "choices": entry.get("choices"),
            "options": _shape(entry.get("suboptions") or entry.get("options") or {}),
        }
        for name, entry in entries.items()
    }

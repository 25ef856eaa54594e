# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The declared fleet: from the inventory's tree and variables to groups, mistakes and the wishes for the tenant. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.fleet import model, rules, schema, structure
from ansible_collections.entra.app_proxy.plugins.module_utils.fleet.values import HostValues, Reader, member


def hosts_of(tree: model.Tree, root: str) -> list[str]:
    """The hosts whose variables C(read) needs."""
    places = structure.read(tree, root).places
    return list(dict.fromkeys(host for place in places for host in place.hosts))


def read(tree: model.Tree, values: HostValues, root: str = model.ROOT) -> model.Fleet:
    """The fleet below the inventory group C(root), with every mistake at once.

    :param values: host name to its variables (model.GROUP_VARIABLES and HOST_VARIABLES), as far as they are set.
    :raises schema.SchemaUnavailable: when the library jsonschema is not installed.
    """
    shape = structure.read(tree, root)
    reader = Reader(tree, values, shape.places)
    groups = [reader.group(place) for place in shape.places]
    errors = [*shape.errors, *reader.errors, *schema.violations({"groups": groups}), *rules.errors(groups)]
    return {
        "groups": t.cast("list[model.Group]", groups),
        "errors": list(dict.fromkeys(errors)),
        "warnings": list(dict.fromkeys([*shape.warnings, *reader.warnings, *rules.warnings(groups)])),
        "summary": [_line(group) for group in groups],
    }


NOT_ASKED = "another run, perhaps: this one has not asked the server (--limit)"


def desired(fleet: t.Mapping[str, t.Any], values: HostValues) -> list[dict[str, t.Any]]:
    """The option C(groups) of module connector_groups.

    Where this run has asked servers who works on them, those that it has not asked (C(--limit)) may be another run's.

    :param values: host name to its variables, of which the facts C(connector_member) and C(connector_claimed_by) count.
    """
    asked = any(model.CLAIMED_BY in values.get(host["name"], {}) for group in fleet["groups"] for host in group["hosts"])
    unasked = NOT_ASKED if asked else ""
    return [
        {
            "name": group["name"],
            "region": group["region"],
            "min_connectors": group["min_connectors"],
            "applications": list(group["applications"]),
            "connectors": [_connector(host, values.get(host["name"], {}), unasked) for host in group["hosts"]],
        }
        for group in fleet["groups"]
    ]


def _connector(host: t.Mapping[str, t.Any], values: model.Values, unasked: str) -> dict[str, t.Any]:
    """One host as module connector_groups takes it. What the server said of itself counts more than what was declared.

    :param unasked: who may work on it, where it was not asked.
    """
    learnt = member(values)
    connector = {"name": host["name"], "machine_name": learnt.get("machine_name") or host["machine_name"]}
    if learnt.get("id"):
        connector["id"] = learnt["id"]
    if learnt.get("pending"):
        connector["pending"] = True
    if learnt.get("arrived"):
        connector["arrived"] = True
    if learnt.get("serving"):
        connector["serving"] = True
    if claimed_by := values.get(model.CLAIMED_BY, unasked):
        connector["claimed"] = str(claimed_by)
    if host.get("zone"):
        connector["zone"] = host["zone"]
    return connector


def _line(group: t.Mapping[str, t.Any]) -> str:
    hosts = ", ".join(host["name"] for host in group["hosts"]) or "no hosts"
    applications = group["applications"] if isinstance(group["applications"], list) else []
    assigned = f"; applications: {', '.join(str(name) for name in applications)}" if applications else ""
    return f"{group['name']} ({group['region']}): {hosts}{assigned}"

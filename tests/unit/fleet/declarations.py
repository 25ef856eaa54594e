# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small fleet as plain data, to be spoilt by the tests."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.fleet import fleet, model

Groups = t.Mapping[str, t.Sequence[str]]


def tree(regions: t.Mapping[str, Groups], **own: t.Mapping[str, t.Any]) -> dict[str, model.Node]:
    """An inventory from regions of groups of hosts; keywords give the own variables of an inventory group."""
    nodes = {"connectors": _node(children=list(regions))}
    for region, groups in regions.items():
        nodes[region] = _node(children=list(groups), parents=["connectors"])
        for name, hosts in groups.items():
            known = nodes.setdefault(name, _node(hosts=list(hosts)))
            known["parents"].append(region)
    for name, variables in own.items():
        nodes[name]["vars"].update(variables)
    return nodes


def read(nodes: t.Mapping[str, model.Node], **host_values: t.Mapping[str, t.Any]) -> model.Fleet:
    """The fleet. A host sees the variables of its groups, then those given under its name (- written as _)."""
    values: dict[str, dict[str, t.Any]] = {host: {} for host in fleet.hosts_of(nodes, "connectors")}
    for host, seen in values.items():
        for name in _groups_of(nodes, host):
            seen.update(nodes[name]["vars"])
        seen.update(host_values.get(host.replace("-", "_"), {}))
    return fleet.read(nodes, values)


def _groups_of(nodes: t.Mapping[str, model.Node], host: str) -> list[str]:
    """The groups of a host, outermost first."""
    found = [name for name, node in nodes.items() if host in node["hosts"]]
    for name in found:
        found.extend(parent for parent in nodes[name]["parents"] if parent not in found)
    return found[::-1]


def _node(
    children: t.Sequence[str] = (), parents: t.Sequence[str] = (), hosts: t.Sequence[str] = (), own: t.Mapping[str, t.Any] | None = None
) -> model.Node:
    return {"children": list(children), "parents": list(parents), "hosts": list(hosts), "vars": dict(own or {})}

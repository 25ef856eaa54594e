# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What the variables of the inventory say of each connector group. Pure."""

from __future__ import annotations

import collections
import ipaddress
import re
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.fleet import model
from ansible_collections.entra.app_proxy.plugins.module_utils.fleet.model import Unreadable, Values
from ansible_collections.entra.app_proxy.plugins.module_utils.fleet.structure import Place
from ansible_collections.entra.app_proxy.plugins.module_utils.service import MINIMUM

HostValues = t.Mapping[str, Values]


class Reader:
    """Reads groups one after the other and gathers the mistakes in C(errors) and C(warnings)."""

    def __init__(self, tree: model.Tree, values: HostValues, places: t.Iterable[Place]) -> None:
        """:param values: host name to its variables (those of the model); a variable that is not set is missing from it."""
        self._tree = tree
        self._values = values
        self._memberships = collections.Counter(host for place in places for host in place.hosts)
        self.errors: list[str] = []
        self.warnings: list[str] = []

    def group(self, place: Place) -> dict[str, t.Any]:
        """The group as declared, in the shape of the schema; what is wrong with its values is for the schema to say."""
        values = self._readable(f"inventory group '{place.inventory_group}'", self._group_values(place))
        inherited = values.get(model.INHERITED_REGION, place.region_group)
        return {
            "inventory_group": place.inventory_group,
            "name": values.get(model.NAME, place.inventory_group),
            "region": values.get(model.REGION, inherited),
            "min_connectors": _number(values.get(model.MINIMUM, MINIMUM)),
            "applications": values.get(model.APPLICATIONS, []),
            "hosts": [self._host(host) for host in place.hosts],
        }

    def _group_values(self, place: Place) -> Values:
        """The variables of a group, read through its first host, so that templates are resolved and parents' values inherited.

        A host in two groups is passed over: what it sees may come from the other group.
        """
        hosts = [host for host in place.hosts if self._memberships[host] == 1]
        if not hosts:
            own = self._tree[place.inventory_group]["vars"]
            return {name: own[name] for name in model.GROUP_VARIABLES if name in own}
        first, *others = hosts
        self._note_disagreement(place, first, others)
        return {name: value for name, value in self._values.get(first, {}).items() if name in model.GROUP_VARIABLES}

    def _note_disagreement(self, place: Place, first: str, others: list[str]) -> None:
        missing = object()
        for name in model.GROUP_VARIABLES:
            expected = self._values.get(first, {}).get(name, missing)
            for host in others:
                if self._values.get(host, {}).get(name, missing) != expected:
                    self.errors.append(
                        f"inventory group '{place.inventory_group}': {name} is not the same for hosts '{first}' and '{host}';"
                        " it belongs to the connector group: set it on the inventory group, not on a host"
                    )
                    break

    def _host(self, host: str) -> dict[str, t.Any]:
        values = self._readable(f"host '{host}'", {k: v for k, v in self._values.get(host, {}).items() if k in model.HOST_VARIABLES})
        learnt = {"id": str(member(values)["id"])} if member(values).get("id") else {}
        return {"name": host, "machine_name": self._machine_name(host, values), "zone": _zone(values.get(model.ZONE)), **learnt}

    def _machine_name(self, host: str, values: Values) -> t.Any:
        learnt = member(values).get("machine_name")
        declared = values.get(model.MACHINE_NAME)
        if not learnt:
            return declared if model.MACHINE_NAME in values else self._default_machine_name(host)
        if isinstance(declared, str) and declared.casefold() != str(learnt).casefold():
            self.warnings.append(f"host '{host}': {model.MACHINE_NAME} is '{declared}', but the server calls itself '{learnt}'")
        return learnt

    def _default_machine_name(self, host: str) -> str:
        """Computer names are upper case and without a domain; an address tells none."""
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return host.partition(".")[0].upper()
        self.errors.append(
            f"host '{host}' is named by its address, from which its computer name cannot be told: set {model.MACHINE_NAME},"
            " or name it in the inventory and give the address as ansible_host"
        )
        return host

    def _readable(self, where: str, values: Values) -> dict[str, t.Any]:
        for name, value in values.items():
            if isinstance(value, Unreadable):
                self.errors.append(f"{where}: variable {name} cannot be read: {value.reason}")
        return {name: value for name, value in values.items() if not isinstance(value, Unreadable)}


def member(values: Values) -> Values:
    """The fact that role connector leaves behind: machine_name, id, pending, serving. Empty when the role did not get that far."""
    found = values.get(model.MEMBER)
    return found if isinstance(found, t.Mapping) else {}


def _number(value: t.Any) -> t.Any:
    """INI inventories, and templates before ansible-core 2.19, know only text."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,4}", value) else value


def _zone(value: t.Any) -> t.Any:
    """Zones are often numbers (Azure: 1, 2, 3); they are names all the same."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What is declared: connector groups with their connectors and applications. Read from options, checked, no I/O."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.service import folded
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import DesiredError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.rules import READ_ONLY

GUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)
CONNECTOR_KEYS = {"arrived", "claimed", "id", "machine_name", "name", "pending", "serving", "zone"}


@dataclasses.dataclass(frozen=True)
class DesiredConnector:
    """A connector by its id, its machine name, or both; the id decides.

    :param name: the name of its host in the inventory, for reports.
    :param zone: its failure domain, such as a data centre.
    :param serving: its server says that it is registered, and that its service is not stopped.
    :param pending: check mode would register this host now: it is taken for a new, active connector in the Default group.
    :param arrived: this run has registered it, so that it is in the Default group on its way only.
    :param claimed: who works on its server, for a person; its connector may go down at any moment. None = nobody else.
    """

    id: str | None = None
    machine_name: str | None = None
    name: str | None = None
    pending: bool = False
    zone: str | None = None
    serving: bool = False
    claimed: str | None = None
    arrived: bool = False

    @property
    def label(self) -> str:
        return self.machine_name or self.name or self.id or ""

    @property
    def is_on_its_way(self) -> bool:
        """Whether no application of the Default group has ever had to count on it."""
        return self.arrived or self.pending


@dataclasses.dataclass(frozen=True)
class DesiredGroup:
    """A connector group as declared. None = not managed: the group keeps what it has.

    :param id: the group's id, which then decides which group is meant; C(name) is what it shall be called.
    :param remove_connectors: these leave the group, for Default, as far as they are in it.
    :param only_connectors: all others leave it.
    :param remove_applications: these stop using the group, and fall back to Default.
    :param only_applications: all others do.
    :param must_exist: it is not created.
    :param absent: it is deleted, once it is empty.
    """

    name: str
    region: str | None = None
    connectors: tuple[DesiredConnector, ...] | None = None
    applications: tuple[str, ...] | None = None
    min_connectors: int = 2
    id: str | None = None
    remove_connectors: tuple[DesiredConnector, ...] = ()
    only_connectors: bool = False
    remove_applications: tuple[str, ...] = ()
    only_applications: bool = False
    must_exist: bool = False
    absent: bool = False

    @property
    def named_connectors(self) -> tuple[DesiredConnector, ...]:
        """Every connector that the declaration names."""
        return (*(self.connectors or ()), *self.remove_connectors)

    @property
    def named_applications(self) -> tuple[str, ...]:
        """Every application that the declaration names."""
        return (*(self.applications or ()), *self.remove_applications)


def read_groups(options: t.Sequence[t.Mapping[str, t.Any]]) -> list[DesiredGroup]:
    """The declared groups from the module's options.

    :raises DesiredError: with every mistake at once, each under the group it stands in.
    """
    reasons: list[str] = []
    groups = [_read_group(option, reasons) for option in options]
    reasons.extend(_twice("connector group", ((group.id or group.name, group.name) for group in groups)))
    reasons.extend(_half_told_apart(groups))
    reasons.extend(_twice("connector", _uses(groups, lambda group: [_identity(one) for one in group.connectors or ()])))
    reasons.extend(_twice("application", _uses(groups, lambda group: list(group.applications or ()))))
    if reasons:
        raise DesiredError(reasons)
    return groups


def _read_group(option: t.Mapping[str, t.Any], reasons: list[str]) -> DesiredGroup:
    name = str(option["name"]).strip()
    if not name:
        reasons.append("a connector group has an empty name")
    minimum = option.get("min_connectors")
    if minimum is not None and minimum < 0:
        reasons.append(f"group {name}: min_connectors is {minimum}; it counts connectors")
    connectors = option.get("connectors")
    applications = option.get("applications")
    identifier = _text(option, "id")
    return DesiredGroup(
        name=name,
        id=identifier,
        must_exist=identifier is not None,
        region=(option.get("region") or "").strip() or None,
        connectors=None if connectors is None else _read_connectors(connectors, name, reasons),
        applications=None if applications is None else _read_applications(applications),
        min_connectors=2 if minimum is None else minimum,
    )


def read_group(option: t.Mapping[str, t.Any]) -> DesiredGroup:
    """The one group that the options of the module connector_group declare.

    :raises DesiredError: with every mistake at once.
    """
    identifier = _text(option, "id")
    shown = _text(option, "name") or identifier or ""
    reasons: list[str] = []
    connectors, applications = option.get("connectors") or {}, option.get("applications") or {}
    reasons.extend(_contradiction("connectors", connectors))
    reasons.extend(_contradiction("applications", applications))
    listed = connectors["set"] if connectors.get("set") is not None else connectors.get("add")
    users = applications["set"] if applications.get("set") is not None else applications.get("add")
    base = _read_group({**option, "name": shown, "connectors": listed, "applications": users}, reasons)
    group = dataclasses.replace(
        base,
        name=_text(option, "name") or "",
        id=identifier,
        remove_connectors=_read_connectors(connectors.get("remove") or (), shown, reasons),
        only_connectors=connectors.get("set") is not None,
        remove_applications=_read_applications(applications.get("remove") or ()),
        only_applications=applications.get("set") is not None,
        must_exist=identifier is not None,
        absent=option.get("state") == "absent",
    )
    if group.absent and (group.named_connectors or group.named_applications):
        reasons.append("state=absent: of connectors and applications only an empty set can be declared, which empties the group first")
    reasons.extend(_twice("connector", ((_identity(one), shown) for one in group.named_connectors)))
    reasons.extend(_twice("application", ((one, shown) for one in group.named_applications)))
    if reasons:
        raise DesiredError(reasons)
    return group


def _half_told_apart(groups: t.Sequence[DesiredGroup]) -> list[str]:
    """Groups of one name, of which not each is declared by its id."""
    by_name = {folded(group.name): group.name for group in groups if not group.id}
    return [
        f"connector group {group.name} is declared by its id ({group.id}) and once more without one: give each its id"
        for group in groups
        if group.id and folded(group.name) in by_name
    ]


def _contradiction(option: str, value: t.Mapping[str, t.Any]) -> list[str]:
    if value.get("set") is not None and (value.get("add") is not None or value.get("remove") is not None):
        return [f"{option}: set says everything already, so it cannot stand beside add or remove"]
    return []


def _read_connectors(values: t.Sequence[t.Any], group: str, reasons: list[str]) -> tuple[DesiredConnector, ...]:
    return tuple(_read_connector(one, group, reasons) for one in values)


def _read_applications(values: t.Sequence[t.Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(one).strip() for one in values))


def _read_connector(value: t.Any, group: str, reasons: list[str]) -> DesiredConnector:
    if isinstance(value, str) and value.strip():
        text = value.strip()
        return DesiredConnector(id=text) if GUID.match(text) else DesiredConnector(machine_name=text)
    if not isinstance(value, dict):
        reasons.append(f"group {group}: a connector is given by its id, its machine name or a dictionary, not by {value!r}")
        return DesiredConnector()
    unknown = sorted(set(value) - CONNECTOR_KEYS - set(READ_ONLY))
    if unknown:
        reasons.append(f"group {group}: unknown key(s) of a connector: {', '.join(unknown)}; known: {', '.join(sorted(CONNECTOR_KEYS))}")
    connector = DesiredConnector(
        id=_text(value, "id"),
        machine_name=_text(value, "machine_name"),
        name=_text(value, "name"),
        pending=_flag(value.get("pending")),
        zone=_text(value, "zone"),
        serving=_flag(value.get("serving")),
        claimed=_text(value, "claimed"),
        arrived=_flag(value.get("arrived")),
    )
    if not connector.id and not connector.machine_name:
        reasons.append(f"group {group}: a connector needs an id or a machine_name: {value!r}")
    return connector


def _text(value: t.Mapping[str, t.Any], key: str) -> str | None:
    return str(value[key]).strip() or None if value.get(key) is not None else None


def _flag(value: t.Any) -> bool:
    """A boolean, also from the text that a template made of it."""
    return value if isinstance(value, bool) else folded(str(value)) in ("true", "yes", "1")


def _identity(connector: DesiredConnector) -> str:
    return connector.id or connector.machine_name or ""


def _uses(groups: t.Iterable[DesiredGroup], named: t.Callable[[DesiredGroup], list[str]]) -> t.Iterator[tuple[str, str]]:
    for group in groups:
        for name in named(group):
            yield name, group.name


def _twice(kind: str, uses: t.Iterable[tuple[str, str]]) -> list[str]:
    """One sentence for each thing declared more than once: a connector and an application are in exactly one group."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, group in uses:
        if name:
            found.setdefault(folded(name), []).append((name, group))
    return [
        f"{kind} {places[0][0]} is declared {len(places)} times" + _places(kind, places) for places in found.values() if len(places) > 1
    ]


def _places(kind: str, places: t.Sequence[tuple[str, str]]) -> str:
    if kind == "connector group":
        return " (names are compared without case)"
    return f": in {', '.join(group for _name, group in places)}"

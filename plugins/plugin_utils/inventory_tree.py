# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The inventory's structure and variables as plain data. The one place that reads Ansible's inventory object.

Ansible gives templates only flattened groups (C(groups)): neither parents nor children nor a group's own variables. The
variable C(hostvars) holds the inventory manager in a private attribute, seen in ansible-core 2.16 to 2.21. When a later
one hides it, this file is what has to learn the new way.
"""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError, AnsibleFilterError
from jinja2 import Undefined, UndefinedError

from ansible_collections.entra.app_proxy.plugins.module_utils.fleet.model import Node, Unreadable

_TEMPLATE_MARKS = ("{{", "{%")
_WITHOUT_BRACES = str.maketrans("", "", "{}%")


def tree(hostvars: t.Any) -> dict[str, Node]:
    """Return every inventory group by name.

    :param hostvars: Ansible's variable of that name.
    :raises AnsibleFilterError: when that is something else, or Ansible no longer lets the inventory be seen there.
    """
    groups = getattr(getattr(hostvars, "_inventory", None), "groups", None)
    if groups is None:
        raise AnsibleFilterError(
            "The structure of the inventory cannot be read: the filter needs Ansible's own variable hostvars"
            f" (hostvars | entra.app_proxy.fleet) and was given {type(hostvars).__name__} without an inventory."
            " If it was hostvars, this ansible-core is newer than this collection knows: update the collection."
        )
    return {str(name): _node(group) for name, group in groups.items()}


def variables(hostvars: t.Mapping[str, t.Any], host: str, names: t.Iterable[str]) -> dict[str, t.Any]:
    """Return those of the named variables that are set for a host, templated, as plain values.

    One that cannot be templated is returned as L(Unreadable).
    """
    found = hostvars[host]
    return {name: _value(found, name) for name in names if name in found}


def _node(group: t.Any) -> Node:
    return {
        "children": [str(child.name) for child in group.child_groups],
        "parents": [str(parent.name) for parent in group.parent_groups],
        "hosts": [str(host.name) for host in group.hosts],
        "vars": {str(name): _plain(value) for name, value in group.get_vars().items()},
    }


def _value(found: t.Mapping[str, t.Any], name: str) -> t.Any:
    try:
        value = _plain(found[name])
    except (AnsibleError, UndefinedError) as error:
        return Unreadable(str(error))
    unresolved = _unresolved(value)
    if unresolved is not None:
        # Without the marks: a message that holds them would be taken for a template itself.
        return Unreadable(f"'{unresolved.translate(_WITHOUT_BRACES).strip()}' could not be resolved (is a variable in it not set?)")
    return value


def _unresolved(value: t.Any) -> str | None:
    """Return the first template in a value; ansible-core before 2.19 leaves one alone that it cannot resolve here."""
    if isinstance(value, str):
        return value if any(mark in value for mark in _TEMPLATE_MARKS) else None
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for part in parts if (found := _unresolved(part)) is not None), None)


def _plain(value: t.Any) -> t.Any:
    """Without Ansible's own types, whose parts are templated when they are looked at, and whose repr is not for a person."""
    if isinstance(value, Undefined):
        # ansible-core 2.19 and newer hand it over, and raise when it is looked at.
        raise UndefinedError(value._undefined_message)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, t.Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value

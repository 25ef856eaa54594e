# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Variables that count for a run as a whole, and that an inventory may all the same set for some of its hosts only. Pure."""

from __future__ import annotations

import typing as t

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def disagreements(values: t.Mapping[str, t.Mapping[str, t.Any]], defaults: t.Mapping[str, t.Any]) -> list[str]:
    """One sentence for each variable of which the hosts have different values.

    :param values: host name to its variables, as far as they are set.
    :param defaults: the variables in question, each with the value of a host that does not set it.
    """
    return [sentence for name, default in defaults.items() if (sentence := _disagreement(name, default, values))]


def _disagreement(name: str, default: t.Any, values: t.Mapping[str, t.Mapping[str, t.Any]]) -> str:
    examples: dict[str, str] = {}
    for host, variables in values.items():
        examples.setdefault(_shown(variables.get(name, default), default), host)
    if len(examples) < 2:
        return ""
    listed = ", ".join(f"{host} has {value}" for value, host in examples.items())
    return (
        f"{name} counts for the whole run, and is not the same for all of its servers: {listed}. Set it for all of them, or with -e, or"
        " run for those alone that agree"
    )


def _shown(value: t.Any, default: t.Any) -> str:
    """As text, since that is what -e name=value and INI inventories make of it."""
    text = str(value).strip().casefold()
    if not isinstance(default, bool):
        return text
    return "true" if text in _TRUE else "false" if text in _FALSE else text

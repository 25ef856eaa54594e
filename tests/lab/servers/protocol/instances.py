# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing CIM instances and method results as XML, in the forms that Server 2012 was recorded with [REAL]."""

from __future__ import annotations

import datetime
import typing as t
from xml.sax.saxutils import escape

from tests.lab.servers.protocol import soap

Value = None | str | int | bool | datetime.datetime | t.Sequence[str | int]
Properties = t.Mapping[str, Value]


def typed(class_name: str, uri: str, properties: Properties) -> str:
    """`SELECT *`, Get: a typed element with properties in the class's namespace [REAL]."""
    inner = "".join(_property(f"p:{name}", value, "cim:") for name, value in properties.items())
    names = f'xmlns:xsi="{soap.XSI}" xmlns:p="{uri}" xmlns:cim="{soap.CIM}"'
    return f'<p:{class_name} {names} xsi:type="p:{class_name}_Type">{inner}</p:{class_name}>'


def fragment(properties: Properties) -> str:
    """`SELECT a, b`: an XmlFragment with properties in no namespace [REAL]."""
    inner = "".join(_property(name, value, "") for name, value in properties.items())
    return f'<w:XmlFragment xmlns:xsi="{soap.XSI}" xmlns:w="{soap.WSMAN}">{inner}</w:XmlFragment>'


def output(method: str, uri: str, results: Properties) -> str:
    """Result of a method: `<p:Method_OUTPUT>` with ReturnValue last [REAL, EnumKey; nil for an unset output INF]."""
    inner = "".join(_property(f"p:{name}", value, "cim:") for name, value in results.items())
    return f'<p:{method}_OUTPUT xmlns:xsi="{soap.XSI}" xmlns:p="{uri}" xmlns:cim="{soap.CIM}">{inner}</p:{method}_OUTPUT>'


def _property(name: str, value: Value, prefix: str) -> str:
    if value is None:
        return f'<{name} xsi:nil="true"/>'
    if isinstance(value, bool):
        return f"<{name}>{'true' if value else 'false'}</{name}>"
    if isinstance(value, datetime.datetime):
        return f"<{name}><{prefix}Datetime>{_moment(value)}</{prefix}Datetime></{name}>"
    if isinstance(value, (str, int)):
        return f"<{name}>{escape(str(value))}</{name}>"
    return "".join(f"<{name}>{escape(str(item))}</{name}>" for item in value)


def _moment(value: datetime.datetime) -> str:
    """UTC with Z; fraction of 0, 3 or 6 digits were recorded: as many as are needed."""
    text = value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    if not value.microsecond:
        return f"{text}Z"
    fraction = f"{value.microsecond:06d}"
    return f"{text}.{fraction[:3] if fraction.endswith('000') else fraction}Z"

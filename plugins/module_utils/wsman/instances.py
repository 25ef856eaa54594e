# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""CIM instances as plain dictionaries, and the typed reading of their values.

A reply does not tell an array of one from a scalar: only the reader knows. So a value is text, None (xsi:nil), or a list of
these when its element was repeated, and the helpers below read either form.
"""

from __future__ import annotations

import datetime as dt
import re
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.reply import local
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import ProtocolError

Value: t.TypeAlias = "str | None | list[str | None]"
Instance: t.TypeAlias = "dict[str, Value]"

_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
# Characters of a wrong value that a message shows.
_SHOWN = 40
_MOMENT = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)T(?P<time>\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d+))?(?P<offset>Z|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)
# DOC: DSP0004. Asterisks stand for what is not known; the offset is in minutes.
_DMTF_MOMENT = re.compile(r"(?P<moment>[\d*]{14})\.(?P<fraction>\d{0,6}\**)(?<=\.[\d*]{6})(?P<sign>[+-])(?P<minutes>\d{3}|\*{3})")
# DOC: DSP0230. A datetime of which only the day, or only the time of day, is known (cim:Date, cim:Time).
_PART_OF_A_MOMENT = re.compile(r"(?:\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d(?:\.\d+)?)(?:Z|[+-]\d\d:?\d\d)?", re.IGNORECASE)


def instance_from(element: ET.Element) -> Instance:
    """Typed form (C(p:Win32_Service)), fragment (C(w:XmlFragment)) or method output: all alike, by local name."""
    instance: Instance = {}
    for prop in element:
        name, value = local(prop), _value(prop)
        if name not in instance:
            instance[name] = value
            continue
        known = instance[name]
        if isinstance(known, list):
            known.append(value)
        else:
            instance[name] = [known, value]
    return instance


def text(instance: Instance, name: str) -> str | None:
    """The text, or None when the property is absent or null. An empty text stays one. Of an array, the first."""
    value = instance.get(name)
    return (value[0] if value else None) if isinstance(value, list) else value


def values(instance: Instance, name: str) -> list[str]:
    """An array's items without nulls; empty when absent or null."""
    value = instance.get(name)
    items = value if isinstance(value, list) else [value]
    return [item for item in items if item is not None]


def number(instance: Instance, name: str) -> int | None:
    """A whole number of any size; unsigned 64-bit values come as decimal text (REAL). None when absent, null or empty."""
    raw = (text(instance, name) or "").strip()
    if not raw:
        return None
    try:
        return int(raw)
    except ValueError as error:
        raise ProtocolError(f"the server sent {name}={raw!r} where a number belongs") from error


def octets(instance: Instance, name: str) -> bytes:
    """An array of bytes, an element for each; empty when absent, null or one element without content."""
    items = values(instance, name)
    if items == [""]:
        return b""
    data = bytearray()
    for item in items:
        try:
            data.append(int(item))
        except ValueError as error:
            raise ProtocolError(f"the server sent {name}={item[:_SHOWN]!r} where a number from 0 to 255 belongs") from error
    return bytes(data)


def flag(instance: Instance, name: str) -> bool | None:
    """C(true)/C(false); None when absent, null or empty."""
    raw = (text(instance, name) or "").strip().lower()
    if not raw:
        return None
    if raw in ("true", "1"):
        return True
    if raw in ("false", "0"):
        return False
    raise ProtocolError(f"the server sent {name}={raw!r} where true or false belongs")


def moment(instance: Instance, name: str) -> dt.datetime | None:
    """A point in time, aware, in UTC; None when absent, null or empty, or when more than a fraction of a second of it is not known.

    Recorded fractions have 0, 3 and 6 digits (REAL); more are cut to microseconds. A text without an offset is taken as UTC. The form of
    the DMTF (C(20130415162843.488171-240)) is what WMI has inside, and reads alike.
    """
    raw = (text(instance, name) or "").strip()
    if not raw:
        return None
    match = _MOMENT.fullmatch(raw) or _DMTF_MOMENT.fullmatch(raw)
    if _PART_OF_A_MOMENT.fullmatch(raw) or (match is not None and match.re is _DMTF_MOMENT and "*" in match["moment"]):
        return None
    if match is None:
        raise ProtocolError(f"the server sent {name}={raw[:_SHOWN]!r} where a date and time belongs")
    try:
        return _moment(match) if match.re is _MOMENT else _dmtf_moment(match)
    except (ValueError, OverflowError) as error:
        raise ProtocolError(f"the server sent {name}={raw!r}, which is no date") from error


def _moment(match: re.Match[str]) -> dt.datetime:
    fraction = (match["fraction"] or "")[:6].ljust(6, "0")
    offset = (match["offset"] or "Z").upper().replace("Z", "+0000").replace(":", "")
    aware = dt.datetime.strptime(f"{match['date']}T{match['time']}.{fraction}{offset}", "%Y-%m-%dT%H:%M:%S.%f%z")
    return aware.astimezone(dt.timezone.utc)


def _dmtf_moment(match: re.Match[str]) -> dt.datetime:
    fraction, minutes = (match[name].replace("*", "0") for name in ("fraction", "minutes"))
    offset = dt.timedelta(minutes=int(match["sign"] + minutes))
    found = dt.datetime.strptime(f"{match['moment']}.{fraction}", "%Y%m%d%H%M%S.%f").replace(tzinfo=dt.timezone(offset))
    return found.astimezone(dt.timezone.utc)


def _value(prop: ET.Element) -> str | None:
    if prop.get(_NIL, "").strip().lower() in ("true", "1"):
        return None
    if len(prop):
        # A date stands in a child element (cim:Datetime); an embedded object is not used and shown as its texts.
        return "".join(prop.itertext()).strip()
    return prop.text or ""

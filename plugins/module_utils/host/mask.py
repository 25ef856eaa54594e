# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Take out of a text what tells whose server it is, so that it can be shown to others. Pure."""

from __future__ import annotations

import ipaddress
import re
import typing as t

_GUID = re.compile(r"\{?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?")
_THUMBPRINT = re.compile(r"\b[0-9a-fA-F]{40}\b")
_USER_FOLDER = re.compile(r"(?i)(\\users\\)[^\\\"]+")
# Of an endpoint or a proxy, whatever its name, with what may stand before it. What is masked already stays as it is.
_HOST = re.compile(r"(?i)\b(https?://)(?:[^/\s@]*@)?(?:\[[^]/\s]+\]|[^/\s\"':,;()]+)")


class Mask:
    """Masks ids, thumbprints, the hosts of URLs, the folders of users, and these words with the domains that they are in.

    :param words: names; case does not matter. One letter alone is no name.
    """

    def __init__(self, words: t.Iterable[str]) -> None:
        given = [word.strip() for word in words]
        named = {word for word in [*given, *map(_domain, given)] if len(word) > 1}
        names = sorted(named, key=len, reverse=True)
        self._words = re.compile("|".join(re.escape(word) for word in names), re.IGNORECASE) if names else None

    def of(self, value: t.Any) -> t.Any:
        """The same value, of JSON types, without them; keys of dictionaries are texts, too."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, t.Mapping):
            return {self._text(str(key)): self.of(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.of(item) for item in value]
        return value

    def _text(self, text: str) -> str:
        text = _USER_FOLDER.sub(r"\1(user)", _THUMBPRINT.sub("(thumbprint)", _GUID.sub("(guid)", text)))
        text = _HOST.sub(r"\1(host)", text)
        return text if self._words is None else self._words.sub("(name)", text)


def _domain(name: str) -> str:
    """Of a full name; empty for a single label, for one below a top-level domain, and for an address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        domain = name.partition(".")[2]
        return domain if "." in domain else ""
    return ""

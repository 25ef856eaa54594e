# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Blotting values out of a text that came from elsewhere."""

from __future__ import annotations

import typing as t

BLOT = "********"
# Any piece of a value as long as this is blotted out, so that a cut or wrapped token does not show half of itself.
PIECE = 12
# Shorter values would blot out half the language.
SHORTEST = 4


def redacted(text: str, values: t.Iterable[t.Any]) -> str:
    """The text without these values, or any piece of them of 12 characters; line breaks put into a value do not save it.

    :param values: strings, or lists and mappings of them; other things are no secrets.
    """
    places = [index for index, character in enumerate(text) if not character.isspace()]
    compact = "".join(text[index] for index in places)
    covered: set[int] = set()
    for value in _strings(values):
        covered |= _occurrences(compact, "".join(value.split()))
    return _blotted(text, {places[index] for index in covered})


def _strings(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, t.Mapping):
        yield from _strings(list(value.values()))
    elif isinstance(value, t.Iterable):
        for item in value:
            yield from _strings(item)


def _occurrences(text: str, value: str) -> set[int]:
    if len(value) < SHORTEST:
        return set()
    size = min(PIECE, len(value))
    pieces = {value[start : start + size] for start in range(len(value) - size + 1)}
    starts = [start for start in range(len(text) - size + 1) if text[start : start + size] in pieces]
    return {index for start in starts for index in range(start, start + size)}


def _blotted(text: str, covered: set[int]) -> str:
    parts: list[str] = []
    open_blot = False
    for index, character in enumerate(text):
        if index in covered:
            if not open_blot:
                parts.append(BLOT)
            open_blot = True
            continue
        if open_blot and character.isspace() and _continues(text, index, covered):
            continue
        open_blot = False
        parts.append(character)
    return "".join(parts)


def _continues(text: str, index: int, covered: set[int]) -> bool:
    following = next((place for place in range(index, len(text)) if not text[place].isspace()), None)
    return following is not None and following in covered

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mapping whose every version stays as it is, cheaply: what makes a history of 50,000 objects affordable."""

from __future__ import annotations

import collections.abc
import typing as t

Value = t.TypeVar("Value")

SIZE = 256
"""Slots of a chunk. A write copies one chunk and the list of chunks: about the square root of 50,000 each."""


class _Gone:
    """Stands in the slot of a removed object, so that the places of the others stay."""


_GONE = _Gone()
_Slot = tuple[str, t.Any]
_Chunk = tuple[_Slot, ...]


class Table(collections.abc.Mapping[str, Value]):
    """Objects by key, in the order of their arrival. put() and remove() return a new version and leave this one alone.

    Only one line of versions may be kept: all of them share the dictionary of places, in which a key has one place.
    """

    __slots__ = ("_chunks", "_count", "_end", "_places")

    def __init__(self, items: t.Iterable[tuple[str, Value]] = ()) -> None:
        slots: list[_Slot] = list(dict(items).items())
        self._chunks: tuple[_Chunk | None, ...] = tuple(tuple(slots[start : start + SIZE]) for start in range(0, len(slots), SIZE))
        self._places = {key: place for place, (key, _value) in enumerate(slots)}
        self._end = len(slots)
        self._count = len(slots)

    def put(self, key: str, value: Value) -> Table[Value]:
        """Return a version with this object, in the place of the one with the same key or at the end."""
        place = self._place(key)
        if place is not None:
            return self._with(place, (key, value), self._count + (self._slot(place)[1] is _GONE))
        self._places[key] = self._end
        whole, rest = (self._chunks[:-1], self._chunks[-1]) if self._end % SIZE else (self._chunks, ())
        chunks = (*whole, (*(rest or ()), (key, value)))
        return self._version(chunks, self._end + 1, self._count + 1)

    def remove(self, key: str) -> Table[Value]:
        """Return a version without this object. Raises KeyError."""
        place = self._place(key)
        if place is None or self._slot(place)[1] is _GONE:
            raise KeyError(key)
        return self._with(place, (key, _GONE), self._count - 1)

    def scan(self, start: int = 0) -> t.Iterator[tuple[int, Value]]:
        """Yield place and object from place `start` on. A place never changes, whatever comes and goes."""
        for number in range(start // SIZE, len(self._chunks)):
            first = number * SIZE
            for offset, (_key, value) in enumerate(self._chunks[number] or ()):
                if value is not _GONE and first + offset >= start:
                    yield first + offset, value

    def __getitem__(self, key: str) -> Value:
        place = self._place(key)
        value = _GONE if place is None else self._slot(place)[1]
        if value is _GONE:
            raise KeyError(key)
        return t.cast("Value", value)

    def __iter__(self) -> t.Iterator[str]:
        for chunk in self._chunks:
            for key, value in chunk or ():
                if value is not _GONE:
                    yield key

    def __len__(self) -> int:
        return self._count

    def _place(self, key: str) -> int | None:
        """Return the place of a key in this version: a younger version may know a place that this one does not have."""
        place = self._places.get(key)
        if place is None or place >= self._end or self._chunks[place // SIZE] is None or self._slot(place)[0] != key:
            return None
        return place

    def _slot(self, place: int) -> _Slot:
        chunk = self._chunks[place // SIZE]
        assert chunk is not None
        return chunk[place % SIZE]

    def _with(self, place: int, slot: _Slot, count: int) -> Table[Value]:
        number, offset = divmod(place, SIZE)
        old = self._chunks[number]
        assert old is not None
        chunk: _Chunk | None = (*old[:offset], slot, *old[offset + 1 :])
        if slot[1] is _GONE and len(old) == SIZE and all(value is _GONE for _key, value in chunk or ()):
            chunk = None  # nothing is left of a full chunk: scanning steps over it
        return self._version((*self._chunks[:number], chunk, *self._chunks[number + 1 :]), self._end, count)

    def _version(self, chunks: tuple[_Chunk | None, ...], end: int, count: int) -> Table[Value]:
        version: Table[Value] = Table.__new__(Table)
        version._chunks, version._places, version._end, version._count = chunks, self._places, end, count
        return version

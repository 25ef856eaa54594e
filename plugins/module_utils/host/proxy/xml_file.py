# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Small edits of an XML file that leave every other byte as it is: comments, spaces, quotes, encoding, byte order mark.

Parsers of the standard library lose comments and layout when they write. So expat only finds the places, and the edits are
made in the text itself.
"""

from __future__ import annotations

import codecs
import dataclasses
import re
import typing as t
from xml.parsers import expat

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DECLARED = re.compile(rb"""^<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_NAME = re.compile(r"<[^\s/>]+")
_ATTRIBUTE = re.compile(r"""\s+([^\s=/>]+)\s*=\s*("[^"]*"|'[^']*')""")
_TAG_END = re.compile(r"\s*/?>")
_INDENT = "  "
_REFERENCES = {"&": "&amp;", "<": "&lt;", '"': "&quot;", "'": "&apos;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}


class XmlError(Exception):
    """The file is not XML, or XML of a kind that is not edited."""


@dataclasses.dataclass
class Element:
    """One element and its place in the text: C(start) to C(tag_end) is its start tag, C(end) is behind its end tag.

    :param name: without a prefix.
    """

    name: str
    attributes: dict[str, str]
    start: int
    tag_end: int = 0
    content_end: int = 0
    end: int = 0
    children: list[Element] = dataclasses.field(default_factory=list)

    def child(self, name: str) -> Element | None:
        """Its first child of that name."""
        return next((child for child in self.children if child.name == name), None)

    @property
    def closed(self) -> bool:
        """Written as one tag, C(<a/>)."""
        return self.tag_end == self.end


@dataclasses.dataclass
class XmlFile:
    """The text of one file. Edits change C(text); C(root) is read anew after each.

    :param bom: the byte order mark, to be written again.
    """

    text: str
    encoding: str
    bom: bytes

    @classmethod
    def decoded(cls, content: bytes) -> XmlFile:
        """:raises XmlError: when the bytes do not fit the encoding, or the text is not well-formed."""
        bom, encoding = next(((bom, name) for bom, name in _BOMS if content.startswith(bom)), (b"", ""))
        body = content[len(bom) :]
        declared = _DECLARED.match(body)
        encoding = encoding or (declared[1].decode() if declared else "utf-8")
        try:
            text = body.decode(encoding)
            same = text.encode(encoding) == body
        except (UnicodeError, LookupError) as error:
            raise XmlError(f"it cannot be read as {encoding}: {error}") from error
        if not same:
            raise XmlError(f"it cannot be written again as {encoding} without other changes")
        # Well-formed, or an error now.
        _Reader(text).read()
        return cls(text, encoding, bom)

    def encoded(self) -> bytes:
        """Characters that the file's encoding does not have become character references."""
        return self.bom + self.text.encode(self.encoding, "xmlcharrefreplace")

    @property
    def root(self) -> Element:
        """:raises XmlError: when the text is not well-formed or has a document type."""
        return _Reader(self.text).read()

    def set_attribute(self, element: Element, name: str, value: str | None) -> None:
        """Write, add or (None) remove one attribute; the others stay as they are."""
        position = _match(_NAME, self.text, element.start).end()
        while (match := _ATTRIBUTE.match(self.text, position)) is not None:
            if match[1] == name:
                written = "" if value is None else f'{self.text[match.start() : match.start(2)]}"{_escaped(value)}"'
                self._splice(match.start(), match.end(), written)
                return
            position = match.end()
        if value is not None:
            self._splice(position, position, f' {name}="{_escaped(value)}"')

    def insert(self, parent: Element, tag: str, after: Element | None = None) -> None:
        """Put an element, written as one tag, into C(parent): first of all, or behind the child C(after)."""
        if parent.closed:
            self._open(parent)
            parent = next(element for element in _all(self.root) if element.start == parent.start)
        position = parent.tag_end if after is None else after.end
        follows = re.compile(r"[ \t]*\r?\n").match(self.text, position)
        if follows is None:
            # Something else stands on this line: no layout to go on with.
            self._splice(position, position, tag)
            return
        indent = self._indent(parent.children[0].start) if parent.children else None
        if indent is None:
            indent = (self._indent(parent.start) or "") + _INDENT
        self._splice(position, position, f"{self._newline}{indent}{tag}")

    def remove(self, element: Element) -> None:
        """Take an element away, with its line when nothing else stands on that."""
        before = re.compile(r"(\r?\n)[ \t]*$").search(self.text, 0, element.start)
        alone = before is not None and re.compile(r"[ \t]*\r?\n").match(self.text, element.end) is not None
        start = before.start() if before is not None and alone else element.start
        self._splice(start, element.end, "")

    def is_bare(self, element: Element) -> bool:
        """Has neither attributes nor content, not even a comment."""
        return not element.attributes and not self.text[element.tag_end : element.content_end].strip()

    def _open(self, element: Element) -> None:
        """Make C(<a></a>) of C(<a/>), on two lines when it stands alone on its own."""
        end_of_tag = re.compile(r"\s*/>$").search(self.text, element.start, element.tag_end)
        if end_of_tag is None:
            raise XmlError("an empty element does not end as one")
        name = _match(_NAME, self.text, element.start)[0][1:]
        indent = self._indent(element.start)
        alone = indent is not None and re.compile(r"[ \t]*(\r?\n|$)").match(self.text, element.end) is not None
        line = f"{self._newline}{indent}" if alone else ""
        self._splice(end_of_tag.start(), element.tag_end, f">{line}</{name}>")

    def _indent(self, position: int) -> str | None:
        """The spaces before a place when nothing but spaces stands before it on its line; None otherwise."""
        line = self.text[self.text.rfind("\n", 0, position) + 1 : position]
        return line if not line.strip(" \t") else None

    @property
    def _newline(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    def _splice(self, start: int, end: int, text: str) -> None:
        self.text = self.text[:start] + text + self.text[end:]


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._data = text.encode("utf-8", "surrogatepass")
        self._open: list[Element] = []
        self._root: Element | None = None
        self._parser = expat.ParserCreate("utf-8")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._doctype

    def read(self) -> Element:
        try:
            self._parser.Parse(self._data, True)
        except expat.ExpatError as error:
            raise XmlError(f"it is not well-formed: {error}") from error
        if self._root is None:
            raise XmlError("it holds no element")
        return self._root

    def _position(self) -> int:
        # expat counts bytes of UTF-8; the edits count characters.
        return len(self._data[: self._parser.CurrentByteIndex].decode("utf-8", "surrogatepass"))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        start = self._position()
        element = Element(name.rpartition(":")[2], attributes, start, tag_end=_tag_end(self._text, start))
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element
        self._open.append(element)

    def _end(self, _name: str) -> None:
        element = self._open.pop()
        if self._text[element.tag_end - 2] == "/":
            element.content_end = element.end = element.tag_end
            return
        element.content_end = self._position()
        element.end = self._text.index(">", element.content_end) + 1

    def _doctype(self, *_declaration: t.Any) -> None:
        raise XmlError("it has a document type declaration, and such files are not edited")


def _tag_end(text: str, start: int) -> int:
    position = _match(_NAME, text, start).end()
    while (match := _ATTRIBUTE.match(text, position)) is not None:
        position = match.end()
    return _match(_TAG_END, text, position).end()


def _match(pattern: re.Pattern[str], text: str, position: int) -> re.Match[str]:
    match = pattern.match(text, position)
    if match is None:
        raise XmlError(f"no tag where one was found, at character {position}")
    return match


def _all(element: Element) -> t.Iterator[Element]:
    yield element
    for child in element.children:
        yield from _all(child)


def _escaped(value: str) -> str:
    return "".join(_REFERENCES.get(character, character) for character in value)

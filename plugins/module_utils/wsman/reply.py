# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Replies: from bytes to the SOAP body, refusing what a Windows server never sends. Elements are found by local name."""

from __future__ import annotations

import codecs
import re
import sys
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import ProtocolError

_BEFORE = "\ufeff \t\r\n"
# DOC: XML 1.0, 2.2 Characters.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCE = re.compile(r"&#(?:x(?P<hexadecimal>[0-9A-Fa-f]{1,8})|(?P<decimal>[0-9]{1,8}));")


class _NoDoctype(ET.TreeBuilder):
    def doctype(self, name: str, pubid: str, system: str) -> t.NoReturn:
        # Entities can only be declared in a document type; SOAP 1.2 forbids one, and nobody honest sends it.
        raise ProtocolError("the server's reply declares a document type, which a WS-Management reply never does; it was refused")


def parse(data: bytes | str) -> ET.Element:
    """The root element. White space and a byte order mark before it are passed over.

    :raises ProtocolError: not well-formed XML, or with a document type (the door to entity attacks).
    """
    parser = ET.XMLParser(target=_NoDoctype())
    try:
        parser.feed(data.lstrip(_BEFORE) if isinstance(data, str) else data.removeprefix(codecs.BOM_UTF8).lstrip())
        root: ET.Element = parser.close()
    except (ET.ParseError, ValueError, LookupError) as error:
        # The last two: an encoding that the parser does not know.
        shown = data if isinstance(data, str) else data[:200].decode("utf-8", "replace")
        excerpt = " ".join(shown[:200].split())
        raise ProtocolError(f"the server's reply is not XML ({error}): {excerpt or 'it is empty'}") from error
    return root


def without_forbidden(text: str) -> str:
    """Text of XML without the characters that XML 1.0 forbids, written out or as references: some programs put them into it as they are."""
    return _FORBIDDEN.sub("", _REFERENCE.sub(lambda found: found[0] if _may_stand(found) else "", text))


def _may_stand(reference: re.Match[str]) -> bool:
    code = int(reference["hexadecimal"], 16) if reference["hexadecimal"] else int(reference["decimal"])
    return code <= sys.maxunicode and _FORBIDDEN.match(chr(code)) is None


def local(element: ET.Element) -> str:
    """The name without its namespace."""
    return element.tag.rsplit("}", 1)[-1]


def child(parent: ET.Element | None, name: str) -> ET.Element | None:
    """The first child of that local name."""
    if parent is None:
        return None
    return next((element for element in parent if local(element) == name), None)


def descendants(parent: ET.Element, name: str) -> list[ET.Element]:
    """All elements below of that local name, in document order."""
    return [element for element in parent.iter() if element is not parent and local(element) == name]


def stripped(element: ET.Element | None) -> str:
    """An element's own text without white space around it; empty when there is no element."""
    return (element.text or "").strip() if element is not None else ""


def body(root: ET.Element) -> ET.Element:
    """The SOAP body.

    :raises ProtocolError: there is none.
    """
    found = child(root, "Body")
    if local(root) != "Envelope" or found is None:
        raise ProtocolError(f"the server's reply is not a SOAP envelope but <{local(root)}>")
    return found


def check_relates_to(root: ET.Element, message_id: str) -> None:
    """Refuse the answer to another message. Some real replies have no RelatesTo at all: those pass (REAL).

    :raises ProtocolError: the reply names another message.
    """
    relates_to = stripped(child(child(root, "Header"), "RelatesTo"))
    if not relates_to:
        return
    if relates_to.lower().removeprefix("uuid:") != message_id.lower():
        raise ProtocolError(f"the server's reply belongs to another message ({relates_to}); the connection was closed")

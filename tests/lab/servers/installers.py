# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's installer executable: a file that starts with MZ and says in JSON what it installs. Not a real program."""

from __future__ import annotations

import dataclasses
import json
import struct

from tests.lab.servers.state.products import ENTRA, GENERATIONS, Generation, version_key

MARK = b"\n--- entra.app_proxy lab installer ---\n"
SIZE = 300 * 1024
"""Filled up to this size, so that a transfer takes several messages; the real one has some megabytes."""
MICROSOFT = "CN=Microsoft Corporation, O=Microsoft Corporation, L=Redmond, S=Washington, C=US"
STATUSES = ("Valid", "NotSigned", "HashMismatch", "NotTrusted", "UnknownError")
"""Values of Get-AuthenticodeSignature's Status [DOC]."""


@dataclasses.dataclass(frozen=True)
class Installer:
    """What an installer file installs and how it is signed."""

    generation: Generation
    version: str
    signer: str | None
    signature_status: str


def make(
    *,
    version: str = "1.5.4892.0",
    generation: str = ENTRA.name,
    signer: str | None = MICROSOFT,
    signature_status: str = "Valid",
) -> bytes:
    """Return the bytes of an installer. `signer`: subject of its certificate. Raises ValueError for what does not exist."""
    if generation not in GENERATIONS:
        raise ValueError(f"unknown generation {generation!r}; known: {', '.join(GENERATIONS)}")
    if signature_status not in STATUSES:
        raise ValueError(f"unknown signature status {signature_status!r}; known: {', '.join(STATUSES)}")
    version_key(version)
    fields = {"generation": generation, "version": version, "signer": signer, "signature_status": signature_status}
    head = (
        b"MZ\x90\x00This program cannot be run in DOS mode."
        + _version_resource(version)
        + MARK
        + json.dumps(fields, sort_keys=True).encode()
        + b"\n"
    )
    return head + b"\0" * (SIZE - len(head))


def _version_resource(version: str) -> bytes:
    """VS_FIXEDFILEINFO, what every Windows program carries of its version [DOC, winver.h]."""
    major, minor, build, private = (*version_key(version), 0, 0, 0)[:4]
    return struct.pack("<IIHHHH", 0xFEEF04BD, 0x00010000, minor, major, private, build)


def parse(content: bytes) -> Installer | None:
    """Return what an installer file says, or None for any other file."""
    head, found, rest = content.partition(MARK)
    if not found or not head.startswith(b"MZ"):
        return None
    fields = json.loads(rest.partition(b"\n")[0])
    return Installer(GENERATIONS[fields["generation"]], fields["version"], fields["signer"], fields["signature_status"])

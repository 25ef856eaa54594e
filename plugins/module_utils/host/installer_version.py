# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Which version an installer holds, asked before anything is installed: for C(state=latest)."""

from __future__ import annotations

import pathlib
import struct
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_source import Source, bring, check_controller_file, inspect
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server

# VS_FIXEDFILEINFO (winver.h): signature 0xFEEF04BD, structure version 1.0, then the file version as two 32-bit numbers.
_SIGNATURE = struct.pack("<II", 0xFEEF04BD, 0x00010000)
_VERSION = struct.Struct("<HHHH")


def file_version(content: bytes) -> str | None:
    """The file version in a Windows executable; None when it has none. The first one is the program's own."""
    start = content.find(_SIGNATURE)
    data = content[start + len(_SIGNATURE) :][: _VERSION.size] if start >= 0 else b""
    if len(data) < _VERSION.size:
        return None
    minor, major, private, build = _VERSION.unpack(data)
    return f"{major}.{minor}.{build}.{private}"


def offered_version(server: Server, source: Source, windows_directory: str, timeout: float, check_mode: bool) -> tuple[str | None, str]:
    """The installer's version, and when there is none why.

    An installer that the server downloads is not downloaded in check mode.

    :param timeout: seconds for bringing it.
    """
    if source.file is not None:
        check_controller_file(source)
        return _or_reason(file_version(pathlib.Path(source.file).read_bytes()), source.file)
    if source.path is not None:
        return _or_reason(inspect(server, source, source.path), source.path)
    if check_mode:
        return None, "which version the server would download is known only after the download, which check mode does not do"
    with bring(server, source, windows_directory, timeout) as path:
        return _or_reason(inspect(server, source, path), path)


def _or_reason(version: t.Any, path: str) -> tuple[str | None, str]:
    return (str(version), "") if version else (None, f"the installer {path} tells no version")

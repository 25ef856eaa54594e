# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Files through CIM_DataFile: existence, version, size and time, without a shell."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.instances import Instance, moment, number, text
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.wql import any_of, literal

_PROPERTIES = "Name,Version,FileSize"


@dataclasses.dataclass(frozen=True)
class File:
    """One file: full path as Windows tells it (often in lower case), file version, bytes.

    :param modified: UTC; asked for in a folder only.
    """

    name: str
    version: str | None
    size: int | None
    modified: dt.datetime | None = None


def files(session: Session, paths: t.Iterable[str]) -> dict[str, File]:
    """The files among these full paths that exist, by lower-case path; one query for all."""
    wanted = [_normal(path) for path in paths]
    if not wanted:
        return {}
    rows = session.query(f"SELECT {_PROPERTIES} FROM CIM_DataFile WHERE {any_of('Name', wanted)}")
    found = [_file(row) for row in rows]
    return {file.name.lower(): file for file in found}


def directory(session: Session, drive: str, path: str) -> list[File]:
    """The files directly in a folder, sorted by name; empty when there is no such folder.

    :param drive: such as C(C:).
    :param path: the folder without drive, such as C(\\Windows\\Temp).
    """
    folder = "\\" + _normal(path).strip("\\")
    folder = folder if folder.endswith("\\") else folder + "\\"
    rows = session.query(f"SELECT {_PROPERTIES},LastModified FROM CIM_DataFile WHERE Drive={literal(drive)} AND Path={literal(folder)}")
    return sorted((_file(row) for row in rows), key=lambda file: file.name.lower())


def _normal(path: str) -> str:
    return path.replace("/", "\\")


def _file(row: Instance) -> File:
    return File(
        name=text(row, "Name") or "",
        version=text(row, "Version") or None,
        size=number(row, "FileSize"),
        modified=moment(row, "LastModified"),
    )

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of a Windows server: paths without regard to case, either slash."""

from __future__ import annotations

import dataclasses
import datetime
import ntpath
import typing as t


class NoFolder(OSError):
    """The folder that a file should go to does not exist."""


@dataclasses.dataclass
class File:
    """One file. `version` is its version resource, what Explorer and CIM_DataFile show."""

    path: str
    content: bytes
    created: datetime.datetime
    modified: datetime.datetime
    version: str | None = None

    @property
    def folder(self) -> str:
        """The path of its folder, without a backslash at the end (but "C:\\")."""
        return ntpath.dirname(self.path)

    @property
    def name(self) -> str:
        """Its name with extension."""
        return ntpath.basename(self.path)


def normal(path: str) -> str:
    """Return a path with single backslashes and none at the end. Raises ValueError when it names no drive."""
    clean = ntpath.normpath(path.strip().strip('"'))
    drive, rest = ntpath.splitdrive(clean)
    if not drive or not rest.startswith("\\"):
        raise ValueError(f"not an absolute Windows path: {path!r}")
    return clean


class FileSystem:
    """All drives of a server."""

    def __init__(self, now: t.Callable[[], datetime.datetime]) -> None:
        self._now = now
        self._files: dict[str, File] = {}
        self._folders: dict[str, str] = {}

    def put(self, path: str, content: bytes, *, version: str | None = None) -> File:
        """Write a file and the folders above it: what an installer does."""
        self.make_folder(ntpath.dirname(normal(path)))
        return self.write(path, content, version=version)

    def write(self, path: str, content: bytes, *, version: str | None = None) -> File:
        """Write a file into a folder that must exist (System.IO.File.Create). Raises NoFolder."""
        path = normal(path)
        if not self.is_folder(ntpath.dirname(path)):
            raise NoFolder(f"Could not find a part of the path '{path}'.")
        now = self._now()
        old = self._files.get(path.lower())
        created = old.created if old is not None else now
        file = File(old.path if old is not None else path, content, created, now, version)
        self._files[path.lower()] = file
        return file

    def get(self, path: str) -> File | None:
        """Return a file or None."""
        try:
            return self._files.get(normal(path).lower())
        except ValueError:
            return None

    def make_folder(self, path: str) -> bool:
        """Make a folder and those above it. False when it was there."""
        path = normal(path)
        if self.is_folder(path):
            return False
        parent = ntpath.dirname(path)
        if parent != path:
            self.make_folder(parent)
        self._folders[path.lower()] = path
        return True

    def is_folder(self, path: str) -> bool:
        """Say whether a folder exists. Drive roots always do."""
        try:
            path = normal(path)
        except ValueError:
            return False
        return path.lower() in self._folders or path == ntpath.splitdrive(path)[0] + "\\"

    def exists(self, path: str) -> bool:
        """Say whether there is a file or folder."""
        return self.get(path) is not None or self.is_folder(path)

    def remove(self, path: str) -> bool:
        """Remove a file, or a folder with all in it. False when there was nothing."""
        if not self.exists(path):
            return False
        key = normal(path).lower()
        below = key + "\\"
        self._files = {name: file for name, file in self._files.items() if name != key and not name.startswith(below)}
        self._folders = {name: folder for name, folder in self._folders.items() if name != key and not name.startswith(below)}
        return True

    def files(self) -> list[File]:
        """Return all files."""
        return list(self._files.values())

    def below(self, path: str) -> list[File]:
        """Return the files below a folder, at any depth, sorted by path."""
        prefix = normal(path).lower() + "\\"
        return [file for name, file in sorted(self._files.items()) if name.startswith(prefix)]

    def folders(self) -> list[str]:
        """Return all folders."""
        return sorted(self._folders.values())

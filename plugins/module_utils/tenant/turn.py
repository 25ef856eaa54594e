# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""One at a time on this controller: a lock that ends with the process that holds it, however that ends."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pathlib
import tempfile
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.deadline import Deadline
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import TenantError

_PAUSE_SECONDS = 0.2
# Two users, or two runs with a TMPDIR of their own, must meet at the same place.
_SHARED = pathlib.Path("/tmp")


@contextlib.contextmanager
def taken(name: str, deadline: Deadline) -> t.Iterator[None]:
    """Hold the lock of this name. Nothing is written into the file, so that anyone may lock it.

    :raises TenantError: it was not free in time, or cannot be had at all.
    """
    handle = _open(_path(name))
    try:
        while not _lock(handle):
            if not deadline.pause(_PAUSE_SECONDS):
                raise TenantError("another run on this controller is looking and moving, and did not end in time. Run again")
        yield
    finally:
        os.close(handle)


def _path(name: str) -> pathlib.Path:
    folder = _SHARED if _SHARED.is_dir() else pathlib.Path(tempfile.gettempdir())
    return folder / f"entra-app-proxy-{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock"


def _open(path: pathlib.Path) -> int:
    """Another user's file can be opened for reading, and that is all a lock needs."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        return _create(path, flags)
    except OSError as error:
        raise TenantError(f"the lock of this controller cannot be opened: {error}. Delete the file {path}, and run again") from error


def _create(path: pathlib.Path, flags: int) -> int:
    try:
        handle = os.open(path, flags | os.O_CREAT, 0o644)
        # The umask of this user must not lock the others out. Where another user was faster, it is that one's to say.
        with contextlib.suppress(PermissionError):
            os.fchmod(handle, 0o644)
    except OSError as error:
        raise TenantError(f"the lock of this controller cannot be made: {error}. Make {path.parent} writable, and run again") from error
    return handle


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""A plan as a JSON file on the controller: the same in check mode, so it holds no moment and no mode."""

from __future__ import annotations

import json
import os
import pathlib
import tempfile
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import TenantError

FORMAT = 1
"""Version of the file's shape."""


def check(path: pathlib.Path) -> None:
    """Whether the file can be written.

    :raises TenantError: it cannot.
    """
    if path.is_dir():
        raise TenantError(f"plan_file must name a file, and {path} is a directory")
    if not os.access(path.parent, os.W_OK):
        raise TenantError(f"plan_file {path} cannot be written: its directory does not exist or is not writable on the controller")


def write(path: pathlib.Path, module: str, plan: t.Mapping[str, t.Any]) -> None:
    """Write the plan, readable for its owner only (0600): it names servers and applications. Whole or not at all.

    :raises TenantError: it could not be written.
    """
    text = json.dumps({"format": FORMAT, "module": module, **plan}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with open(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise TenantError(f"plan_file {path} could not be written: {error.strerror}") from error

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recorded replies of real servers. They belong to others and lie beside the repository, where there are any."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml

FOLDER = pathlib.Path(__file__).resolve().parents[4] / "shared" / "samples" / "wsman"
MISSING = f"no recorded replies at {FOLDER}: they are not part of the repository"


def names(pattern: str) -> list[t.Any]:
    """The recordings as test parameters; one skipped parameter when there are none."""
    found = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob(pattern)) if FOLDER.is_dir() else []
    return list(found) or [pytest.param("", marks=pytest.mark.skip(reason=MISSING))]


def read(name: str) -> bytes:
    if not FOLDER.is_dir():
        pytest.skip(MISSING)
    return (FOLDER / name).read_bytes()


def conversation(name: str) -> list[dict[str, t.Any]]:
    """Pairs of request and response, with C(transport_error) where the status was not 200."""
    return list(yaml.safe_load(read(name))["messages"])

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the jobs share."""

from __future__ import annotations

import pathlib

import pytest

from tests.unit.host.job_builders import INSTALLER


@pytest.fixture
def installer(tmp_path: pathlib.Path) -> str:
    path = tmp_path / INSTALLER
    path.write_bytes(b"MZ")
    return str(path)

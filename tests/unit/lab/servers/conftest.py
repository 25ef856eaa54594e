# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures: one lab in this process for all tests of the lab's servers, fresh for each."""

from __future__ import annotations

import typing as t

import pytest

from tests.unit.lab.servers.live import LiveLab


@pytest.fixture(scope="session")
def shared_live() -> t.Iterator[LiveLab]:
    """The lab of this process."""
    live = LiveLab()
    yield live
    live.stop()


@pytest.fixture
def live(shared_live: LiveLab) -> LiveLab:
    """The lab in its first state."""
    shared_live.reset()
    return shared_live

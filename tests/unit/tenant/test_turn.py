# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock of a controller: one at a time, whoever the users are; and what is said when it cannot be had."""

from __future__ import annotations

import os
import pathlib
import stat
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import turn
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.deadline import Clock, Deadline
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import TenantError


@pytest.fixture(autouse=True)
def shared(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setattr(turn, "_SHARED", tmp_path)
    return tmp_path


def no_time() -> Deadline:
    return Deadline(0.1, Clock(now=lambda: 0.0, sleep=lambda _seconds: None))


def only(folder: pathlib.Path) -> pathlib.Path:
    (file,) = folder.iterdir()
    return file


@pytest.fixture
def strict_umask() -> t.Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_one_holds_it_and_the_others_are_told(shared: pathlib.Path) -> None:
    told = pytest.raises(TenantError, match="another run on this controller is looking and moving")
    with turn.taken("a tenant", no_time()), turn.taken("another tenant", no_time()), told, turn.taken("a tenant", no_time()):
        pass
    with turn.taken("a tenant", no_time()):
        pass
    assert [file.read_bytes() for file in shared.iterdir()] == [b"", b""]


@pytest.mark.usefixtures("strict_umask")
def test_other_users_can_open_it_whatever_the_umask_of_the_first(shared: pathlib.Path) -> None:
    with turn.taken("a tenant", no_time()):
        assert stat.S_IMODE(only(shared).stat().st_mode) == 0o644


def test_a_link_that_somebody_planted_is_not_followed(shared: pathlib.Path) -> None:
    with turn.taken("a tenant", no_time()):
        file = only(shared)
    file.unlink()
    (shared / "target").write_bytes(b"precious")
    file.symlink_to(shared / "target")
    with pytest.raises(TenantError, match=f"cannot be opened: .*Delete the file {file}"), turn.taken("a tenant", no_time()):
        pass
    assert (shared / "target").read_bytes() == b"precious"


def test_a_place_where_it_cannot_be_made_is_named(shared: pathlib.Path) -> None:
    with turn.taken("a tenant", no_time()):
        file = only(shared)
    file.unlink()
    file.symlink_to(shared / "nowhere")
    with pytest.raises(TenantError, match="the lock of this controller cannot be"), turn.taken("a tenant", no_time()):
        pass

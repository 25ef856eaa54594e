# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is installed into which environment."""

from __future__ import annotations

import environment
import pytest


@pytest.mark.parametrize(
    ("kind", "there", "built"),
    [
        ("servers", {"krb5-config", "cc"}, True),
        ("dev", {"krb5-config", "cc"}, True),
        ("servers", {"cc"}, False),
        ("lab", {"krb5-config", "cc"}, False),
    ],
)
def test_kerberos_is_built_for_own_servers_and_for_the_checks_where_it_can_be_and_the_lab_does_without(
    kind: str, there: set[str], built: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment.shutil, "which", lambda program: program if program in there else None)
    assert ("requirements/kerberos.txt" in environment._optional(kind)) is built

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The versions in a bug report: of an installed collection, of a checkout, and of what is not installed."""

from __future__ import annotations

import importlib.metadata
import json
import pathlib

import pytest

from ansible_collections.entra.app_proxy.plugins.plugin_utils import software_versions

INSTALLED = {"MANIFEST.json": json.dumps({"collection_info": {"version": "1.2.3"}})}
CHECKOUT = {"galaxy.yml": "version: 1.3.0\n"}


@pytest.mark.parametrize(
    ("files", "version"),
    [(INSTALLED, "1.2.3"), (CHECKOUT, "1.3.0"), ({**INSTALLED, **CHECKOUT}, "1.2.3"), ({}, "unknown")],
    ids=["installed", "checkout", "both", "neither"],
)
def test_the_version_of_the_collection(
    files: dict[str, str], version: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(software_versions, "_ROOT", tmp_path)
    assert software_versions.software_versions()["entra.app_proxy"] == version


def test_packages_that_are_missing_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software_versions, "_PACKAGES", ("ansible-core", "no-such-package"))
    found = software_versions.software_versions()
    assert found["ansible-core"] == importlib.metadata.version("ansible-core")
    assert "no-such-package" not in found

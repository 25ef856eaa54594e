# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Which versions are at work on the controller, for bug reports."""

from __future__ import annotations

import importlib.metadata
import json
import pathlib
import platform

from ansible.module_utils.common.yaml import yaml_load

# Ansible, both libraries that speak WS-Management, and what does the authentication for them.
_PACKAGES = ("ansible-core", "pywinrm", "pypsrp", "pyspnego", "requests", "requests-credssp", "requests-ntlm", "urllib3")
_COLLECTION = "entra.app_proxy"
_ROOT = pathlib.Path(__file__).resolve().parents[2]


def software_versions() -> dict[str, str]:
    """Of Python, this collection, and those packages that are installed."""
    found = {"python": platform.python_version(), _COLLECTION: _collection()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _collection() -> str:
    """An installed collection has a manifest, a checkout has galaxy.yml."""
    manifest, galaxy = _ROOT / "MANIFEST.json", _ROOT / "galaxy.yml"
    if manifest.exists():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    if galaxy.exists():
        return str(yaml_load(galaxy.read_text(encoding="utf-8"))["version"])
    return "unknown"

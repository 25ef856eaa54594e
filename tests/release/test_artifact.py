# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The artifact that would be published, as a user gets it: built, installed into an empty place, read from there."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tarfile

import pytest
import yaml

from tests.support import documents

ROOT = documents.ROOT
GALAXY = str(pathlib.Path(sys.executable).parent / "ansible-galaxy")
NEVER_PACKED = (".", "Makefile", "benchmarks", "extensions/molecule", "playbooks/inventory/lab", "requirements/", "tools")
TESTS_PACKED = ("tests/config.yml", "tests/sanity/")
MUST_BE_PACKED = ("README.md", "LICENSES/GPL-3.0-or-later.txt", "meta/runtime.yml", "requirements.txt", "playbooks/deploy_connectors.yml")


def _galaxy(*arguments: str, home: pathlib.Path) -> None:
    variables = {"ANSIBLE_HOME": str(home), "ANSIBLE_COLLECTIONS_PATH": str(home / "none")}
    done = subprocess.run([GALAXY, *arguments], env={**os.environ, **variables}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    place = tmp_path_factory.mktemp("artifact")
    _galaxy("collection", "build", str(ROOT), "--output-path", str(place), home=place)
    (built,) = place.glob("*.tar.gz")
    return built


@pytest.fixture(scope="module")
def packed(artifact: pathlib.Path) -> list[str]:
    with tarfile.open(artifact) as archive:
        return [member.name for member in archive if member.isfile()]


@pytest.fixture(scope="module")
def installed(artifact: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    place = tmp_path_factory.mktemp("collections")
    _galaxy("collection", "install", "--offline", str(artifact), "--collections-path", str(place), home=place)
    return place


def test_name_and_version_are_those_of_galaxy_yml(artifact: pathlib.Path) -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    assert artifact.name == f"{galaxy['namespace']}-{galaxy['name']}-{galaxy['version']}.tar.gz"


@pytest.mark.parametrize("name", MUST_BE_PACKED)
def test_is_packed(packed: list[str], name: str) -> None:
    assert name in packed


def test_nothing_is_packed_that_only_serves_development(packed: list[str]) -> None:
    assert [name for name in packed if name.startswith(NEVER_PACKED) or "__pycache__" in name] == []
    assert [name for name in packed if name.startswith("tests/") and not name.startswith(TESTS_PACKED)] == []


def test_every_file_of_plugins_and_roles_is_packed(packed: list[str]) -> None:
    files = [path for folder in ("plugins", "roles") for path in (ROOT / folder).rglob("*") if path.is_file()]
    wanted = {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}
    assert wanted - set(packed) == set()


@pytest.mark.parametrize("kind", [*documents.FOLDERS, "role"])
def test_ansible_doc_lists_what_is_there(installed: pathlib.Path, kind: str) -> None:
    assert documents.listed(kind, collections=installed) == documents.names(kind)


@pytest.mark.parametrize("kind", [kind for kind in [*documents.FOLDERS, "role"] if documents.names(kind)])
def test_ansible_doc_reads_every_document(installed: pathlib.Path, kind: str) -> None:
    wanted = documents.names(kind)
    assert sorted(documents.read(kind, wanted, collections=installed)) == wanted


def test_every_module_is_in_an_action_group_and_every_group_names_modules() -> None:
    grouped = documents.action_group("host") + documents.action_group("tenant")
    assert sorted(f"{documents.COLLECTION}.{name}" for name in grouped) == documents.names("module")


def test_every_module_tells_its_attributes_and_results(installed: pathlib.Path) -> None:
    pages = documents.read("module", documents.names("module"), collections=installed)
    lacking = [
        f"{name}: {part}"
        for name, page in pages.items()
        for part, content in (("attributes", page["doc"].get("attributes")), ("EXAMPLES", page["examples"]), ("RETURN", page["return"]))
        if not content
    ]
    assert lacking == []


def test_the_manifest_says_which_ansible_it_needs(installed: pathlib.Path) -> None:
    place = installed / "ansible_collections" / "entra" / "app_proxy"
    assert yaml.safe_load((place / "meta" / "runtime.yml").read_text())["requires_ansible"] == ">=2.16.0"
    assert json.loads((place / "MANIFEST.json").read_text())["collection_info"]["license"] == ["GPL-3.0-or-later"]

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The execution environment: what the real ansible-builder makes of the collection's metadata, and of the file in the guide."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap

import pytest
import yaml

from tests.support import documents

ROOT = documents.ROOT
BINARIES = pathlib.Path(sys.executable).parent
GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_automation_controller.rst"
EXTRAS = {"pypsrp": "[credssp,kerberos]", "pywinrm": "[credssp,kerberos]"}


def run(program: str, *arguments: str, cwd: pathlib.Path) -> str:
    variables = {"ANSIBLE_HOME": str(cwd / "home"), "ANSIBLE_COLLECTIONS_PATH": str(cwd / "none")}
    done = subprocess.run(
        [str(BINARIES / program), *arguments], cwd=cwd, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    place = tmp_path_factory.mktemp("artifact")
    run("ansible-galaxy", "collection", "build", str(ROOT), "--output-path", str(place), cwd=place)
    (built,) = place.glob("*.tar.gz")
    return built


@pytest.fixture(scope="module")
def context(artifact: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The build context that ansible-builder makes of the guide's file and the artifact."""
    place = tmp_path_factory.mktemp("build")
    shutil.copy(artifact, place)
    (place / "execution-environment.yml").write_text(guide_file())
    run("ansible-builder", "create", "--output-filename", "Containerfile", cwd=place)
    return place / "context"


def guide_file() -> str:
    blocks = re.findall(r"\.\. code-block:: yaml\n\n((?:    .*\n|\n)+)", GUIDE.read_text())
    (block,) = [block for block in blocks if "base_image:" in block]
    return textwrap.dedent(block)


def packages(path: pathlib.Path) -> dict[str, str]:
    """Package to what stands behind its name."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    names = [re.split(r"[\[ ]", line, maxsplit=1)[0] for line in lines]
    return {name: line.removeprefix(name) for name, line in zip(names, lines, strict=True)}


def test_the_guides_file_names_the_artifact_that_is_built(artifact: pathlib.Path) -> None:
    definition = yaml.safe_load(guide_file())
    assert definition["additional_build_files"] == [{"src": artifact.name, "dest": "artifacts"}]
    assert definition["dependencies"]["galaxy"]["collections"] == [{"name": f"artifacts/{artifact.name}", "type": "file"}]


def test_the_context_installs_the_collection_and_introspection_finds_what_it_needs(context: pathlib.Path) -> None:
    build = context / "_build"
    assert "introspect" in (context / "Containerfile").read_text()
    place = context.parent / "collections"
    run("ansible-galaxy", "collection", "install", "--offline", "-r", "requirements.yml", "--collections-path", str(place), cwd=build)
    found = yaml.safe_load(run("ansible-builder", "introspect", str(place), cwd=context))
    origin = "  # from collection entra.app_proxy"
    wanted = {f"{name}{rest}{origin}" for name, rest in packages(ROOT / "meta" / "ee-requirements.txt").items()}
    # ansible-core is what the base image brings.
    assert set(found["python"]) == wanted
    system = [line.removesuffix(origin) for line in found["system"]]
    assert {"krb5-devel [compile platform:rpm]", "libkrb5-dev [compile platform:dpkg]", "krb5-workstation [platform:rpm]"} <= set(system)


def test_what_the_environment_gets_is_what_the_collection_imports_with_the_extras() -> None:
    needed = {name: rest for name, rest in packages(ROOT / "requirements.txt").items() if name != "ansible-core"}
    assert packages(ROOT / "meta" / "ee-requirements.txt") == {name: f"{EXTRAS.get(name, '')}{rest}" for name, rest in needed.items()}

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-test sanity without a container engine, on a copy of the collection, with everything it writes under .build."""

from __future__ import annotations

import ast
import pathlib
import subprocess
import sys

import copies
import environment
import processes

HOME = environment.BUILD / "sanity-home"
TIMEOUT_SECONDS = 900

# ansible-test downloads pip's installer before it makes its environments. Where only a package index is reachable,
# that download is not; the interpreter's own ensurepip and the index do the same job.
PIP_INSTALLER = """\
import ensurepip, subprocess, sys
ensurepip.bootstrap()
arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
subprocess.check_call([sys.executable, "-m", "pip", "install", *arguments])
"""


def main() -> int:
    processes.end_on_signals()
    binaries = environment.ensure("dev")
    _provide_pip_installer(binaries)
    collection = copies.refresh("sanity")
    # Without the content root, ansible-test would take the git repository above, which ignores the copy.
    variables = environment.variables(binaries) | {"HOME": str(HOME), "ANSIBLE_TEST_CONTENT_ROOT": str(collection)}
    # ansible-test finds collection and library itself, and complains about paths that would mislead it.
    for name in ("ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_CONFIG"):
        variables.pop(name)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = [str(binaries / "ansible-test"), "sanity", "--venv", "--python", version, *sys.argv[1:]]
    log = environment.BUILD / "logs" / "ansible-test.log"
    log.parent.mkdir(exist_ok=True)
    log.write_bytes(b"")
    rc = processes.run(command, cwd=collection, environment=variables, log=log, timeout=TIMEOUT_SECONDS)
    _report(log, rc)
    return rc


def _report(log: pathlib.Path, rc: int) -> None:
    """What was found. The rest, mostly pip's, stays in the log; all of it is shown when nothing else explains the failure."""
    lines = log.read_text(errors="replace").splitlines()
    found = [line for line in lines if line.startswith(("ERROR", "FATAL: The", "WARNING"))]
    explained = any(line.startswith("ERROR") for line in found)
    print("\n".join(found if explained or not rc else lines[-100:]))
    print(f"{sum(line.startswith('Running sanity test') for line in lines)} sanity tests ran; all of their output is in {log}")


def _provide_pip_installer(binaries: pathlib.Path) -> None:
    version = _pinned_pip(_ansible_test(binaries) / "_internal" / "python_requirements.py")
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(PIP_INSTALLER)


def _ansible_test(binaries: pathlib.Path) -> pathlib.Path:
    script = "import importlib.util; print(importlib.util.find_spec('ansible_test').submodule_search_locations[0])"
    return pathlib.Path(subprocess.run([binaries / "python", "-c", script], check=True, capture_output=True, text=True).stdout.strip())


def _pinned_pip(source: pathlib.Path) -> str:
    """The pip that this ansible-core pins: C(default_packages = dict(pip='25.2')). Read in 2.16 to 2.21."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.keyword) and node.arg == "pip" and isinstance(node.value, ast.Constant):
            return str(node.value.value)
    sys.exit(f"{source} pins no pip any more: tools/sanity.py has to learn how this ansible-core installs it.")


if __name__ == "__main__":
    sys.exit(main())

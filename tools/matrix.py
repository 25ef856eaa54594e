# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(make matrix): the playbooks under the cores from the oldest to the next one, the deployment over every kind of connection.

Each combination deploys to a fresh lab, and then once more: the second run must change nothing. With the first connection of each core,
the playbooks for a running fleet follow.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import pathlib
import re
import subprocess
import sys
import time
import typing as t

import environment
import matrix_operations
import processes

sys.path.insert(0, str(environment.ROOT))
from tests.support.lab_process import LAB_INVENTORY, Lab

CONNECTIONS = tuple(itertools.product(("winrm", "psrp"), ("https", "http")))
FEW_CONNECTIONS = (("winrm", "https"), ("psrp", "http"))
# Python, lock and connections. The lock "lab" gives Python 3.11 ansible-core 2.19, the last that runs there, and Python 3.12 and newer
# the newest released one.
CONTROLLERS = (
    ("3.11", "lab", CONNECTIONS),
    ("3.13", "lab", CONNECTIONS),
    ("3.10", "oldest", FEW_CONNECTIONS),
    ("3.13", "newest", FEW_CONNECTIONS),
)
TIMEOUT_SECONDS = 600


@dataclasses.dataclass(frozen=True)
class Case:
    """One interpreter with its core, one connection plugin, one scheme; C(lab_python) is the interpreter of the lab.

    C(operated): whether the fleet is also operated, not just deployed.
    """

    binaries: pathlib.Path
    lab_python: pathlib.Path
    label: str
    connection: str
    scheme: str
    operated: bool

    @property
    def what(self) -> str:
        return "deployed, operated" if self.operated else "deployed"

    @property
    def log(self) -> pathlib.Path:
        return environment.BUILD / "logs" / f"matrix-{self.binaries.parent.name}-{self.connection}-{self.scheme}.log"


def main() -> int:
    processes.end_on_signals()
    (environment.BUILD / "logs").mkdir(parents=True, exist_ok=True)
    cases, skipped = _cases()
    failed = 0
    for case in cases:
        started = time.monotonic()
        complaint = _complaint(case)
        failed += complaint is not None
        verdict = "ok    " if complaint is None else "FAILED"
        print(
            f"{verdict} {case.label:<32} {case.connection:<6} {case.scheme:<6} {case.what:<19} {time.monotonic() - started:6.1f} s",
            flush=True,
        )
        if complaint is not None:
            print(f"  {complaint}; the end of {case.log.relative_to(environment.ROOT)}:")
            print("\n".join(f"  | {line}" for line in case.log.read_text(errors="replace").splitlines()[-60:]), flush=True)
    print(f"matrix: {len(cases) - failed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed else 0


def _cases() -> tuple[list[Case], int]:
    cases: list[Case] = []
    skipped = 0
    for version, lock, connections in CONTROLLERS:
        found = subprocess.run(["sh", "tools/run.sh", "--find", version], cwd=environment.ROOT, capture_output=True, text=True, check=False)
        if found.returncode:
            print(f"skipped: no usable Python {version} on this machine")
            skipped += len(connections)
            continue
        directory = f"venv-{version}" if lock == "lab" else f"venv-{lock}"
        binaries = environment.ensure(lock, python=found.stdout.strip(), directory=directory)
        # The lab needs packages of its own, which the other locks do not have.
        of_the_lab = binaries if lock == "lab" else environment.ensure("lab")
        label = f"Python {version}, ansible-core {_core(binaries)}"
        cases += [
            Case(binaries, of_the_lab / "python", label, connection, scheme, operated=(connection, scheme) == connections[0])
            for connection, scheme in connections
        ]
    return cases, skipped


def _core(binaries: pathlib.Path) -> str:
    script = "import importlib.metadata; print(importlib.metadata.version('ansible-core'))"
    return subprocess.run([binaries / "python", "-c", script], check=True, capture_output=True, text=True).stdout.strip()


def _complaint(case: Case) -> str | None:
    """Return what is wrong, None when nothing is."""
    case.log.write_bytes(b"")
    directory = environment.BUILD / "matrix-lab"
    with Lab.start(directory, python=str(case.lab_python)) as lab:
        run = functools.partial(_run, case, lab)
        inventory = matrix_operations.inventory(directory, matrix_operations.FLEET) if case.operated else LAB_INVENTORY
        found = _deployment_complaint(case, lab, functools.partial(run, "deploy_connectors", inventory))
        if found is None and case.operated:
            found = matrix_operations.complaint(lab, run, case.log, directory)
        if found is None and lab.unknown():
            found = f"the lab met requests it does not know: {lab.unknown()}"
        return found


def _deployment_complaint(case: Case, lab: Lab, deploy: t.Callable[[], int]) -> str | None:
    """Deploy twice."""
    if deploy():
        return "the deployment failed"
    before = lab.last_seq()
    if deploy():
        return "the second run failed"
    changed = re.findall(r"changed=[1-9]\d*", case.log.read_text(errors="replace").rpartition("PLAY RECAP")[2])
    if changed:
        return "the second run changed something"
    if any(entry["kind"] in ("write", "shell") for entry in lab.journal(before)):
        return "the second run wrote, or opened a shell"
    return None


def _run(case: Case, lab: Lab, playbook: str, inventory: pathlib.Path, *arguments: str) -> int:
    return processes.run(
        [
            str(case.binaries / "ansible-playbook"),
            "-i",
            str(inventory),
            *arguments,
            str(environment.ROOT / "playbooks" / f"{playbook}.yml"),
        ],
        cwd=environment.ROOT,
        environment=lab.variables(environment.variables(case.binaries), connection=case.connection, scheme=case.scheme),
        log=case.log,
        timeout=TIMEOUT_SECONDS,
    )


if __name__ == "__main__":
    sys.exit(main())

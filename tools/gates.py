# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of C(make test): run all, or those named, and say how each ended.

Several run side by side with their output in .build/logs; a single one runs in the foreground.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import pathlib
import sys
import time
import typing as t

import copies
import environment
import processes

LOGS = environment.BUILD / "logs"
SHOWN_LINES = 150
# A log is read without a terminal.
PLAIN = {"NO_COLOR": "1", "PY_COLORS": "0", "ANSIBLE_NOCOLOR": "true"}
COLLECTION = "ansible_collections.entra.app_proxy.plugins"
PYTEST = ["pytest", "--quiet"]
LAB_TESTS = [*PYTEST, "-n", "2"]
# Two workers leave a quarter of the time of two processors: they wait for the delays of the lab.
SLOW_TESTS = [*PYTEST, "-n", "3"]
# One more: some cases wait minutes for a registration that the killed run may have left at work.
KILL_MATRIX = [*PYTEST, "-n", "4", "--durations", "12", "-m", "slow", "tests/integration/operations/test_kill_matrix.py"]


TYPED = (f"{COLLECTION}.module_utils", f"{COLLECTION}.plugin_utils", "tests.lab", "tests.support", "tests.docs", "tests.release")


@dataclasses.dataclass(frozen=True)
class Gate:
    """C(commands) run one after the other; C(copy) says in which copy of the collection, None: in the checkout.

    C(timeout) is above that of the tool itself, where it has one, which then ends what it started and says why.
    """

    about: str
    commands: t.Sequence[t.Sequence[str]]
    copy: str | None = None
    timeout: float = 600


def _integration(*places: str) -> list[str]:
    return [f"tests/integration/{place}" for place in places]


def _packages(*names: str) -> list[str]:
    return [word for name in names for word in ("-p", name)]


# The longest first: that is the order in which they are started.
GATES = {
    "examples": Gate("every EXAMPLES block is executed on the lab", [[*PYTEST, "tests/docs", "-k", "not check"]]),
    "molecule": Gate("the scenarios: converge, idempotence, verify", [["python", "tools/scenarios.py"]], timeout=700),
    "sanity": Gate("ansible-test sanity", [["python", "tools/sanity.py"]], timeout=1000),
    "integration": Gate(
        "the whole job on the lab, and the doors to a server",
        [[*LAB_TESTS, *_integration("deploy/test_deploy.py", "deploy/test_secrets.py", "wsman")]],
        timeout=1500,
    ),
    "unit": Gate("unit tests", [[*PYTEST, "-n", "2", "tests/unit"]]),
    "lint": Gate("ansible-lint, profile production", [["ansible-lint", "--offline", "--strict", "-q"]], copy="lint"),
    "types": Gate("mypy --strict", [["mypy", *_packages(*TYPED)], ["mypy", "tools"]]),
    "release": Gate("the built artifact: install it, read every document from it", [[*PYTEST, "tests/release"]]),
    "docs": Gate("documentation of plugins and roles", [["antsibull-docs", "lint-collection-docs", "--plugin-docs", "."]], copy="docs"),
    "licences": Gate("REUSE: every file has its licence", [["reuse", "lint", "--lines"]]),
    "changelog": Gate("changelog fragments", [["antsibull-changelog", "lint"]], copy="changelog"),
    "format": Gate("ruff", [["ruff", "format", "--check", "--quiet", "."], ["ruff", "check", "--quiet", "."]]),
}

# Slower than the others together, so not part of "make test"; CI runs them as well.
EXTENDED = {
    "extended": Gate(
        "what may go wrong in a deployment; servers, connections, operations, budgets; the tenant as observed and as documented",
        [
            [
                *SLOW_TESTS,
                *_integration("deploy/test_failures.py", "deploy/test_purge.py", "host", "connections", "operations", "benchmarks"),
            ],
            # The examples once more in check mode.
            [*SLOW_TESTS, "tests/docs", "-k", "check"],
            [*SLOW_TESTS, *_integration("tenant")],
            [*SLOW_TESTS, *_integration("tenant"), "--tenant-mode", "documented"],
        ],
        timeout=3000,
    ),
    "killmatrix": Gate("every playbook killed after each of its writes, and run again", [KILL_MATRIX], timeout=3600),
}

ALL = GATES | EXTENDED


@dataclasses.dataclass(frozen=True)
class Outcome:
    name: str
    rc: int
    seconds: float


def main() -> int:
    processes.end_on_signals()
    names = sys.argv[1:] or list(GATES)
    binaries = environment.ensure("dev")
    if len(names) == 1:
        return _run(names[0], binaries, None).rc
    return _run_all(names, binaries)


def _run_all(names: list[str], binaries: pathlib.Path) -> int:
    LOGS.mkdir(exist_ok=True)
    started = time.monotonic()
    outcomes: list[Outcome] = []
    workers = concurrent.futures.ThreadPoolExecutor(max_workers=min(4, _processors()))
    try:
        futures = [workers.submit(_run, name, binaries, LOGS / f"{name}.log") for name in names]
        for future in concurrent.futures.as_completed(futures):
            outcomes.append(future.result())
            _report(outcomes[-1])
    finally:
        workers.shutdown(wait=False, cancel_futures=True)
        processes.stop_all()
    failed = [outcome.name for outcome in outcomes if outcome.rc]
    print(f"\n{time.monotonic() - started:.0f} seconds; output in .build/logs" + (f"; failed: {', '.join(failed)}" if failed else ""))
    print(f"gates: {len(outcomes) - len(failed)} passed, {len(failed)} failed", flush=True)
    return 1 if failed else 0


def _processors() -> int:
    """Those that this process may use, where the system tells; in a container they may be fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2


def _run(name: str, binaries: pathlib.Path, log: pathlib.Path | None) -> Outcome:
    gate = ALL[name]
    started = time.monotonic()
    if log:
        log.write_bytes(b"")
    rc = 0
    # Caches and logs that tools put into the home directory stay in the checkout.
    home = environment.BUILD / "home"
    home.mkdir(exist_ok=True)
    for command in gate.commands:
        where = copies.refresh(gate.copy) if gate.copy else environment.ROOT
        variables = copies.variables(binaries, where) if gate.copy else environment.variables(binaries)
        rc = processes.run(
            [str(binaries / command[0]), *command[1:]],
            cwd=where,
            environment={**variables, "HOME": str(home), **(PLAIN if log else {})},
            log=log,
            timeout=gate.timeout,
        )
        if rc:
            break
    return Outcome(name, rc, time.monotonic() - started)


def _report(outcome: Outcome) -> None:
    lines = (LOGS / f"{outcome.name}.log").read_text(errors="replace").splitlines()
    gate = ALL[outcome.name]
    verdict = "ok    " if outcome.rc == 0 else "FAILED"
    print(f"{verdict} {outcome.name:<12} {outcome.seconds:6.1f} s  {gate.about}")
    if outcome.rc:
        print(f"  exit code {outcome.rc}" + (" (killed: it took too long)" if outcome.rc == 124 else ""))
        print("\n".join(f"  | {line}" for line in lines[-SHOWN_LINES:]))
    elif gate.commands[0][0] == "pytest" and lines:
        print(lines[-1])
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

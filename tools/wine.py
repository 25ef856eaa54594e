# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(make test-wine): the host half against Wine as an independent Windows. Prefix and build output lie under .build."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import environment
import processes

sys.path.insert(0, str(environment.ROOT))
from tests.wine import toolchain

TIMEOUT = 900


def main() -> int:
    processes.end_on_signals()
    missing = toolchain.missing()
    if missing:
        sys.exit(_explanation(missing))
    binaries = environment.ensure("dev")
    try:
        return processes.run(
            [str(binaries / "pytest"), "--quiet", "--durations=5", "tests/wine", *sys.argv[1:]],
            cwd=environment.ROOT,
            environment=_variables(binaries),
            timeout=TIMEOUT,
        )
    finally:
        _end_wine()


def _explanation(missing: dict[str, str]) -> str:
    lines = [f"  {program:<28} from the Debian packages {packages}" for program, packages in missing.items()]
    install = f"apt-get update && apt-get install --no-install-recommends {' '.join(toolchain.PACKAGES)}"
    return "\n".join(
        ["make test-wine needs programs that are not on this machine:", *lines, f"As root (about 1 GB): {install}", "Nothing was run."]
    )


def _variables(binaries: pathlib.Path) -> dict[str, str]:
    # Wine writes into the home directory, too.
    home = environment.BUILD / "home"
    home.mkdir(exist_ok=True)
    return {**environment.variables(binaries), "HOME": str(home)}


def _end_wine() -> None:
    """Services and Wine's server outlive whoever started them, also when the tests were killed."""
    if toolchain.PREFIX.exists():
        command = [str(toolchain.find("wineserver64")), "--kill"]
        variables = {**environment.variables(pathlib.Path()), "WINEPREFIX": str(toolchain.PREFIX)}
        subprocess.run(command, env=variables, check=False, stdin=subprocess.DEVNULL, capture_output=True)


if __name__ == "__main__":
    sys.exit(main())

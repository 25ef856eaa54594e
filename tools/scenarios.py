# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The molecule scenarios, on a lab that is started for them."""

from __future__ import annotations

import sys

import copies
import environment
import processes

sys.path.insert(0, str(environment.ROOT))
from tests.support.lab_process import Lab

TIMEOUT_SECONDS = 600


def main() -> int:
    processes.end_on_signals()
    binaries = environment.ensure("dev")
    collection = copies.refresh("molecule")
    with Lab.start(environment.BUILD / "molecule-lab", python=str(binaries / "python")) as lab:
        variables = lab.variables(copies.variables(binaries, collection))
        variables["ANSIBLE_HOST_PATTERN_MISMATCH"] = "error"
        variables["MOLECULE_EPHEMERAL_DIRECTORY_ROOT"] = str(environment.BUILD / "molecule")
        del variables["ANSIBLE_CONFIG"]
        command = [str(binaries / "molecule"), "test", "--all", *sys.argv[1:]]
        return processes.run(command, cwd=collection, environment=variables, timeout=TIMEOUT_SECONDS)


if __name__ == "__main__":
    sys.exit(main())

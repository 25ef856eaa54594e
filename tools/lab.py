# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(make lab): a lab in the foreground, for trying things by hand."""

from __future__ import annotations

import os
import shlex
import sys

import environment

VARIABLES = ("ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_HOME", "ANSIBLE_CONFIG")


def main() -> None:
    binaries = environment.ensure("lab")
    directory = environment.BUILD / "lab"
    directory.mkdir(exist_ok=True)
    variables = environment.variables(binaries)
    print("For another terminal, in this directory, once the lab is ready:")
    print(f'  export PATH={shlex.quote(str(binaries))}:"$PATH"')
    for name in VARIABLES:
        print(f"  export {name}={shlex.quote(variables[name])}")
    sys.stdout.flush()
    python = str(binaries / "python")
    os.chdir(environment.ROOT)
    os.execve(python, [python, "-m", "tests.lab", "--state-file", str(directory / "lab.json")], variables)


if __name__ == "__main__":
    main()

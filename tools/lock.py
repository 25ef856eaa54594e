# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(make lock): write the locks anew, each for every supported Python at once."""

from __future__ import annotations

import shutil
import subprocess
import sys

import environment

OPTIONS = ["--universal", "--generate-hashes", "--no-annotate", "--no-header", "--upgrade", "--quiet"]
# For each lock the oldest Python that it serves, and what it takes beside.
LOCKS: dict[str, list[str]] = {
    "lab": ["--python-version", "3.11"],
    "dev": ["--python-version", "3.11"],
    "kerberos": ["--python-version", "3.11"],
    "oldest": ["--python-version", "3.10", "--resolution", "lowest-direct"],
    "newest": ["--python-version", "3.13"],
}


def main() -> int:
    uv = shutil.which("uv")
    if not uv:
        sys.exit("Writing the locks needs uv on PATH (one way: python3 -m pip install uv). Nothing else here does.")
    for kind, own in LOCKS.items():
        command = [uv, "pip", "compile", *own, *OPTIONS, f"{kind}.in", "-o", f"{kind}.txt"]
        subprocess.run(command, cwd=environment.ROOT / "requirements", check=True)
        print(f"requirements/{kind}.txt is written.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

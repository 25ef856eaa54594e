# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(make lock): write the locks anew, each for every supported Python at once."""

from __future__ import annotations

import shutil
import subprocess
import sys

import environment

OLDEST_PYTHON = "3.11"
OPTIONS = ["--universal", "--generate-hashes", "--no-annotate", "--no-header", "--upgrade", "--quiet"]


def main() -> int:
    uv = shutil.which("uv")
    if not uv:
        sys.exit("Writing the locks needs uv on PATH (one way: python3 -m pip install uv). Nothing else here does.")
    for kind in ("lab", "dev", "kerberos"):
        command = [uv, "pip", "compile", "--python-version", OLDEST_PYTHON, *OPTIONS, f"{kind}.in", "-o", f"{kind}.txt"]
        subprocess.run(command, cwd=environment.ROOT / "requirements", check=True)
        print(f"requirements/{kind}.txt is written.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

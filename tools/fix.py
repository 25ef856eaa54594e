# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(make fix): what ruff can put right by itself."""

from __future__ import annotations

import subprocess
import sys

import environment


def main() -> int:
    ruff = environment.ensure("dev") / "ruff"
    checked = subprocess.run([ruff, "check", "--fix", "."], cwd=environment.ROOT, check=False).returncode
    return subprocess.run([ruff, "format", "."], cwd=environment.ROOT, check=False).returncode or checked


if __name__ == "__main__":
    sys.exit(main())

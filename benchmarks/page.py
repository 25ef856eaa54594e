# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/benchmarks.md: the page that the benchmarks write, each between marks of its own."""

from __future__ import annotations

from tests.support.lab_process import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"

HEAD = """<!--
Copyright (c) 2026, the entra.app_proxy authors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->

# Benchmarks

Tables between marks are written by the programs below `benchmarks`, not by hand. All of them were run against the lab in `tests/lab`:
they count, and say nothing of the speed of a real server or a real tenant."""


def read() -> str:
    """The page, or what a new one begins with."""
    return PAGE.read_text() if PAGE.exists() else HEAD


def written(page: str, mark: str, section: str, content: str) -> str:
    """The page with the content between the marks, which are added at its end, below the section's text, where they are missing."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    if begin not in page:
        page = f"{page.rstrip()}\n\n{section}\n\n{begin}\n{end}\n"
    before, _mark, rest = page.partition(begin)
    return f"{before}{begin}\n\n{content}\n\n{end}{rest.partition(end)[2]}"

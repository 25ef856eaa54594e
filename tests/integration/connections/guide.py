# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The set-ups that the guide promises, read from the guide: what it says is what is tested."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from tests.support.lab_process import ROOT

GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_connections.rst"
_VARIABLE = re.compile(r"``(ansible_\w+): ([^`]+)``")


@dataclasses.dataclass(frozen=True)
class Setup:
    """A row of the guide's table over one protocol. C(variables) hold the guide's placeholders."""

    title: str
    kind: str
    scheme: str
    variables: dict[str, str]

    @property
    def name(self) -> str:
        words = re.sub(r"\W+", "-", self.title.lower()).strip("-")
        return f"{self.kind}-{self.scheme}-{words}"

    @property
    def authentication(self) -> str:
        return self.variables.get("ansible_winrm_transport") or self.variables["ansible_psrp_auth"]

    @property
    def is_kerberos(self) -> bool:
        return "USER@REALM" in self.variables.values()


def setups() -> list[Setup]:
    """Every set-up of the guide, in its order."""
    first, second = (_rows(table) for table in GUIDE.read_text().split(".. list-table::")[1:3])
    common = {(kind, scheme): _variables(cell) for kind, scheme, cell in second}
    return [
        Setup(title, kind, scheme, {**common[kind, scheme], **_variables(cell)})
        for title, kind, schemes, cell in first
        for scheme in schemes.split(", ")
    ]


def _rows(table: str) -> t.Iterator[list[str]]:
    """The cells of the rows below the header."""
    body = re.split(r"\n\n\S", table.partition("\n\n")[2], maxsplit=1)[0]
    for row in body.split("   * - ")[2:]:
        yield [cell.strip() for cell in row.split("\n     - ")]


def _variables(cell: str) -> dict[str, str]:
    return dict(_VARIABLE.findall(cell))

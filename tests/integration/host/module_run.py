# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host module on one server of the lab, by the real ansible-playbook, with its whole result."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from tests.support.lab_process import Lab
from tests.support.playbook import Ansible, Run

SERVER = "nam-web-01"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """C(writes): the journal's entries of changes on servers while it ran; C(shells): how many shells were opened."""

    run: Run
    result: dict[str, t.Any]
    writes: list[dict[str, t.Any]]
    shells: int
    exchanges: int


def module(ansible: Ansible, name: str, *arguments: str, **options: t.Any) -> Outcome:
    """Run it. Arguments are those of ansible-playbook, such as C(--check). A failure of the module is a result, too."""
    assert ansible.lab is not None
    path = ansible.home / "result.json"
    path.unlink(missing_ok=True)
    tasks = [
        {"name": "The module", f"entra.app_proxy.{name}": options, "register": "outcome", "ignore_errors": True},
        {
            "name": "Its result",
            "ansible.builtin.copy": {"content": "{{ outcome | to_json }}", "dest": str(path), "mode": "0600"},
            "delegate_to": "localhost",
            "check_mode": False,
            "diff": False,
        },
    ]
    start = ansible.lab.last_seq()
    run = ansible.playbook([{"name": name, "hosts": SERVER, "gather_facts": False, "tasks": tasks}], *arguments).succeeded()
    entries = [entry for entry in ansible.lab.journal(since=start) if entry["plane"] == "wsman"]
    return Outcome(
        run,
        json.loads(path.read_text()),
        [entry for entry in entries if entry["kind"] == "write"],
        sum(entry["action"] == "shell/Create" for entry in entries),
        sum(entry["kind"] != "auth" and entry["action"] != "process" for entry in entries),
    )


def server(lab: Lab) -> dict[str, t.Any]:
    """The server's own state, past every module."""
    return t.cast("dict[str, t.Any]", lab.get(f"/servers/{SERVER}"))


def patch(lab: Lab, **values: t.Any) -> None:
    lab.patch(f"/servers/{SERVER}", values)

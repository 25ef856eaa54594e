# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(make deploy): the main job, on the lab or on the inventory that INVENTORY names."""

from __future__ import annotations

import collections
import os
import pathlib
import shlex
import subprocess
import sys
import time

import environment
import processes

sys.path.insert(0, str(environment.ROOT))
from tests.support.lab_process import LAB_INVENTORY, Lab

PLAYBOOK = environment.ROOT / "playbooks" / "deploy_connectors.yml"


def main() -> int:
    processes.end_on_signals()
    arguments = shlex.split(os.environ.get("ARGS", ""))
    inventory = os.environ.get("INVENTORY")
    if inventory:
        return _deploy_own(pathlib.Path(inventory), arguments)
    binaries = environment.ensure("lab")
    with Lab.start(environment.BUILD / "deploy-lab", python=str(binaries / "python")) as lab:
        print(f"The lab is up: a tenant and {len(lab.state['servers'])} Windows servers on loopback.", flush=True)
        started = time.monotonic()
        variables = lab.variables(environment.variables(binaries))
        rc = _playbook(binaries, LAB_INVENTORY, variables, arguments)
        summary = _summary(lab, time.monotonic() - started)
    print(f"{summary}\nThe lab is stopped.")
    return rc


def _deploy_own(inventory: pathlib.Path, arguments: list[str]) -> int:
    """The user's own Ansible configuration stays in force; only the collection is added to what it finds."""
    if not inventory.exists():
        sys.exit(f"INVENTORY={inventory}: there is no such file or directory.")
    binaries = environment.ensure("servers")
    ours = environment.variables(binaries)
    paths = [ours["ANSIBLE_COLLECTIONS_PATH"], os.environ.get("ANSIBLE_COLLECTIONS_PATH", "~/.ansible/collections")]
    variables = {**os.environ, "PATH": ours["PATH"], "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(paths)}
    return _playbook(binaries, inventory, variables, arguments)


def _playbook(binaries: pathlib.Path, inventory: pathlib.Path, variables: dict[str, str], arguments: list[str]) -> int:
    """In the foreground, so that ansible-playbook can ask for a password and Ctrl-C reaches it."""
    command = [str(binaries / "ansible-playbook"), "-i", str(inventory), str(PLAYBOOK), *arguments]
    with subprocess.Popen(command, env=variables) as process:
        try:
            return process.wait()
        finally:
            process.terminate()


def _summary(lab: Lab, seconds: float) -> str:
    """How much was said on the wire, from the lab's own journal."""
    planes = collections.Counter(entry["plane"] for entry in lab.journal())
    names = {"graph": "Microsoft Graph", "login": "sign-in", "wsman": "WS-Management"}
    parts = [f"{planes[plane]} {name}" for plane, name in names.items() if planes[plane]]
    lines = [f"{sum(planes[plane] for plane in names)} requests ({', '.join(parts)}) in {seconds:.0f} seconds."]
    return "\n".join(lines + [f"The lab did not know this request: {entry}" for entry in lab.unknown()])


if __name__ == "__main__":
    sys.exit(main())

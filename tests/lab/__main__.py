# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Command line of the lab: python -m tests.lab, from the root of the collection."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pathlib
import shlex
import signal
import sys
import threading
import typing as t

from tests.lab import admin, runtime


def main(arguments: t.Sequence[str] | None = None) -> int:
    """Run the lab until SIGINT, SIGTERM or, when asked for, end of file on standard input."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description="A Microsoft Entra tenant and Windows servers on loopback.")
    parser.add_argument("--world", type=pathlib.Path, default=runtime.DEFAULT_WORLD, help="definition of the world (JSON)")
    parser.add_argument("--state-file", type=pathlib.Path, help="where to write how to reach the lab (default: in a temporary folder)")
    parser.add_argument(
        "--exit-on-eof", action="store_true", help="stop when standard input ends, so that the lab never outlives its parent"
    )
    parser.add_argument("--keytab", type=pathlib.Path, help="the servers take Kerberos tickets for the services in this keytab")
    options = parser.parse_args(arguments)
    if options.keytab:
        # Where MIT Kerberos, below pyspnego, looks for it.
        os.environ["KRB5_KTNAME"] = f"FILE:{options.keytab.absolute()}"
    try:
        lab = runtime.Lab(json.loads(options.world.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        parser.error(f"cannot build the world {options.world}: {error}")
    asyncio.run(_run(lab, options.state_file, options.exit_on_eof))
    return 0


async def _run(lab: runtime.Lab, state_file: pathlib.Path | None, exit_on_eof: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    path = (state_file or lab.directory / "lab.json").absolute()
    try:
        state = await lab.start(admin.application)
        runtime.write_state(path, state)
        if exit_on_eof:
            threading.Thread(target=_wait_for_eof, args=(loop, stop), daemon=True).start()
        print(_describe(state, path), flush=True)
        try:
            await stop.wait()
        finally:
            path.unlink(missing_ok=True)
    finally:
        await lab.stop()


def _wait_for_eof(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Read with os.read: a daemon thread must not hold the lock of sys.stdin when the interpreter ends."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    loop.call_soon_threadsafe(stop.set)


def _describe(state: t.Mapping[str, t.Any], path: pathlib.Path) -> str:
    """Return what a person needs to try the lab by hand. Passwords stay in the state file."""
    lines = [
        "The lab is ready.",
        f"  state file      {path}  (passwords and secrets are in it)",
        f"  admin API       {state['admin']}",
        f"  Graph, login    {state['graph_endpoint']}  (CA: {state['ca_file']})",
        f"  tenant          {state['tenant_id']}",
    ]
    for name, server in state["servers"].items():
        lines.append(
            f"  {name:<15} https://{server['host']}:{server['https_port']}/wsman  http://{server['host']}:{server['http_port']}/wsman"
        )
    lines += [
        "In another terminal:",
        f"  export APP_PROXY_LAB={shlex.quote(str(path))}",
        f'  export PATH={shlex.quote(state["bin_dir"])}:"$PATH"   # an az that is logged in to the lab',
        "  ansible-playbook -i playbooks/inventory/lab playbooks/deploy_connectors.yml",
        "Stop it with Ctrl-C.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

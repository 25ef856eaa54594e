# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab as a process of its own: start it, ask its admin API, stop it.

Standard library only, because C(make deploy) and the molecule runner use it as well as the tests.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time
import typing as t
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LAB_INVENTORY = ROOT / "playbooks" / "inventory" / "lab"
START_SECONDS = 60
STOP_SECONDS = 10
# The admin API is on loopback: a proxy of the environment must not get between.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class LabError(Exception):
    """The lab did not start, or refused a request of the admin API."""


@dataclasses.dataclass
class Lab:
    """A running lab. C(state) is what the lab wrote into its state file (ports, names, paths)."""

    process: subprocess.Popen[bytes]
    state_file: pathlib.Path
    log_file: pathlib.Path
    state: dict[str, t.Any]

    @classmethod
    def start(
        cls,
        directory: pathlib.Path,
        *,
        world: pathlib.Path | None = None,
        python: str = sys.executable,
        options: t.Sequence[str] = (),
        environment: t.Mapping[str, str] | None = None,
    ) -> Lab:
        """Start a lab that keeps its files in C(directory) and ends with this process, even when that is killed.

        :param options: further words of its command line.
        :param environment: further variables of its environment.
        :raises LabError: when it ended, or was not ready after a minute; the message holds the end of its log.
        """
        directory.mkdir(parents=True, exist_ok=True)
        state_file, log_file = directory / "lab.json", directory / "lab.log"
        state_file.unlink(missing_ok=True)
        command = [python, "-m", "tests.lab", "--state-file", str(state_file), "--exit-on-eof"]
        if world:
            command += ["--world", str(world)]
        command += options
        with log_file.open("wb") as log:
            # The pipe is never written to: its end, however it comes, tells the lab to stop.
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **(environment or {}), "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        lab = cls(process, state_file, log_file, {})
        try:
            lab._await_ready()
        except BaseException:
            lab.stop()
            raise
        return lab

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop the lab and wait for its end. Does nothing when it has ended already."""
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def variables(self, inherited: t.Mapping[str, str], *, connection: str = "winrm", scheme: str = "https") -> dict[str, str]:
        """Return C(inherited) with what leads the lab inventory to this lab, and the lab's C(az) first on PATH."""
        return {
            **inherited,
            "PATH": os.pathsep.join([self.state["bin_dir"], inherited.get("PATH", os.defpath)]),
            "APP_PROXY_LAB": str(self.state_file),
            "APP_PROXY_LAB_CONNECTION": connection,
            "APP_PROXY_LAB_SCHEME": scheme,
            # A proxy of this machine's environment must not get between either.
            "NO_PROXY": "localhost,127.0.0.1",
            "no_proxy": "localhost,127.0.0.1",
        }

    def get(self, path: str) -> t.Any:
        return self.request("GET", path)

    def post(self, path: str, body: t.Any = None) -> t.Any:
        return self.request("POST", path, {} if body is None else body)

    def patch(self, path: str, body: t.Any) -> t.Any:
        return self.request("PATCH", path, body)

    def delete(self, path: str) -> t.Any:
        return self.request("DELETE", path)

    def request(self, method: str, path: str, body: t.Any = None) -> t.Any:
        """One exchange with the admin API; JSON both ways. :raises LabError: for anything but success."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data is not None else {}
        request = urllib.request.Request(self.state["admin"] + path, data=data, method=method, headers=headers)
        try:
            with _OPENER.open(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise LabError(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from error
        return json.loads(text) if text else None

    def reset(self) -> None:
        """Back to the world it started with; the journal is empty again."""
        self.post("/reset")

    def journal(self, since: int = 0, **wanted: str) -> list[dict[str, t.Any]]:
        """The requests after number C(since), oldest first; keywords select, such as C(kind="write")."""
        entries = self.get(f"/journal?since={since}")
        return [entry for entry in entries if all(entry.get(key) == value for key, value in wanted.items())]

    def last_seq(self) -> int:
        """The number of the newest journal entry: what comes after it is what a test did."""
        return max((entry["seq"] for entry in self.journal()), default=0)

    def unknown(self) -> list[dict[str, t.Any]]:
        """The requests that the lab did not know. A test that caused one fails."""
        return list(self.get("/unknown"))

    def token(self, kind: str = "registration", **options: t.Any) -> str:
        """A new token of the lab's own token service, such as one for another tenant (C(tenant_id=...))."""
        return str(self.post("/tokens", {"kind": kind, **options})["token"])

    def log_tail(self, lines: int = 30) -> str:
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-lines:])

    def _await_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise LabError(f"the lab ended with exit code {self.process.returncode}:\n{self.log_tail()}")
            try:
                self.state = json.loads(self.state_file.read_text())
            except (FileNotFoundError, ValueError):
                time.sleep(0.05)
                continue
            self.get("/servers")
            return
        raise LabError(f"the lab was not ready after {START_SECONDS} seconds:\n{self.log_tail()}")

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the real ansible-playbook and ansible-inventory as processes and read what they say."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time
import typing as t

import yaml

from tests.support import lab_inventory
from tests.support.killing import kill
from tests.support.lab_process import Lab

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
COLLECTIONS = ROOT / ".build" / "collections"
# Each process of Ansible asks the others a thousand times a second whether they are done. That is for large fleets; a hundred will do.
CONFIGURATION = "[defaults]\ninternal_poll_interval = 0.01\n"
RECAP = re.compile(r"^(?P<host>\S+)\s+: (?P<counts>ok=\d+.*)$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Run:
    """What a finished ansible-playbook said. C(recap) maps a host to its counts: ok, changed, failed, ..."""

    command: list[str]
    rc: int
    stdout: str
    stderr: str
    recap: dict[str, dict[str, int]]
    seconds: float

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    @property
    def told(self) -> str:
        """What it said on standard error, on one line: where lines are broken differs between versions of ansible-core."""
        return " ".join(self.stderr.split())

    def total(self, count: str) -> int:
        """The sum over all hosts, such as C(total("changed"))."""
        return sum(counts.get(count, 0) for counts in self.recap.values())

    def succeeded(self) -> Run:
        """Return itself; fail the test with the whole output otherwise."""
        if self.rc:
            raise AssertionError(f"{' '.join(self.command)}\nexit code {self.rc}\n{self.output}")
        return self


@dataclasses.dataclass(frozen=True)
class Vaulted:
    """An encrypted text, written as C(!vault) into the files of L(Ansible)."""

    text: str


class _Dumper(yaml.SafeDumper):
    """Knows vaulted texts as well."""


_Dumper.add_representer(Vaulted, lambda dumper, vaulted: dumper.represent_scalar("!vault", vaulted.text, style="|"))


@dataclasses.dataclass
class Ansible:
    """Runs playbooks with a home of its own, so that nothing of the user's configuration takes part."""

    home: pathlib.Path
    lab: Lab | None = None
    connection: str = "winrm"
    scheme: str = "https"
    binaries: pathlib.Path = dataclasses.field(default_factory=lambda: pathlib.Path(sys.executable).parent)

    def playbook(
        self,
        playbook: pathlib.Path | t.Sequence[t.Mapping[str, t.Any]],
        *arguments: str,
        inventory: pathlib.Path | str | None = None,
        variables: t.Mapping[str, t.Any] | None = None,
        environment: t.Mapping[str, str] | None = None,
        timeout: float = 300,
    ) -> Run:
        """Run a playbook file, or plays given as data.

        :param inventory: none is that of the lab, as C(lab_inventory) writes it.
        :param variables: extra variables; they travel in a file, so that a secret is not on a command line.
        :param timeout: seconds, after which the process and its children are killed and the test fails.
        """
        path = playbook if isinstance(playbook, pathlib.Path) else self._write("playbook.yml", list(playbook))
        source = inventory or self.lab_inventory(self.home / "lab_inventory")
        return self._run(self._command(source, variables, [*arguments, str(path)]), environment or {}, timeout)

    def killed(
        self,
        playbook: pathlib.Path,
        *arguments: str,
        inventory: pathlib.Path | str,
        variables: t.Mapping[str, t.Any] | None = None,
        when: t.Callable[[], bool],
        timeout: float = 300,
    ) -> bool:
        """Run a playbook until C(when) says so, then SIGKILL it and all processes below it, as the end of the controller would.

        :returns: whether it was; not when it had come to its good end before.
        :raises AssertionError: it failed before, or C(when) did not come about in time.
        """
        command = self._command(inventory, variables, [*arguments, str(playbook)])
        self.configure()
        log = self.home / "killed.log"
        deadline = time.monotonic() + timeout
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self._environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
            try:
                while not (has_come := when()) and process.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.02)
                if process.poll() == 0:
                    return False
                if not has_come:
                    raise AssertionError(f"{' '.join(command)}\nwas not to be killed: exit code {process.poll()}\n{log.read_text()}")
            finally:
                if process.poll() is None:
                    kill(process)
        return True

    def _command(self, inventory: pathlib.Path | str, variables: t.Mapping[str, t.Any] | None, rest: t.Sequence[str]) -> list[str]:
        given = ["-e", f"@{self._write('variables.yml', dict(variables))}"] if variables else []
        return [str(self.binaries / "ansible-playbook"), "-i", str(inventory), *given, *rest]

    def list_inventory(
        self,
        *sources: pathlib.Path,
        arguments: t.Sequence[str] = (),
        environment: t.Mapping[str, str] | None = None,
        timeout: float = 120,
    ) -> Run:
        """Run C(ansible-inventory --list) over these sources. Its standard output is JSON, see C(listing)."""
        command = [str(self.binaries / "ansible-inventory"), "--list"]
        for source in sources:
            command += ["-i", str(source)]
        return self._run([*command, *arguments], environment or {}, timeout)

    def typed(self, command: str, timeout: float = 120) -> Run:
        """Run a command line as an operator types it; its first word is a program of Ansible."""
        program, *words = shlex.split(command)
        return self._run([str(self.binaries / program), *words], {}, timeout)

    def vaulted(self, secret: str, password: pathlib.Path) -> Vaulted:
        """Encrypt a text with the password in that file."""
        file = self.home / "secret"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(secret)
        command = [str(self.binaries / "ansible-vault"), "encrypt", "--vault-password-file", str(password), str(file)]
        self._run(command, {}, timeout=60).succeeded()
        return Vaulted(file.read_text())

    def inventory(self, content: t.Mapping[str, t.Any]) -> pathlib.Path:
        """Write an inventory given as data."""
        return self._write("inventory.yml", dict(content))

    def configure(self) -> None:
        """Write a configuration; without one, Ansible would read the user's own."""
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "ansible.cfg").write_text(CONFIGURATION)

    def lab_inventory(self, place: pathlib.Path) -> pathlib.Path:
        """Write the lab's inventory into that directory, with its expressions worked out for this lab and this way to its servers."""
        assert self.lab, "without a lab, the test says which inventory"
        return lab_inventory.write(place, self.lab, self._environment())

    def source(self, name: str, content: t.Mapping[str, t.Any]) -> pathlib.Path:
        """Write a file of that name, such as the configuration of an inventory plugin, which goes by its name."""
        return self._write(name, dict(content))

    def _write(self, name: str, content: t.Any) -> pathlib.Path:
        self.home.mkdir(parents=True, exist_ok=True)
        path = self.home / name
        path.write_text(yaml.dump(content, Dumper=_Dumper, sort_keys=False))
        return path

    def _run(self, command: list[str], environment: t.Mapping[str, str], timeout: float) -> Run:
        self.configure()
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**self._environment(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except BaseException:
            # SIGTERM first: ansible-playbook ends its workers, which are in sessions of their own.
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
            raise
        return Run(command, process.returncode, stdout, stderr, _recap(stdout), time.monotonic() - started)

    def _environment(self) -> dict[str, str]:
        foreign = ("ANSIBLE_", "APP_PROXY_", "AZURE_", "PYTHONPATH")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        base = {
            **kept,
            "PATH": os.pathsep.join([str(self.binaries), os.environ.get("PATH", os.defpath)]),
            "ANSIBLE_HOME": str(self.home / "ansible"),
            # Ansible looks for "~" here in the environment and there in the user database: HOME of a gate is another.
            "ANSIBLE_ASYNC_DIR": str(self.home / "async"),
            "ANSIBLE_CONFIG": str(self.home / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOST_PATTERN_MISMATCH": "error",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_NOCOWS": "true",
        }
        return self.lab.variables(base, connection=self.connection, scheme=self.scheme) if self.lab else base


@dataclasses.dataclass(frozen=True)
class Listing:
    """What C(ansible-inventory --list) printed: C(variables) by host, and by group the hosts in it and the groups below it."""

    variables: dict[str, dict[str, t.Any]]
    hosts: dict[str, list[str]]
    children: dict[str, list[str]]

    @classmethod
    def of(cls, run: Run) -> Listing:
        document = json.loads(run.stdout)
        hostvars = _without_marks(document.pop("_meta")["hostvars"])
        hosts = {name: sorted(group.get("hosts", [])) for name, group in document.items()}
        children = {name: sorted(group["children"]) for name, group in document.items() if "children" in group}
        return cls(hostvars, hosts, children)


def _without_marks(value: t.Any) -> t.Any:
    """The value without the marks of texts that are no templates."""
    if isinstance(value, dict):
        return value["__ansible_unsafe"] if "__ansible_unsafe" in value else {name: _without_marks(one) for name, one in value.items()}
    return [_without_marks(one) for one in value] if isinstance(value, list) else value


def _recap(stdout: str) -> dict[str, dict[str, int]]:
    recap = {}
    for match in RECAP.finditer(stdout.rpartition("PLAY RECAP")[2]):
        pairs = (word.split("=") for word in match["counts"].split())
        recap[match["host"]] = {name: int(number) for name, number in pairs}
    return recap

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""One server as the host half works on it: CIM session, shell, file transfer, progress and time, each replaceable in a test."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import pathlib
import time
import typing as t
from types import MappingProxyType

from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.observe import observe
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import powershell
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import ProcessLost, ProcessResult, Shell
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import HttpError, TransportError

# A server that is starting: no listener at the path yet, or the service not ready.
_NOT_READY = (404, 503)

# Bytes: what is read whole are settings, certificates and the ends of logs.
MAX_FILE = 256 * 1024
READ_TIMEOUT = 60.0

_SCRIPTS = pathlib.Path(__file__).parent / "scripts"

T = t.TypeVar("T")


class WaitTimeout(Exception):
    """What was waited for did not come in time. C(seen) is what was there instead."""

    def __init__(self, what: str, seconds: float, seen: str) -> None:
        self.what, self.seconds, self.seen = what, seconds, seen
        super().__init__(f"waited {seconds:.0f} seconds for {what}; last seen: {seen}")


@dataclasses.dataclass
class Server:
    """:param shell: opened at its first run, so a task that runs nothing opens none.
    :param put_file: the connection's own transfer of a controller file to a path on the server.
    :param progress: tells a person what is going on (shown with C(-v)).
    :param warn: tells a person what they should look at (always shown).
    :param reads_renewed: read a certificate that was renewed, which takes a shell, also where an estimate of its end is enough.
    :param done: what has been changed so far, in words. A failure after a change reports it.
    :param learnt: keys of the result that are known so far, and that a failure returns as well.
    """

    session: Session
    shell: Shell
    put_file: t.Callable[[str, str], None]
    progress: t.Callable[[str], None]
    warn: t.Callable[[str], None]
    sleep: t.Callable[[float], None] = time.sleep
    clock: t.Callable[[], float] = time.monotonic
    now: t.Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.timezone.utc)
    done: list[str] = dataclasses.field(default_factory=list)
    learnt: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    reads_renewed: bool = False

    def observe(self) -> HostState:
        """The host as it is now.

        A certificate that was renewed is read before it is taken for expired, or for what a host without a valid one is registered by.
        """
        return observe(self.session, self.now(), self._read_renewed, always=self.reads_renewed)

    def _read_renewed(self, paths: t.Sequence[str]) -> dict[str, bytes]:
        try:
            return self.read_files(paths)
        except powershell.ScriptError as error:
            if self.reads_renewed:
                raise
            self.warn(f"certificates in the store of NETWORK SERVICE were not read, so they are judged by the age of their files: {error}")
            return {}

    def read_files(self, paths: t.Sequence[str]) -> dict[str, bytes]:
        """The contents of small files, by lower-case path; those that cannot be read are missing."""
        answer = self.script("read_files", {"paths": list(paths), "max_bytes": MAX_FILE}, timeout=READ_TIMEOUT)
        files = answer.get("files") or {}
        return {str(path).lower(): base64.b64decode(content) for path, content in files.items() if content is not None}

    def run(self, command: str, *arguments: str, timeout: float) -> ProcessResult:
        self.progress(f"running {' '.join((command, *arguments))}")
        return self.shell.run(command, arguments, timeout=timeout)

    def script(
        self, name: str, arguments: t.Mapping[str, t.Any], *, timeout: float, secrets: t.Mapping[str, str] = MappingProxyType({})
    ) -> dict[str, t.Any]:
        """Run one of the scripts beside this file. Arguments travel on standard input.

        :param secrets: no message and no log of the server may show them.
        """
        self.progress(f"running the script {name}")
        text = (_SCRIPTS / f"{name}.ps1").read_text(encoding="utf-8")
        return powershell.run_script(self.shell, text, arguments, timeout=timeout, secrets=secrets)

    def wait(self, what: str, look: t.Callable[[], tuple[T | None, str]], *, timeout: float, interval: float) -> T:
        """Look again and again until there is something.

        :param look: gives (the thing or None, what is seen). A server that does not answer (it may be restarting) is looked at again.
        :param timeout: seconds.
        :raises WaitTimeout: at the deadline.
        """
        deadline = self.clock() + timeout
        while True:
            try:
                found, seen = look()
            except ProcessLost:
                # What was looked at is a program, and one that may have run is never started again.
                raise
            except TransportError as error:
                found, seen = None, f"the server does not answer ({error})"
            except HttpError as error:
                if error.status not in _NOT_READY:
                    raise
                found, seen = None, str(error)
            if found is not None:
                return found
            remaining = deadline - self.clock()
            if remaining <= 0:
                raise WaitTimeout(what, timeout, seen)
            self.progress(f"waiting for {what} ({remaining:.0f} s left): {seen}")
            self.sleep(min(interval, remaining))


def require(answer: t.Mapping[str, t.Any], doing: str) -> t.Mapping[str, t.Any]:
    """The answer of a script that did not fail.

    :raises HostError: with the script's own error.
    """
    if answer.get("error"):
        raise HostError(f"{doing}: {answer['error']}", operation=doing)
    return answer

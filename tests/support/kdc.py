# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real MIT KDC on loopback with a realm of its own: nothing of the machine's own Kerberos is read or touched."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import os
import pathlib
import shutil
import socket
import subprocess
import time
import typing as t

REALM = "LAB.TEST"
SERVICES = ("HTTP", "WSMAN", "host")
START_SECONDS = 10
STARTS = 3
# Debian keeps the KDC's programs out of the PATH of ordinary users.
_PLACES = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
_PROGRAMS = {"krb5kdc": "krb5-kdc", "kdb5_util": "krb5-kdc", "kadmin.local": "krb5-admin-server", "kinit": "krb5-user"}
_MODULES = ("gssapi", "krb5", "kerberos")


def missing() -> str:
    """What a test with Kerberos lacks on this machine, and how to get it; empty when nothing is missing."""
    packages = sorted({package for program, package in _PROGRAMS.items() if shutil.which(program, path=_PLACES) is None})
    modules = [module for module in _MODULES if importlib.util.find_spec(module) is None]
    reasons = []
    if packages:
        reasons.append(f"Debian packages {' '.join(packages)} (apt-get install)")
    if modules:
        reasons.append(f"Python modules {' '.join(modules)} (requirements/kerberos.txt; they need libkrb5-dev and gcc to build)")
    return f"Kerberos is not tested here, missing: {'; '.join(reasons)}" if reasons else ""


@dataclasses.dataclass
class Kdc:
    """A running KDC. C(keytab) holds the services' keys for localhost, 127.0.0.1 and ::1 alike (one machine, three names)."""

    process: subprocess.Popen[bytes]
    directory: pathlib.Path
    port: int

    @classmethod
    def start(cls, directory: pathlib.Path, users: t.Mapping[str, str]) -> Kdc:
        """Make a realm in C(directory) with these users (name to password) and serve it.

        Up to three times: the port is free when it is chosen, and somebody else may take it before the KDC does.

        :raises AssertionError: a program of Kerberos failed; with its output.
        """
        for attempt in range(1, STARTS):
            with contextlib.suppress(AssertionError):
                return cls._start(directory / str(attempt), users)
        return cls._start(directory / str(STARTS), users)

    @classmethod
    def _start(cls, directory: pathlib.Path, users: t.Mapping[str, str]) -> Kdc:
        directory.mkdir(parents=True, exist_ok=True)
        port = _free_port()
        (directory / "krb5.conf").write_text(_client_settings(port))
        (directory / "kdc.conf").write_text(_kdc_settings(directory, port))
        log = (directory / "kdc.log").open("wb")
        with log:
            environment = _environment(directory)
            # -W: keys from /dev/urandom's little brother, so that a machine without entropy does not wait.
            _run(["kdb5_util", "create", "-s", "-W", "-P", "master", "-r", REALM], environment)
            _run(["kadmin.local", "-r", REALM], environment, _commands(directory, users))
            # Where there is setpriv, the KDC ends with this process even when that is killed.
            leash = [found, "--pdeathsig", "TERM"] if (found := shutil.which("setpriv")) else []
            command = [*leash, _found("krb5kdc"), "-n", "-r", REALM]
            process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        kdc = cls(process, directory, port)
        try:
            kdc._await_ready()
        except BaseException:
            kdc.stop()
            raise
        return kdc

    @property
    def environment(self) -> dict[str, str]:
        """What clients and acceptors of this realm need in theirs."""
        return {"KRB5_CONFIG": str(self.directory / "krb5.conf")}

    @property
    def keytab(self) -> pathlib.Path:
        return self.directory / "services.keytab"

    def ticket(self, user: str, password: str, cache: pathlib.Path, *options: str) -> None:
        """Get a ticket into a cache of its own, as C(kinit) with C(options) does."""
        _run(["kinit", *options, "-c", f"FILE:{cache}", f"{user}@{REALM}"], {**os.environ, **self.environment}, f"{password}\n")

    def stop(self) -> None:
        """Stop it and wait for its end."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _await_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"krb5kdc ended: {(self.directory / 'kdc.log').read_text()}"
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError(f"krb5kdc was not ready after {START_SECONDS} seconds: {(self.directory / 'kdc.log').read_text()}")


def _client_settings(port: int) -> str:
    # Nothing is asked of DNS. UDP is not served.
    return f"""[libdefaults]
    default_realm = {REALM}
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 1
[realms]
    {REALM} = {{
        kdc = 127.0.0.1:{port}
    }}
    NOWHERE.TEST = {{
    }}
[domain_realm]
    localhost = {REALM}
"""


def _kdc_settings(directory: pathlib.Path, port: int) -> str:
    return f"""[kdcdefaults]
    kdc_listen = ""
    kdc_tcp_listen = 127.0.0.1:{port}
[realms]
    {REALM} = {{
        database_name = {directory}/principal
        key_stash_file = {directory}/stash
        acl_file = {directory}/acl
        default_principal_flags = +preauth
        max_life = 1d
    }}
[logging]
    kdc = FILE:{directory}/kdc-requests.log
"""


def _commands(directory: pathlib.Path, users: t.Mapping[str, str]) -> str:
    # On standard input, so that no password is in the list of processes.
    lines = [f'addprinc -pw "{password}" {user}' for user, password in users.items()]
    for service in SERVICES:
        lines += [f"addprinc -randkey {service}/localhost", f"ktadd -k {directory}/services.keytab {service}/localhost"]
    return "".join(f"{line}\n" for line in lines)


def _environment(directory: pathlib.Path) -> dict[str, str]:
    return {**os.environ, "KRB5_CONFIG": str(directory / "krb5.conf"), "KRB5_KDC_PROFILE": str(directory / "kdc.conf")}


def _run(command: list[str], environment: t.Mapping[str, str], text: str = "") -> None:
    program = [_found(command[0]), *command[1:]]
    done = subprocess.run(program, env=environment, input=text, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"


def _found(program: str) -> str:
    path = shutil.which(program, path=_PLACES)
    assert path, f"{program} is not installed"
    return path


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])

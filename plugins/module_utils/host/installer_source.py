# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Where the installer comes from: a file of the controller, a path on the server, or an address the server fetches.

Whatever the source, the file is looked at on the server (digest, signature, version) before it is run, and what was
brought there is removed afterwards.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import pathlib
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import DOWNLOAD_URL, ENTRA
from ansible_collections.entra.app_proxy.plugins.module_utils.host.options import public_part
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.host.versions import at_least, readable
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.command_line import quote_command
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import WSManError

PUBLISHER = "CN=Microsoft Corporation"
_SCRIPT_TIMEOUT = 120.0


@dataclasses.dataclass(frozen=True)
class Source:
    """At most one of C(file), C(path) and C(url); none of them = Microsoft's download address.

    :param sha256: what the file must be; None = not checked.
    :param minimum: the version it must at least be; None = not checked.
    """

    file: str | None = None
    path: str | None = None
    url: str | None = None
    proxy: str | None = None
    sha256: str | None = None
    verify_publisher: bool = True
    minimum: str | None = None

    @property
    def given(self) -> bool:
        return any((self.file, self.path, self.url))

    @property
    def copied_bytes(self) -> int:
        """How much is going to be copied to the server; 0 when that is not known before."""
        return pathlib.Path(self.file).stat().st_size if self.file is not None else 0


def check_controller_file(source: Source) -> None:
    """What can be known of the installer before the server is asked anything.

    :raises HostError: when the controller file is missing or not the one that was declared.
    """
    if source.file is None:
        return
    path = pathlib.Path(source.file)
    if not path.is_file():
        raise HostError(
            f"the installer {source.file} does not exist on the controller. Download it from {DOWNLOAD_URL} and correct installer_file,"
            " or leave installer_file out and let the server download it",
            operation="read installer_file",
        )
    _check_digest(source, _digest(path), source.file)


@contextlib.contextmanager
def bring(server: Server, source: Source, windows_directory: str, timeout: float) -> t.Iterator[str]:
    """The checked installer's path on the server, for as long as the block runs.

    :param timeout: seconds for bringing it.
    :raises HostError: when it cannot be had or is not what it must be. Nothing has been installed then.
    :raises CommandLineError: when its path is none that can be run.
    """
    check_controller_file(source)
    if source.path is not None:
        # What follows may remove a connector before it runs this: whether it can be run is known now.
        quote_command(source.path)
        inspect(server, source, source.path)
        yield source.path
        return
    folder, path = _place(source, windows_directory)
    try:
        if source.file is not None:
            _copy(server, source.file, folder, path)
        else:
            _download(server, source, path, timeout)
        inspect(server, source, path)
        yield path
    finally:
        _remove(server, folder)


def _place(source: Source, windows_directory: str) -> tuple[str, str]:
    """A folder of its own for each installer, so that two runs do not meet, and the path of the installer in it."""
    if source.file is not None:
        mark = _digest(pathlib.Path(source.file))
    else:
        mark = hashlib.sha256((source.url or DOWNLOAD_URL).encode()).hexdigest()
    folder = rf"{windows_directory}\Temp\entra.app_proxy-{mark[:12]}"
    # Its name on the controller may hold what no command line of Windows carries.
    return folder, rf"{folder}\{ENTRA.installer}"


def _copy(server: Server, local: str, folder: str, remote: str) -> None:
    # mkdir fails when the folder is there already, which is fine; if there is no folder the copy says so.
    server.run("mkdir", folder, timeout=_SCRIPT_TIMEOUT)
    server.progress(f"copying {local} to {remote}")
    server.put_file(local, remote)


def _download(server: Server, source: Source, remote: str, timeout: float) -> None:
    url = source.url or DOWNLOAD_URL
    arguments = {"url": url, "destination": remote, "proxy": source.proxy, "timeout_seconds": int(timeout)}
    answer = server.script("download_installer", arguments, timeout=timeout + 30)
    if not answer.get("ok"):
        raise HostError(
            f"the server could not download the installer from {public_part(url)}: {answer.get('error')}. Let it through the firewall, give"
            " installer_proxy, or use installer_file, which comes from the controller",
            operation="download the installer",
        )


def inspect(server: Server, source: Source, path: str) -> str | None:
    """The version of an installer on the server, which is what it must be.

    :raises HostError: when it is missing or not what was declared.
    """
    facts = server.script("inspect_installer", {"path": path}, timeout=_SCRIPT_TIMEOUT)
    if facts.get("error") or not facts.get("exists"):
        raise _unreadable(source, path, facts.get("error"))
    _check_digest(source, str(facts.get("sha256") or ""), path)
    _check_publisher(source, facts, path)
    _check_version(source, facts, path)
    return readable(facts.get("file_version"))


def _unreadable(source: Source, path: str, error: t.Any) -> HostError:
    said = f": {error}" if error else " does not exist on the server, or the connecting user may not read it"
    way_out = "It was there a moment ago: a virus scanner of the server may have taken it away"
    if source.path is not None:
        # A share that does not let the user in may say so, or that there is no such file: which of them is not recorded.
        second_hop = (
            "a share takes a second hop, so connect with CredSSP, or with Kerberos and delegation; " if path.startswith("\\\\") else ""
        )
        way_out = f"What to do: {second_hop}correct installer_path, or use installer_file or installer_url"
    return HostError(f"the installer {path}{said}. {way_out}", operation="look at the installer")


def _check_digest(source: Source, digest: str, path: str) -> None:
    if source.sha256 is not None and digest.lower() != source.sha256.lower():
        raise HostError(
            f"the installer {path} has the SHA-256 {digest.lower()}, declared is {source.sha256.lower()}. It was not run. Use the declared"
            " file, or correct installer_sha256 if this one is meant",
            operation="check installer_sha256",
        )


def _check_publisher(source: Source, facts: t.Mapping[str, t.Any], path: str) -> None:
    if not source.verify_publisher:
        return
    status, subject = facts.get("signature_status"), str(facts.get("signer_subject") or "")
    if status == "Valid" and (subject == PUBLISHER or subject.startswith(PUBLISHER + ",")):
        return
    raise HostError(
        f"the installer {path} is not signed by Microsoft: signature {status}, signer {subject or 'none'}. It was not run. Use Microsoft's"
        " own file; for one that you signed yourself set verify_publisher=false together with installer_sha256",
        operation="check the installer's publisher",
    )


def _check_version(source: Source, facts: t.Mapping[str, t.Any], path: str) -> None:
    version = readable(facts.get("file_version"))
    if source.minimum is not None and version is not None and not at_least(version, source.minimum):
        raise HostError(
            f"the installer {path} is version {version}, declared is at least {source.minimum}. It was not run. Use a newer installer, or"
            " lower the option version",
            operation="check the installer's version",
        )


def _remove(server: Server, folder: str) -> None:
    """Leave nothing behind. That this fails must not hide what happened before: it is a warning."""
    try:
        answer = server.script("remove_paths", {"paths": [folder]}, timeout=_SCRIPT_TIMEOUT)
        problems = [f"{failed.get('path')}: {failed.get('error')}" for failed in answer.get("failed") or []]
    except WSManError as error:
        problems = [f"{folder}: {error}"]
    for problem in problems:
        server.warn(f"what was brought to the server could not be removed there: {problem}")


def _digest(path: pathlib.Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()

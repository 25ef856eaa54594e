# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection's PowerShell scripts do, played on the model. Input and output as the scripts have them."""

from __future__ import annotations

import base64
import datetime
import hashlib
import ntpath
import typing as t

from tests.lab.servers import installers, shares
from tests.lab.servers.programs import in_use, registration

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer

Arguments = t.Mapping[str, t.Any]
Answer = dict[str, t.Any]


def inspect_installer(server: WindowsServer, arguments: Arguments) -> Answer:
    """inspect_installer.ps1: hash, file version and Authenticode signature of a file."""
    answer: Answer = dict.fromkeys(("sha256", "size", "file_version", "signature_status", "signer_subject", "error"))
    if shares.is_refused(arguments["path"]):
        return {**answer, "exists": False, "error": shares.DENIED}
    file = server.files.get(arguments["path"])
    answer["exists"] = file is not None
    if file is None:
        return answer
    answer["size"] = len(file.content)
    answer["sha256"] = hashlib.sha256(file.content).hexdigest()
    installer = installers.parse(file.content)
    if installer is None:
        # A program without signature; for anything else Windows has no subject interface package [DOC].
        answer["signature_status"] = "NotSigned" if file.content.startswith(b"MZ") else "UnknownError"
        answer["file_version"] = file.version
        return answer
    answer["file_version"] = installer.version
    answer["signature_status"] = installer.signature_status
    answer["signer_subject"] = installer.signer if installer.signature_status != "NotSigned" else None
    return answer


def download_installer(server: WindowsServer, arguments: Arguments) -> Answer:
    """download_installer.ps1: Invoke-WebRequest into a file. The internet of the lab is World.downloads."""
    url, destination = str(arguments["url"]), str(arguments["destination"])
    content = server.world.downloads.get(url)
    blocked = not arguments.get("proxy") and any(url.startswith(start) for start in server.blocked_urls)
    if blocked:
        return {"ok": False, "size": None, "error": "Unable to connect to the remote server"}
    if content is None:
        return {"ok": False, "size": None, "error": "The remote server returned an error: (404) Not Found."}
    server.files.make_folder(ntpath.dirname(destination))
    server.files.write(destination, content)
    server.changed("powershell.exe", "download", url=url, path=destination, size=len(content), proxy=arguments.get("proxy"))
    return {"ok": True, "size": len(content), "error": None}


def register_connector(server: WindowsServer, arguments: Arguments) -> Answer:
    """register_connector.ps1: Microsoft's registration script, or the cmdlet when there is no script."""
    return registration.register(server, arguments)


def read_files(server: WindowsServer, arguments: Arguments) -> Answer:
    """read_files.ps1: small files in base64."""
    files: dict[str, str | None] = {}
    errors: dict[str, str] = {}
    for path in arguments["paths"]:
        file = server.files.get(path)
        files[path] = None
        if file is not None and len(file.content) > arguments["max_bytes"]:
            errors[path] = f"larger than {arguments['max_bytes']} bytes: {len(file.content)}"
        elif file is not None:
            files[path] = base64.b64encode(file.content).decode()
    return {"files": files, "errors": errors}


def remove_paths(server: WindowsServer, arguments: Arguments) -> Answer:
    """remove_paths.ps1: Remove-Item -Recurse. A program that runs as a service cannot be removed [INF]."""
    removed: list[str] = []
    failed: list[dict[str, str]] = []
    for path in arguments["paths"]:
        if not server.files.exists(path):
            continue
        if _in_use(server, path):
            failed.append({"path": path, "error": f"Cannot remove item {path}: Access to the path is denied."})
            continue
        server.files.remove(path)
        removed.append(path)
        server.changed("powershell.exe", "remove", path=path)
    return {"removed": removed, "failed": failed}


def tail_logs(server: WindowsServer, arguments: Arguments) -> Answer:
    """tail_logs.ps1: the ends of the newest logs in TEMP."""
    since = server.world.clock.now() - datetime.timedelta(seconds=int(arguments["seconds"]))
    recent = [file for file in server.files.below(server.temp) if file.path.lower().endswith(".log") and file.modified >= since]
    newest = sorted(recent, key=lambda file: file.modified, reverse=True)[:5]
    tails = [(file.path, base64.b64encode(file.content[-int(arguments["max_bytes"]) :]).decode()) for file in newest]
    return {"logs": [{"path": path, "tail": tail, "error": None} for path, tail in tails]}


def _in_use(server: WindowsServer, path: str) -> bool:
    folder = ntpath.normpath(path).lower()
    programs = [service.path.strip('"').lower() for service in server.services.all() if service.process_id]
    programs += [file.path.lower() for file in in_use.executables(server)]
    return any(program == folder or program.startswith(folder + "\\") for program in programs)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection's scripts probe_endpoints.ps1 and write_file.ps1 do, played on the model."""

from __future__ import annotations

import base64
import hashlib
import typing as t

from tests.lab.servers.state.network import ADDRESS

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer

Arguments = t.Mapping[str, t.Any]
Answer = dict[str, t.Any]


def probe_endpoints(server: WindowsServer, arguments: Arguments) -> Answer:
    """probe_endpoints.ps1: a TCP connection to each target, through a proxy with CONNECT where one is named."""
    if int(arguments["timeout_seconds"]) <= 0:
        raise ValueError("timeout_seconds")
    return {"results": [_probe(server, target) for target in arguments["targets"]]}


def _probe(server: WindowsServer, target: Arguments) -> Answer:
    host, port = str(target["host"]), int(target["port"])
    proxy = (str(target["proxy_host"]), int(target["proxy_port"])) if target.get("proxy_host") else None
    result: Answer = {"host": host, "port": port, "connected": False, "address": ADDRESS, "answer": None, "error": None}
    error = server.network.error(*(proxy or (host, port)))
    if error is not None:
        return {**result, "error": error}
    result["connected"] = True
    if proxy is not None:
        answer = server.network.answer(*proxy)
        result["answer"] = answer or ("HTTP/1.1 503 Service Unavailable" if server.network.error(host, port) else "HTTP/1.1 200 OK")
    return result


def write_file(server: WindowsServer, arguments: Arguments) -> Answer:
    """write_file.ps1: replaces a file that is as it was read, and copies it once before."""
    path, copy_to = str(arguments["path"]), str(arguments["copy_to"])
    answer: Answer = {"ok": False, "copied": False, "error": None}
    file = server.files.get(path)
    if file is None:
        return {**answer, "error": f"Cannot find path '{path}' because it does not exist."}
    if hashlib.sha256(file.content).hexdigest() != arguments["expected_sha256"].lower():
        return {**answer, "error": "the file has changed since it was read; run the task again"}
    if not server.files.exists(copy_to):
        server.files.write(copy_to, file.content)
        answer["copied"] = True
    server.files.write(path, base64.b64decode(arguments["content"], validate=True), version=file.version)
    server.changed("powershell.exe", "write", path=path)
    return {**answer, "ok": True}

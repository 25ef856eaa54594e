# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripted Windows of windows.py with a registry, configuration files, netsh and a network."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import generations
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import ProcessResult
from tests.unit.host.windows import Windows

CONFIG = (
    b'<?xml version="1.0" encoding="utf-8" ?>\r\n<configuration>\r\n  <runtime><gcServer enabled="true"/></runtime>\r\n'
    b'  <appSettings><add key="TraceFilename" value="Connector.log" /></appSettings>\r\n</configuration>\r\n'
)
DEFAULT_PORTS = (49152, 16384)


@dataclasses.dataclass
class ConfiguredWindows(Windows):
    """:param contents: of text files, by path; C(in_use) what of them and of the registry each service read when it started.
    :param unreachable: C(host:port) to the error of a connection; C(answers) to what a proxy there says.
    """

    contents: dict[str, bytes] = dataclasses.field(default_factory=dict)
    ports: dict[str, tuple[int, int]] = dataclasses.field(default_factory=dict)
    unreachable: dict[str, str] = dataclasses.field(default_factory=dict)
    answers: dict[str, str] = dataclasses.field(default_factory=dict)
    os: dict[str, str] = dataclasses.field(default_factory=dict)
    # Another writer: what a written file holds when it is read again.
    overwritten: bytes | None = None
    in_use: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    netsh_exit_code: int = 0
    # Of the ranges by such names as "ipv6 tcp", those that cannot be set.
    fixed_ports: t.Collection[str] = ()
    stop_leaves: str = "Stopped"

    def configure(self, content: bytes = CONFIG, generation: generations.Generation = generations.ENTRA) -> None:
        """Installed, with both configuration files."""
        self.files |= {generation.service_path("C:"), generation.updater_path("C:")}
        for name, path in zip(generations.SERVICES, self.paths(generation), strict=True):
            exe = path.removesuffix(".config")
            self.services[name] = {"State": "Running", "StartMode": "Auto", "PathName": f'"{exe}"', "ProcessId": self.next_process()}
            self.contents[path] = content
            self.in_use[name] = self.settings(name)

    @staticmethod
    def paths(generation: generations.Generation = generations.ENTRA) -> list[str]:
        return [f"{generation.service_path('C:')}.config", f"{generation.updater_path('C:')}.config"]

    def writes(self) -> list[str]:
        """What changed something."""
        reading = ("query", "EnumKey", "EnumValues", "Get", "script read", "script probe")
        return [call for call in self.calls if not call.startswith(reading) and " show " not in call]

    # Windows itself.

    def _rows_win32_operatingsystem(self, wql: str) -> list[dict[str, str]]:
        return [{**super()._rows_win32_operatingsystem(wql)[0], **self.os}]

    def _enumvalues(self, texts: t.Mapping[str, str], _selector: str) -> str:
        self.calls.append("EnumValues")
        prefix = texts["sSubKeyName"].lower() + "\\"
        names = [name.removeprefix(prefix) for name in self.registry if name.startswith(prefix)]
        there = bool(names) or texts["sSubKeyName"].lower() in self.keys
        listed = "".join(f"<sNames>{name}</sNames>" for name in names if "\\" not in name)
        return f"<EnumValues_OUTPUT><ReturnValue>{0 if there else 2}</ReturnValue>{listed}</EnumValues_OUTPUT>"

    def _stopservice(self, _texts: t.Mapping[str, str], name: str) -> str:
        self._about_to(f"StopService {name}")
        self.services[name] |= {"State": self.stop_leaves, "ProcessId": "0"}
        return "<StopService_OUTPUT><ReturnValue>0</ReturnValue></StopService_OUTPUT>"

    def _startservice(self, texts: t.Mapping[str, str], name: str) -> str:
        answer = super()._startservice(texts, name)
        self.in_use[name] = self.settings(name)
        return answer

    def settings(self, name: str) -> t.Any:
        """What a service reads when it starts."""
        exe = self.services[name]["PathName"].strip('"')
        prefix = r"software\microsoft" if name == generations.CONNECTOR_SERVICE else "none of them"
        return self.contents[f"{exe}.config"], {value: data for value, data in self.registry.items() if value.startswith(prefix)}

    # Programs and scripts.

    def run(self, command: str, arguments: t.Sequence[str] = (), *, stdin: bytes = b"", timeout: float) -> ProcessResult:
        if command != "netsh.exe":
            return super().run(command, arguments, stdin=stdin, timeout=timeout)
        self.calls.append(" ".join([command, *arguments]))
        _int, stack, verb, _what, protocol, *values = arguments
        name = f"{stack} {protocol}"
        if self.netsh_exit_code or (verb == "set" and name in self.fixed_ports):
            return ProcessResult(self.netsh_exit_code or 1, "The requested operation requires elevation.\r\n", "")
        if verb == "set":
            self.ports[name] = tuple(int(value.partition("=")[2]) for value in values)  # type: ignore[assignment]
            return ProcessResult(0, "Ok.\r\n\r\n", "")
        start, count = self.ports.get(name, DEFAULT_PORTS)
        lines = (
            "",
            f"Plage de ports dynamique du protocole {protocol}",
            "---",
            f"Port initial    : {start}",
            f"Nombre de ports : {count}",
            "",
        )
        text = "\r\n".join(lines)
        return ProcessResult(0, text, "")

    def _script(self, document: dict[str, t.Any]) -> ProcessResult:
        arguments = document["arguments"]
        if "targets" in arguments:
            return self._answered("probe", arguments, {"results": [self._probed(target) for target in arguments["targets"]]})
        if "copy_to" in arguments:
            self._about_to("script write")
            self.documents.append(arguments)
            return ProcessResult(0, json.dumps(self._written(arguments)), "")
        if {"max_bytes", "paths"} <= set(arguments):
            found = {path: self.contents.get(path) for path in arguments["paths"]}
            files = {path: None if data is None else base64.b64encode(data).decode() for path, data in found.items()}
            return self._answered("read", arguments, {"files": files, "errors": {}})
        return super()._script(document)

    def _answered(self, name: str, arguments: dict[str, t.Any], answer: dict[str, t.Any]) -> ProcessResult:
        self.calls.append(f"script {name}")
        self.documents.append(arguments)
        return ProcessResult(0, json.dumps(answer), "")

    def _probed(self, target: dict[str, t.Any]) -> dict[str, t.Any]:
        proxy = f"{target['proxy_host']}:{target['proxy_port']}" if "proxy_host" in target else None
        name = proxy or f"{target['host']}:{target['port']}"
        error = self.unreachable.get(name)
        answer = None if proxy is None or error else self.answers.get(name, "HTTP/1.1 200 Connection established")
        return {
            "host": target["host"],
            "port": target["port"],
            "connected": error is None,
            "address": "192.0.2.1",
            "answer": answer,
            "error": error,
        }

    def _written(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        path, copy_to = arguments["path"], arguments["copy_to"]
        if hashlib.sha256(self.contents[path]).hexdigest() != arguments["expected_sha256"]:
            return {"ok": False, "copied": False, "error": "the file has changed since it was read"}
        copied = copy_to not in self.contents
        self.contents.setdefault(copy_to, self.contents[path])
        self.contents[path] = base64.b64decode(arguments["content"]) if self.overwritten is None else self.overwritten
        return {"ok": True, "copied": copied, "error": None}

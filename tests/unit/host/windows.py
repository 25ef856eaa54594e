# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tiny Windows for the tests of observe and apply: it answers envelopes and runs the programs that the host half runs.

No model of Windows (the lab is that): just enough to steer one job, with every step recorded in C(calls).
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import json
import re
import typing as t
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

from ansible_collections.entra.app_proxy.plugins.module_utils.host import generations, installer_source
from ansible_collections.entra.app_proxy.plugins.module_utils.host.observe import MACHINE_CERTIFICATES
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.command_line import quote_command
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import ProcessResult
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from tests.unit.host.builders import NOW, blob, encoded_certificate

E = generations.ENTRA


def product_files(generation: generations.Generation) -> set[str]:
    return {generation.service_path("C:"), generation.updater_path("C:"), generation.register_script_path("C:")}


def trust_settings(generation: generations.Generation) -> str:
    return generation.data_dir("C:") + r"\Config\TrustSettings.xml"


ACCOUNTS = {"WAPCSvc": r"NT AUTHORITY\NetworkService", "WAPCUpdaterSvc": "LocalSystem"}
INSTALLED_FILES = product_files(E)
TRUST_SETTINGS = trust_settings(E)

_ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    ' xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header><a:RelatesTo>{message_id}</a:RelatesTo></s:Header>'
    "<s:Body>{body}</s:Body></s:Envelope>"
)


class Killed(BaseException):
    """The run has ended here, without a chance to tidy up."""


@dataclasses.dataclass
class Windows:
    """One server. Tests set its attributes, and hand in C(programs) to say what running something does."""

    services: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    files: set[str] = dataclasses.field(default_factory=set)
    version: str = "1.5.4892.0"
    certificates: dict[str, bytes] = dataclasses.field(default_factory=dict)
    user_store: dict[str, datetime.datetime] = dataclasses.field(default_factory=dict)
    user_certificates: dict[str, bytes] = dataclasses.field(default_factory=dict)
    folders: set[str] = dataclasses.field(default_factory=set)
    # Display names in the Uninstall key, by product code.
    listed: dict[str, str] = dataclasses.field(default_factory=dict)
    free_bytes: int = 50 * 1024**3
    last_boot: datetime.datetime = NOW - datetime.timedelta(days=3)
    log: str = ""
    inspection: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    # DWORDs and strings by key\value, in lower case; keys are further keys without values.
    registry: dict[str, int | str] = dataclasses.field(default_factory=dict)
    keys: set[str] = dataclasses.field(default_factory=set)
    # Of them, those in which the account may set nothing.
    protected: t.Collection[str] = ()
    # How many more changes there are before the run is killed; None: it lives.
    lives: int | None = None
    processes: int = 1200
    # An installer has asked for a restart, and there was none.
    restart_due: bool = False
    # Files and folders that somebody has open: they stay until Windows starts again.
    held: set[str] = dataclasses.field(default_factory=set)
    # What is put off until Windows starts again.
    at_boot: list[t.Callable[[Windows], None]] = dataclasses.field(default_factory=list)
    # It goes down, and says each of these, once, instead of answering.
    going_down: bool = False
    excuses: list[Exception] = dataclasses.field(default_factory=list)
    programs: dict[str, t.Callable[[Windows], ProcessResult | dict[str, t.Any]]] = dataclasses.field(default_factory=dict)
    calls: list[str] = dataclasses.field(default_factory=list)
    documents: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    progress: list[str] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)
    seconds: float = 0.0
    # What happens by itself: at this second, do that.
    agenda: list[tuple[float, t.Callable[[Windows], None]]] = dataclasses.field(default_factory=list)

    def server(self) -> Server:
        return Server(
            session=Session(self, endpoint_label="https://server:5986/wsman"),
            shell=self,  # type: ignore[arg-type]
            put_file=lambda local, remote: self.calls.append(f"put {local} {remote}"),
            progress=self.progress.append,
            warn=self.warnings.append,
            sleep=self.sleep,
            clock=lambda: self.seconds,
            now=lambda: NOW,
        )

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        due = [entry for entry in self.agenda if entry[0] <= self.seconds]
        self.agenda = [entry for entry in self.agenda if entry[0] > self.seconds]
        for _moment, happen in due:
            happen(self)

    def later(self, seconds: float, happen: t.Callable[[Windows], None]) -> None:
        self.agenda.append((self.seconds + seconds, happen))

    # Changes that the tests need again and again.

    def install(self, state: str = "Stopped", generation: generations.Generation = E) -> None:
        """What the installer does: one generation takes the place of the other, services keep their state."""
        for other in generations.GENERATIONS:
            self.files -= product_files(other)
        self.files |= product_files(generation)
        self.folders |= set(generation.program_folders("C:"))
        exes = (generation.service_path("C:"), generation.updater_path("C:"))
        for name, exe in zip(generations.SERVICES, exes, strict=True):
            self.services.setdefault(name, {"State": state, "StartMode": "Auto"}).update(PathName=f'"{exe}"', StartName=ACCOUNTS[name])

    def remove(self) -> None:
        """What the uninstallers do: the folders stay."""
        for generation in generations.GENERATIONS:
            self.files -= product_files(generation)
        self.services.clear()

    def boot(self) -> None:
        """A start of Windows: every service anew."""
        self.last_boot = self.local_time
        self.restart_due = self.going_down = False
        self.held.clear()
        postponed, self.at_boot = self.at_boot, []
        for happen in postponed:
            happen(self)
        for service in self.services.values():
            runs = service["StartMode"] == "Auto"
            service |= {"State": "Running" if runs else "Stopped", "ProcessId": self.next_process() if runs else "0"}

    def register(self, thumbprint: str = "AB" * 20, **certificate: t.Any) -> None:
        self.certificates[thumbprint] = blob(encoded_certificate(**certificate))
        installed = next((one for one in generations.GENERATIONS if one.service_path("C:") in self.files), E)
        self.files.add(trust_settings(installed))

    @property
    def local_time(self) -> datetime.datetime:
        return NOW + datetime.timedelta(seconds=self.seconds)

    def restart(self, seconds: float = 20) -> None:
        """Go down at once, and be up again after so many seconds."""
        self.going_down = True
        self.later(seconds, Windows.boot)

    def next_process(self) -> str:
        self.processes += 4
        return str(self.processes)

    def _about_to(self, change: str) -> None:
        """Record a change, or kill the run before it."""
        if self.lives is not None:
            if self.lives == 0:
                raise Killed(change)
            self.lives -= 1
        self.calls.append(change)

    # The transport.

    def send(self, envelope: bytes) -> bytes:
        if self.going_down and self.excuses:
            raise self.excuses.pop(0)
        root = ET.fromstring(envelope)
        texts = {element.tag.rpartition("}")[2]: (element.text or "") for element in root.iter()}
        action = texts["Action"].rpartition("/")[2]
        selector = texts.get("Selector", "")
        body = getattr(self, f"_{action.lower()}")(texts, selector)
        return _ENVELOPE.format(message_id=texts["MessageID"], body=body).encode()

    def close(self) -> None:
        pass

    def _enumerate(self, texts: t.Mapping[str, str], _selector: str) -> str:
        wql = texts["Filter"]
        table = re.search(r"FROM (\w+)", wql)
        assert table is not None
        self.calls.append(f"query {table[1]}")
        rows = getattr(self, f"_rows_{table[1].lower()}")(wql)
        items = "".join(f"<w:XmlFragment>{_properties(row)}</w:XmlFragment>" for row in rows)
        return f"<EnumerateResponse><EnumerationContext/><Items>{items}</Items><EndOfSequence/></EnumerateResponse>"

    def _rows_win32_operatingsystem(self, _wql: str) -> list[dict[str, str]]:
        return [
            {
                "CSName": "NAM-WEB-01",
                "Caption": "Microsoft Windows Server 2022 Standard",
                "Version": "10.0.20348",
                "WindowsDirectory": r"C:\Windows",
                "LocalDateTime": self.local_time.isoformat(),
                "LastBootUpTime": self.last_boot.isoformat(),
            }
        ]

    def _rows_win32_service(self, wql: str) -> list[dict[str, str]]:
        return [{"Name": name, **values} for name, values in self.services.items() if f"'{name.lower()}'" in wql.lower()]

    def _rows_cim_datafile(self, wql: str) -> list[dict[str, str]]:
        if " Path=" in wql:
            folder = r"c:\windows\serviceprofiles\networkservice" + "\\"
            return [{"Name": folder + name.lower(), "LastModified": moment.isoformat()} for name, moment in self.user_store.items()]
        wanted = wql.lower().replace("\\\\", "\\")
        return [{"Name": path.lower(), "Version": self.version} for path in sorted(self.files) if f"'{path.lower()}'" in wanted]

    def _rows_win32_directory(self, wql: str) -> list[dict[str, str]]:
        wanted = wql.lower().replace("\\\\", "\\")
        return [{"Name": folder.lower()} for folder in sorted(self.folders) if f"'{folder.lower()}'" in wanted]

    def _rows_win32_logicaldisk(self, _wql: str) -> list[dict[str, str]]:
        return [{"DeviceID": "C:", "FreeSpace": str(self.free_bytes)}]

    def _enumkey(self, texts: t.Mapping[str, str], _selector: str) -> str:
        self.calls.append("EnumKey")
        assert texts["sSubKeyName"] == MACHINE_CERTIFICATES
        names = "".join(f"<sNames>{name}</sNames>" for name in self.certificates)
        return f"<EnumKey_OUTPUT><ReturnValue>0</ReturnValue>{names}</EnumKey_OUTPUT>"

    def _getbinaryvalue(self, texts: t.Mapping[str, str], _selector: str) -> str:
        self.calls.append("GetBinaryValue")
        content = self.certificates[texts["sSubKeyName"].rpartition("\\")[2]]
        values = "".join(f"<uValue>{byte}</uValue>" for byte in content)
        return f"<GetBinaryValue_OUTPUT><ReturnValue>0</ReturnValue>{values}</GetBinaryValue_OUTPUT>"

    def _getdwordvalue(self, texts: t.Mapping[str, str], _selector: str) -> str:
        return self._value("GetDWORDValue", "uValue", texts)

    def _getstringvalue(self, texts: t.Mapping[str, str], _selector: str) -> str:
        return self._value("GetStringValue", "sValue", texts)

    def _value(self, method: str, output: str, texts: t.Mapping[str, str]) -> str:
        self.calls.append(method)
        data = self.registry.get(f"{texts['sSubKeyName']}\\{texts['sValueName']}".lower())
        shown = "" if data is None else f"<{output}>{escape(str(data))}</{output}>"
        return f"<{method}_OUTPUT><ReturnValue>{1 if data is None else 0}</ReturnValue>{shown}</{method}_OUTPUT>"

    def _createkey(self, texts: t.Mapping[str, str], _selector: str) -> str:
        self._about_to("CreateKey")
        self.keys.add(texts["sSubKeyName"].lower())
        return "<CreateKey_OUTPUT><ReturnValue>0</ReturnValue></CreateKey_OUTPUT>"

    def _setdwordvalue(self, texts: t.Mapping[str, str], _selector: str) -> str:
        return self._set("SetDWORDValue", texts, int(texts["uValue"]))

    def _setstringvalue(self, texts: t.Mapping[str, str], _selector: str) -> str:
        return self._set("SetStringValue", texts, texts["sValue"])

    def _set(self, method: str, texts: t.Mapping[str, str], data: int | str) -> str:
        if texts["sSubKeyName"].lower() in self.protected:
            return f"<{method}_OUTPUT><ReturnValue>5</ReturnValue></{method}_OUTPUT>"
        assert texts["sSubKeyName"].lower() in self.keys, "Windows writes only into keys that exist"
        self._about_to(f"{method} {texts['sValueName']}{f' {data}' if isinstance(data, int) else ''}")
        self.registry[f"{texts['sSubKeyName']}\\{texts['sValueName']}".lower()] = data
        return f"<{method}_OUTPUT><ReturnValue>0</ReturnValue></{method}_OUTPUT>"

    def _deletevalue(self, texts: t.Mapping[str, str], _selector: str) -> str:
        self._about_to(f"DeleteValue {texts['sValueName']}")
        gone = self.registry.pop(f"{texts['sSubKeyName']}\\{texts['sValueName']}".lower(), None)
        return f"<DeleteValue_OUTPUT><ReturnValue>{1 if gone is None else 0}</ReturnValue></DeleteValue_OUTPUT>"

    def _startservice(self, _texts: t.Mapping[str, str], name: str) -> str:
        self._about_to(f"StartService {name}")
        if self.services[name]["State"] != "Stopped":
            return "<StartService_OUTPUT><ReturnValue>10</ReturnValue></StartService_OUTPUT>"
        self.services[name] |= {"State": self.services[name].get("after_start", "Running"), "ProcessId": self.next_process()}
        return "<StartService_OUTPUT><ReturnValue>0</ReturnValue></StartService_OUTPUT>"

    def _resumeservice(self, _texts: t.Mapping[str, str], name: str) -> str:
        self._about_to(f"ResumeService {name}")
        assert self.services[name]["State"] == "Paused"
        self.services[name] |= {"State": "Running"}
        return "<ResumeService_OUTPUT><ReturnValue>0</ReturnValue></ResumeService_OUTPUT>"

    def _stopservice(self, _texts: t.Mapping[str, str], name: str) -> str:
        self._about_to(f"StopService {name}")
        code = 0 if self.services[name]["State"] in ("Running", "Paused") else 5
        if code == 0:
            self.services[name] |= {"State": "Stopped", "ProcessId": "0"}
        return f"<StopService_OUTPUT><ReturnValue>{code}</ReturnValue></StopService_OUTPUT>"

    def _changestartmode(self, texts: t.Mapping[str, str], name: str) -> str:
        self._about_to(f"ChangeStartMode {name} {texts['StartMode']}")
        self.services[name]["StartMode"] = "Auto"
        return "<ChangeStartMode_OUTPUT><ReturnValue>0</ReturnValue></ChangeStartMode_OUTPUT>"

    # The shell.

    def run(self, command: str, arguments: t.Sequence[str] = (), *, stdin: bytes = b"", timeout: float) -> ProcessResult:
        quote_command(command)
        if command == "powershell.exe":
            return self._script(json.loads(stdin.partition(b"\n")[0]))
        name = command.rpartition("\\")[2]
        line = " ".join(["run", name, *arguments])
        if name == "reg.exe":
            self.calls.append(line)
        else:
            self._about_to(line)
        answer = self.programs[name](self) if name in self.programs else self._usual(name, arguments)
        assert isinstance(answer, ProcessResult)
        return answer

    def _usual(self, name: str, arguments: t.Sequence[str]) -> ProcessResult:
        """What a program does that no test has given another behaviour."""
        if name == "reg.exe":
            return self.search(arguments[1])
        if name == "sc.exe":
            self.services.pop(arguments[1], None)
        if name == "shutdown.exe":
            self.restart()
        return ProcessResult(0, "", "")

    def search(self, key: str) -> ProcessResult:
        """What reg.exe finds, which is in one of the two keys. It ends with 1 when that is nothing."""
        found = {} if "WOW6432Node" in key else self.listed
        blocks = [
            f"{key.replace('HKLM', 'HKEY_LOCAL_MACHINE')}\\{code}\n    DisplayName    REG_SZ    {name}\n" for code, name in found.items()
        ]
        return ProcessResult(0 if found else 1, "\n".join([*blocks, f"End of search: {len(found)} match(es) found."]), "")

    def _script(self, document: dict[str, t.Any]) -> ProcessResult:
        found = re.search(r"^# (\w+)", document["script"].split("\n\n", 1)[1])
        assert found is not None
        name = {
            "What": "inspect",
            "Downloads": "download",
            "Calls": "register",
            "Reads": "read",
            "Removes": "remove",
            "Ends": "logs",
        }[found[1]]
        if name in ("inspect", "read", "logs"):
            self.calls.append(f"script {name}")
        else:
            self._about_to(f"script {name}")
        self.documents.append(document["arguments"])
        answers: dict[str, t.Callable[[dict[str, t.Any]], dict[str, t.Any]]] = {
            "inspect": lambda _arguments: {**GOOD_INSTALLER, **self.inspection},
            "download": lambda _arguments: {"ok": True, "size": 1, "error": None},
            "register": lambda _arguments: {"invoked": "script", "ok": True, "error": None},
            "read": self._read,
            "remove": self._remove,
            "logs": self._logs,
        }
        answer = self.programs[name](self) if name in self.programs else answers[name](document["arguments"])
        return ProcessResult(0, json.dumps(answer), "")

    def _read(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        names = {path: path.rpartition("\\")[2].upper() for path in arguments["paths"]}
        contents = {path: self.user_certificates.get(name) for path, name in names.items()}
        return {"files": {path: None if data is None else base64.b64encode(data).decode() for path, data in contents.items()}}

    def _remove(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        failed = [path for path in arguments["paths"] if self._is_held(path)]
        removed = [path for path in arguments["paths"] if path not in failed]
        for path in removed:
            self.folders -= {folder for folder in self.folders if folder.lower() == path.lower()}
            self.files -= {file for file in self.files if file.lower().startswith(path.lower() + "\\")}
        return {"removed": removed, "failed": [{"path": path, "error": "Access to the path is denied."} for path in failed]}

    def _is_held(self, path: str) -> bool:
        return any(f"{held.lower()}\\".startswith(f"{path.lower()}\\") for held in self.held)

    def _logs(self, _arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        tail = base64.b64encode(self.log.encode()).decode()
        return {
            "logs": [{"path": r"C:\T\Other.log", "tail": "", "error": None}, {"path": r"C:\T\Connector.log", "tail": tail, "error": None}]
        }


GOOD_INSTALLER = {
    "exists": True,
    "sha256": "ab" * 32,
    "size": 1,
    "file_version": "1.5.4892.0",
    "signature_status": "Valid",
    "signer_subject": f"{installer_source.PUBLISHER}, O=Microsoft Corporation, L=Redmond, S=Washington, C=US",
    "error": None,
}


def exit_code(code: int, stdout: str = "", stderr: str = "") -> t.Callable[[Windows], ProcessResult]:
    return lambda _windows: ProcessResult(code, stdout, stderr)


def _properties(row: t.Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in row.items() if name[0].isupper())

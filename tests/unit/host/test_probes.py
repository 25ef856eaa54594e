# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The probes of a server: what they find where an assumption holds, where it does not and where nothing shows it; and who is not named."""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t
from xml.sax.saxutils import escape

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.host import generations
from ansible_collections.entra.app_proxy.plugins.module_utils.host.observe import MACHINE_CERTIFICATES
from ansible_collections.entra.app_proxy.plugins.module_utils.host.probe_job import (
    OBSERVE,
    OF_THE_CONNECTOR,
    OF_WINDOWS,
    PROBES,
    connector_probe,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.faults import ACCESS_DENIED, OPERATION_TIMED_OUT, WSManFault
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import ProcessResult
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import (
    AuthenticationError,
    HttpError,
    TransportError,
    WSManError,
)
from tests.unit.host.builders import CONNECTOR, NOW, TENANT, blob, encoded_certificate
from tests.unit.host.configured_windows import ConfiguredWindows
from tests.unit.host.windows import ACCOUNTS, E, Windows, exit_code

Document = dict[str, t.Any]
NAME = "NAM-WEB-01"
PRODUCT_NAME = r"software\microsoft\windows nt\currentversion\productname"
TYPEPERF = f'\r\n"(PDH-CSV 4.0)","\\\\{NAME}\\set\\Requests"\r\n"07/01/2026 12:00:00.000","3.000000"\r\n'
UNINSTALL = (
    "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\{{{code}}}\r\n    DisplayName    REG_SZ    {name}\r\n"
)
PACKAGES = "".join(
    UNINSTALL.format(code=f"0d1f6f6e-6b1c-4e57-8f0d-6d2c1a4a9a1{number}", name=name)
    for number, name in enumerate((E.product, E.updater_product))
)
SCRIPT = b"param (\r\n[string]$modulePath,\r\n[string]$moduleName\r\n)\r\n"
BOOT_EVENT = "<Event><System><EventID>{}</EventID><Level>4</Level><TimeCreated SystemTime='{}'/></System></Event>\r\n"
TRUST = b"<Settings><Thumbprint>4905CC64</Thumbprint><IsInUserStore>false</IsInUserStore></Settings>"


@dataclasses.dataclass
class ProbedWindows(ConfiguredWindows):
    """A server that answers every probe.

    :param broken: what a class, a method or a program does instead, by its name.
    :param missing: the codes for a value and for a key that are not there.
    """

    broken: dict[str, Exception] = dataclasses.field(default_factory=dict)
    missing: tuple[int, int] = (1, 2)
    blob_text: str | None = None
    printed: str | None = None
    letters: str | None = None
    ends_with: int | None = None
    channels: int = 0
    boots: tuple[tuple[int, str], ...] = ((6005, "2026-06-28T12:00:09.5Z"), (6006, "2026-06-28T11:59:01.5Z"))
    log_names: tuple[str, ...] = ("Connector.log",)

    def send(self, envelope: bytes) -> bytes:
        found = re.search(rb"FROM (\w+)", envelope) or re.search(rb"/(\w+)</(?:\w+:)?Action>", envelope)
        assert found is not None
        self._break(found[1].decode())
        return super().send(envelope)

    def run(self, command: str, arguments: t.Sequence[str] = (), *, stdin: bytes = b"", timeout: float) -> ProcessResult:
        self._break(command)
        if command == "cmd.exe":
            verb, word = arguments[1:]
            if verb == "echo":
                return ProcessResult(0, f"{self.letters or word}\r\n", "")
            return ProcessResult(int(word) if self.ends_with is None else self.ends_with, "", "")
        if command == "wevtutil.exe" and arguments[1] == "System":
            return ProcessResult(0, "".join(BOOT_EVENT.format(number, at) for number, at in self.boots), "")
        if command == "wevtutil.exe":
            return ProcessResult(self.channels, "", "")
        return super().run(command, arguments, stdin=stdin, timeout=timeout)

    def _break(self, name: str) -> None:
        if name in self.broken:
            raise self.broken[name]

    def _get(self, _texts: t.Mapping[str, str], name: str) -> str:
        if name != "WinRM":
            raise WSManFault(2150858752)
        return "<Win32_Service><Name>WinRM</Name><State>Running</State></Win32_Service>"

    def _value(self, method: str, output: str, texts: t.Mapping[str, str]) -> str:
        return super()._value(method, output, texts).replace("<ReturnValue>1<", f"<ReturnValue>{self.missing[0]}<")

    def _enumvalues(self, texts: t.Mapping[str, str], selector: str) -> str:
        return super()._enumvalues(texts, selector).replace("<ReturnValue>2<", f"<ReturnValue>{self.missing[1]}<")

    def _enumkey(self, texts: t.Mapping[str, str], selector: str) -> str:
        if texts["sSubKeyName"] != MACHINE_CERTIFICATES:
            return f"<EnumKey_OUTPUT><ReturnValue>{self.missing[1]}</ReturnValue></EnumKey_OUTPUT>"
        return super()._enumkey(texts, selector)

    def _getbinaryvalue(self, texts: t.Mapping[str, str], selector: str) -> str:
        if self.blob_text is None:
            return super()._getbinaryvalue(texts, selector)
        return f"<GetBinaryValue_OUTPUT><ReturnValue>0</ReturnValue><uValue>{escape(self.blob_text)}</uValue></GetBinaryValue_OUTPUT>"

    def _logs(self, _arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        return {"logs": [{"path": rf"C:\Users\ljuba\{name}", "tail": "", "error": None} for name in self.log_names]}


def whole() -> ProbedWindows:
    """A registered connector that runs, with a renewed certificate."""
    windows = ProbedWindows()
    windows.install("Running")
    windows.register()
    windows.registry = {PRODUCT_NAME: "Windows Server 2022 Standard", rf"{E.registry_key}\InstanceID".lower(): "1"}
    windows.files.add(r"C:\Windows\System32\cmd.exe")
    windows.folders.add(r"C:\Windows")
    renewed = "CD" * 20
    windows.user_store = {renewed: NOW}
    stored = r"c:\windows\serviceprofiles\networkservice" + "\\" + renewed.lower()
    windows.contents = {
        stored: blob(encoded_certificate()),
        E.register_script_path("C:"): SCRIPT,
        E.data_dir("C:") + r"\Config\TrustSettings.xml": TRUST,
    }
    windows.programs = {"typeperf.exe": exit_code(0, TYPEPERF), "reg.exe": exit_code(0, PACKAGES)}
    return windows


def probe(windows: Windows, *names: str, mask: t.Sequence[str] = ()) -> Document:
    result = connector_probe(windows.server(), {"probes": list(names or PROBES), "mask": list(mask)}, False)
    shown = json.dumps(result)
    assert [text for text in (NAME, TENANT, CONNECTOR, "AB" * 20, "CD" * 20, "ljuba") if text.lower() in shown.lower()] == []
    return result


def outcomes(result: Document, outcome: str) -> set[str]:
    return {name for name, finding in result["findings"].items() if finding["outcome"] == outcome}


def test_where_all_is_as_assumed_everything_holds() -> None:
    windows = whole()
    result = probe(windows)
    assert (result["failed_probes"], result["changed"]) == ([], False)
    assert outcomes(result, "holds") == {OBSERVE, *PROBES}
    assert list(result["findings"]) == [OBSERVE, *PROBES]
    assert all(finding["about"] for finding in result["findings"].values())
    assert result["windows"] == {"caption": "Microsoft Windows Server 2022 Standard", "version": "10.0.20348"}


def test_a_server_without_connector_shows_little_and_breaks_nothing() -> None:
    windows = ProbedWindows(registry={PRODUCT_NAME: "Windows Server 2022"}, log_names=("Other.log",))
    windows.files.add(r"C:\Windows\System32\cmd.exe")
    windows.folders.add(r"C:\Windows")
    result = probe(windows)
    assert result["failed_probes"] == []
    assert outcomes(result, "not_seen") == {"registry_binary", "installer_logs", *OF_THE_CONNECTOR}


def of_times(boot: str, local: str) -> t.Callable[[ProbedWindows], None]:
    return lambda windows: windows.os.update(LastBootUpTime=boot, LocalDateTime=local)


def with_account(account: str) -> t.Callable[[ProbedWindows], None]:
    return lambda windows: windows.services["WAPCSvc"].update(StartName=account)


def setting(**values: t.Any) -> t.Callable[[ProbedWindows], None]:
    def change(windows: ProbedWindows) -> None:
        for name, value in values.items():
            setattr(windows, name, value)

    return change


def breaking(name: str, error: Exception | None = None) -> t.Callable[[ProbedWindows], None]:
    return lambda windows: windows.broken.update({name: error or WSManFault(2150858778)})


def without_file(path: str) -> t.Callable[[ProbedWindows], None]:
    return lambda windows: windows.files.discard(path)


def program(name: str, code: int, printed: str) -> t.Callable[[ProbedWindows], None]:
    return lambda windows: windows.programs.update({name: exit_code(code, printed)})


def content(path: str, data: bytes) -> t.Callable[[ProbedWindows], None]:
    return lambda windows: windows.contents.update({path: data})


@pytest.mark.parametrize(
    ("name", "change", "evidence"),
    [
        ("service_get", breaking("Get"), "2150858778"),
        ("registry_namespace", setting(registry={}), "return value 1"),
        ("registry_return_values", setting(missing=(2, 2)), '"GetStringValue": 2'),
        ("registry_return_values", setting(missing=(1, 1)), '"EnumKey": 1'),
        ("folder_query", setting(folders=set()), "[]"),
        ("free_space", breaking("Win32_LogicalDisk"), "2150858778"),
        ("os_times", of_times("2026-06-28T12:00:00", "2026-07-01T12:00:00"), '"2026-06-28T12:00:00"'),
        ("os_times", of_times("2026-06-28T12:00:00Z", "20260701120000.000000"), '"20260701120000.000000"'),
        (
            "boot_time",
            setting(boots=((6005, "2026-06-28T11:30:00Z"), (6006, "2026-06-28T11:29:00Z"))),
            '"log started": "2026-06-28T11:30:00Z"',
        ),
        ("boot_time", setting(boots=((6005, "2026-06-28T13:00:09Z"), (6006, "2026-06-28T13:00:00Z"))), '"boot": "2026-06-28T12:00:00Z"'),
        ("shell_encoding", setting(letters="\ufffd?"), r"\ufffd?"),
        ("shell_encoding", setting(ends_with=3010 % 256), '"exit code": 194'),
        ("shell_encoding", setting(ends_with=1), '"exit code": 1'),
        ("script_input", breaking("powershell.exe", WSManError("it never ends")), "it never ends"),
        ("dynamic_ports", setting(netsh_exit_code=1), "requires elevation"),
        ("exe_version", setting(version=""), '"version": null'),
        ("uninstall_entries", program("reg.exe", 1, "End of search: 0 match(es) found."), "[]"),
        ("service_accounts", with_account(r"CONTOSO\svc-proxy"), "(another account)"),
        ("service_accounts", with_account("svc-proxy@contoso.com"), "(another account)"),
        ("service_accounts", with_account(r".\svc-proxy"), "(another account)"),
        ("service_accounts", with_account(r"NT AUTHORITY\LocalService"), "LocalService"),
        ("trust_settings", without_file(E.data_dir("C:") + r"\Config\TrustSettings.xml"), "the connector runs"),
        ("trust_settings", content(E.data_dir("C:") + r"\Config\TrustSettings.xml", b"<Settings/>"), '"in user store": false'),
        ("certificate_fields", setting(certificates={"AB" * 20: blob(encoded_certificate(connector_id=None))}), '"connector id": false'),
        ("certificate_fields", setting(certificates={}), "the connector runs"),
        (
            "renewed_certificate",
            content(r"c:\windows\serviceprofiles\networkservice" + "\\" + "cd" * 20, b"other"),
            '"of the connector": 0',
        ),
        ("register_script", without_file(E.register_script_path("C:")), "not found"),
        ("register_script", content(E.register_script_path("C:"), b"param ($other)"), '"other"'),
        ("event_channels", setting(channels=15007), "missing"),
        ("performance_counters", program("typeperf.exe", 1, "Error:\r\nNo valid counters."), "No valid counters"),
        ("performance_counters", program("typeperf.exe", 0, '"(PDH-CSV 4.0)"\r\n"Fehler"'), "Fehler"),
    ],
)
def test_what_does_not_hold_is_told(name: str, change: t.Callable[[ProbedWindows], None], evidence: str) -> None:
    windows = whole()
    change(windows)
    result = probe(windows, name)
    assert name in result["failed_probes"]
    shown = json.dumps(result["findings"][name]["evidence"])
    assert evidence in shown
    assert "svc-proxy" not in shown


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("registry_binary", setting(certificates={})),
        ("renewed_certificate", setting(user_store={})),
        ("registration_registry", setting(registry={})),
        ("boot_time", setting(boots=((6005, "2026-06-28T12:00:09Z"), (6005, "2026-06-20T12:00:00Z")))),
        ("boot_time", setting(boots=())),
        ("installer_logs", setting(log_names=())),
        ("performance_counters", lambda windows: windows.services["WAPCSvc"].update(State="Stopped")),
        ("exe_version", lambda windows: windows.remove()),
        ("service_accounts", lambda windows: windows.remove()),
    ],
)
def test_where_nothing_shows_it_nothing_is_claimed(name: str, change: t.Callable[[ProbedWindows], t.Any]) -> None:
    windows = whole()
    change(windows)
    assert probe(windows, name)["findings"][name]["outcome"] == "not_seen"


def test_a_slow_query_of_files_walks_the_disk() -> None:
    windows = whole()
    usual = windows._rows_cim_datafile

    def slow(wql: str) -> list[dict[str, str]]:
        windows.seconds += 40
        return usual(wql)

    windows._rows_cim_datafile = slow  # type: ignore[method-assign]
    found = probe(windows, "datafile_query")["findings"]["datafile_query"]
    assert (found["outcome"], found["evidence"]["seconds"]) == ("fails", 40.0)


@pytest.mark.parametrize("drive", ["C:", "D:"])
def test_folders_and_free_space_are_asked_of_the_drive_that_windows_is_on(drive: str) -> None:
    windows = whole()
    windows.os["WindowsDirectory"] = rf"{drive}\Windows"
    windows.folders = {rf"{drive}\Windows"}
    found = probe(windows, "folder_query")["findings"]["folder_query"]
    assert (found["outcome"], found["evidence"]) == ("holds", [rf"{drive.lower()}\windows"])


UNOBSERVED = [
    pytest.param(breaking("CIM_DataFile", WSManFault(OPERATION_TIMED_OUT)), {"datafile_query", "trust_settings"}, id="files"),
    pytest.param(breaking("EnumKey"), {"registry_return_values", "registry_binary"}, id="certificates"),
    pytest.param(setting(blob_text="AQIDBA=="), {"registry_binary"}, id="a blob as base64"),
    pytest.param(of_times("Monday", "2026-07-01T12:00:00Z"), {"os_times", "boot_time"}, id="times"),
    pytest.param(breaking("Win32_Service", KeyError("surprise")), set(), id="what nobody has thought of"),
]


@pytest.mark.parametrize(("change", "failed"), UNOBSERVED)
def test_a_server_that_cannot_be_observed_is_probed_all_the_same(change: t.Callable[[ProbedWindows], None], failed: set[str]) -> None:
    windows = whole()
    change(windows)
    result = probe(windows)
    assert set(result["failed_probes"]) == {OBSERVE, *(failed & set(OF_WINDOWS))}
    assert outcomes(result, "not_seen") == set(OF_THE_CONNECTOR)
    assert outcomes(result, "holds") == set(OF_WINDOWS) - failed
    assert result["findings"][OBSERVE]["evidence"]["said"]
    assert result["windows"]["version"] == "10.0.20348"


def test_an_error_is_told_without_its_text_when_the_server_does_not_tell_its_name() -> None:
    windows = whole()
    windows.broken["Win32_OperatingSystem"] = WSManFault(2150858778, provider_message=f"{NAME} has no such class")
    result = probe(windows)
    assert result["windows"] == {"caption": None, "version": None}
    assert set(result["failed_probes"]) == {OBSERVE, "os_times", "boot_time"}
    assert result["findings"][OBSERVE]["evidence"] == {
        "error": "WSManFault",
        "operation": (
            "asking SELECT CSName, Caption, Version, BuildNumber, LastBootUpTime, LocalDateTime, WindowsDirectory, SystemDrive"
            " FROM Win32_OperatingSystem on https://(host):5986/wsman"
        ),
        "fault_code": 2150858778,
    }


@pytest.mark.parametrize(
    ("error", "sends"),
    [
        (AuthenticationError("the password is wrong"), 1),
        (TransportError("no route", request_may_have_run=False), 1),
        (HttpError(403, b""), 2),
        (WSManFault(ACCESS_DENIED), 2),
    ],
    ids=["password", "unreachable", "forbidden", "no administrator"],
)
def test_a_server_that_lets_nobody_in_is_not_asked_by_every_probe(error: WSManError, sends: int) -> None:
    windows = ProbedWindows(broken={"Win32_OperatingSystem": error})
    server = windows.server()
    with pytest.raises(type(error)):
        connector_probe(server, {"probes": list(PROBES), "mask": None}, False)
    assert server.session.exchanges == sends


def test_a_password_that_is_refused_in_the_middle_is_not_tried_by_the_other_probes() -> None:
    windows = whole()
    windows.broken["Win32_Directory"] = AuthenticationError("the password has expired")
    with pytest.raises(AuthenticationError):
        connector_probe(windows.server(), {"probes": ["folder_query", "free_space"], "mask": None}, False)
    assert "query Win32_LogicalDisk" not in windows.calls


def test_the_accounts_of_the_lab_are_those_of_the_product() -> None:
    assert all(ACCOUNTS[name].lower() in generations.ACCOUNTS[name] for name in generations.SERVICES)

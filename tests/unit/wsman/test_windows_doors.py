# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registry, services and files over a scripted server."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import files, services
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.faults import (
    CLASS_MISSING_IN_QUERY,
    NOT_FOUND,
    OPERATION_TIMED_OUT,
    WSManFault,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import HKEY_USERS, Registry, RegistryError
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import ProtocolError, TransportError
from tests.unit.wsman.scripted import Answer, fault, output, rows, session

LOST = TransportError("no answer", request_may_have_run=True)
KEY = r"SOFTWARE\Microsoft\Any"


def test_registry_reads() -> None:
    host, server = session(
        output("GetStringValue", ReturnValue="0", sValue="text"),
        output("GetStringValue", ReturnValue="0", sValue=""),
        output("GetDWORDValue", ReturnValue="0", uValue="4294967295"),
        output("EnumKey", ReturnValue="0", sNames=["A", "B"]),
        output("EnumKey", ReturnValue="0", sNames="A"),
        output("EnumKey", ReturnValue="0"),
        output("EnumValues", ReturnValue="0", sNames=["V"], Types=["1"]),
    )
    registry = Registry(host)
    assert registry.string(KEY, "v") == "text"
    assert registry.string(KEY, "v") == ""
    assert registry.dword(KEY, "v", hive=HKEY_USERS) == 4294967295
    assert registry.subkeys(KEY) == ["A", "B"]
    assert registry.subkeys(KEY) == ["A"]
    assert registry.subkeys(KEY) == []
    assert registry.value_names(KEY) == ["V"]
    assert server.requests[0].arguments() == [("hDefKey", "2147483650"), ("sSubKeyName", KEY), ("sValueName", "v")]
    assert server.requests[2].arguments()[0] == ("hDefKey", "2147483651")
    assert {request.resource.rsplit("/", 3)[1:3] == ["root", "cimv2"] or request.resource for request in server.requests} == {True}


@given(st.binary(max_size=40))
def test_binary_values(data: bytes) -> None:
    host, _server = session(output("GetBinaryValue", ReturnValue="0", uValue=[str(byte) for byte in data]))
    assert Registry(host).binary(KEY, "Blob") == data


@pytest.mark.parametrize("empty", [[], [""]])
def test_an_empty_binary_value(empty: list[str]) -> None:
    host, _server = session(output("GetBinaryValue", ReturnValue="0", uValue=empty))
    assert Registry(host).binary(KEY, "Blob") == b""


@pytest.mark.parametrize("wrong", ["-1", "256", "0x41", "MIICAQ==", "", "9" * 5000])
def test_what_is_no_byte_is_told(wrong: str) -> None:
    host, _server = session(output("GetBinaryValue", ReturnValue="0", uValue=["1", wrong]))
    with pytest.raises(ProtocolError, match="where a number from 0 to 255 belongs") as caught:
        Registry(host).binary(KEY, "Blob")
    assert f"uValue='{wrong[:40]}'" in str(caught.value)


@pytest.mark.parametrize("code", ["1", "2"])
def test_what_is_not_there_is_none(code: str) -> None:
    host, _server = session(*[output("Any", ReturnValue=code)] * 5)
    registry = Registry(host)
    found = [registry.string(KEY, "v"), registry.dword(KEY, "v"), registry.binary(KEY, "v"), registry.subkeys(KEY)]
    assert found == [None] * 4
    assert registry.delete_value(KEY, "v") is False


@pytest.mark.parametrize(
    ("code", "value", "shown"),
    [
        ("5", 5, "access denied"),
        ("6", 6, "bad hive"),
        ("2147749893", 0x80041005, "another type"),
        ("-2147217403", 0x80041005, "another type"),
        ("77", 77, "unknown return value (77)"),
        ("", None, "no return value"),
    ],
)
def test_other_return_values_are_errors(code: str, value: int | None, shown: str) -> None:
    host, _server = session(output("GetStringValue", ReturnValue=code))
    with pytest.raises(RegistryError) as caught:
        Registry(host).string(KEY, "v")
    assert caught.value.return_value == value
    assert f"registry GetStringValue of {KEY}, value v: " in str(caught.value)
    assert shown in str(caught.value)


def test_registry_writes() -> None:
    host, server = session(*[output("Any", ReturnValue="0")] * 4)
    registry = Registry(host)
    registry.create_key(KEY)
    registry.set_dword(KEY, "d", 1)
    registry.set_string(KEY, "s", "text\r\n")
    assert registry.delete_value(KEY, "d") is True
    assert server.actions() == ["CreateKey", "SetDWORDValue", "SetStringValue", "DeleteValue"]
    assert server.requests[2].arguments()[2:] == [("sValueName", "s"), ("sValue", "text\r\n")]


def test_a_write_into_a_missing_key_is_an_error() -> None:
    host, _server = session(output("SetDWORDValue", ReturnValue="2"))
    with pytest.raises(RegistryError, match="no such key"):
        Registry(host).set_dword(KEY, "d", 1)


@pytest.mark.parametrize("code", [NOT_FOUND, CLASS_MISSING_IN_QUERY, 32768])
def test_the_other_namespace_is_tried_once_and_kept(code: int) -> None:
    value = output("GetStringValue", ReturnValue="0", sValue="x")
    host, server = session(fault(str(code)), value, value)
    registry = Registry(host)
    assert registry.string(KEY, "v") == registry.string(KEY, "v") == "x"
    namespaces = [request.resource.split("/wmi/")[1] for request in server.requests]
    assert namespaces == ["root/cimv2/StdRegProv", "root/default/StdRegProv", "root/default/StdRegProv"]


def test_other_faults_do_not_lead_to_the_other_namespace() -> None:
    host, server = session(fault("5"))
    with pytest.raises(WSManFault):
        Registry(host).string(KEY, "v")
    assert len(server.requests) == 1


def test_a_registry_read_is_repeated() -> None:
    host, server = session(LOST, output("GetDWORDValue", ReturnValue="0", uValue="1"))
    assert Registry(host).dword(KEY, "v") == 1
    assert len(server.requests) == 2


FOUND_TWO = output("GetDWORDValue", ReturnValue="0", uValue="2")
NOT_FOUND_YET = output("GetDWORDValue", ReturnValue="1")


@pytest.mark.parametrize(
    ("answers", "methods"),
    [
        pytest.param([LOST, FOUND_TWO], ["Set", "Get"], id="it is there"),
        pytest.param([LOST, NOT_FOUND_YET, output("SetDWORDValue", ReturnValue="0")], ["Set", "Get", "Set"], id="it is not there"),
    ],
)
def test_a_registry_write_whose_answer_is_lost_is_looked_after(answers: list[Answer], methods: list[str]) -> None:
    host, server = session(*answers)
    Registry(host).set_dword(KEY, "v", 2)
    assert server.actions() == [f"{method}DWORDValue" for method in methods]


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([LOST, LOST, LOST], id="nothing can be seen any more"),
        pytest.param([LOST, NOT_FOUND_YET, LOST], id="lost once more"),
        pytest.param([TransportError("refused", request_may_have_run=False)], id="it has not run"),
    ],
)
def test_a_lost_write_is_reported_and_not_tried_for_ever(answers: list[Answer]) -> None:
    host, server = session(*answers)
    with pytest.raises(TransportError) as caught:
        Registry(host).set_dword(KEY, "v", 2)
    assert "StdRegProv.SetDWORDValue" in caught.value.doing
    assert len(server.requests) == len(answers)


@pytest.mark.parametrize(("names", "deletions"), [(["Other"], 1), (["Other", "V"], 2)])
def test_a_lost_deletion(names: list[str], deletions: int) -> None:
    answers = [LOST, output("EnumValues", ReturnValue="0", sNames=names), output("DeleteValue", ReturnValue="0")]
    host, server = session(*answers)
    assert Registry(host).delete_value(KEY, "v") is True
    assert server.actions().count("DeleteValue") == deletions


SPOOLER = {
    "Name": "Spooler",
    "DisplayName": "Print Spooler",
    "State": "Running",
    "StartMode": "Auto",
    "StartName": "LocalSystem",
    "PathName": "C:\\Windows\\System32\\spoolsv.exe",
    "ProcessId": "1234",
}


@pytest.mark.parametrize(
    ("change", "row", "asked"),
    [
        (services.start, {"State": "Start Pending"}, 1),
        (services.start, {"State": "Stopped"}, 2),
        (services.stop, {"State": "Stopped"}, 1),
        (services.stop, {"State": "Running"}, 2),
        (lambda host, name: services.set_start_mode(host, name, "Automatic"), {"StartMode": "Auto"}, 1),
        (lambda host, name: services.set_start_mode(host, name, "Automatic"), {"StartMode": "Manual"}, 2),
    ],
)
def test_a_lost_service_change_is_looked_after(change: t.Callable[..., int], row: dict[str, str], asked: int) -> None:
    host, server = session(LOST, rows({**SPOOLER, **row}), output("Any", ReturnValue="0"))
    assert change(host, "Spooler") == services.OK
    assert len([action for action in server.actions() if action != "Enumerate"]) == asked


def test_services_in_one_query() -> None:
    host, server = session(rows(SPOOLER))
    assert services.services(host, ["Spooler", "Some'thing"]) == {
        "spooler": services.Service(
            "Spooler", "Print Spooler", "Running", "Auto", "LocalSystem", "C:\\Windows\\System32\\spoolsv.exe", 1234
        )
    }
    (request,) = server.requests
    assert str(request.arguments()[-1][1]).endswith(r"FROM Win32_Service WHERE Name='Spooler' OR Name='Some\'thing'")


def test_nothing_asked_is_nothing_sent() -> None:
    host, _server = session()
    assert services.services(host, []) == {}
    assert files.files(host, []) == {}
    assert host.exchanges == 0


def test_service_methods_return_the_service_managers_code() -> None:
    host, server = session(
        output("StartService", ReturnValue="10"),
        output("StopService", ReturnValue="6"),
        output("ResumeService", ReturnValue="6"),
        output("ChangeStartMode", ReturnValue="0"),
        fault(str(OPERATION_TIMED_OUT), "w:TimedOut"),
    )
    assert services.start(host, "s") == services.ALREADY_RUNNING
    assert services.stop(host, "s") == services.NOT_ACTIVE
    assert services.resume(host, "s") == services.NOT_ACTIVE
    assert services.set_start_mode(host, "s", "Automatic") == services.OK
    assert services.stop(host, "s") == services.TIMED_OUT
    assert [request.named("Selector") for request in server.requests] == [{"Name": "s"}] * 5
    assert server.requests[3].arguments() == [("StartMode", "Automatic")]


@pytest.mark.parametrize(
    ("states", "seconds", "seen", "asked"),
    [
        (["Running"], 10, "Running", 1),
        (["Start Pending", "Start Pending", "Running"], 10, "Running", 3),
        (["Start Pending"] * 9, 2.5, "Start Pending", 4),
        ([None], 10, None, 1),
    ],
)
def test_waiting_for_a_state(states: list[str | None], seconds: float, seen: str | None, asked: int) -> None:
    host, server = session(*(rows(*([{**SPOOLER, "State": state}] if state else [])) for state in states))
    now = [0.0]

    def sleep(pause: float) -> None:
        now[0] += pause

    found = services.wait_for_state(host, "Spooler", "Running", seconds, sleep, lambda: now[0])
    assert (found.state if found else None) == seen
    assert len(server.requests) == asked
    assert now[0] <= seconds


FILE = {"Name": "c:\\a\\b.exe", "Version": "1.5.3890.0", "FileSize": "5000000000"}


def test_files_in_one_query() -> None:
    host, server = session(rows(FILE, {"Name": "c:\\a\\c.txt", "Version": "", "FileSize": "0"}))
    assert files.files(host, ["C:/A/b.exe", "C:\\a\\C.txt"]) == {
        "c:\\a\\b.exe": files.File("c:\\a\\b.exe", "1.5.3890.0", 5000000000),
        "c:\\a\\c.txt": files.File("c:\\a\\c.txt", None, 0),
    }
    # Ages of programs are nobody's business: one that cannot be read must not hide that the program is there.
    assert "LastModified" not in str(server.requests[0].arguments()[-1][1])
    assert str(server.requests[0].arguments()[-1][1]).endswith(r"CIM_DataFile WHERE Name='C:\\A\\b.exe' OR Name='C:\\a\\C.txt'")


@pytest.mark.parametrize("folder", ["\\a\\b", "\\a\\b\\", "a/b", "/a/b/"])
def test_a_folder_by_drive_and_path(folder: str) -> None:
    modified = {"LastModified": "2024-05-01T10:00:00Z"}
    host, server = session(rows({"Name": "c:\\a\\b\\Z", **modified}, {"Name": "c:\\a\\b\\m", "LastModified": "20240501******.******+000"}))
    assert [(file.name, file.modified) for file in files.directory(host, "C:", folder)] == [
        ("c:\\a\\b\\m", None),
        ("c:\\a\\b\\Z", dt.datetime(2024, 5, 1, 10, tzinfo=dt.timezone.utc)),
    ]
    assert str(server.requests[0].arguments()[-1][1]).endswith(r"WHERE Drive='C:' AND Path='\\a\\b\\'")


def test_the_root_folder() -> None:
    host, server = session(rows())
    assert files.directory(host, "C:", "\\") == []
    assert str(server.requests[0].arguments()[-1][1]).endswith(r"WHERE Drive='C:' AND Path='\\'")

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recorded replies of real servers go through our parsers."""

from __future__ import annotations

import datetime as dt
import re
import typing as t
import xml.etree.ElementTree as ET

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.faults import parse_fault
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.instances import flag, instance_from, moment, number, text, values
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import Shell
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.reply import body, descendants, parse
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import HttpError
from tests.unit.wsman import samples


class Replay:
    """Recorded replies in order, made to belong to our messages."""

    def __init__(self, replies: t.Iterable[tuple[int, bytes]]) -> None:
        self.replies = list(replies)
        self.sent: list[bytes] = []

    def send(self, envelope: bytes) -> bytes:
        self.sent.append(envelope)
        match = re.search(rb"<a:MessageID>([^<]*)<", envelope)
        assert match
        status, reply = self.replies.pop(0)
        reply = re.sub(rb"(RelatesTo[^>]*>)[^<]*<", rb"\g<1>" + match[1] + b"<", reply)
        if status != 200:
            raise HttpError(status, reply)
        return reply

    def close(self) -> None:
        pass


def replaying(*names: str) -> Session:
    return Session(Replay((200, samples.read(name)) for name in names), endpoint_label="recorded")


@pytest.mark.parametrize("name", samples.names("*.xml"))
def test_every_recorded_reply_is_a_fault_or_a_body(name: str) -> None:
    data = samples.read(name)
    root = parse(data)
    found = parse_fault(data)
    if found is None:
        assert instance_from(next(iter(body(root))))
    else:
        assert b"Fault" in data
        assert found.reason or found.provider_message


@pytest.mark.parametrize("name", samples.names("*.yml"))
def test_every_recorded_conversation_is_understood(name: str) -> None:
    for message in samples.conversation(name):
        if not message["response"]:
            continue
        data = message["response"].encode()
        body(parse(data))
        found = parse_fault(data)
        assert (found is not None) == ("transport_error" in message)
        assert found is None or found.code is not None


def test_services_of_server_2012_come_in_four_pages_with_changing_contexts() -> None:
    session = replaying(*(f"txwinrm/server_2012/Win32_Service_star_00{page}.xml" for page in range(4)))
    found = session.query("SELECT * FROM Win32_Service")
    assert len(found) == 131
    # One of them is of a subclass (Win32_TerminalService) with two properties more.
    assert sorted(len(service) for service in found) == [25] * 130 + [27]
    assert session.exchanges == 4
    sent = t.cast(Replay, session.transport).sent
    contexts = [item.text for data in sent for item in ET.fromstring(data).iter() if item.tag.endswith("}EnumerationContext")]
    assert len(contexts) == 3
    assert len(set(contexts)) == 3


def test_values_of_an_operating_system() -> None:
    (system,) = replaying("txwinrm/server_2012/Win32_OperatingSystem_star_000.xml").query("SELECT * FROM Win32_OperatingSystem")
    assert text(system, "BuildNumber") == "9200"
    assert text(system, "CSDVersion") is None
    assert text(system, "Description") == ""
    assert number(system, "MaxProcessMemorySize") == 8589934464
    assert flag(system, "Distributed") is False
    assert values(system, "MUILanguages") == ["en-US"]
    utc = dt.timezone.utc
    assert moment(system, "InstallDate") == dt.datetime(2013, 3, 9, 2, 57, 32, tzinfo=utc)
    assert moment(system, "LastBootUpTime") == dt.datetime(2013, 4, 15, 16, 28, 43, 488171, tzinfo=utc)
    assert moment(system, "LocalDateTime") == dt.datetime(2013, 4, 15, 20, 28, 20, 913000, tzinfo=utc)


def test_the_fragment_form_holds_the_same_values_as_the_typed_form() -> None:
    (typed,) = replaying("txwinrm/server_2012/Win32_OperatingSystem_star_000.xml").query("SELECT * FROM Win32_OperatingSystem")
    (fragment,) = replaying("txwinrm/server_2012/Win32_OperatingSystem_all_000.xml").query("SELECT a FROM Win32_OperatingSystem")
    shared = {"BuildNumber", "Caption", "CSName", "LastBootUpTime", "OSArchitecture", "Version"} & set(fragment)
    assert shared
    assert {name: fragment[name] for name in shared} == {name: typed[name] for name in shared}


def test_repeated_elements_are_a_list() -> None:
    (computer,) = replaying("txwinrm/server_2012/Win32_ComputerSystem_star_000.xml").query("SELECT * FROM Win32_ComputerSystem")
    assert values(computer, "Roles") == ["LM_Workstation", "LM_Server", "NT", "Server_NT"]
    assert text(computer, "InstallDate") is None


def test_keys_of_server_2003() -> None:
    session = replaying("openwsman/StdRegProv_EnumKey_response.xml")
    found = session.invoke("StdRegProv", "EnumKey", {"hDefKey": 2147483650, "sSubKeyName": "x"}, namespace="root/default")
    assert len(values(found, "sNames")) == 26
    assert number(found, "ReturnValue") == 0


@pytest.mark.parametrize(
    ("name", "code", "subcode", "shown"),
    [
        ("omi-unit-tests/fault_2150858752_4.xml", 2150858752, "DestinationUnreachable", "cannot find the resource"),
        ("omi-unit-tests/fault_2150858793_5.xml", 2150858793, "TimedOut", "OperationTimeout"),
        ("omi-unit-tests/fault_2152992672_3.xml", 2152992672, "InternalError", "WSManPluginReceiveResult"),
        ("WinRb/soap_fault_v1.xml", 2150858778, "CannotProcessFilter", "class does not exist"),
        ("WinRb/soap_fault_v2.xml", 2150858778, "CannotProcessFilter", "class does not exist"),
        ("WinRb/wmi_error_v2.xml", 2150859173, "QuotaLimit", "maximum number of 30 concurrent shells"),
        ("WinRb/soap_fault_omi.xml", None, "InternalError", "instance name parameter is missing"),
        ("WinRb/get_omi_config_response.xml", None, "InternalError", "instance name parameter is missing"),
        ("masterzen/executeCommandResponseWithError.xml", 2147942606, "InternalError", "too long"),
        ("masterzen/operationTimeoutResponse.xml", 2150858793, "TimedOut", "OperationTimeout"),
    ],
)
def test_recorded_faults(name: str, code: int | None, subcode: str, shown: str) -> None:
    found = parse_fault(samples.read(name))
    assert found is not None
    assert (found.code, found.subcode) == (code, subcode)
    assert shown in str(found)
    assert "\n" not in str(found)


def test_a_recorded_missing_instance_is_none() -> None:
    replay = Replay([(500, samples.read("omi-unit-tests/fault_2150858752_4.xml"))])
    assert Session(replay, endpoint_label="recorded").get("Win32_Process", {"Handle": "0"}) is None


@pytest.mark.parametrize(
    ("name", "stdout", "receives"),
    [("pypsrp/test_winrs_standard.yml", "hi\r\n", 1), ("pypsrp/test_winrs_operation_timeout.yml", "hi\nhi again\n", 4)],
)
def test_recorded_commands_run_from_create_to_delete(name: str, stdout: str, receives: int) -> None:
    messages = samples.conversation(name)
    # Their requests are pypsrp's; only their order is the same as ours.
    replies = [(int(message.get("transport_error", {}).get("code", 200)), message["response"].encode()) for message in messages]
    replay = Replay(replies)
    with Shell(Session(replay, endpoint_label="recorded")) as shell:
        result = shell.run("cmd.exe", ["/c", "echo", "hi"], timeout=60)
    assert (result.exit_code, result.stdout, result.stderr) == (0, stdout, "")
    assert sum(b"shell/Receive<" in request for request in replay.sent) == receives
    assert not replay.replies


@pytest.mark.parametrize(
    ("name", "shell_id"),
    [
        ("WinRb/open_shell_v1.xml", "uuid:739990FF-1492-4CDD-80BB-6E07ADB06D85"),
        ("WinRb/open_shell_v2.xml", "62DE33F0-8674-43D9-B6A5-3298012CC4CD"),
        ("masterzen/createShellResponse.xml", "67A74734-DD32-4F10-89DE-49A060483810"),
    ],
)
def test_a_shell_id_is_used_as_the_server_wrote_it(name: str, shell_id: str) -> None:
    replay = Replay(
        (200, samples.read(file))
        for file in (name, "masterzen/executeCommandResponse.xml", "masterzen/outputResponse.xml", "masterzen/doneCommandResponse.xml")
    )
    shell = Shell(Session(replay, endpoint_label="recorded"))
    # Signal finds no reply any more; that must not spoil the result.
    replay.replies.append((500, b""))
    result = shell.run("any.exe", timeout=60)
    assert (result.exit_code, result.stdout, result.stderr) == (123, "That's all folks!!!", "This is stderr, I'm pretty sure!")
    selectors = [item.text for item in descendants(parse(replay.sent[1]), "Selector")]
    assert selectors == [shell_id]

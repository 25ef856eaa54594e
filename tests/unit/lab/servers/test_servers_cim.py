# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CIM as native clients ask for it: Get, WQL with paging, methods, faults in the recorded shapes."""

from __future__ import annotations

import functools
import typing as t
import xml.etree.ElementTree as ET

import pytest
from winrm.exceptions import WSManFaultError

from tests.lab.servers.routes import cim
from tests.unit.lab.servers.live import ENUMERATION, HKLM, NAME, WMI, WQL, Cim, LiveLab

CERTIFICATES = r"SOFTWARE\Microsoft\SystemCertificates\MY\Certificates"


@pytest.fixture
def client(live: LiveLab) -> t.Iterator[Cim]:
    with live.protocol() as protocol:
        yield Cim(protocol)


def test_all_services_come_in_pages(client: Cim, live: LiveLab) -> None:
    found = client.query("SELECT * FROM Win32_Service", page=7)
    assert [service["Name"] for service in found] == [service.name for service in live.server.services.all()]
    assert client.pulls == 4
    assert len(found[0]) == 25
    assert live.journal()[-1]["resource"] == "Win32_Service"


def test_a_small_envelope_makes_small_pages(live: LiveLab) -> None:
    with live.protocol() as protocol:
        small = Cim(protocol, envelope=8192)
        assert len(small.query("SELECT * FROM Win32_Service")) == len(live.server.services.all())
        assert small.pulls > 5


def test_one_item_ends_at_once(client: Cim) -> None:
    found = client.query("SELECT Name, State FROM Win32_Service WHERE Name='winrm'")
    assert found == [{"Name": "WinRM", "State": "Running"}]
    assert client.pulls == 0


@pytest.mark.parametrize("optimized", [True, False])
@pytest.mark.parametrize(("name", "count"), [("nothing", 0), ("winrm", 1), ("w%", 4)])
def test_counts(client: Cim, optimized: bool, name: str, count: int) -> None:
    if optimized or count:
        found = client.query(f"SELECT Name FROM Win32_Service WHERE Name LIKE '{name}'", optimized=optimized)
        assert len(found) == count


def test_shape_of_an_enumeration(client: Cim) -> None:
    body = {"n:Enumerate": {"w:OptimizeEnumeration": None, "w:Filter": {"@Dialect": WQL, "#text": "SELECT * FROM Win32_ComputerSystem"}}}
    reply = client.send(f"{ENUMERATION}/Enumerate", f"{WMI}/*", body)
    assert [child.tag.rsplit("}", 1)[-1] for child in reply] == ["EnumerationContext", "Items", "EndOfSequence"]
    assert not reply[0].text
    assert reply[2].tag.startswith("{http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd}")
    assert reply[1][0].tag == f"{{{WMI}/Win32_ComputerSystem}}Win32_ComputerSystem"
    fragment = client.send(
        f"{ENUMERATION}/Enumerate",
        f"{WMI}/*",
        {"n:Enumerate": {"w:OptimizeEnumeration": None, "w:Filter": {"@Dialect": WQL, "#text": "SELECT Roles FROM Win32_ComputerSystem"}}},
    )
    assert fragment[1][0].tag == "{http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd}XmlFragment"
    assert {child.tag for child in fragment[1][0]} == {"Roles"}


def test_typed_values(client: Cim) -> None:
    system = client.get("Win32_OperatingSystem")
    assert system["LastBootUpTime"].endswith("Z")
    assert system["CSDVersion"] is None
    assert system["Description"] == ""
    assert system["Primary"] == "true"
    assert client.get("Win32_ComputerSystem")["Roles"] == ["LM_Workstation", "LM_Server", "NT", "Server_NT"]


def test_every_declared_property_is_there(live: LiveLab) -> None:
    found = live.do(lambda: [(one, one.instances(live.server)) for one in cim.CLASSES.values()])
    for one, instances in found:
        assert {tuple(instance) for instance in instances} <= {one.properties}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (r"SELECT Name FROM CIM_DataFile WHERE Name='C:\\Windows\\System32\\reg.exe'", [r"c:\windows\system32\reg.exe"]),
        (
            r"SELECT Name FROM CIM_DataFile WHERE Name='C:\\Windows\\System32\\reg.exe' OR Name = 'c:\\windows\\system32\\cmd.exe'",
            [r"c:\windows\system32\cmd.exe", r"c:\windows\system32\reg.exe"],
        ),
        (r"SELECT Name FROM CIM_DataFile WHERE Name='C:\\nowhere.txt'", []),
        (
            r"SELECT Name FROM CIM_DataFile WHERE Drive='C:' AND Path='\\Windows\\System32\\WindowsPowerShell\\v1.0\\'",
            [r"c:\windows\system32\windowspowershell\v1.0\powershell.exe"],
        ),
    ],
)
def test_files(client: Cim, live: LiveLab, query: str, names: list[str]) -> None:
    assert [file["Name"] for file in client.query(query)] == names
    assert not live.world.journal.unknowns()


def test_walking_the_disk_is_not_wanted(client: Cim, live: LiveLab) -> None:
    client.query("SELECT Name FROM CIM_DataFile WHERE Extension='exe'")
    assert live.world.journal.unknowns()


def test_a_service_that_is_not_stopped_does_not_start_and_a_paused_one_goes_on(client: Cim, live: LiveLab) -> None:
    for state in ("Stop Pending", "Paused"):
        live.do(functools.partial(live.world.servers[NAME].services.patch, "W32Time", {"state": state}))
        assert client.invoke("Win32_Service", "StartService", Name="W32Time")["ReturnValue"] == "10"
    assert client.invoke("Win32_Service", "ResumeService", Name="W32Time")["ReturnValue"] == "0"
    assert client.get("Win32_Service", Name="W32Time")["State"] == "Running"
    assert client.invoke("Win32_Service", "ResumeService", Name="W32Time")["ReturnValue"] == "5"


def test_service_methods(client: Cim, live: LiveLab) -> None:
    assert client.invoke("Win32_Service", "StopService", Name="W32Time")["ReturnValue"] == "0"
    assert client.invoke("Win32_Service", "StopService", Name="W32Time")["ReturnValue"] == "6"
    assert client.invoke("Win32_Service", "ChangeStartMode", {"StartMode": "Disabled"}, Name="W32Time")["ReturnValue"] == "0"
    assert client.invoke("Win32_Service", "StartService", Name="W32Time")["ReturnValue"] == "14"
    assert client.invoke("Win32_Service", "ChangeStartMode", {"StartMode": "Automatic"}, Name="W32Time")["ReturnValue"] == "0"
    assert client.invoke("Win32_Service", "ChangeStartMode", {"StartMode": "Sometimes"}, Name="W32Time")["ReturnValue"] == "21"
    live.do(lambda: live.world.timing.patch({"service_start": 600}))
    assert client.invoke("Win32_Service", "StartService", Name="W32Time")["ReturnValue"] == "0"
    assert client.invoke("Win32_Service", "StartService", Name="W32Time")["ReturnValue"] == "10"
    assert client.get("Win32_Service", Name="W32Time")["State"] == "Start Pending"
    live.advance(600)
    after = client.get("Win32_Service", Name="W32Time")
    assert (after["State"], after["StartMode"]) == ("Running", "Auto")
    assert {entry["kind"] for entry in live.journal()} == {"read", "write"}


def registry(client: Cim, method: str, key: str, **arguments: t.Any) -> dict[str, t.Any]:
    return client.invoke("StdRegProv", method, {"hDefKey": HKLM, "sSubKeyName": key, **arguments})


def test_registry(client: Cim, live: LiveLab) -> None:
    full = r"SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full"
    assert registry(client, "GetDWORDValue", full, sValueName="Release") == {"uValue": "528449", "ReturnValue": "0"}
    assert registry(client, "GetDWORDValue", full, sValueName="Nothing") == {"uValue": None, "ReturnValue": "1"}
    assert registry(client, "GetDWORDValue", "SOFTWARE\\None", sValueName="Release")["ReturnValue"] == "2"
    assert registry(client, "GetDWORDValue", full, sValueName="Version")["ReturnValue"] == "2147749893"
    assert registry(client, "EnumValues", full) == {"sNames": ["Release", "Version"], "Types": ["4", "1"], "ReturnValue": "0"}
    assert registry(client, "EnumKey", CERTIFICATES) == {"sNames": None, "ReturnValue": "0"}
    assert {entry["kind"] for entry in live.journal()} == {"read"}
    assert registry(client, "CreateKey", "SOFTWARE\\Acme\\One")["ReturnValue"] == "0"
    assert registry(client, "SetStringValue", "software\\acme", sValueName="Text", sValue="täglich")["ReturnValue"] == "0"
    assert registry(client, "SetStringValue", "software\\none", sValueName="Text", sValue="x")["ReturnValue"] == "2"
    assert registry(client, "GetStringValue", "SOFTWARE\\ACME", sValueName="text")["sValue"] == "täglich"
    assert registry(client, "SetBinaryValue", "SOFTWARE\\Acme", sValueName="Blob", uValue=["1", "2", "255"])["ReturnValue"] == "0"
    assert registry(client, "GetBinaryValue", "SOFTWARE\\Acme", sValueName="Blob")["uValue"] == ["1", "2", "255"]
    assert registry(client, "DeleteKey", "SOFTWARE\\Acme")["ReturnValue"] == "5"
    assert registry(client, "DeleteValue", "SOFTWARE\\Acme", sValueName="Text")["ReturnValue"] == "0"
    assert registry(client, "DeleteKey", "SOFTWARE\\Acme\\One")["ReturnValue"] == "0"
    assert registry(client, "EnumKey", "SOFTWARE\\Acme")["sNames"] is None
    assert client.invoke("StdRegProv", "EnumKey", {"hDefKey": "7", "sSubKeyName": ""})["ReturnValue"] == "6"


def test_a_large_value_needs_a_large_envelope(live: LiveLab) -> None:
    live.do(lambda: live.server.registry.set("SOFTWARE\\Acme", "Blob", 3, bytes(7000)))
    with live.protocol() as protocol:
        assert len(registry(Cim(protocol), "GetBinaryValue", "SOFTWARE\\Acme", sValueName="Blob")["uValue"]) == 7000
        with pytest.raises(WSManFaultError) as caught:
            registry(Cim(protocol, envelope=153600), "GetBinaryValue", "SOFTWARE\\Acme", sValueName="Blob")
    assert caught.value.fault_subcode == "w:EncodingLimit"


FAULTS = [
    (lambda client: client.get("Win32_Service", Name="none"), 2150858752, "a:DestinationUnreachable", False),
    (lambda client: client.invoke("Win32_Service", "StartService", Name="none"), 2150858752, "a:DestinationUnreachable", False),
    (lambda client: client.query("SELECT * FROM Win32_Nothing"), 2150858778, "n:CannotProcessFilter", True),
    (lambda client: client.query("SELECT Nothing FROM Win32_Service"), 2150858778, "n:CannotProcessFilter", True),
    (lambda client: client.query("SELECT * FROM Win32_Service WHERE Name='C:\\x'"), 2150858778, "n:CannotProcessFilter", True),
    (lambda client: client.invoke("Win32_Service", "Explode", Name="winrm"), 2150858771, "a:ActionNotSupported", True),
    (lambda client: client.get("Win32_Service", Nothing="x"), 2150858843, "w:InvalidSelectors", False),
    (lambda client: client.get("Win32_Nothing"), 2150858752, "a:DestinationUnreachable", True),
    (
        lambda client: client.send(f"{ENUMERATION}/Pull", f"{WMI}/*", {"n:Pull": {"n:EnumerationContext": "uuid:x"}}),
        2150858779,
        "n:InvalidEnumerationContext",
        False,
    ),
    (lambda client: client.send(f"{WMI}/StdRegProv/EnumKey", f"{WMI}/StdRegProv", None), 2150858817, "w:SchemaValidationError", False),
    (lambda client: client.send("http://nowhere/x", "http://nowhere", None), 2150858752, "a:DestinationUnreachable", True),
]


@pytest.mark.parametrize(("act", "code", "subcode", "unknown"), FAULTS)
def test_faults(client: Cim, live: LiveLab, act: t.Callable[[Cim], t.Any], code: int, subcode: str, unknown: bool) -> None:
    with pytest.raises(WSManFaultError) as caught:
        act(client)
    assert (caught.value.wsman_fault_code, caught.value.fault_subcode) == (code, subcode)
    assert bool(live.world.journal.unknowns()) is unknown
    ET.fromstring(caught.value.response)


def test_an_envelope_below_the_minimum(live: LiveLab) -> None:
    with live.protocol() as protocol, pytest.raises(WSManFaultError) as caught:
        Cim(protocol, envelope=4096).get("Win32_ComputerSystem")
    assert caught.value.fault_subcode == "w:EncodingLimit"

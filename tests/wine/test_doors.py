# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services, registry, files and processes of an independent Windows, through our session and the lab's WS-Management."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import CONNECTOR_SERVICE, ENTRA, SERVICES, UPDATER_SERVICE
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import files, services
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.faults import WSManFault
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.instances import moment, text
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import Shell
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import Registry, RegistryError
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from tests.wine.build import CONNECTOR_PRODUCT, VERSION, Built
from tests.wine.conftest import SETUP
from tests.wine.prefix import Wine
from tests.wine.witness import state_by_sc, value_by_reg

UNINSTALL = r"Software\Microsoft\Windows\CurrentVersion\Uninstall"
SERVICE_KEY = rf"System\CurrentControlSet\Services\{CONNECTOR_SERVICE}"
OURS = r"Software\entra.app_proxy"


# services


def test_one_query_finds_both_services_as_they_are(installed: None, session: Session) -> None:
    found = services.services(session, [*SERVICES, "no such service"])
    assert sorted(found) == sorted(name.lower() for name in SERVICES)
    connector = found[CONNECTOR_SERVICE.lower()]
    assert (connector.display_name, connector.state, connector.start_mode) == (ENTRA.product, "Running", "Auto")
    assert (connector.path, connector.account) == (ENTRA.service_path("C:"), r"NT AUTHORITY\NetworkService")
    assert connector.process_id
    assert found[UPDATER_SERVICE.lower()].display_name == ENTRA.updater_product


def test_a_service_stops_and_starts(installed: None, session: Session, wine: Wine) -> None:
    assert services.stop(session, CONNECTOR_SERVICE) == services.OK
    stopped = services.wait_for_state(session, CONNECTOR_SERVICE, "Stopped", 30)
    assert stopped is not None
    assert (stopped.state, stopped.process_id) == ("Stopped", 0)
    assert state_by_sc(wine, CONNECTOR_SERVICE) == "STOPPED"
    assert services.stop(session, CONNECTOR_SERVICE) != services.OK
    assert services.start(session, CONNECTOR_SERVICE) == services.OK
    started = services.wait_for_state(session, CONNECTOR_SERVICE, "Running", 30)
    assert started is not None
    assert started.state == "Running"
    assert state_by_sc(wine, CONNECTOR_SERVICE) == "RUNNING"
    assert services.start(session, CONNECTOR_SERVICE) == services.ALREADY_RUNNING


def test_the_start_mode_changes(installed: None, session: Session, wine: Wine) -> None:
    for mode, shown, number in (("Manual", "Manual", "0x3"), ("Disabled", "Disabled", "0x4"), ("Automatic", "Auto", "0x2")):
        assert services.set_start_mode(session, UPDATER_SERVICE, mode) == services.OK
        assert services.services(session, [UPDATER_SERVICE])[UPDATER_SERVICE.lower()].start_mode == shown
        assert value_by_reg(wine, SERVICE_KEY.replace(CONNECTOR_SERVICE, UPDATER_SERVICE), "Start") == number


def test_a_service_that_is_not_there(uninstalled: None, session: Session, wine: Wine) -> None:
    assert services.services(session, SERVICES) == {}
    assert session.get("Win32_Service", {"Name": CONNECTOR_SERVICE}) is None
    with pytest.raises(WSManFault) as refused:
        services.start(session, CONNECTOR_SERVICE)
    assert refused.value.is_not_found
    assert state_by_sc(wine, CONNECTOR_SERVICE) is None


# registry


@pytest.fixture(autouse=True)
def no_key_of_ours(wine: Wine) -> t.Iterator[None]:
    """What a test writes below our key goes with it. reg.exe ends with 1 when there is nothing."""
    yield
    wine.program("reg", "delete", rf"HKLM\{OURS}", "/f", ends_with=(0, 1))


def test_values_that_the_package_wrote(installed: None, session: Session, wine: Wine) -> None:
    registry = Registry(session)
    entry = rf"{UNINSTALL}\{CONNECTOR_PRODUCT}"
    assert CONNECTOR_PRODUCT in (registry.subkeys(UNINSTALL) or [])
    assert registry.string(entry, "DisplayName") == ENTRA.product
    assert registry.string(entry, "DisplayVersion") == VERSION == value_by_reg(wine, entry, "DisplayVersion")
    assert {"DisplayName", "UninstallString"} <= set(registry.value_names(entry) or [])
    assert registry.dword(SERVICE_KEY, "Start") == 2
    assert registry.string(SERVICE_KEY, "ImagePath") == ENTRA.service_path("C:")


def test_what_is_not_in_the_registry(session: Session) -> None:
    registry = Registry(session)
    windows = r"Software\Microsoft\Windows NT\CurrentVersion"
    assert registry.string(windows, "no such value") is None
    assert registry.dword(windows, "no such value") is None
    assert registry.binary(windows, "no such value") is None
    assert registry.subkeys(rf"{windows}\no such key") is None
    assert registry.value_names(rf"{windows}\no such key") is None
    assert registry.binary(rf"{windows}\no such key", "Blob") is None
    with pytest.raises(RegistryError, match="another type"):
        registry.dword(windows, "ProductName")


def test_values_that_others_wrote_and_that_we_write(session: Session, wine: Wine) -> None:
    registry = Registry(session)
    key = rf"{OURS}\Read"
    wine.program("reg", "add", rf"HKLM\{key}", "/v", "Blob", "/t", "REG_BINARY", "/d", "00ff7f80", "/f")
    wine.program("reg", "add", rf"HKLM\{key}", "/v", "Count", "/t", "REG_DWORD", "/d", "4294967295", "/f")
    wine.program("reg", "add", rf"HKLM\{key}", "/v", "Empty", "/t", "REG_SZ", "/f")
    assert registry.binary(key, "Blob") == b"\x00\xff\x7f\x80"
    assert registry.dword(key, "Count") == 4294967295
    assert registry.string(key, "Empty") == ""
    assert sorted(registry.value_names(key) or []) == ["Blob", "Count", "Empty"]
    registry.set_string(key, "Proxy", "http://proxy.example:8080")
    assert value_by_reg(wine, key, "Proxy") == "http://proxy.example:8080"
    assert registry.string(key, "Proxy") == "http://proxy.example:8080"


def test_keys_and_values_that_we_make_and_delete(session: Session, wine: Wine) -> None:
    registry = Registry(session)
    key = rf"{OURS}\Written\Deep"
    with pytest.raises(RegistryError, match="no such key"):
        registry.set_dword(key, "Enabled", 1)
    registry.create_key(key)
    registry.create_key(key)
    for number in (0, 1, 4294967295):
        registry.set_dword(key, "Enabled", number)
        assert registry.dword(key, "Enabled") == number
        assert value_by_reg(wine, key, "Enabled") == hex(number)
    assert registry.subkeys(key) == []
    assert registry.delete_value(key, "Enabled") is True
    assert value_by_reg(wine, key, "Enabled") is None
    assert registry.delete_value(key, "Enabled") is False
    assert registry.delete_value(rf"{key}\deeper", "Enabled") is False


# operating system and files


def test_the_operating_system_tells_its_time(session: Session) -> None:
    (system,) = session.query("SELECT CSName, Version, LastBootUpTime, LocalDateTime FROM Win32_OperatingSystem")
    local, boot = moment(system, "LocalDateTime"), moment(system, "LastBootUpTime")
    assert local is not None
    assert boot is not None
    assert abs(local - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(minutes=1)
    assert boot < local
    assert text(system, "CSName")


def test_one_query_finds_the_files_among_many_paths(installed: None, session: Session, wine: Wine, built: Built) -> None:
    exe, script = ENTRA.service_path("C:"), ENTRA.register_script_path("C:")
    found = files.files(session, [exe.upper(), script, r"C:\no such folder\file.exe", ENTRA.install_dir("C:")])
    assert sorted(found) == sorted([exe.lower(), script.lower()])
    service = found[exe.lower()]
    assert service.version == f"{VERSION}.0"
    assert service.size == wine.path(exe).stat().st_size
    assert found[script.lower()].version is None
    listed = files.directory(session, "C:", "\\setup")
    assert [file.name for file in listed] == sorted(rf"{SETUP}\{path.name}".lower() for path in (built.installer, built.arguments))
    assert all(file.modified is not None for file in listed)
    assert files.directory(session, "C:", r"\no such folder") == []


# processes

AWKWARD = ["a b", 'say "hi"', "100%", "%PATH%", "^caret", "a&b|c", "(x)", "!bang!", "back\\", "space and back\\", "<>", "", "-x=y;z,"]


def test_arguments_arrive_unchanged_through_cmd(shell: Shell, built: Built) -> None:
    result = shell.run(rf"{SETUP}\{built.arguments.name}", AWKWARD, timeout=60)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [f"[{argument}]" for argument in AWKWARD]


@pytest.mark.parametrize("code", [0, 1, 1603, 3010, 1641, 2147942402])
def test_exit_codes_arrive_whole(shell: Shell, code: int) -> None:
    # cmd.exe reads a signed number.
    signed = code - (1 << 32) if code > 0x7FFFFFFF else code
    assert shell.run("cmd.exe", ["/c", "exit", str(signed)], timeout=60).exit_code in (code, signed)


def test_output_and_error_output_are_apart(shell: Shell) -> None:
    found = shell.run("reg.exe", ["query", r"HKLM\Software\Microsoft\Windows NT\CurrentVersion", "/v", "ProductName"], timeout=60)
    assert "Microsoft Windows" in found.stdout
    assert found.stderr == ""
    missing = shell.run("no-such-program.exe", timeout=60)
    assert missing.exit_code != 0
    assert missing.stdout == ""
    assert "no-such-program" in missing.stderr


def test_standard_input_arrives_whole(shell: Shell) -> None:
    # More than one message can carry.
    lines = [f"line {number:06d} of the input" for number in range(5000)]
    result = shell.run("find.exe", ["line 0049"], stdin="\r\n".join(lines).encode(), timeout=60)
    assert result.stdout.split("\r\n")[:-1] == lines[4900:5000]

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installer, uninstaller, registration and the programs around them, played on the model."""

from __future__ import annotations

import base64
import json
import pathlib
import typing as t
import uuid

import pytest
from cryptography import x509

from tests.lab.runtime import INSTALLER_URL
from tests.lab.servers import known_scripts
from tests.lab.servers.programs.powershell import BOOTSTRAP
from tests.lab.servers.state import trust
from tests.lab.servers.state.products import ENTRA, GENERATIONS, LEGACY, UNINSTALL, UNINSTALL_32
from tests.support.waiting import wait_until
from tests.unit.lab.servers.live import LiveLab

SCRIPTS = pathlib.Path(__file__).parents[4] / "plugins" / "module_utils" / "host" / "scripts"
EXE = r"C:\Temp\installer.exe"
INSTALL = f'{EXE} REGISTERCONNECTOR="false" /q'
ENCODED = base64.b64encode(BOOTSTRAP.encode("utf-16-le")).decode()
POWERSHELL = f"powershell.exe -NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand {ENCODED}"
OTHER_TENANT = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def ready(live: LiveLab) -> LiveLab:
    """A lab with the current installer on the server."""
    live.patch(files=[{"path": EXE, "installer": {}}])
    return live


def connector(live: LiveLab) -> dict[str, t.Any]:
    found: dict[str, t.Any] = live.do(live.server.as_dict)["connector"]
    return found


def script(live: LiveLab, name: str, secrets: t.Mapping[str, str] | None = None, **arguments: t.Any) -> dict[str, t.Any]:
    text = (SCRIPTS / f"{name}.ps1").read_text(encoding="utf-8")
    document = json.dumps({"script": text, "arguments": arguments, "secrets": list(secrets or {})}).encode("ascii")
    lines = [base64.b64encode(secret.encode()) for secret in (secrets or {}).values()]
    result = live.run(POWERSHELL, b"\n".join([document, *lines]))
    assert (result.exit_code, result.stderr) == (0, ""), result.stderr
    answer: dict[str, t.Any] = json.loads(result.stdout)
    return answer


def register(live: LiveLab, **arguments: t.Any) -> dict[str, t.Any]:
    generation = live.server.connector.generation or ENTRA
    wanted = {
        "install_dir": generation.install_dir,
        "module_dir": rf"{generation.install_dir}\Modules\\",
        "module_name": generation.module,
        "cmdlet": generation.cmdlet,
        "mode": "Token",
        "user": None,
        "tenant_id": live.state["tenant_id"],
        "feature": "ApplicationProxy",
        "environment": None,
    }
    secrets = {name: secret for name in ("token", "password") if (secret := arguments.pop(name, None)) is not None}
    return script(live, "register_connector", secrets, **{**wanted, **arguments})


@pytest.mark.parametrize("name", sorted(path.stem for path in SCRIPTS.glob("*.ps1")))
def test_the_lab_knows_every_script_of_the_collection(name: str) -> None:
    text = (SCRIPTS / f"{name}.ps1").read_text(encoding="utf-8")
    behaviour = known_scripts.find(text)
    digest = known_scripts.digest(text)
    assert behaviour is not None, f"add to tests/lab/servers/known_scripts.py, when the behaviour still fits: {digest!r}: {name}"
    assert behaviour.__name__ == name
    assert known_scripts.find(text.replace("\n", "\r\n")) is behaviour


def test_a_changed_script_is_not_known(live: LiveLab) -> None:
    result = live.run(POWERSHELL, json.dumps({"script": "param($arguments) 1", "arguments": {}, "secrets": []}).encode())
    assert result.exit_code == 1
    assert "sha256" in live.world.journal.unknowns()[0]["detail"]


@pytest.mark.parametrize("line", [INSTALL, f"{EXE} REGISTERCONNECTOR=false /quiet /norestart", f'"{EXE}" /q REGISTERCONNECTOR="FALSE"'])
def test_an_install_appears_later(ready: LiveLab, line: str) -> None:
    ready.do(lambda: ready.world.timing.patch({"files_appear": 20, "service_start": 600}))
    assert ready.run(line).exit_code == 0
    assert not connector(ready)["installed"]
    ready.advance(21)
    found = connector(ready)
    assert (found["generation"], found["version"], found["registered"]) == ("entra", "1.5.4892.0", False)
    services = ready.do(ready.server.as_dict)["services"]
    assert (services["WAPCSvc"]["state"], services["WAPCSvc"]["start_mode"]) == ("Stopped", "Auto")
    assert services["WAPCSvc"]["account"] == r"NT AUTHORITY\NetworkService"
    assert services["WAPCUpdaterSvc"]["state"] == "Start Pending"
    assert ready.server.files.get(rf"{ENTRA.install_dir}\RegisterConnector.ps1")
    assert any(file.path.endswith(".log") for file in ready.server.files.below(ready.server.temp))
    assert ready.journal(kind="write", action="process")[0]["detail"]["what"] == "install"
    assert not ready.world.journal.unknowns()


def test_the_waker_needs_nobody_to_look(ready: LiveLab) -> None:
    ready.run(INSTALL)
    wait_until("the files of the installer", lambda: ready.server.files.get(ENTRA.connector_path) is not None)


@pytest.mark.parametrize(
    ("code", "installed", "reboot"), [(1603, False, False), (1618, False, False), (3010, True, True), (0, True, False)]
)
def test_exit_codes(ready: LiveLab, code: int, installed: bool, reboot: bool) -> None:
    ready.patch(installer_exit_code=code)
    assert ready.run(f"{INSTALL} /norestart").exit_code == code
    ready.advance(5)
    assert connector(ready)["installed"] is installed
    assert ready.server.pending_reboot is reboot


@pytest.mark.parametrize(("code", "line"), [(3010, INSTALL), (1641, INSTALL), (1641, f"{INSTALL} /norestart")])
def test_a_restart_that_is_wanted_is_made_when_nobody_forbids_it(ready: LiveLab, code: int, line: str) -> None:
    before = ready.server.boot_time
    ready.patch(installer_exit_code=code)
    assert ready.run(line).exit_code == 1641
    ready.advance(5)
    ready.advance(5)
    assert ready.server.boot_time > before


@pytest.mark.parametrize("line", [EXE, f"{EXE} /q /frobnicate", f"{EXE} REGISTERCONNECTOR=false"])
def test_switches_that_the_installer_does_not_have(ready: LiveLab, line: str) -> None:
    assert ready.run(line).exit_code in (1602, 1639)
    assert ready.world.journal.unknowns()


def test_leftovers_hinder_an_install_until_uninstall(ready: LiveLab) -> None:
    ready.patch(leftovers=True)
    assert ready.run(INSTALL).exit_code == 0
    ready.advance(5)
    assert not connector(ready)["installed"]
    assert ready.run(f"{EXE} /uninstall /quiet").exit_code == 0
    ready.advance(5)
    assert ready.run(INSTALL).exit_code == 0
    ready.advance(5)
    assert connector(ready)["installed"]


def test_an_upgrade_keeps_the_registration(live: LiveLab) -> None:
    live.patch(connector={"generation": "legacy", "registered": True}, files=[{"path": EXE, "installer": {}}])
    before = connector(live)
    assert live.run(INSTALL).exit_code == 0
    live.advance(5)
    live.advance(5)
    after = connector(live)
    assert (before["generation"], after["generation"]) == ("legacy", "entra")
    assert after["connector_id"] == before["connector_id"]
    assert live.do(live.server.as_dict)["services"]["WAPCSvc"]["state"] == "Running"
    assert live.world.tenant.now_state.connectors[after["connector_id"]].version == "1.5.4892.0"
    assert live.server.files.get(LEGACY.connector_path) is None


def test_an_older_installer_is_refused(live: LiveLab) -> None:
    live.patch(connector={"version": "1.5.4892.0"}, files=[{"path": EXE, "installer": {"version": "1.5.4287.0"}}])
    assert live.run(INSTALL).exit_code == 1638


def uninstall_names(live: LiveLab) -> list[str]:
    texts = [live.run(f"reg.exe query HKLM\\{root} /s /f connector /d").stdout for root in (UNINSTALL, UNINSTALL_32)]
    return [line.split("REG_SZ")[1].strip() for text in texts for line in text.splitlines() if line.strip().startswith("DisplayName")]


@pytest.mark.parametrize("generation", sorted(GENERATIONS))
def test_reg_query_finds_the_products(live: LiveLab, generation: str) -> None:
    live.patch(connector={"generation": generation})
    wanted = GENERATIONS[generation]
    assert sorted(uninstall_names(live)) == sorted([wanted.uninstall_name, wanted.updater_uninstall_name, wanted.uninstall_name])
    text = live.run(f"reg query HKLM\\{UNINSTALL} /s /f connector /d").stdout
    assert text.startswith("\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\")
    assert text.endswith("match(es) found.\r\n")
    assert "Unrelated" not in text


def test_reg_query_finds_nothing(live: LiveLab) -> None:
    result = live.run(f"reg.exe query HKLM\\{UNINSTALL} /s /f connector /d")
    assert (result.exit_code, result.stdout) == (1, "\r\nEnd of search: 0 match(es) found.\r\n")
    assert live.run("reg.exe query HKLM\\SOFTWARE\\None").exit_code == 1


def test_msiexec_removes_one_product_after_the_other(live: LiveLab) -> None:
    live.patch(connector={"registered": True})
    code = ENTRA.product_code("connector", "1.5.4892.0")
    assert live.run(f"msiexec.exe /x {code} /qn /norestart").exit_code == 0
    assert not connector(live)["installed"]
    assert connector(live)["updater_installed"]
    assert live.run(f"msiexec.exe /x {code} /qn").exit_code == 1605
    live.patch(msiexec_exit_code=3010)
    assert live.run(f"MsiExec.exe /X{ENTRA.product_code('updater', '1.5.4892.0')} /qn").exit_code == 3010
    assert not connector(live)["updater_installed"]
    assert live.run("msiexec /i x.msi").exit_code == 1639


def test_the_bundle_removes_both(live: LiveLab) -> None:
    live.patch(connector={"registered": True})
    key = live.server.registry.key(UNINSTALL_32)
    assert key is not None
    [code] = key.subkeys()
    command = live.server.registry.value(rf"{UNINSTALL_32}\{code}", "QuietUninstallString")
    assert command is not None
    assert live.run(str(command.data)).exit_code == 0
    live.advance(5)
    assert uninstall_names(live) == []
    assert not any(live.server.services.get(name) for name in ("WAPCSvc", "WAPCUpdaterSvc"))
    assert live.server.files.is_folder(ENTRA.install_dir)
    assert live.server.running_connector() is None


def test_registration(live: LiveLab) -> None:
    live.patch(connector={})
    assert register(live, token=live.token()) == {"invoked": "script", "ok": True, "error": None}
    live.advance(5)
    found = connector(live)
    key = live.server.registry.value(rf"{trust.MACHINE_STORE}\{found['thumbprint']}", "Blob")
    assert key is not None
    assert isinstance(key.data, bytes)
    der = trust.certificate(key.data)
    assert der is not None
    certificate = x509.load_der_x509_certificate(der)
    assert certificate.issuer.rfc4514_string() == "CN=connectorregistrationca.msappproxy.net"
    assert certificate.subject.rfc4514_string() == f"CN={live.state['tenant_id']}"
    assert uuid.UUID(found["connector_id"]) == uuid.UUID(live.server.running_connector()[0])  # type: ignore[index]
    assert live.world.tenant.now_state.connectors[found["connector_id"]].machine_name == "WEB-01"
    settings = script(live, "read_files", paths=[ENTRA.trust_settings, r"C:\none"], max_bytes=10000)
    assert found["thumbprint"].encode() in base64.b64decode(settings["files"][ENTRA.trust_settings])
    assert settings["files"][r"C:\none"] is None
    assert not live.world.journal.unknowns()


def test_registering_again_keeps_the_old_certificate(live: LiveLab) -> None:
    live.patch(connector={"registered": True})
    before = connector(live)
    register(live, token=live.token())
    after = connector(live)
    key = live.server.registry.key(trust.MACHINE_STORE)
    assert key is not None
    assert set(key.subkeys()) == {before["thumbprint"], after["thumbprint"]}
    assert before["thumbprint"] != after["thumbprint"]


REFUSED = [
    {"token": "nonsense"},
    {"token": "expired"},
    {"token": "good", "tenant_id": OTHER_TENANT},
    {"mode": "Credentials", "user": "nobody@lab.example", "password": "wrong"},
]


@pytest.mark.parametrize("loud", [False, True])
@pytest.mark.parametrize("arguments", REFUSED)
def test_a_refused_registration(live: LiveLab, arguments: dict[str, t.Any], loud: bool) -> None:
    live.patch(connector={}, registration_signals_errors=loud)
    tokens = {"expired": live.token(expires_in=-60), "good": live.token()}
    wanted = {**arguments, "token": tokens.get(arguments.get("token", ""), arguments.get("token"))}
    answer = register(live, **wanted)
    assert answer["ok"] is not loud
    assert not connector(live)["registered"]
    query = f"*[System[Provider[@Name='{ENTRA.event_source}'] and Level=2 and TimeCreated[timediff(@SystemTime) <= 300000]]]"
    found = live.run(f'wevtutil.exe qe Application /c:1 /rd:true /f:RenderedXml "/q:{query}"')
    assert found.exit_code == 0
    assert "Connector registration failed" in found.stdout
    live.advance(301)
    assert live.run(f'wevtutil.exe qe Application /c:1 /rd:true /f:RenderedXml "/q:{query}"').stdout == ""
    assert not live.world.journal.unknowns()


@pytest.mark.parametrize(
    ("patch", "arguments", "invoked", "works"),
    [
        ({}, {}, "script", True),
        ({"registration_script": "subfolder"}, {}, "script", True),
        ({"registration_script": "absent"}, {}, "cmdlet", True),
        ({}, {"environment": "AzureUSGovernment"}, "cmdlet", True),
        ({}, {"environment": "Moon"}, "cmdlet", False),
        ({"registration_script": "absent"}, {"cmdlet": "Register-AppProxyConnector"}, "cmdlet", False),
        ({}, {"install_dir": r"C:\none"}, "cmdlet", False),
    ],
)
def test_doors_to_registration(live: LiveLab, patch: dict[str, t.Any], arguments: dict[str, t.Any], invoked: str, works: bool) -> None:
    live.patch(**patch, connector={})
    answer = register(live, **{"token": live.token(), **arguments})
    assert (answer["invoked"], answer["ok"]) == (invoked, works)
    assert connector(live)["registered"] is works


def test_an_unregistered_service_does_not_stay(live: LiveLab) -> None:
    live.patch(connector={})
    live.do(lambda: live.server.services.start("WAPCSvc"))
    live.advance(5)
    assert live.do(live.server.as_dict)["services"]["WAPCSvc"]["state"] == "Stopped"


def test_an_expired_certificate_stops_the_connector(live: LiveLab) -> None:
    live.patch(connector={"registered": True, "valid_days": 5})
    assert live.do(live.server.running_connector) is not None
    live.advance(6 * 86400)
    assert live.do(live.server.running_connector) is None
    found = live.run(f'wevtutil qe "{ENTRA.channel}" /f:xml "/q:*[System[EventID=1000]]"')
    assert "trust certificate expired" in found.stdout


def test_states_by_patch(live: LiveLab) -> None:
    live.patch(connector={"registered": True, "in_user_store": True, "age_days": 200, "valid_days": 400, "running": False})
    found = connector(live)
    assert found["in_user_store"] is True
    store = live.server.files.below(trust.SERVICE_STORE)
    assert [file.name for file in store] == [found["thumbprint"]]
    assert live.do(live.server.running_connector) is None
    live.patch(services={"WAPCSvc": {"state": "Running"}})
    assert live.do(live.server.running_connector)[0] == found["connector_id"]
    live.patch(connector={"registered": False})
    assert connector(live)["registered"] is False
    live.patch(connector={"installed": False})
    assert connector(live)["installed"] is False


@pytest.mark.parametrize(
    "values", [{"nothing": 1}, {"services": {"WAPCSvc": {"mood": "x"}}}, {"installer_exit_code": "1603"}, {"connector": {"x": 1}}]
)
def test_a_patch_with_a_mistake_is_refused(live: LiveLab, values: dict[str, t.Any]) -> None:
    with pytest.raises(ValueError, match=r"unknown|must be"):
        live.patch(**values)


@pytest.mark.parametrize(
    ("installer", "status", "signer"),
    [
        ({}, "Valid", True),
        ({"signature_status": "NotSigned"}, "NotSigned", False),
        ({"signature_status": "HashMismatch"}, "HashMismatch", True),
        ({"signer": "CN=Somebody", "generation": "legacy", "version": "1.5.3437.0"}, "Valid", True),
    ],
)
def test_inspecting_an_installer(live: LiveLab, installer: dict[str, t.Any], status: str, signer: bool) -> None:
    live.patch(files=[{"path": EXE, "installer": installer}])
    answer = script(live, "inspect_installer", path=EXE)
    assert answer["exists"] is True
    assert answer["signature_status"] == status
    assert (answer["signer_subject"] is not None) is signer
    assert answer["file_version"] == installer.get("version", "1.5.4892.0")
    assert script(live, "inspect_installer", path=r"C:\none.exe")["exists"] is False


def test_download(live: LiveLab) -> None:
    target = r"C:\Windows\Temp\new\x.exe"
    wanted = {"url": INSTALLER_URL, "destination": target, "proxy": None, "timeout_seconds": 60}
    live.patch(blocked_urls=["https://download.msappproxy.net"])
    assert script(live, "download_installer", **wanted)["error"] == "Unable to connect to the remote server"
    assert script(live, "download_installer", **{**wanted, "proxy": "http://proxy:8080"})["ok"] is True
    live.patch(blocked_urls=[])
    assert script(live, "download_installer", **wanted)["ok"] is True
    assert script(live, "download_installer", **{**wanted, "url": "https://elsewhere"})["ok"] is False
    assert script(live, "inspect_installer", path=target)["signature_status"] == "Valid"


def test_removing_paths(live: LiveLab) -> None:
    live.patch(connector={"registered": True})
    answer = script(live, "remove_paths", paths=[ENTRA.install_dir, r"C:\none", ENTRA.data_dir])
    assert answer["removed"] == [ENTRA.data_dir]
    assert [entry["path"] for entry in answer["failed"]] == [ENTRA.install_dir]


def test_shutdown(live: LiveLab) -> None:
    assert live.run("shutdown.exe /r /t 60 /c text").exit_code == 0
    assert live.server.powered
    live.advance(61)
    assert not live.server.powered
    assert live.run("shutdown.exe /p").exit_code == 1


def test_what_is_in_use_is_replaced_when_windows_starts_again(ready: LiveLab) -> None:
    ready.patch(connector={"version": "1.5.4287.0", "registered": True}, product={"in_use": True})
    assert ready.run(f"{INSTALL} /norestart").exit_code == 3010
    ready.advance(5)
    assert (connector(ready)["version"], ready.server.pending_reboot) == ("1.5.4287.0", True)
    ready.patch(boot="now")
    assert (connector(ready)["version"], ready.server.pending_reboot) == ("1.5.4892.0", False)
    assert ready.server.services.get("WAPCSvc") is not None


@pytest.mark.parametrize("by", ["installer", "msiexec"])
def test_what_is_in_use_is_removed_when_windows_starts_again(ready: LiveLab, by: str) -> None:
    ready.patch(connector={}, product={"in_use": True})
    codes = [ENTRA.product_code(what, "1.5.4892.0") for what in ("connector", "updater")]
    lines = [f"{EXE} /uninstall /quiet /norestart"] if by == "installer" else [f"msiexec.exe /x {code} /qn" for code in codes]
    assert {ready.run(line).exit_code for line in lines} == {3010}
    ready.advance(5)
    assert ready.server.services.get("WAPCSvc") is None
    assert ready.server.files.get(ENTRA.connector_path) is not None
    folder = ENTRA.install_dir
    assert script(ready, "remove_paths", paths=[folder])["failed"][0]["path"] == folder
    ready.patch(boot="now")
    assert ready.server.files.get(ENTRA.connector_path) is None
    assert script(ready, "remove_paths", paths=[folder])["removed"] == [folder]

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our session and shell over the real pywinrm and pypsrp, through real connection plugins, against the lab's servers."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import files, services
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.instances import moment, text
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.powershell import ScriptError, run_script
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import ProcessTimeout, Shell
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import Registry
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import AuthenticationError, TransportError
from ansible_collections.entra.app_proxy.plugins.plugin_utils.connection_adapter import open_session
from tests.support.connections import connection
from tests.support.lab_process import ROOT, Lab

SERVER = "nam-web-01"
WINDOWS = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"


@dataclasses.dataclass(frozen=True)
class Way:
    """A connection as an inventory declares it."""

    kind: str
    scheme: str
    authentication: str

    def variables(self, lab: Lab) -> dict[str, t.Any]:
        state = lab.state["servers"][SERVER]
        port = state[f"{self.scheme}_port"]
        common = {
            "ansible_host": state["host"],
            "ansible_port": port,
            "ansible_user": lab.state["user"],
            "ansible_password": lab.state["password"],
        }
        if self.kind == "winrm":
            return {
                **common,
                "ansible_winrm_scheme": self.scheme,
                "ansible_winrm_transport": [self.authentication],
                "ansible_winrm_ca_trust_path": lab.state["ca_file"],
            }
        return {
            **common,
            "ansible_psrp_port": port,
            "ansible_psrp_protocol": self.scheme,
            "ansible_psrp_auth": self.authentication,
            "ansible_psrp_ca_cert": lab.state["ca_file"],
        }


WAYS = [
    Way("winrm", "https", "ntlm"),
    Way("winrm", "http", "ntlm"),
    Way("winrm", "https", "basic"),
    Way("psrp", "https", "negotiate"),
    Way("psrp", "http", "negotiate"),
    Way("psrp", "https", "basic"),
]
every_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.kind}-{way.scheme}-{way.authentication}")
# One of each library is enough where the authentication makes no difference.
either_library = pytest.mark.parametrize("way", [WAYS[1], WAYS[4]], ids=lambda way: way.kind)


@pytest.fixture(autouse=True)
def only_the_labs_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    # pywinrm warns when it finds one in the environment, and warnings are errors here.
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)


@contextlib.contextmanager
def opened(lab: Lab, way: Way, **changes: t.Any) -> t.Iterator[Session]:
    plugin = connection(way.kind, {**way.variables(lab), **changes})
    session = open_session(plugin)
    try:
        yield session
    finally:
        session.close()
    assert plugin.connected is False


@every_way
def test_reads_open_no_shell_and_cost_one_exchange_each(lab: Lab, way: Way) -> None:
    with opened(lab, way) as session:
        before = lab.last_seq()
        assert session.get("Win32_Service", {"Name": "WinRM"}) is not None
        assert session.get("Win32_Service", {"Name": "no such service"}) is None
        assert Registry(session).string(WINDOWS, "ProductName") == "Windows Server 2022 Datacenter"
        assert Registry(session).string(WINDOWS, "no such value") is None
        assert Registry(session).subkeys(r"SOFTWARE\no such key") is None
        assert session.exchanges == 5
        entries = [entry for entry in lab.journal(since=before) if entry["plane"] == "wsman" and entry["kind"] != "auth"]
        assert len(entries) == 5
        assert not [entry for entry in entries if entry["kind"] in ("write", "shell")]


@every_way
def test_queries_of_several_pages(lab: Lab, way: Way) -> None:
    expected = sorted(lab.get(f"/servers/{SERVER}")["services"])
    with opened(lab, way) as session:
        rows = session.query("SELECT * FROM Win32_Service")
        assert sorted(text(row, "Name") or "" for row in rows) == expected
        assert session.exchanges > 1
        (system,) = session.query("SELECT Caption,LastBootUpTime FROM Win32_OperatingSystem")
        assert moment(system, "LastBootUpTime") is not None
        found = services.services(session, ["WinRM", "Spooler", "no such service"])
        assert sorted(found) == ["spooler", "winrm"]
        assert found["winrm"].state == "Running"
        installer = "C:\\Windows\\System32\\msiexec.exe"
        assert list(files.files(session, [installer, "C:\\none.exe"])) == [installer.lower()]
        assert installer.lower() in [file.name.lower() for file in files.directory(session, "C:", "\\Windows\\System32")]


@either_library
def test_a_page_that_takes_longer_than_an_operation_may(lab: Lab, way: Way) -> None:
    expected = sorted(lab.get(f"/servers/{SERVER}")["services"])
    lab.patch(f"/servers/{SERVER}", {"silent_pulls": 2})
    before = lab.last_seq()
    with opened(lab, way) as session:
        rows = session.query("SELECT * FROM Win32_Service")
    assert sorted(text(row, "Name") or "" for row in rows) == expected
    actions = [entry["action"] for entry in lab.journal(since=before, plane="wsman", kind="read")]
    assert actions.count("Enumerate") == 1
    assert actions.count("Pull") >= 3


@every_way
def test_a_service_is_stopped_and_started(lab: Lab, way: Way) -> None:
    with opened(lab, way) as session:
        assert services.stop(session, "W32Time") == services.OK
        assert services.stop(session, "W32Time") == services.NOT_ACTIVE
        stopped = services.wait_for_state(session, "W32Time", "Stopped", 10)
        assert stopped is not None
        assert services.start(session, "W32Time") == services.OK
        running = services.wait_for_state(session, "W32Time", "Running", 10, interval=0.1)
        assert running is not None
        assert running.state == "Running"
        assert services.set_start_mode(session, "W32Time", "Manual") == services.OK
    assert lab.get(f"/servers/{SERVER}")["services"]["W32Time"]["start_mode"] == "Manual"


@every_way
def test_programs_and_scripts_run_in_one_shell(lab: Lab, way: Way) -> None:
    before = lab.last_seq()
    script = (ROOT / "plugins/module_utils/host/scripts/read_files.ps1").read_text()
    with opened(lab, way) as session, Shell(session) as shell:
        assert shell.run("hostname.exe", timeout=30).stdout.strip() == lab.state["servers"][SERVER]["machine_name"]
        assert shell.run("cmd-that-is-missing\\a.exe", timeout=30).exit_code != 0
        answer = run_script(shell, script, {"paths": ["C:\\none.txt"], "max_bytes": 1000}, timeout=30)
        assert answer["files"] == {"C:\\none.txt": None}
    actions = [entry["action"] for entry in lab.journal(since=before, plane="wsman", kind="shell")]
    assert actions.count("shell/Create") == actions.count("shell/Delete") == 1


@either_library
def test_a_script_that_the_lab_was_not_taught_fails_as_a_script(start_lab: t.Callable[..., Lab], way: Way) -> None:
    # A lab of its own: this one ends with a request that the lab does not know.
    own = start_lab()
    with opened(own, way) as session, Shell(session) as shell, pytest.raises(ScriptError):
        run_script(shell, "param($arguments)\n'unknown'", {}, timeout=30, secrets={"token": "not-to-be-seen"})
    assert own.unknown()
    assert "not-to-be-seen" not in str(own.get("/processes"))


@either_library
def test_a_slow_program_is_given_up_at_the_deadline(lab: Lab, way: Way) -> None:
    lab.patch(f"/servers/{SERVER}", {"process_seconds": 20})
    start = time.monotonic()
    with opened(lab, way) as session, Shell(session) as shell, pytest.raises(ProcessTimeout):
        shell.run("hostname.exe", timeout=2)
    assert time.monotonic() - start < 8


@every_way
def test_a_wrong_password_is_asked_about_once(lab: Lab, way: Way) -> None:
    with opened(lab, way, ansible_password="Wrong-" + "password-1") as session, pytest.raises(AuthenticationError) as caught:
        session.get("Win32_Service", {"Name": "WinRM"})
    assert session.exchanges == 1
    assert "Wrong-" not in str(caught.value)


@pytest.mark.parametrize("way", [WAYS[0], WAYS[3]], ids=lambda way: way.kind)
def test_an_untrusted_certificate_is_refused_with_the_way_out(lab: Lab, way: Way) -> None:
    option = {"winrm": "ansible_winrm_ca_trust_path", "psrp": "ansible_psrp_ca_cert"}[way.kind]
    variables = {name: value for name, value in way.variables(lab).items() if name != option}
    session = open_session(connection(way.kind, variables))
    with pytest.raises(TransportError, match=option) as caught:
        session.get("Win32_Service", {"Name": "WinRM"})
    assert caught.value.request_may_have_run is False


@every_way
@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_a_read_survives_a_broken_connection(lab: Lab, way: Way, kind: str) -> None:
    with opened(lab, way) as session:
        assert Registry(session).string(WINDOWS, "CurrentBuild") == "20348"
        lab.post("/faults", {"kind": kind, "plane": "wsman", "target": SERVER, "action": "GetStringValue"})
        assert Registry(session).string(WINDOWS, "CurrentBuild") == "20348"
        assert session.exchanges == 3


@every_way
@pytest.mark.parametrize(("kind", "times"), [("drop_before", 2), ("drop_after", 1)])
def test_a_write_whose_answer_is_lost_is_looked_after(lab: Lab, way: Way, kind: str, times: int) -> None:
    with opened(lab, way) as session:
        session.get("Win32_Service", {"Name": "W32Time"})
        lab.post("/faults", {"kind": kind, "plane": "wsman", "target": SERVER, "action": "StopService"})
        before = lab.last_seq()
        assert services.stop(session, "W32Time") == services.OK
        actions = [entry["action"] for entry in lab.journal(since=before, target=SERVER) if entry["kind"] != "auth"]
        # Asked again only after a look has shown that it has not happened.
        assert actions == ["StopService", "Enumerate", "StopService"][: times + 1]
        assert services.services(session, ["W32Time"])["w32time"].state == "Stopped"


@every_way
def test_what_cannot_be_done_twice_is_never_repeated(lab: Lab, way: Way) -> None:
    with opened(lab, way) as session:
        session.get("Win32_Service", {"Name": "W32Time"})
        lab.post("/faults", {"kind": "drop_after", "plane": "wsman", "target": SERVER, "action": "StopService"})
        before = lab.last_seq()
        with pytest.raises(TransportError) as caught:
            session.invoke("Win32_Service", "StopService", selectors={"Name": "W32Time"})
        assert caught.value.request_may_have_run is True
        assert len([entry for entry in lab.journal(since=before) if entry["action"] == "StopService"]) == 1


@every_way
def test_a_session_goes_on_when_the_server_has_been_away(lab: Lab, way: Way) -> None:
    with opened(lab, way) as session:
        assert session.get("Win32_Service", {"Name": "WinRM"})
        lab.patch(f"/servers/{SERVER}", {"reachable": False})
        with pytest.raises(TransportError):
            session.get("Win32_Service", {"Name": "WinRM"})
        lab.patch(f"/servers/{SERVER}", {"reachable": True})
        assert session.get("Win32_Service", {"Name": "WinRM"})


@pytest.mark.parametrize(
    ("way", "timeouts"),
    [
        (WAYS[1], {"ansible_winrm_operation_timeout_sec": 1, "ansible_winrm_read_timeout_sec": 2}),
        (WAYS[4], {"ansible_psrp_operation_timeout": 1, "ansible_psrp_read_timeout": 2}),
    ],
    ids=["winrm", "psrp"],
)
def test_the_read_timeout_is_kept_and_the_session_works_afterwards(lab: Lab, way: Way, timeouts: dict[str, int]) -> None:
    with opened(lab, way, **timeouts) as session:
        session.get("Win32_Service", {"Name": "W32Time"})
        lab.post("/faults", {"kind": "delay", "seconds": 6, "plane": "wsman", "target": SERVER, "action": "StopService"})
        start = time.monotonic()
        with pytest.raises(TransportError, match="did not answer in time"):
            session.invoke("Win32_Service", "StopService", selectors={"Name": "W32Time"})
        assert time.monotonic() - start < 5
        assert session.get("Win32_Service", {"Name": "WinRM"})

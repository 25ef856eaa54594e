# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The PowerShell scripts, run: by pwsh and by Windows PowerShell, whichever is on PATH, through the very bootstrap of the collection.

Needs nothing but pytest, so that it also runs on Windows (.github/workflows/ci.yml). The stubs stand for Microsoft's programs.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.server
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import powershell
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import ProcessResult

SCRIPTS = pathlib.Path(__file__).resolve().parents[3] / "plugins" / "module_utils" / "host" / "scripts"
WINDOWS = os.name == "nt"
TIMEOUT = 120

Answer = dict[str, t.Any]
Run = t.Callable[..., Answer]


class LocalShell:
    """Runs on this machine what the collection would run on a server."""

    def __init__(self, program: str, temp: pathlib.Path) -> None:
        self._program = program
        self._environment = {**os.environ, "TEMP": str(temp), "TMP": str(temp)}

    def run(self, command: str, arguments: t.Sequence[str], *, stdin: bytes, timeout: float) -> ProcessResult:
        assert command == powershell.COMMAND
        done = subprocess.run(
            [self._program, *arguments], input=stdin, capture_output=True, timeout=timeout, check=False, env=self._environment
        )
        return ProcessResult(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


@pytest.fixture(params=["pwsh", "powershell"])
def run(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Run:
    """C(run(script, secrets, **arguments)) gives the script's answer."""
    program = shutil.which(request.param)
    if program is None:
        pytest.skip(f"{request.param} is not on PATH")
    temp = tmp_path / "temp"
    temp.mkdir()
    shell = LocalShell(program, temp)

    def call(name: str, secrets: t.Mapping[str, str] | None = None, **arguments: t.Any) -> Answer:
        text = (SCRIPTS / f"{name}.ps1").read_text(encoding="utf-8")
        return powershell.run_script(shell, text, arguments, timeout=TIMEOUT, secrets=secrets or {})  # type: ignore[arg-type]

    return call


@contextlib.contextmanager
def serving(content: bytes) -> t.Iterator[str]:
    """The address of a file on a server of this machine; any other path is 404."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/installer.exe"
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", str(len(content) if known else 0))
            self.end_headers()
            if known:
                self.wfile.write(content)

        def log_message(self, format: str, *args: t.Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/installer.exe"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_read_files(run: Run, tmp_path: pathlib.Path) -> None:
    small, large, empty, missing = (str(tmp_path / name) for name in ("sm [1] all", "large", "empty", "missing"))
    pathlib.Path(small).write_bytes(b"\x00\xffsmall")
    pathlib.Path(large).write_bytes(bytes(11))
    pathlib.Path(empty).touch()
    answer = run("read_files", paths=[small, large, empty, missing], max_bytes=10)
    assert answer["files"] == {small: encoded(b"\x00\xffsmall"), large: None, empty: "", missing: None}
    assert list(answer["errors"]) == [large]
    assert "larger than 10 bytes: 11" in answer["errors"][large]


def test_remove_paths_one_path_is_a_list_as_well(run: Run, tmp_path: pathlib.Path) -> None:
    # ConvertFrom-Json and ConvertTo-Json like to turn lists of one into scalars.
    folder = tmp_path / "to be removed"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "file").touch()
    assert run("remove_paths", paths=[str(folder)]) == {"removed": [str(folder)], "failed": []}
    assert not folder.exists()
    assert run("remove_paths", paths=[str(folder)]) == {"removed": [], "failed": []}


def test_inspect_installer(run: Run, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "installer.exe"
    assert run("inspect_installer", path=str(file))["exists"] is False
    file.write_bytes(b"not a program")
    answer = run("inspect_installer", path=str(file))
    assert (answer["exists"], answer["size"]) == (True, 13)
    assert answer["sha256"] == hashlib.sha256(b"not a program").hexdigest()
    assert answer["file_version"] is None
    if WINDOWS:
        assert answer["signature_status"] != "Valid"
        assert answer["error"] is None


@pytest.mark.skipif(not WINDOWS, reason="only Windows has programs with Authenticode signatures")
def test_inspect_installer_reads_a_signature(run: Run) -> None:
    answer = run("inspect_installer", path=str(pathlib.Path(os.environ["SYSTEMROOT"], "explorer.exe")))
    assert answer["signature_status"] == "Valid"
    assert "Microsoft" in answer["signer_subject"]
    assert answer["file_version"].count(".") == 3


def test_download_installer(run: Run, tmp_path: pathlib.Path) -> None:
    destination = tmp_path / "new folder" / "installer.exe"
    with serving(b"MZ" * 1000) as url:
        answer = run("download_installer", url=url, destination=str(destination), proxy=None, timeout_seconds=30)
        assert answer == {"ok": True, "size": 2000, "error": None}
        assert destination.read_bytes() == b"MZ" * 1000
        answer = run("download_installer", url=f"{url}.missing", destination=str(destination), proxy=None, timeout_seconds=30)
    assert (answer["ok"], answer["size"]) == (False, None)
    assert "404" in answer["error"]


STUB = """
param($modulePath, $moduleName, $AuthenticationMode, $Feature, $Token, $UserCredentials, $TenantId, $EnvironmentName)
$secret = if ($Token) { $Token } else { $UserCredentials.Password }
$plain = (New-Object -TypeName System.Management.Automation.PSCredential -ArgumentList 'x', $secret).GetNetworkCredential().Password
$names = @($modulePath, $moduleName, $AuthenticationMode, $Feature, $TenantId, $EnvironmentName, $plain) -join '|'
Set-Content -LiteralPath (Join-Path -Path $PSScriptRoot -ChildPath 'called.txt') -Value $names
'progress that nobody reads'
"""


TOKEN = {"token": "a secret"}


def registering(folder: pathlib.Path, **changes: t.Any) -> dict[str, t.Any]:
    arguments = {
        "install_dir": str(folder),
        "module_dir": "modules",
        "module_name": "StubModule",
        "cmdlet": "Register-Stub",
        "mode": "Token",
        "user": None,
        "tenant_id": "the-tenant",
        "feature": "ApplicationProxy",
        "environment": None,
    }
    return {**arguments, **changes}


def test_register_connector_by_script(run: Run, tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "connector"
    folder.mkdir()
    (folder / "RegisterConnector.ps1").write_text(STUB)
    answer = run("register_connector", TOKEN, **registering(folder))
    assert answer == {"invoked": "script", "ok": True, "error": None}
    called = (folder / "called.txt").read_text().strip()
    assert called == "modules|StubModule|Token|ApplicationProxy|the-tenant||a secret"
    changes = {"mode": "Credentials", "user": "somebody", "environment": "Gov"}
    assert run("register_connector", {"password": "another $ecret"}, **registering(folder, **changes))["ok"] is True
    assert (folder / "called.txt").read_text().strip() == "modules|StubModule|Credentials|ApplicationProxy|the-tenant|Gov|another $ecret"


@pytest.mark.parametrize("failure", ["throw 'it went wrong'", "Write-Error -Message 'it went wrong'"])
def test_register_connector_tells_what_went_wrong(run: Run, tmp_path: pathlib.Path, failure: str) -> None:
    (tmp_path / "RegisterConnector.ps1").write_text(f"{STUB}\n{failure}\n")
    answer = run("register_connector", TOKEN, **registering(tmp_path))
    assert (answer["invoked"], answer["ok"], answer["error"]) == ("script", False, "it went wrong")


def test_register_connector_by_cmdlet(run: Run, tmp_path: pathlib.Path) -> None:
    answer = run("register_connector", TOKEN, **registering(tmp_path))
    assert answer["ok"] is False
    assert "no registration script and no module" in answer["error"]
    module = tmp_path / "Modules" / "StubModule"
    module.mkdir(parents=True)
    function = STUB.replace("param($modulePath, $moduleName, ", "param(")
    (module / "StubModule.psm1").write_text(f"function Register-Stub {{{function}}}\n")
    (module / "StubModule.psd1").write_text(
        "@{ RootModule = 'StubModule.psm1'; ModuleVersion = '1.0'; FunctionsToExport = 'Register-Stub' }\n"
    )
    assert run("register_connector", TOKEN, **registering(tmp_path)) == {"invoked": "cmdlet", "ok": True, "error": None}
    assert (module / "called.txt").read_text().strip() == "||Token|ApplicationProxy|the-tenant||a secret"


def test_probe_endpoints(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port, closed = int(listener.getsockname()[1]), closed_port()
        direct = {"proxy_host": None, "proxy_port": None}
        targets = [{"host": "127.0.0.1", "port": port, **direct}, {"host": "127.0.0.1", "port": closed, **direct}]
        found, refused = run("probe_endpoints", targets=targets, timeout_seconds=5)["results"]
    assert (found["connected"], found["address"], found["error"]) == (True, "127.0.0.1", None)
    assert (refused["port"], refused["connected"]) == (closed, False)
    assert refused["error"]


def test_probe_endpoints_through_a_proxy(run: Run) -> None:
    asked: list[bytes] = []

    def answer(listener: socket.socket) -> None:
        connection, _address = listener.accept()
        with connection:
            asked.append(connection.recv(1024))
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,), daemon=True)
        thread.start()
        target = {"host": "a.example", "port": 443, "proxy_host": "127.0.0.1", "proxy_port": int(listener.getsockname()[1])}
        (found,) = run("probe_endpoints", targets=[target], timeout_seconds=10)["results"]
        thread.join(10)
    assert (found["connected"], found["answer"]) == (True, "HTTP/1.1 403 Forbidden")
    assert asked[0].startswith(b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n")


def test_tail_logs(run: Run, tmp_path: pathlib.Path) -> None:
    assert run("tail_logs", seconds=600, max_bytes=5) == {"logs": []}
    log = tmp_path / "temp" / "setup.log"
    log.write_bytes(b"beginning and end")
    old = tmp_path / "temp" / "old.log"
    old.write_bytes(b"old")
    os.utime(old, (1_000_000_000, 1_000_000_000))
    (tmp_path / "temp" / "other.txt").touch()
    (found,) = run("tail_logs", seconds=600, max_bytes=7)["logs"]
    assert (pathlib.Path(found["path"]).name, found["tail"], found["error"]) == ("setup.log", encoded(b"and end"), None)


def test_write_file(run: Run, tmp_path: pathlib.Path) -> None:
    file, copy = tmp_path / "service.exe.config", tmp_path / "service.exe.config.before"
    file.write_bytes(b"before")
    arguments = {"path": str(file), "copy_to": str(copy), "content": encoded(b"after")}
    answer = run("write_file", **arguments, expected_sha256=hashlib.sha256(b"before").hexdigest().upper())
    assert answer == {"ok": True, "copied": True, "error": None}
    assert (file.read_bytes(), copy.read_bytes()) == (b"after", b"before")
    answer = run("write_file", **arguments, expected_sha256=hashlib.sha256(b"before").hexdigest().upper())
    assert (answer["ok"], answer["copied"]) == (False, False)
    assert "has changed" in answer["error"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["service.exe.config", "service.exe.config.before", "temp"]


def test_every_script_is_run_here() -> None:
    tests = [name.removeprefix("test_") for name in globals() if name.startswith("test_")]
    assert [path.stem for path in SCRIPTS.glob("*.ps1") if not any(test.startswith(path.stem) for test in tests)] == []

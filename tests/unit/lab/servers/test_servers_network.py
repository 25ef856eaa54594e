# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""netsh, the probes, the writing of files and the registry of a fresh server."""

from __future__ import annotations

import base64
import hashlib
import typing as t

import pytest

from tests.lab.servers.programs import network_scripts
from tests.unit.lab.servers.live import LiveLab

SHOWN = "\r\nProtocol {} Dynamic Port Range\r\n---------------------------------\r\nStart Port      : {}\r\nNumber of Ports : {}\r\n\r\n"
SESSION_MANAGER = r"SYSTEM\CurrentControlSet\Control\Session Manager"
PATH = r"C:\Temp\some.config"


def target(name: str, proxy: str | None = None) -> dict[str, t.Any]:
    host, _colon, port = name.rpartition(":")
    via, _colon, via_port = (proxy or "").rpartition(":")
    return {"host": host, "port": int(port), **({"proxy_host": via, "proxy_port": int(via_port)} if proxy else {})}


def probe(live: LiveLab, *targets: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    answer = network_scripts.probe_endpoints(live.server, {"targets": targets, "timeout_seconds": 5})
    return list(answer["results"])


def test_netsh_shows_and_sets_the_dynamic_ports(live: LiveLab) -> None:
    assert live.run("netsh.exe int ipv4 show dynamicport tcp").stdout == SHOWN.format("tcp", 49152, 16384)
    assert live.run("netsh interface ipv6 set dynamicport udp start=1025 num=64511").exit_code == 0
    assert live.run("netsh int ipv6 show dynamicport udp").stdout == SHOWN.format("udp", 1025, 64511)
    assert [entry["detail"]["range"] for entry in live.journal(kind="write")] == ["ipv6 udp"]
    assert live.journal(kind="unknown") == []


@pytest.mark.parametrize("values", ["start=1024 num=1000", "start=1025 num=64512", "start=2000 num=254"])
def test_netsh_refuses_what_windows_refuses(live: LiveLab, values: str) -> None:
    assert live.run(f"netsh int ipv4 set dynamicport tcp {values}").exit_code == 1
    assert live.journal(kind="write") == []


def test_other_commands_of_netsh_are_unknown(live: LiveLab) -> None:
    assert live.run("netsh winhttp show proxy").exit_code == 1
    assert len(live.journal(kind="unknown")) == 1


def test_everything_is_reached_but_what_is_said_otherwise(live: LiveLab) -> None:
    live.patch(endpoints={"a.example:443": "blocked", "proxy.example:8080": {"answer": "HTTP/1.1 407 Proxy Authentication Required"}})
    direct, blocked, refused = probe(live, target("b.example:443"), target("a.example:443"), target("b.example:443", "proxy.example:8080"))
    assert (direct["connected"], direct["error"]) == (True, None)
    assert (blocked["connected"], bool(blocked["error"])) == (False, True)
    assert (refused["connected"], refused["answer"]) == (True, "HTTP/1.1 407 Proxy Authentication Required")
    live.patch(endpoints={"proxy.example:8080": None})
    through, behind = probe(live, target("b.example:443", "proxy.example:8080"), target("a.example:443", "proxy.example:8080"))
    assert (through["answer"], behind["answer"]) == ("HTTP/1.1 200 OK", "HTTP/1.1 503 Service Unavailable")


def test_netsh_refuses_a_range_that_is_fixed(live: LiveLab) -> None:
    live.patch(fixed_ports=["ipv6 tcp"])
    assert live.run("netsh int ipv6 set dynamicport tcp start=1025 num=64511").exit_code == 1
    assert live.run("netsh int ipv6 show dynamicport tcp").stdout == SHOWN.format("tcp", 49152, 16384)
    assert live.run("netsh int ipv4 set dynamicport tcp start=1025 num=64511").exit_code == 0


@pytest.mark.parametrize(
    "values",
    [
        {"endpoints": {"a:1": "open"}},
        {"dynamic_ports": {"ipv5 tcp": [1, 2]}},
        {"fixed_ports": ["ipv5 tcp"]},
        {"protected_keys": ["HKCU\\A"]},
    ],
)
def test_states_that_do_not_exist_are_refused(live: LiveLab, values: dict[str, t.Any]) -> None:
    with pytest.raises(ValueError, match="unknown"):
        live.patch(**values)


def test_a_file_is_written_when_it_is_as_it_was_read_and_copied_once(live: LiveLab) -> None:
    live.patch(files=[{"path": PATH, "text": "one"}])
    assert write(live, "one", "two") == {"ok": True, "copied": True, "error": None}
    assert write(live, "two", "three") == {"ok": True, "copied": False, "error": None}
    assert write(live, "one", "four")["error"] == "the file has changed since it was read; run the task again"
    assert [content(live, path) for path in (PATH, f"{PATH}.original")] == [b"three", b"one"]


def test_a_restart_that_is_pending_stands_in_the_registry_until_the_next_start(live: LiveLab) -> None:
    live.patch(pending_reboot=True)
    assert live.server.registry.value(SESSION_MANAGER, "PendingFileRenameOperations") is not None
    live.patch(boot="now")
    assert live.server.registry.value(SESSION_MANAGER, "PendingFileRenameOperations") is None


def write(live: LiveLab, former: str, new: str) -> dict[str, t.Any]:
    arguments = {
        "path": PATH,
        "content": base64.b64encode(new.encode()).decode(),
        "expected_sha256": hashlib.sha256(former.encode()).hexdigest().upper(),
        "copy_to": f"{PATH}.original",
    }
    return network_scripts.write_file(live.server, arguments)


def content(live: LiveLab, path: str) -> bytes | None:
    file = live.server.files.get(path)
    return None if file is None else file.content

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The outbound proxy, from options to result, against a scripted Windows."""

from __future__ import annotations

import base64
import copy
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.host import generations
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.options import Options, proxy_address
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites import endpoints
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.config_file import read
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.job import connector_proxy
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.options import CONNECTOR_PROXY
from tests.unit.host.configured_windows import CONFIG, ConfiguredWindows
from tests.unit.host.windows import Killed

ADDRESS = "http://proxy.contoso.com:8080"
KEYS = {
    "entra": r"SOFTWARE\Microsoft\Microsoft Entra private network connector",
    "legacy": r"SOFTWARE\Microsoft\Microsoft AAD App Proxy Connector",
}


def values(declared: Options, **given: t.Any) -> dict[str, t.Any]:
    return {**{option.name: option.default for option in declared.options}, **given}


def proxy(windows: ConfiguredWindows, *, check_mode: bool = False, **given: t.Any) -> dict[str, t.Any]:
    return connector_proxy(windows.server(), values(CONNECTOR_PROXY, **given), check_mode)


def configured(generation: generations.Generation = generations.ENTRA, content: bytes = CONFIG) -> ConfiguredWindows:
    windows = ConfiguredWindows()
    windows.configure(content, generation)
    return windows


@pytest.mark.parametrize("generation", generations.GENERATIONS, ids=lambda generation: generation.name)
def test_a_proxy_is_set_in_both_files_and_both_services_restart(generation: generations.Generation) -> None:
    windows = configured(generation)
    result = proxy(windows, mode="proxy", address=ADDRESS, use_for_backend=True)
    assert windows.writes() == [
        "CreateKey",
        "SetStringValue ServiceRestarts",
        "script write",
        "script write",
        "CreateKey",
        "SetDWORDValue UseDefaultProxyForBackendRequests 1",
        "StopService WAPCSvc",
        "StartService WAPCSvc",
        "StopService WAPCUpdaterSvc",
        "StartService WAPCUpdaterSvc",
        "DeleteValue ServiceRestarts",
    ]
    assert [read(windows.contents[path]).address for path in windows.paths(generation)] == [ADDRESS, ADDRESS]
    assert result["restarted"] == ["WAPCSvc", "WAPCUpdaterSvc"]
    assert (result["proxy"]["generation"], result["proxy"]["use_for_backend"]) == (generation.name, True)
    assert result["proxy"]["service"]["address"] == ADDRESS
    assert windows.registry == {f"{KEYS[generation.name]}\\UseDefaultProxyForBackendRequests".lower(): 1}


EVERYTHING = {"mode": "proxy", "address": ADDRESS, "use_for_backend": True}


@pytest.mark.parametrize("given", [EVERYTHING, {"mode": "direct"}, {"use_for_backend": True}], ids=["everything", "files", "backend"])
def test_a_run_that_is_killed_anywhere_leaves_nothing_running_with_former_settings(given: dict[str, t.Any]) -> None:
    whole = configured()
    proxy(whole, **given)
    for lives in range(len(whole.writes())):
        windows = configured()
        windows.lives = lives
        with pytest.raises(Killed):
            proxy(windows, **given)
        windows.lives = None
        predicted, done = proxy(copy.deepcopy(windows), check_mode=True, **given), proxy(windows, **given)
        for key in ("changed", "plan", "restarted", "proxy"):
            assert predicted[key] == done[key]
        assert {service["State"] for service in windows.services.values()} == {"Running"}
        assert windows.in_use == {name: windows.settings(name) for name in windows.services}
        windows.calls.clear()
        assert (proxy(windows, **given)["changed"], windows.writes()) == (False, [])


def interrupted() -> ConfiguredWindows:
    """Everything is written and nothing restarted."""
    windows = configured()
    windows.lives = 6
    with pytest.raises(Killed):
        proxy(windows, **EVERYTHING)
    windows.lives = None
    windows.calls.clear()
    return windows


def test_a_restart_that_was_left_open_is_told_as_what_it_is() -> None:
    lines = proxy(interrupted(), **EVERYTHING)["plan"]["lines"]
    reason = "an earlier run changed its settings and ended before it had restarted it"
    assert lines == [
        f"~ restart service {name} (settings: those before -> as they are written): {reason}" for name in ("WAPCSvc", "WAPCUpdaterSvc")
    ]


def test_a_service_that_has_restarted_meanwhile_is_not_restarted_again() -> None:
    windows = interrupted()
    windows.services["WAPCSvc"]["ProcessId"] = windows.next_process()
    assert proxy(windows, **EVERYTHING)["restarted"] == ["WAPCUpdaterSvc"]


def test_after_a_start_of_windows_no_restart_is_open_whatever_the_numbers_of_the_processes() -> None:
    windows = interrupted()
    processes = {name: service["ProcessId"] for name, service in windows.services.items()}
    windows.sleep(60)
    windows.boot()
    for name, process in processes.items():
        windows.services[name]["ProcessId"] = process
    assert (proxy(windows, **EVERYTHING)["changed"], windows.writes()) == (False, [])


def test_who_only_looks_restarts_nothing() -> None:
    windows = interrupted()
    assert (proxy(windows)["changed"], windows.writes()) == (False, [])


@pytest.mark.parametrize("note", ["", "{", "[]", '"x"', "{}", '{"since": 1}', '{"since": "2026-07-01T12:00:00"}'])
def test_a_note_that_nobody_can_read_is_none(note: str) -> None:
    windows = configured()
    proxy(windows, mode="direct")
    windows.registry[r"software\entra.app_proxy\servicerestarts"] = note
    assert proxy(windows, mode="direct")["changed"] is False


def test_the_second_run_reads_only() -> None:
    windows = configured()
    wanted = {"mode": "proxy", "address": ADDRESS, "bypass_list": ["a"], "use_for_backend": True}
    assert proxy(windows, **wanted)["changed"] is True
    windows.calls.clear()
    result = proxy(windows, **wanted)
    assert (result["changed"], result["restarted"], result["outcome"]) == (False, [], "nothing to do")
    assert windows.writes() == []


def test_check_mode_says_what_the_real_run_does_and_changes_nothing() -> None:
    windows = configured()
    predicted = proxy(windows, check_mode=True, mode="proxy", address=ADDRESS, bypass_on_local=True, use_for_backend=True)
    assert windows.writes() == []
    done = proxy(windows, mode="proxy", address=ADDRESS, bypass_on_local=True, use_for_backend=True)
    for key in ("changed", "plan", "proxy", "restarted", "diff"):
        assert predicted[key] == done[key]
    assert done["plan"]["lines"][0] == (
        "~ configure outbound_proxy WAPCSvc (mode: default -> proxy, address: none -> http://proxy.contoso.com:8080,"
        " bypass_on_local: none -> True): its configuration file says otherwise"
    )
    assert done["diff"]["after"]["outbound_proxy WAPCUpdaterSvc"] == {"mode": "proxy", "address": ADDRESS, "bypass_on_local": True}


def test_check_mode_on_a_host_where_the_connector_would_be_installed_first() -> None:
    later = configured()
    wanted = {"mode": "proxy", "address": ADDRESS, "use_for_backend": True}
    assert proxy(ConfiguredWindows(), check_mode=True, **wanted)["plan"] == proxy(later, **wanted)["plan"]


def test_without_a_connector_there_is_nothing_to_configure() -> None:
    with pytest.raises(HostError, match=r"WAPCSvc, WAPCUpdaterSvc.*entra.app_proxy.connector first"):
        proxy(ConfiguredWindows(), mode="direct")


@pytest.mark.parametrize("mode", ["proxy", "direct", "default"])
def test_a_stopped_service_stays_stopped(mode: str) -> None:
    windows = configured(content=b"<configuration><system.net><defaultProxy enabled='false'/></system.net></configuration>")
    if mode == "direct":
        windows = configured()
    windows.services["WAPCSvc"]["State"] = "Stopped"
    result = proxy(windows, mode=mode, address=ADDRESS if mode == "proxy" else None)
    assert result["changed"] is True
    assert result["restarted"] == ["WAPCUpdaterSvc"]
    assert windows.services["WAPCSvc"]["State"] == "Stopped"


def test_only_the_service_whose_file_changes_restarts() -> None:
    windows = configured()
    proxy(windows, mode="direct")
    service, _updater = windows.paths()
    windows.contents[service] = CONFIG
    assert proxy(windows, mode="direct")["restarted"] == ["WAPCSvc"]


def test_the_backend_alone_needs_no_shell() -> None:
    windows = configured()
    result = proxy(windows, use_for_backend=True)
    assert result["restarted"] == ["WAPCSvc"]
    assert [call for call in windows.calls if "script" in call] == []
    assert result["proxy"]["service"]["mode"] is None
    assert proxy(windows, use_for_backend=False)["changed"] is True
    assert proxy(windows, use_for_backend=False)["changed"] is False


def test_what_is_not_there_counts_as_off() -> None:
    windows = configured()
    assert proxy(windows, use_for_backend=False)["changed"] is False
    assert windows.writes() == []


def test_nothing_given_looks_only() -> None:
    windows = configured(content=b"<configuration><system.net><defaultProxy enabled='0'/></system.net></configuration>")
    result = proxy(windows)
    assert result["changed"] is False
    assert result["proxy"]["updater"]["mode"] == "direct"


def test_the_original_is_copied_once() -> None:
    windows = configured()
    proxy(windows, mode="direct")
    proxy(windows, mode="proxy", address=ADDRESS)
    assert [windows.contents[f"{path}.original"] for path in windows.paths()] == [CONFIG, CONFIG]


def test_a_file_that_changes_between_read_and_write_is_left_alone() -> None:
    windows = configured()
    service, updater = windows.paths()

    def somebody(server: ConfiguredWindows) -> None:
        server.contents[updater] = b"<configuration><!-- new --></configuration>"

    written = windows._written

    def write(arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        answer = written(arguments)
        somebody(windows)
        return answer

    windows._written = write  # type: ignore[method-assign]
    server = windows.server()
    with pytest.raises(HostError, match="has changed since it was read"):
        connector_proxy(server, values(CONNECTOR_PROXY, mode="direct"), False)
    assert server.done == [f"{service} changed (the original is in {service}.original)"]


def test_another_writer_is_named_when_it_reads_otherwise_again() -> None:
    windows = configured()
    windows.overwritten = CONFIG
    with pytest.raises(HostError, match="reads otherwise again.*group policy"):
        proxy(windows, mode="direct")


def test_a_service_that_does_not_come_back_is_an_error_with_the_way_out() -> None:
    windows = configured()
    windows.services["WAPCSvc"]["after_start"] = "Start Pending"
    with pytest.raises(HostError, match=r"restarting service WAPCSvc: .*Start Pending.*Restart-Service WAPCSvc"):
        proxy(windows, mode="direct", timeout=5)


def test_a_service_that_does_not_stop_is_an_error_too() -> None:
    windows = configured()
    windows.stop_leaves = "Stop Pending"
    with pytest.raises(HostError, match=r"service WAPCSvc to be Stopped.*Stop Pending"):
        proxy(windows, mode="direct", timeout=5)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "there is no such file.*repair"), (b"<configuration>", "cannot be edited: it is not well-formed")],
    ids=["missing", "broken"],
)
def test_a_file_that_cannot_be_read_is_named(content: bytes | None, reason: str) -> None:
    windows = configured()
    path = windows.paths()[1]
    windows.contents.pop(path)
    if content is not None:
        windows.contents[path] = content
    with pytest.raises(HostError, match=reason) as caught:
        proxy(windows, mode="direct")
    assert caught.value.details["path"] == path
    assert windows.writes() == []


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"mode": "proxy"}, ["address is required"]),
        ({"mode": "direct", "address": ADDRESS}, ["address", "give mode=proxy"]),
        ({"bypass_list": []}, ["bypass_list", "give mode=proxy"]),
        ({"mode": "proxy", "address": "10.0.0.1:8080"}, ["address", "http:// is compulsory"]),
        ({"mode": "proxy", "address": "https://proxy:8080"}, ["http:// is compulsory"]),
        ({"mode": "proxy", "address": "http://proxy:8080/path"}, ["address"]),
        ({"mode": "proxy", "address": "http://user@proxy:8080"}, ["signing in"]),
        ({"mode": "proxy", "address": "http://proxy:99999"}, ["address", "'http://proxy:99999'", "1 to 65535"]),
        ({"mode": "proxy", "address": "http://proxy:0"}, ["1 to 65535"]),
        ({"mode": "proxy", "address": "http://proxy:8080\n"}, ["address"]),
        ({"mode": "proxy", "address": "http://[proxy]:8080"}, ["IPv6"]),
        ({"mode": "proxy", "address": "http://[::::]:8080"}, ["IPv6"]),
        ({"mode": "proxy", "address": ADDRESS, "bypass_list": ["a", " "]}, ["bypass_list", "empty element"]),
        ({"use_for_backend": True, "timeout": 0}, ["timeout", "greater than 0"]),
    ],
)
def test_options_that_cannot_be_carried_out(given: dict[str, t.Any], named: list[str]) -> None:
    (problem,) = CONNECTOR_PROXY.problems(values(CONNECTOR_PROXY, **given))
    assert all(word in problem for word in named), problem


@pytest.mark.parametrize("address", [ADDRESS, "http://10.0.0.1:8080", "http://[2001:db8::1]:3128/", "http://proxy"])
def test_addresses_that_are_fine(address: str) -> None:
    assert CONNECTOR_PROXY.problems(values(CONNECTOR_PROXY, mode="proxy", address=address)) == []


@given(st.from_regex(r"http://(\[[0-9a-f:.]+\]|[a-z0-9.%_-]+)(:[0-9]{1,6})?/?", fullmatch=True) | st.text(max_size=30))
def test_an_address_that_is_taken_is_one_that_can_be_tried(address: str) -> None:
    target = endpoints.parse(address)
    assert proxy_address(address) is not None or (target is not None and 0 < target.port < 65536)


def test_nothing_that_is_written_is_lost_in_the_transfer() -> None:
    windows = configured(content=CONFIG.replace(b"<runtime>", "<!-- gr\u00fc\u00dfe --><runtime>".encode()))
    proxy(windows, mode="direct")
    sent = [base64.b64decode(document["content"]) for document in windows.documents if "content" in document]
    assert [windows.contents[path] for path in windows.paths()] == sent

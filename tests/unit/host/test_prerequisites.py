# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The prerequisites: what each observation means, what is mended, what it costs."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.host import generations, restart_note
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites import endpoints
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.job import connector_prerequisites
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.options import PREREQUISITES
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.settings import HTTP2, IE_ESC, STRONG_CRYPTO, TLS
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import OperatingSystem
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import Registry, RegistryError
from tests.unit.host.builders import NOW
from tests.unit.host.configured_windows import ConfiguredWindows
from tests.unit.host.windows import Killed

DOTNET = r"software\microsoft\net framework setup\ndp\v4\full\release"
POLICY = r"software\policies\microsoft\windows\powershell"
SESSION_MANAGER = r"system\currentcontrolset\control\session manager"
SERVICING = r"software\microsoft\windows\currentversion\component based servicing\rebootpending"
UPDATES = r"software\microsoft\windows\currentversion\windowsupdate\auto update\rebootrequired"
PROXY_WAY = "names the proxy '.*', which is no address. Correct it with entra.app_proxy.connector_proxy, or name another in the option"
ALWAYS = ["os", "dotnet", "tls12", "dotnet_strong_crypto", "password_protection_proxy", "execution_policy", "pending_reboot", "clock"]


def settings_registry(*requirements: t.Any) -> dict[str, int | str]:
    return {f"{item.key}\\{item.value}".lower(): item.wanted for requirement in requirements for item in requirement.settings}


def ready() -> ConfiguredWindows:
    """Nothing to complain of."""
    registry = {DOTNET: 528449, rf"{SESSION_MANAGER}\protectionmode": 1, **settings_registry(TLS, STRONG_CRYPTO, HTTP2, IE_ESC)}
    return ConfiguredWindows(registry=registry)


def run(windows: ConfiguredWindows, *, check_mode: bool = False, **given: t.Any) -> dict[str, t.Any]:
    values = {option.name: option.default for option in PREREQUISITES.options}
    return connector_prerequisites(windows.server(), {**values, **given}, check_mode)


def by_name(result: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    return {check["name"]: check for check in result["checks"]}


def test_a_ready_server_is_ready_and_costs_fourteen_reads_without_a_shell() -> None:
    windows = ready()
    result = run(windows)
    assert [(check["name"], check["status"]) for check in result["checks"]] == [(name, "ok") for name in ALWAYS]
    assert (result["status"], result["ready"], result["changed"], result["reboot_required"]) == ("ok", True, False, False)
    assert len(windows.calls) == 14
    assert windows.documents == []


@pytest.mark.parametrize(
    ("caption", "version", "generation", "status"),
    [
        ("Microsoft Windows Server 2025 Datacenter", "10.0.26100", None, "ok"),
        ("Microsoft Windows Server 2016 Standard", "10.0.14393", None, "ok"),
        ("Microsoft Windows Server 2012 R2 Standard", "6.3.9600", None, "critical"),
        ("Microsoft Windows Server 2012 R2 Standard", "6.3.9600", generations.LEGACY, "warning"),
        ("Microsoft Windows Server 2012 R2 Standard", "6.3.9600", generations.ENTRA, "critical"),
        ("Microsoft Windows Server 2012 Standard", "6.2.9200", generations.LEGACY, "critical"),
        ("Microsoft Windows 11 Pro", "10.0.26100", None, "critical"),
        ("Microsoft Windows Server 2022 Standard", "", None, "unknown"),
    ],
)
def test_the_operating_system_per_generation(caption: str, version: str, generation: generations.Generation | None, status: str) -> None:
    windows = ready()
    windows.os = {"Caption": caption, "Version": version}
    if generation:
        windows.configure(generation=generation)
    assert by_name(run(windows))["os"]["status"] == status


@pytest.mark.parametrize(
    ("values", "keys", "check", "status", "evidence"),
    [
        ({DOTNET: 461808}, (), "dotnet", "ok", "461808"),
        ({DOTNET: 461310}, (), "dotnet", "critical", "below 461808"),
        ({DOTNET: None}, (), "dotnet", "critical", "not installed"),
        ({rf"{TLS.settings[0].key}\disabledbydefault": 1}, (), "tls12", "critical", "DisabledByDefault is 1"),
        ({rf"{TLS.settings[3].key}\enabled": 0}, (), "tls12", "critical", r"Server\Enabled is 0"),
        ({rf"{TLS.settings[1].key}\enabled": 0xFFFFFFFF}, (), "tls12", "ok", r"Client\Enabled is 4294967295"),
        ({rf"{TLS.settings[0].key}\disabledbydefault": 0xFFFFFFFF}, (), "tls12", "critical", "DisabledByDefault is 4294967295"),
        ({rf"{TLS.settings[1].key}\enabled": None}, (), "tls12", "warning", r"Client\Enabled is not set"),
        ({rf"{STRONG_CRYPTO.settings[0].key}\schusestrongcrypto": None}, (), "dotnet_strong_crypto", "warning", "not set"),
        ({rf"{STRONG_CRYPTO.settings[0].key}\schusestrongcrypto": 0}, (), "dotnet_strong_crypto", "critical", "is 0"),
        ({rf"{POLICY}\enablescripts": 0}, (), "execution_policy", "critical", "forbids"),
        ({rf"{POLICY}\enablescripts": 1, rf"{POLICY}\executionpolicy": "AllSigned"}, (), "execution_policy", "warning", "AllSigned"),
        ({rf"{POLICY}\enablescripts": 1, rf"{POLICY}\executionpolicy": "RemoteSigned"}, (), "execution_policy", "ok", "RemoteSigned"),
        ({}, (SERVICING,), "pending_reboot", "warning", "component servicing"),
        ({}, (UPDATES,), "pending_reboot", "warning", "Windows Update"),
        ({rf"{SESSION_MANAGER}\pendingfilerenameoperations": "x"}, (), "pending_reboot", "warning", "replaced"),
        ({rf"{SESSION_MANAGER}\pendingfilerenameoperations2": "x"}, (), "pending_reboot", "warning", "replaced"),
    ],
)
def test_what_the_registry_says(values: dict[str, int | str | None], keys: tuple[str, ...], check: str, status: str, evidence: str) -> None:
    windows = ready()
    windows.registry.update({name.lower(): data for name, data in values.items() if data is not None})
    for name in [name for name, data in values.items() if data is None]:
        windows.registry.pop(name.lower())
    windows.keys |= set(keys)
    result = run(windows)
    found = by_name(result)[check]
    assert (found["status"], evidence in found["evidence"]) == (status, True), found
    assert bool(found["remedy"]) == (status != "ok")
    assert result["reboot_required"] == (check == "pending_reboot")
    assert [name for name, other in by_name(result).items() if other["status"] != "ok"] == ([] if status == "ok" else [check])


def test_the_password_protection_proxy_is_a_conflict() -> None:
    windows = ready()
    windows.services["AzureADPasswordProtectionProxy"] = {"State": "Stopped", "StartMode": "Auto"}
    result = run(windows)
    assert by_name(result)["password_protection_proxy"]["status"] == "critical"
    assert result["ready"] is False


@pytest.mark.parametrize(
    ("seconds", "status", "words"), [(299, "ok", "within 300"), (400, "warning", "ahead of"), (-400, "warning", "behind")]
)
def test_the_clock(seconds: int, status: str, words: str) -> None:
    windows = ready()
    windows.os = {"LocalDateTime": (NOW + datetime.timedelta(seconds=seconds)).isoformat()}
    found = by_name(run(windows))["clock"]
    assert (found["status"], words in found["evidence"]) == (status, True)


def test_a_server_that_does_not_tell_its_time_is_judged_all_the_same() -> None:
    windows = ready()
    windows.os = {"LocalDateTime": ""}
    result = run(windows, fail_on="warning")
    assert (by_name(result)["clock"]["status"], result["status"], result["ready"]) == ("unknown", "unknown", True)


@pytest.mark.parametrize(
    ("version", "expected"),
    [("10.0.17763", "critical"), ("10.0.26100", "critical"), ("10.0.14393", "ok"), ("", "unknown")],
    ids=["2019", "2025", "2016", "unknown"],
)
def test_http2_matters_only_with_kerberos_from_2019_on(version: str, expected: str) -> None:
    windows = ready()
    windows.os = {"Version": version}
    for name in settings_registry(HTTP2):
        windows.registry.pop(name)
    assert by_name(run(windows, kerberos_sso=True))["http2"]["status"] == expected
    assert "http2" not in by_name(run(windows))


@pytest.mark.parametrize(("data", "status"), [(None, "ok"), (0, "ok"), (1, "critical")], ids=["Core", "off", "on"])
def test_enhanced_security_matters_only_for_a_person_at_the_server(data: int | None, status: str) -> None:
    windows = ready()
    for name in settings_registry(IE_ESC):
        windows.registry.pop(name)
        if data is not None:
            windows.registry[name] = data
    found = by_name(run(windows, interactive_registration=True))["ie_enhanced_security"]
    assert (found["status"], found["reboot_required"]) == (status, False)
    assert "ie_enhanced_security" not in by_name(run(windows))


# Mending.


def test_enforcing_mends_says_that_a_restart_is_due_and_the_second_run_writes_nothing() -> None:
    windows = ready()
    for name in settings_registry(TLS):
        windows.registry.pop(name)
    result = run(windows, state="enforced")
    assert windows.writes() == [
        "CreateKey",
        "SetStringValue RestartNeeded",
        "CreateKey",
        "SetDWORDValue DisabledByDefault 0",
        "SetDWORDValue Enabled 1",
        "CreateKey",
        "SetDWORDValue DisabledByDefault 0",
        "SetDWORDValue Enabled 1",
    ]
    check = by_name(result)["tls12"]
    assert (check["status"], check["reboot_required"], check["remedy"]) == ("ok", True, "restart the server: it takes effect then")
    assert (result["changed"], result["reboot_required"]) == (True, True)
    assert windows.warnings == ["NAM-WEB-01 has to be restarted before tls12 takes effect"]
    windows.calls.clear()
    again = run(windows, state="enforced")
    assert (again["changed"], again["reboot_required"], windows.writes()) == (False, True, [])
    assert by_name(again)["tls12"] == check
    windows.sleep(60)
    windows.boot()
    again = run(windows, state="enforced")
    assert (again["changed"], again["reboot_required"], windows.writes()) == (False, False, [])
    assert by_name(again)["tls12"]["remedy"] == ""


def test_a_run_that_is_killed_anywhere_while_it_mends_leaves_the_restart_to_be_told() -> None:
    whole = unready()
    mended = run(whole, state="enforced")["checks"]
    for lives in range(len(whole.writes())):
        windows = unready()
        windows.lives = lives
        with pytest.raises(Killed):
            run(windows, state="enforced")
        windows.lives = None
        result = run(windows, state="enforced")
        assert (result["checks"], result["reboot_required"]) == (mended, True)
        assert run(windows, state="enforced")["changed"] is False


def test_what_an_installer_left_waiting_for_a_restart_is_pending() -> None:
    windows = ready()
    windows.keys.add(r"software\entra.app_proxy")
    restart_note.add(Registry(windows.server().session), OperatingSystem("", "", "", None, None), ["an installer of the connector"], NOW)
    pending = by_name(run(windows))["pending_reboot"]
    assert (pending["status"], pending["evidence"]) == ("warning", "waiting for a restart: an installer of the connector")


def test_a_plan_reads_well() -> None:
    windows = ready()
    windows.registry.pop(rf"{STRONG_CRYPTO.settings[0].key}\schusestrongcrypto".lower())
    result = run(windows, state="enforced", check_mode=True)
    assert result["plan"]["lines"] == [
        r"~ set registry_value HKLM\SOFTWARE\Microsoft\.NETFramework\v4.0.30319\SchUseStrongCrypto (data: none -> 1):"
        " .NET must use the system's TLS versions and strong cryptography"
    ]
    assert result["diff"] == {
        "before": {r"registry_value HKLM\SOFTWARE\Microsoft\.NETFramework\v4.0.30319\SchUseStrongCrypto": {"data": None}},
        "after": {r"registry_value HKLM\SOFTWARE\Microsoft\.NETFramework\v4.0.30319\SchUseStrongCrypto": {"data": 1}},
    }
    assert windows.writes() == []


def test_checking_never_writes_and_has_no_plan() -> None:
    windows = ConfiguredWindows()
    result = run(windows, kerberos_sso=True, interactive_registration=True, dynamic_ports=True)
    assert (result["changed"], result["plan"]["lines"], windows.writes()) == (False, [], [])


def test_the_dynamic_ports_are_read_whatever_the_language_and_set() -> None:
    windows = ready()
    windows.ports["ipv6 udp"] = (1025, 64511)
    assert by_name(run(windows, dynamic_ports=True))["dynamic_ports"]["status"] == "warning"
    result = run(windows, state="enforced", dynamic_ports=True)
    assert result["plan"]["lines"] == [
        f"~ set dynamic_ports {name} (start: 49152 -> 1025, count: 16384 -> 64511): many connections through one connector need many ports"
        for name in ("ipv4 tcp", "ipv4 udp", "ipv6 tcp")
    ]
    assert by_name(result)["dynamic_ports"]["status"] == "ok"
    assert result["reboot_required"] is False
    assert run(windows, state="enforced", dynamic_ports=True)["changed"] is False


def test_netsh_that_refuses_is_quoted() -> None:
    windows = ready()
    windows.netsh_exit_code = 1
    with pytest.raises(HostError, match=r"netsh int ipv4 show dynamicport tcp ended with exit code 1.*requires elevation"):
        run(windows, dynamic_ports=True)


def unready() -> ConfiguredWindows:
    windows = ready()
    for name in [*settings_registry(TLS), *settings_registry(STRONG_CRYPTO)]:
        windows.registry.pop(name)
    return windows


def test_netsh_that_refuses_to_set_leaves_what_was_done_to_be_told_and_the_next_run_completes() -> None:
    windows = unready()
    windows.fixed_ports = ["ipv6 tcp"]
    server = windows.server()
    options = {**{option.name: option.default for option in PREREQUISITES.options}, "state": "enforced", "dynamic_ports": True}
    refused = r"netsh int ipv6 set dynamicport tcp start=1025 num=64511 ended with exit code 1.*as an administrator"
    with pytest.raises(HostError, match=refused) as caught:
        connector_prerequisites(server, options, False)
    assert caught.value.details["exit_code"] == 1
    ports = [f"dynamic ports of {name} set to 64511 from 1025" for name in ("ipv4 tcp", "ipv4 udp")]
    assert server.done[-2:] == ports
    assert len(server.done) == 8
    windows.fixed_ports = ()
    result = run(windows, state="enforced", dynamic_ports=True)
    assert (result["status"], result["reboot_required"], result["plan"]["counts"]) == ("ok", True, {"set": 2})


def test_a_registry_that_refuses_is_named_with_what_was_done() -> None:
    windows = unready()
    windows.protected = [STRONG_CRYPTO.settings[0].key.lower()]
    server = windows.server()
    options = {**{option.name: option.default for option in PREREQUISITES.options}, "state": "enforced"}
    with pytest.raises(
        RegistryError, match=r"SetDWORDValue of .*v4\.0\.30319, value SchUseStrongCrypto: access denied: use an administrator"
    ):
        connector_prerequisites(server, options, False)
    assert all(STRONG_CRYPTO.settings[0].key not in done for done in server.done)
    windows.protected = ()
    result = run(windows, state="enforced")
    assert (result["status"], result["reboot_required"]) == ("ok", True)


VALUES = [f"{item.key}\\{item.value}".lower() for requirement in (TLS, STRONG_CRYPTO, HTTP2, IE_ESC) for item in requirement.settings]


@given(
    st.dictionaries(st.sampled_from(VALUES), st.integers(0, 2)),
    st.dictionaries(st.sampled_from(["ipv4 tcp", "ipv6 udp"]), st.sampled_from([(1025, 64511), (49152, 16384), (1025, 255)])),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["10.0.14393", "10.0.20348"]),
)
def test_from_any_registry_enforcing_converges_and_check_mode_predicts_it(
    registry: dict[str, int | str], ports: dict[str, tuple[int, int]], kerberos: bool, interactive: bool, version: str
) -> None:
    windows = ConfiguredWindows(registry={DOTNET: 528449, **registry}, ports=dict(ports), os={"Version": version})
    options = {"state": "enforced", "kerberos_sso": kerberos, "interactive_registration": interactive, "dynamic_ports": True}
    predicted = run(windows, check_mode=True, **options)
    assert windows.writes() == []
    done = run(windows, **options)
    assert {**predicted, "outcome": ""} == {**done, "outcome": ""}
    assert [check["status"] for check in done["checks"]] == ["ok"] * len(done["checks"])
    again = run(windows, **options)
    assert (again["changed"], again["plan"]["changes"]) == (False, [])


# Probes.


def test_endpoints_are_tried_directly_and_wildcards_are_listed() -> None:
    windows = ready()
    windows.unreachable = {"login.windows.net:443": "refused", "crl3.digicert.com:80": "no answer in time"}
    result = run(windows, endpoints=True, tenant_id="11111111-2222-3333-4444-555555555555")
    found = by_name(result)
    assert found["endpoint download.msappproxy.net:443"]["evidence"] == "reached (192.0.2.1)"
    assert found["endpoint login.windows.net:443"]["status"] == "critical"
    assert "refused" in found["endpoint login.windows.net:443"]["evidence"]
    assert "connector_proxy" in found["endpoint login.windows.net:443"]["remedy"]
    assert found["endpoint crl3.digicert.com:80"]["status"] == "warning"
    assert found["endpoint 11111111-2222-3333-4444-555555555555.registration.msappproxy.net:443"]["status"] == "ok"
    assert found["endpoints_not_probed"]["status"] == "unknown"
    assert "*.servicebus.windows.net" in found["endpoints_not_probed"]["evidence"]
    assert [call for call in windows.calls if "script" in call] == ["script probe"]


@pytest.mark.parametrize("cloud", ["us_gov_l4", "us_gov_l5"])
def test_the_government_clouds_have_endpoints_of_their_own(cloud: str) -> None:
    names = by_name(run(ready(), endpoints=True, cloud=cloud))
    assert "endpoint login.windows.us:443" in names
    assert not [name for name in names if "msappproxy.net" in name]


def test_of_the_cloud_in_china_nothing_is_known() -> None:
    windows = ready()
    found = by_name(run(windows, endpoints=True, cloud="china"))["endpoints_not_probed"]
    assert (found["status"], found["evidence"]) == ("unknown", "no list of endpoints is known for the cloud china")
    assert windows.documents == []


@pytest.mark.parametrize(
    ("answers", "unreachable", "status", "evidence", "remedy"),
    [
        ({}, {}, "ok", "reached through proxy.contoso.com:8080", ""),
        ({"proxy.contoso.com:8080": "HTTP/1.1 407 Proxy Authentication Required"}, {}, "critical", "407", "cannot sign in"),
        ({"proxy.contoso.com:8080": "HTTP/1.0 403 Forbidden"}, {}, "critical", "403", "pass CONNECT"),
        ({"proxy.contoso.com:8080": ""}, {}, "critical", "answers ''", "pass CONNECT"),
        ({}, {"proxy.contoso.com:8080": "refused"}, "critical", "refused", "to the proxy proxy.contoso.com:8080"),
    ],
    ids=["reached", "wants a password", "forbids", "says nothing", "down"],
)
def test_endpoints_through_a_proxy(answers: dict[str, str], unreachable: dict[str, str], status: str, evidence: str, remedy: str) -> None:
    windows = ready()
    windows.answers, windows.unreachable = answers, unreachable
    found = by_name(run(windows, endpoints=True, proxy="http://proxy.contoso.com:8080"))["endpoint login.windows.net:443"]
    assert (found["status"], evidence in found["evidence"], remedy in found["remedy"]) == (status, True, True), found


def test_the_proxy_of_the_installed_connector_is_used_when_none_is_given() -> None:
    windows = ready()
    windows.configure(
        b"<configuration><system.net><defaultProxy><proxy proxyaddress='http://own:3128'/></defaultProxy></system.net></configuration>"
    )
    run(windows, endpoints=True)
    assert {target["proxy_host"] for target in windows.documents[-1]["targets"]} == {"own"}
    run(windows, endpoints=True, proxy="http://other")
    assert {(target["proxy_host"], target["proxy_port"]) for target in windows.documents[-1]["targets"]} == {("other", 80)}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<configuration>", "cannot be read: .*name the proxy in the option proxy"),
        (
            b"<configuration><system.net><defaultProxy><proxy proxyaddress='nonsense'/></defaultProxy></system.net></configuration>",
            PROXY_WAY,
        ),
        (
            b"<configuration><system.net><defaultProxy><proxy proxyaddress='http://p:99999'/></defaultProxy></system.net></configuration>",
            PROXY_WAY,
        ),
    ],
    ids=["no XML", "no address", "no port"],
)
def test_a_configured_proxy_that_cannot_be_used_is_told_with_its_file(content: bytes, words: str) -> None:
    windows = ready()
    windows.configure(content)
    with pytest.raises(HostError, match=words) as caught:
        run(windows, endpoints=True)
    assert windows.paths()[0] in caught.value.message
    assert by_name(run(windows, endpoints=True, proxy="http://other:3128"))["endpoint login.windows.net:443"]["status"] == "ok"


def test_backends_are_tried_directly_under_the_names_they_were_given() -> None:
    windows = ready()
    windows.unreachable = {"payroll.contoso.com:8443": "No such host is known"}
    result = run(windows, backends=["https://intranet.contoso.com/", "payroll.contoso.com:8443"], proxy="http://proxy:80")
    assert by_name(result)["backend https://intranet.contoso.com/"]["status"] == "ok"
    found = by_name(result)["backend payroll.contoso.com:8443"]
    assert (found["status"], "No such host" in found["evidence"], result["ready"]) == ("critical", True, False)
    assert "proxy_host" not in windows.documents[-1]["targets"][0]


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("https://intranet.contoso.com", ("intranet.contoso.com", 443)),
        ("http://intranet/app?x=1", ("intranet", 80)),
        ("https://[2001:db8::1]:8443/", ("2001:db8::1", 8443)),
        ("[2001:db8::1]:25", ("2001:db8::1", 25)),
        ("db:1433", ("db", 1433)),
        ("db", None),
        ("db:0", None),
        ("db:70000", None),
        ("ftp://db/", None),
        ("https://", None),
        ("https://db:99999/", None),
        ("https://db:0/", None),
        ("https://a b/", None),
        ("https://[2001:db8::1/", None),
    ],
)
def test_how_targets_are_written(text: str, target: tuple[str, int] | None) -> None:
    found = endpoints.parse(text)
    assert (None if found is None else (found.host, found.port)) == target


def test_failing_on_a_status_keeps_the_checks() -> None:
    windows = ready()
    windows.registry.pop(DOTNET)
    assert run(windows, fail_on="never")["status"] == "critical"
    with pytest.raises(HostError, match="NAM-WEB-01 is not ready for a connector. dotnet: .*install .NET") as caught:
        run(windows, fail_on="critical")
    assert caught.value.details["result"]["ready"] is False
    assert len(caught.value.details["result"]["checks"]) == len(ALWAYS)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"backends": ["https://a/", "nonsense"]}, ["backends", "nonsense", "host:port"]),
        ({"proxy": "proxy:8080"}, ["proxy", "http://"]),
        ({"proxy": "http://proxy:65536"}, ["proxy", "1 to 65535"]),
        ({"tenant_id": "contoso"}, ["tenant_id", "GUID"]),
        ({"probe_timeout": 0}, ["probe_timeout"]),
    ],
)
def test_options_that_cannot_be_carried_out(given: dict[str, t.Any], named: list[str]) -> None:
    (problem,) = PREREQUISITES.problems(given)
    assert all(word in problem for word in named), problem

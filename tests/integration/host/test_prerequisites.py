# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""connector_prerequisites by the real ansible-playbook: look, mend, look again; and what each fault of a server reads like."""

from __future__ import annotations

import typing as t

from tests.integration.host.module_run import Outcome, module, patch, server
from tests.support.lab_process import Lab
from tests.support.playbook import Ansible

NAME = "connector_prerequisites"
TLS = r"SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2"
DOTNET = r"SOFTWARE\Microsoft\.NETFramework\v4.0.30319"
HTTP2 = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\WinHttp\EnableDefaultHTTP2"
COMPONENTS = r"SOFTWARE\Microsoft\Active Setup\Installed Components"
POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\PowerShell"
EVERYTHING = {"kerberos_sso": True, "interactive_registration": True, "dynamic_ports": True}
WIDE = [1025, 64511]


def statuses(outcome: Outcome) -> dict[str, str]:
    return {check["name"]: check["status"] for check in outcome.result["checks"]}


def check(outcome: Outcome, name: str) -> dict[str, t.Any]:
    return next(check for check in outcome.result["checks"] if check["name"] == name)


def test_a_fresh_server_is_ready_with_what_microsoft_wants_set(lab: Lab, ansible: Ansible) -> None:
    looked = module(ansible, NAME, **EVERYTHING)
    assert (looked.result["changed"], looked.writes) == (False, [])
    assert {name: status for name, status in statuses(looked).items() if status != "ok"} == {
        "tls12": "warning",
        "dotnet_strong_crypto": "warning",
        "http2": "critical",
        "ie_enhanced_security": "critical",
        "dynamic_ports": "warning",
    }
    assert all(check["mendable"] and "state=enforced" in check["remedy"] for check in looked.result["checks"] if check["status"] != "ok")


def test_looking_opens_no_shell_and_costs_a_read_each(ansible: Ansible) -> None:
    looked = module(ansible, NAME)
    assert (looked.shells, looked.result["ready"]) == (0, True)
    # Fourteen operations; a list takes a second message where the server does not give it at once.
    assert looked.exchanges <= 15


def test_check_then_apply_then_read_back_then_again(lab: Lab, ansible: Ansible) -> None:
    before = server(lab)
    checked = module(ansible, NAME, "--check", "--diff", state="enforced", **EVERYTHING)
    assert (checked.result["changed"], checked.writes, server(lab)["dwords"]) == (True, [], before["dwords"])

    applied = module(ansible, NAME, "--diff", state="enforced", **EVERYTHING)
    for key in ("changed", "plan", "diff", "checks", "status", "ready", "reboot_required"):
        assert checked.result[key] == applied.result[key]
    assert r"TLS 1.2\\Server\\Enabled" in applied.run.output
    assert set(statuses(applied).values()) == {"ok"}
    assert applied.result["reboot_required"] is True
    assert "has to be restarted before" in applied.run.output

    after = server(lab)
    assert after["dwords"] == {
        **before["dwords"],
        **{rf"{TLS}\{side}\DisabledByDefault": 0 for side in ("Client", "Server")},
        **{rf"{TLS}\{side}\Enabled": 1 for side in ("Client", "Server")},
        rf"{DOTNET}\SchUseStrongCrypto": 1,
        rf"{DOTNET}\SystemDefaultTlsVersions": 1,
        HTTP2: 0,
        **{rf"{COMPONENTS}\{{A509B1A{number}-37EF-4b3f-8CFC-4F3A74704073}}\IsInstalled": 0 for number in (7, 8)},
    }
    assert set(map(tuple, after["dynamic_ports"].values())) == {tuple(WIDE)}
    assert after["boot"] == before["boot"]

    again = module(ansible, NAME, state="enforced", **EVERYTHING)
    assert (again.result["changed"], again.writes, again.result["reboot_required"]) == (False, [], True)
    patch(lab, boot="now")
    assert module(ansible, NAME, state="enforced", **EVERYTHING).result["reboot_required"] is False


def test_only_what_is_asked_for_is_mended(lab: Lab, ansible: Ansible) -> None:
    before = server(lab)
    module(ansible, NAME, state="enforced")
    after = server(lab)
    assert HTTP2 not in after["dwords"]
    assert after["dynamic_ports"] == before["dynamic_ports"]
    written = {name for name, data in after["dwords"].items() if before["dwords"].get(name) != data}
    assert all(name.startswith((TLS, DOTNET)) for name in written)


def test_every_fault_of_the_server_is_named_with_its_remedy(lab: Lab, ansible: Ansible) -> None:
    patch(
        lab,
        os={"caption": "Microsoft Windows Server 2012 R2 Standard", "version": "6.3.9600", "net_release": 394802},
        registry=[
            {"key": rf"HKLM\{TLS}\Client", "name": "Enabled", "value": 0},
            {"key": POLICY, "name": "EnableScripts", "value": 0},
        ],
        services={"AzureADPasswordProtectionProxy": {"state": "Running"}},
        pending_reboot=True,
    )
    outcome = module(ansible, NAME)
    expected = {
        "os": ("critical", "2016 or later"),
        "dotnet": ("critical", "4.7.2"),
        "tls12": ("critical", "TLS 1.2 only"),
        "password_protection_proxy": ("critical", "another server"),
        "execution_policy": ("critical", "Turn on Script Execution"),
        "pending_reboot": ("warning", "restart the server"),
    }
    for name, (status, words) in expected.items():
        found = check(outcome, name)
        assert (found["status"], words in found["remedy"]) == (status, True), found
    assert (outcome.result["ready"], outcome.result["reboot_required"]) == (False, True)


def test_netsh_that_refuses_is_told_with_what_was_done_and_the_next_run_completes(lab: Lab, ansible: Ansible) -> None:
    patch(lab, fixed_ports=["ipv6 tcp", "ipv6 udp"])
    refused = module(ansible, NAME, state="enforced", dynamic_ports=True)
    assert (refused.result["failed"], refused.result["changed"], refused.result["failure"]["exit_code"]) == (True, True, 1)
    assert "netsh int ipv6 set dynamicport tcp" in refused.result["msg"]
    assert "requires elevation" in refused.result["msg"]
    assert rf"HKLM\{TLS}\Client\Enabled set to 1" in refused.result["done"]
    assert refused.result["done"][-1].startswith("dynamic ports of ipv4 udp")
    assert server(lab)["dynamic_ports"] == {
        **{f"ipv4 {protocol}": WIDE for protocol in ("tcp", "udp")},
        **{f"ipv6 {protocol}": [49152, 16384] for protocol in ("tcp", "udp")},
    }
    patch(lab, fixed_ports=[])
    mended = module(ansible, NAME, state="enforced", dynamic_ports=True)
    assert (mended.result["status"], mended.result["reboot_required"]) == ("ok", True)
    assert set(map(tuple, server(lab)["dynamic_ports"].values())) == {tuple(WIDE)}


def test_a_registry_that_may_not_be_changed_is_told_with_what_was_done(lab: Lab, ansible: Ansible) -> None:
    patch(lab, protected_keys=[rf"HKLM\{TLS}\Server"])
    before = server(lab)["dwords"]
    refused = module(ansible, NAME, state="enforced")
    assert (refused.result["failed"], refused.result["changed"]) == (True, True)
    assert rf"{TLS}\Server: access denied: use an administrator of the server (5)" in refused.result["msg"]
    written = {name for name, data in server(lab)["dwords"].items() if before.get(name) != data}
    assert written == {done.partition(" set to ")[0].removeprefix("HKLM\\") for done in refused.result["done"]} != set()
    patch(lab, protected_keys=[])
    assert module(ansible, NAME, state="enforced").result["reboot_required"] is True


def test_a_restart_that_cannot_be_noted_leaves_everything_as_it_is(lab: Lab, ansible: Ansible) -> None:
    patch(lab, protected_keys=[r"HKLM\SOFTWARE\entra.app_proxy"])
    before = server(lab)["dwords"]
    refused = module(ansible, NAME, state="enforced")
    assert (refused.result["failed"], refused.result["changed"], refused.result["done"]) == (True, False, [])
    assert server(lab)["dwords"] == before


def test_tls_that_was_switched_on_the_old_way_stays_so(lab: Lab, ansible: Ansible) -> None:
    sides = [rf"HKLM\{TLS}\{side}" for side in ("Client", "Server")]
    values = [
        {"key": side, "name": name, "value": value} for side in sides for name, value in (("Enabled", 0xFFFFFFFF), ("DisabledByDefault", 0))
    ]
    patch(lab, registry=values)
    before = server(lab)["dwords"]
    module(ansible, NAME, state="enforced")
    assert (
        {name: data for name, data in server(lab)["dwords"].items() if TLS in name} == {n: d for n, d in before.items() if TLS in n} != {}
    )


def test_the_proxy_of_the_connector_that_is_none_is_told_with_its_file(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"installed": True})
    path = next(path for path in server(lab)["configs"] if path.endswith("ConnectorService.exe.config"))
    text = '<configuration><system.net><defaultProxy><proxy proxyaddress="http://p:99999"/></defaultProxy></system.net></configuration>'
    patch(lab, files=[{"path": path, "text": text}])
    for name in (NAME, "connector_health"):
        refused = module(ansible, name, endpoints=True)
        assert f"{path} names the proxy 'http://p:99999', which is no address" in refused.result["msg"]
    patch(lab, files=[{"path": path, "text": "<configuration>"}])
    assert f"{path} cannot be read" in module(ansible, NAME, endpoints=True).result["msg"]


def test_an_installer_that_asks_for_a_restart_is_seen(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"installed": True}, pending_reboot=True)
    assert check(module(ansible, NAME), "pending_reboot")["evidence"].endswith("files to be replaced at the next start")
    patch(lab, boot="now")
    assert check(module(ansible, NAME), "pending_reboot")["status"] == "ok"


def test_a_clock_that_is_wrong_is_a_warning(lab: Lab, ansible: Ansible) -> None:
    lab.post("/clock", {"advance": 3600})
    found = check(module(ansible, NAME), "clock")
    assert (found["status"], "ahead of the controller" in found["evidence"]) == ("warning", True)


def test_endpoints_and_backends_are_tried_from_the_server(lab: Lab, ansible: Ansible) -> None:
    patch(lab, endpoints={"login.windows.net:443": "blocked", "crl3.digicert.com:80": "blocked", "payroll.contoso.example:8443": "blocked"})
    backends = ["https://intranet.contoso.example/", "payroll.contoso.example:8443"]
    outcome = module(ansible, NAME, endpoints=True, tenant_id=lab.state["tenant_id"], backends=backends, fail_on="critical")
    assert outcome.result["failed"] is True
    assert "endpoint login.windows.net:443: not reached" in outcome.result["msg"]
    assert "backend payroll.contoso.example:8443: not reached" in outcome.result["msg"]
    found = {name: status for name, status in statuses(outcome).items() if name.startswith(("endpoint ", "backend ")) and status != "ok"}
    assert found == {
        "endpoint login.windows.net:443": "critical",
        "endpoint crl3.digicert.com:80": "warning",
        "backend payroll.contoso.example:8443": "critical",
    }
    assert (outcome.shells, outcome.writes) == (1, [])


def test_the_government_cloud_has_its_own_endpoints(ansible: Ansible) -> None:
    outcome = module(ansible, NAME, endpoints=True, cloud="us_gov_l4")
    assert statuses(outcome)["endpoint login.microsoftonline.us:443"] == "ok"
    assert not [name for name in statuses(outcome) if "msappproxy.net" in name]


def test_endpoints_are_tried_through_the_connectors_own_proxy(lab: Lab, ansible: Ansible) -> None:
    patch(lab, connector={"installed": True}, endpoints={"login.windows.net:443": "blocked"})
    module(ansible, "connector_proxy", mode="proxy", address="http://proxy.contoso.example:8080")
    through = module(ansible, NAME, endpoints=True)
    assert check(through, "endpoint management.azure.com:443")["evidence"] == "reached through proxy.contoso.example:8080"
    assert "503 Service Unavailable" in check(through, "endpoint login.windows.net:443")["evidence"]
    patch(lab, endpoints={"proxy.contoso.example:8080": {"answer": "HTTP/1.1 407 Proxy Authentication Required"}})
    refused = check(module(ansible, NAME, endpoints=True), "endpoint management.azure.com:443")
    assert (refused["status"], "cannot sign in to a proxy" in refused["remedy"]) == ("critical", True)
    patch(lab, endpoints={"proxy.contoso.example:8080": "blocked"})
    down = check(module(ansible, NAME, endpoints=True), "endpoint management.azure.com:443")
    assert "open the way from this server to the proxy" in down["remedy"]


def test_mistakes_in_the_options_are_refused_before_the_server_is_asked(lab: Lab, ansible: Ansible) -> None:
    outcome = module(ansible, NAME, backends=["intranet"], proxy="10.0.0.1:8080", state="mended", tenant_id="contoso")
    assert outcome.result["failed"] is True
    for words in ("backends", "host:port", "proxy", "http:// is compulsory", "state", "mended", "tenant_id"):
        assert words in outcome.result["msg"]
    assert outcome.exchanges == 0

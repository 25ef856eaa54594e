# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""connector_proxy by the real ansible-playbook: check, read back, apply, read back, repeat; and its failures."""

from __future__ import annotations

import base64
import typing as t

import pytest

from tests.integration.host.module_run import Outcome, module, patch, server
from tests.support.lab_process import Lab
from tests.support.playbook import Ansible

NAME = "connector_proxy"
ADDRESS = "http://proxy.contoso.example:8080"
WANTED = {"mode": "proxy", "address": ADDRESS, "bypass_on_local": True, "bypass_list": [r".*\.contoso\.example"], "use_for_backend": True}
KEYS = {
    "entra": r"SOFTWARE\Microsoft\Microsoft Entra private network connector",
    "legacy": r"SOFTWARE\Microsoft\Microsoft AAD App Proxy Connector",
}
SECTION = (
    "  <system.net>\r\n    <defaultProxy>\r\n"
    '      <proxy proxyaddress="http://proxy.contoso.example:8080" bypassonlocal="True" />\r\n'
    '      <bypasslist>\r\n        <add address=".*\\.contoso\\.example" />\r\n      </bypasslist>\r\n'
    "    </defaultProxy>\r\n  </system.net>\r\n"
)


def install(lab: Lab, generation: str = "entra", **connector: t.Any) -> dict[str, str]:
    """A connector on the server; returns its two configuration files."""
    patch(lab, connector={"generation": generation, "registered": True, **connector})
    return configs(lab)


def configs(lab: Lab) -> dict[str, str]:
    return t.cast("dict[str, str]", server(lab)["configs"])


def starts(lab: Lab) -> dict[str, int]:
    """The process of each service: another one after a restart."""
    services = server(lab)["services"]
    return {name: services[name]["process_id"] for name in ("WAPCSvc", "WAPCUpdaterSvc")}


def failure(outcome: Outcome) -> str:
    assert outcome.result["failed"] is True
    return str(outcome.result["msg"])


@pytest.mark.parametrize("generation", ["entra", "legacy"])
def test_check_then_apply_then_read_back_then_again(lab: Lab, ansible: Ansible, generation: str) -> None:
    before, running = install(lab, generation), starts(lab)
    checked = module(ansible, NAME, "--check", "--diff", **WANTED)
    assert (checked.result["changed"], checked.writes, configs(lab), starts(lab)) == (True, [], before, running)

    applied = module(ansible, NAME, "--diff", **WANTED)
    for key in ("changed", "plan", "diff", "proxy", "restarted"):
        assert checked.result[key] == applied.result[key]
    assert applied.result["restarted"] == ["WAPCSvc", "WAPCUpdaterSvc"]
    assert applied.result["proxy"]["service"]["address"] == ADDRESS
    assert f'"address": "{ADDRESS}"' in applied.run.output

    after = configs(lab)
    assert after == {
        **{path: text.replace("<configuration>\r\n", "<configuration>\r\n" + SECTION) for path, text in before.items()},
        **{f"{path}.original": text for path, text in before.items()},
    }
    assert server(lab)["dwords"][rf"{KEYS[generation]}\UseDefaultProxyForBackendRequests"] == 1
    restarted = starts(lab)
    assert all(restarted[name] not in (0, running[name]) for name in running)

    again = module(ansible, NAME, **WANTED)
    assert (again.result["changed"], again.writes, again.result["restarted"], starts(lab)) == (False, [], [], restarted)


def test_there_and_back_leaves_the_files_as_they_were(lab: Lab, ansible: Ansible) -> None:
    before = install(lab)
    module(ansible, NAME, **WANTED)
    module(ansible, NAME, mode="direct")
    assert all('<defaultProxy enabled="false">' in configs(lab)[path] for path in before)
    module(ansible, NAME, mode="default", use_for_backend=False)
    assert {path: text for path, text in configs(lab).items() if not path.endswith(".original")} == before
    assert {path: configs(lab)[f"{path}.original"] for path in before} == before


def test_everything_else_in_a_file_stays(lab: Lab, ansible: Ansible) -> None:
    path = next(path for path in install(lab) if path.endswith("ConnectorService.exe.config"))
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\n<configuration>\n\t<configSections/>\n\t<!-- traced by ops -->\n'
        "\t<system.diagnostics><trace autoflush='true'/></system.diagnostics>\n</configuration>"
    )
    patch(lab, files=[{"path": path, "base64": base64.b64encode(b"\xef\xbb\xbf" + text.encode()).decode()}])
    module(ansible, NAME, mode="direct")
    section = '\n\t<system.net>\n\t  <defaultProxy enabled="false" />\n\t</system.net>'
    assert configs(lab)[path] == "\ufeff" + text.replace("<configSections/>", "<configSections/>" + section)


def test_the_service_of_an_unregistered_connector_stays_stopped(lab: Lab, ansible: Ansible) -> None:
    install(lab, registered=False)
    assert module(ansible, NAME, **WANTED).result["restarted"] == ["WAPCUpdaterSvc"]
    assert server(lab)["services"]["WAPCSvc"]["state"] == "Stopped"


def test_the_backend_alone_opens_no_shell(lab: Lab, ansible: Ansible) -> None:
    install(lab)
    outcome = module(ansible, NAME, use_for_backend=True)
    assert (outcome.shells, outcome.result["restarted"]) == (0, ["WAPCSvc"])
    assert module(ansible, NAME, use_for_backend=True).result["changed"] is False


def test_check_mode_before_the_installation_shows_what_comes_after_it(lab: Lab, ansible: Ansible) -> None:
    checked = module(ansible, NAME, "--check", **WANTED)
    assert "entra.app_proxy.connector first" in failure(module(ansible, NAME, **WANTED))
    install(lab, registered=False)
    assert checked.result["plan"] == module(ansible, NAME, **WANTED).result["plan"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no such file"),
        ("<configuration><oops></configuration>", "not well-formed"),
        ("<config/>", "root element is config"),
    ],
    ids=["missing", "not XML", "something else"],
)
def test_a_file_that_cannot_be_edited_is_left_alone_and_named(lab: Lab, ansible: Ansible, content: str | None, words: str) -> None:
    path = next(path for path in install(lab) if "Updater" in path)
    patch(lab, files=[{"path": path, "absent": True} if content is None else {"path": path, "text": content}])
    outcome = module(ansible, NAME, **WANTED)
    assert path in failure(outcome)
    assert words in failure(outcome)
    assert (outcome.result["changed"], outcome.writes) == (False, [])


def test_a_service_that_does_not_come_back_is_reported_with_what_was_done(lab: Lab, ansible: Ansible) -> None:
    install(lab)
    lab.patch("/timing", {"service_start": 60})
    outcome = module(ansible, NAME, mode="direct", timeout=2, poll_interval=0.5)
    assert "restarting service WAPCSvc" in failure(outcome)
    assert "Restart-Service WAPCSvc" in failure(outcome)
    assert outcome.result["changed"] is True
    assert len([done for done in outcome.result["done"] if "changed" in done]) == 2


def test_mistakes_in_the_options_are_refused_before_the_server_is_asked(ansible: Ansible) -> None:
    outcome = module(ansible, NAME, mode="proxy", address="10.0.0.1:8080")
    assert "http:// is compulsory" in failure(outcome)
    assert "give mode=proxy" in failure(module(ansible, NAME, mode="direct", address=ADDRESS))
    assert outcome.exchanges == 0


@pytest.mark.parametrize(("connection", "scheme"), [("psrp", "https"), ("winrm", "http")])
def test_over_other_connections(lab: Lab, ansible: Ansible, connection: str, scheme: str) -> None:
    install(lab)
    ansible.connection, ansible.scheme = connection, scheme
    assert module(ansible, NAME, **WANTED).result["changed"] is True
    assert module(ansible, NAME, **WANTED).result["changed"] is False
    assert module(ansible, "connector_prerequisites", endpoints=True).result["ready"] is True

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options: their rules, and that the documentation says the same as the declaration."""

from __future__ import annotations

import importlib
import typing as t

import pytest
import yaml

from ansible_collections.entra.app_proxy.plugins.module_utils.host import options
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.options import PREREQUISITES
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.options import CONNECTOR_PROXY

MODULES = {
    "connector": options.CONNECTOR,
    "connector_registration": options.REGISTRATION,
    "connector_info": options.INFO,
    "connector_health": options.HEALTH,
    "connector_prerequisites": PREREQUISITES,
    "connector_proxy": CONNECTOR_PROXY,
}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_the_documentation_declares_the_same_options(name: str) -> None:
    module = importlib.import_module(f"ansible_collections.entra.app_proxy.plugins.modules.{name}")
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    assert {key: _facts(value) for key, value in documented.items()} == {
        key: _facts(value) for key, value in MODULES[name].argument_spec().items()
    }


@pytest.mark.parametrize("name", sorted(MODULES))
def test_the_documentation_has_examples_and_return_values(name: str) -> None:
    module = importlib.import_module(f"ansible_collections.entra.app_proxy.plugins.modules.{name}")
    assert all(task["name"] for task in yaml.safe_load(module.EXAMPLES))
    assert all(value["description"] and value["returned"] and value["type"] for value in yaml.safe_load(module.RETURN).values())


@pytest.mark.parametrize(
    ("declared", "values", "named"),
    [
        (options.CONNECTOR, {"tenant_id": "contoso.example"}, ["tenant_id", "'contoso.example'", "GUID"]),
        (options.CONNECTOR, {"tenant_id": "11111111222233334444555555555555"}, ["tenant_id", "GUID"]),
        (options.CONNECTOR, {"version": "latest"}, ["version", "'latest'", "1.5.3829.0"]),
        (options.CONNECTOR, {"version": "1"}, ["version"]),
        (options.CONNECTOR, {"installer_sha256": "abc"}, ["installer_sha256", "64 hexadecimal"]),
        (options.CONNECTOR, {"installer_path": "installer.exe"}, ["installer_path", "whole path"]),
        (options.CONNECTOR, {"installer_path": 'C:\\a" & calc.exe'}, ["installer_path"]),
        (options.CONNECTOR, {"installer_path": r"C:\Temp\Connector%20Installer.exe"}, ["installer_path", "without a percent sign"]),
        (options.CONNECTOR, {"installer_path": "C:\\Temp\\installer.exe\n"}, ["installer_path"]),
        (options.CONNECTOR, {"installer_url": "ftp://example.com/x"}, ["installer_url", "https://"]),
        (options.CONNECTOR, {"installer_file": ""}, ["installer_file", "empty"]),
        (options.CONNECTOR, {"install_timeout": 0}, ["install_timeout", "greater than 0"]),
        (options.HEALTH, {"proxy": "https://proxy.contoso.com:8080"}, ["proxy", "http:// is compulsory"]),
        (options.HEALTH, {"proxy": "http://user:secret@proxy.contoso.com:8080"}, ["proxy", "signing in"]),
        (options.HEALTH, {"proxy": "http://proxy.contoso.com:99999"}, ["proxy", "1 to 65535"]),
        (options.HEALTH, {"wait_timeout": -1}, ["wait_timeout", "negative"]),
        (options.REGISTRATION, {"token": " "}, ["token", "a value that is not shown", "empty"]),
    ],
)
def test_a_broken_rule_names_option_value_and_rule(declared: options.Options, values: dict[str, t.Any], named: list[str]) -> None:
    (problem,) = declared.problems(values)
    assert all(word in problem for word in named), problem


def test_all_broken_rules_are_named_at_once() -> None:
    assert len(options.CONNECTOR.problems({"tenant_id": "x", "version": "y", "installer_url": "z", "poll_interval": 0})) == 4


@pytest.mark.parametrize(
    "values",
    [
        {"tenant_id": "ABCDEFAB-2222-3333-4444-555555555555", "version": "1.5.3829.0"},
        {"installer_path": r"C:\Temp\Entra installer.exe"},
        {"installer_path": r"\\files.example.com\software\installer.exe"},
        {"installer_url": "http://127.0.0.1:8080/x", "installer_sha256": "aB" * 32},
        {"install_timeout": "not a number: the argument spec says so"},
        {},
    ],
)
def test_values_that_are_fine(values: dict[str, t.Any]) -> None:
    assert options.CONNECTOR.problems(values) == []


@pytest.mark.parametrize(
    ("address", "shown", "secrets"),
    [
        (
            "https://a.blob.example/x/i.exe?sv=2024&sig=a%2Bb#x",
            "https://a.blob.example/x/i.exe",
            ["sv=2024&sig=a%2Bb"],
        ),
        ("http://ada:p@ss@files.example:8080/i.exe", "http://files.example:8080/i.exe", ["ada:p@ss"]),
        ("https://[2001:db8::1]/i@2.exe?v=", "https://[2001:db8::1]/i@2.exe", []),
        ("ftp://ada:pass@files.example", "ftp://files.example", ["ada:pass"]),
        ("https://files.example/i.exe", "https://files.example/i.exe", []),
        ("no address", "no address", []),
    ],
)
def test_of_an_address_user_and_query_are_secrets(address: str, shown: str, secrets: list[str]) -> None:
    assert options.public_part(address) == shown
    assert options.CONNECTOR.secrets({"installer_url": address}) == secrets


def test_secrets_are_those_that_are_given() -> None:
    assert options.REGISTRATION.secrets({"token": "t0ken", "password": None, "user": "someone"}) == ["t0ken"]


def _facts(spec: dict[str, t.Any]) -> dict[str, t.Any]:
    return {
        "type": spec["type"],
        "required": spec.get("required", False),
        "default": spec.get("default"),
        "choices": spec.get("choices"),
    }

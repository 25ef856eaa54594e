# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be said of the PowerShell scripts without running them. That the lab refuses any other is tested with the lab's servers."""

from __future__ import annotations

import base64
import json
import pathlib
import re
import typing as t

import pytest
import tree_sitter
import tree_sitter_powershell

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import powershell
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import ProcessResult

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCRIPTS = sorted((ROOT / "plugins" / "module_utils" / "host" / "scripts").glob("*.ps1"))
PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
SECRETS = ("token", "password")
# The one script that calls something it was given: Microsoft's script, and the cmdlet of Microsoft's module.
GIVEN = {"register_connector": {"$found.FullName", "$arguments.cmdlet"}}
# Operators that Windows PowerShell 5.1 does not have.
NEWER = re.compile(r"\?\?|\?\.|\?\[|&&|\|\||\s\?\s")

each_script = pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)


def nodes(text: bytes) -> list[tree_sitter.Node]:
    found = [PARSER.parse(text).root_node]
    for node in found:
        found.extend(node.children)
    return found


def texts(text: bytes, *kinds: str) -> list[str]:
    return [(node.text or b"").decode() for node in nodes(text) if node.type in kinds]


def assert_clean(text: bytes) -> None:
    wrong = [(node.type, node.start_point) for node in nodes(text) if node.is_error or node.is_missing]
    assert wrong == []


@each_script
def test_it_parses_clean(script: pathlib.Path) -> None:
    assert_clean(script.read_bytes())


def test_the_parser_finds_mistakes() -> None:
    for text in (b"param($a)\nif ($a) {", b"$a = @{ b = }", b"foreach ($a $b) { }"):
        with pytest.raises(AssertionError):
            assert_clean(text)


def test_the_bootstrap_parses_clean_and_holds_no_data() -> None:
    assert_clean(powershell.BOOTSTRAP.encode())
    assert set(texts(powershell.BOOTSTRAP.encode(), "command_name", "command_name_expr")) == {
        "ConvertFrom-Json",
        "New-Object",
        "([ScriptBlock]::Create($document.script))",
    }


def test_the_bootstrap_hands_no_secret_to_a_cmdlet() -> None:
    # Module logging writes what is bound to the parameters of a cmdlet, pipeline input included, to the event log.
    chains = [node for node in nodes(powershell.BOOTSTRAP.encode()) if node.type == "pipeline_chain"]
    with_commands = [(node.text or b"").decode() for node in chains if any(child.type == "command" for child in node.children)]
    assert sorted(with_commands) == [
        "& ([ScriptBlock]::Create($document.script)) $document.arguments $secrets",
        "New-Object -TypeName System.Security.SecureString",
        "[Console]::In.ReadLine() | ConvertFrom-Json",
    ]


@each_script
def test_its_form(script: pathlib.Path) -> None:
    content = script.read_bytes()
    assert content.isascii()
    assert b"\r" not in content
    assert content.endswith(b"\n")
    assert len(content.splitlines()) <= 40
    statements = [node for node in PARSER.parse(content).root_node.children if node.type != "comment"]
    parameters = b"param($arguments, $secrets)" if script.stem in GIVEN else b"param($arguments)"
    assert (statements[0].type, statements[0].text) == ("param_block", parameters)
    last = content.splitlines()[-1]
    assert last.startswith(b"ConvertTo-Json -InputObject ")
    assert b" -Compress" in last


@each_script
def test_it_runs_cmdlets_only(script: pathlib.Path) -> None:
    # A program would get its arguments, and with them perhaps a secret, on a command line; an alias may mean something else.
    called = set(texts(script.read_bytes(), "command_name", "command_name_expr"))
    other = {name for name in called if not re.fullmatch(r"[A-Z][A-Za-z]+-[A-Z][A-Za-z]+", name)}
    assert other == GIVEN.get(script.stem, set())
    assert called.isdisjoint({"Start-Process", "Invoke-Expression", "Start-Job", "Add-Type", "Write-Host", "Write-Output"})


@each_script
def test_a_secret_stays_a_secure_string(script: pathlib.Path) -> None:
    text = script.read_text()
    for secret in SECRETS:
        assert f"$arguments.{secret}" not in text
        assert text.count(f"$secrets.{secret}") == (1 if script.stem in GIVEN else 0)
    assert len(re.findall(r"\$secrets\b(?!\.)", text)) == (1 if script.stem in GIVEN else 0), "only as a parameter"
    assert re.search(r"SecureString|GetNetworkCredential|Marshal|\$PSBoundParameters|\$args\b", text) is None


@each_script
def test_it_uses_nothing_newer_than_windows_powershell(script: pathlib.Path) -> None:
    code = [line for line in script.read_text().splitlines() if not line.startswith("#")]
    assert [line for line in code if NEWER.search(line)] == []


@each_script
def test_script_and_arguments_travel_on_standard_input_only(script: pathlib.Path) -> None:
    lines: list[tuple[str, ...]] = []
    inputs: list[list[bytes]] = []

    class Recorder:
        def run(self, command: str, arguments: t.Sequence[str], *, stdin: bytes, timeout: float) -> ProcessResult:
            lines.append((command, *arguments))
            inputs.append(stdin.splitlines())
            return ProcessResult(0, "{}\r\n", "")

    secrets = {name: f"the {name}" for name in SECRETS}
    powershell.run_script(Recorder(), script.read_text(), {"path": "C:\\"}, timeout=1, secrets=secrets)  # type: ignore[arg-type]
    assert lines == [(powershell.COMMAND, *powershell.ARGUMENTS)]
    ((document, *encoded),) = inputs
    assert json.loads(document) == {"script": script.read_text(), "arguments": {"path": "C:\\"}, "secrets": list(SECRETS)}
    assert [base64.b64decode(line).decode() for line in encoded] == list(secrets.values())

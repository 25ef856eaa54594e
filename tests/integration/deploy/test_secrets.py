# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets: nowhere in the output at the highest verbosity, on no command line of a server, in no file left behind."""

from __future__ import annotations

import os
import pathlib

from tests.integration.deploy.conftest import Deployment

NEEDLE_LENGTH = 24
"""Enough of a secret to be sure that it is it; a token may be cut by a line break."""


def test_no_secret_leaves_the_places_it_belongs_to(deployment: Deployment, tmp_path: pathlib.Path, short_directory: pathlib.Path) -> None:
    token = deployment.lab.token("registration")
    graph_token = deployment.lab.token("graph")
    password = deployment.lab.state["password"]
    temporary = short_directory
    log = tmp_path / "ansible.log"

    run = deployment.run(
        "-vvvvv",
        "--diff",
        variables={"connector_registration_token": token, "app_proxy_access_token": graph_token, "app_proxy_auth_source": "access_token"},
        environment={"TMPDIR": str(temporary), "ANSIBLE_LOCAL_TEMP": str(temporary), "ANSIBLE_LOG_PATH": str(log)},
    ).succeeded()
    assert deployment.lab.get("/tenant")["connectors"] != []

    needles = {"registration token": _middle(token), "Graph token": _middle(graph_token), "password": password}
    command_lines = "\n".join(process["command_line"] for process in deployment.lab.get("/processes"))
    left_behind = "\n".join(_text(path) for path in temporary.rglob("*") if path.is_file())
    for name, needle in needles.items():
        assert needle not in run.output, f"the {name} is in the output"
        assert needle not in log.read_text(), f"the {name} is in the log file"
        assert needle not in command_lines, f"the {name} is on a command line"
        assert needle not in left_behind, f"the {name} is in a temporary file"
    assert command_lines != ""


def _middle(token: str) -> str:
    """A part of the payload: the header is the same in every token, so it would prove nothing."""
    payload = token.split(".")[1]
    return payload[len(payload) // 2 :][:NEEDLE_LENGTH]


def _text(path: pathlib.Path) -> str:
    return path.read_bytes().decode(errors="replace") if os.access(path, os.R_OK) else ""

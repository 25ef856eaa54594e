# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the host modules answer when their job ends in an exception, over a real connection plugin that sends nothing."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.template import Templar

from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.options import Option, Options
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import ProtocolError, TransportError
from ansible_collections.entra.app_proxy.plugins.plugin_utils.host_action import HostAction, Result
from tests.support import connections

SECRET = "S3cret-of-the-test"


def run(error: Exception, *, done: t.Sequence[str] = ()) -> Result:
    class Failing(HostAction):
        OPTIONS = Options((Option("token", no_log=True),))

        def job(self, server: Server, options: t.Mapping[str, t.Any], check_mode: bool) -> Result:
            server.done.extend(done)
            raise error

    loader = DataLoader()
    task = Task.load({"name": "any", "entra.app_proxy.connector_info": {"token": SECRET}}, loader=loader)
    plugin = connections.connection("winrm", {"ansible_host": "web-01.example", "ansible_user": "admin", "ansible_password": SECRET})
    return Failing(task, plugin, PlayContext(), loader, Templar(loader), None).run(task_vars={})


@pytest.mark.parametrize(
    "error", [KeyError("token"), ValueError(f"no {SECRET}"), ZeroDivisionError(), HostError("no"), ProtocolError("no")]
)
def test_what_was_done_is_told_whatever_went_wrong(error: Exception) -> None:
    result = run(error, done=["install: the installer ran"])
    assert (result["failed"], result["changed"], result["done"]) == (True, True, ["install: the installer ran"])
    assert SECRET not in str(result)


def test_a_mistake_of_ours_says_so_and_shows_where() -> None:
    result = run(KeyError("sNames"))
    assert (result["failed"], result["changed"]) == (True, False)
    assert result["msg"].startswith("KeyError: 'sNames'. This is a bug in entra.app_proxy")
    assert "in job" in result["exception"]


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(AnsibleConnectionFailure):
        run(TransportError("refused", request_may_have_run=False))

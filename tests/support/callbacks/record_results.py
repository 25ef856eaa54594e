# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write what every task returned into the file that APP_PROXY_RESULTS names: a line of JSON each, as Ansible would show it."""

from __future__ import annotations

import json
import os
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record_results
type: notification
short_description: Write what every task returned into a file
description:
  - For the tests of this collection.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # ansible-core is not typed
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record_results"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._record_task(result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._record_task(result)

    def v2_runner_item_on_ok(self, result: t.Any) -> None:
        self._record(result)

    def v2_runner_item_on_failed(self, result: t.Any) -> None:
        self._record(result)

    def _record_task(self, result: t.Any) -> None:
        # The items of a loop come one by one.
        if result._task.loop is None:
            self._record(result)

    def _record(self, result: t.Any) -> None:
        shown = json.loads(self._dump_results(result._result, indent=0))
        line = json.dumps({"task": result._task.get_name(), "action": result._task.action, "result": shown})
        with open(os.environ["APP_PROXY_RESULTS"], "a", encoding="utf-8") as file:
            file.write(f"{line}\n")

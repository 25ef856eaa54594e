# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The task result of every module that reconciles connector groups: the same keys, in check mode as well. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.reconcile import Reconciled, blocked_dicts
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.summary import summary

Result = dict[str, t.Any]


def task_result(done: Reconciled, *, diff: bool, problems: t.Sequence[str] = ()) -> Result:
    """The result.

    :param problems: further reasons why the task fails.
    """
    result: Result = {
        "changed": done.outcome.changed,
        "plan": done.plan.as_dict(),
        "summary": summary(done.plan, done.refused),
        "blocked": blocked_dicts(done.outcome.blocked),
        "failures": [error.as_dict() for error in done.outcome.failures],
    }
    if diff:
        result["diff"] = done.plan.diff()
    reasons = list(dict.fromkeys([*done.errors, *problems]))
    if reasons:
        result.update(failed=True, msg=". ".join(reason.rstrip(".") for reason in reasons))
    return result

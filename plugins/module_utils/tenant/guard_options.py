# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The options of connector_group_guard and connector_drain, and the question that they ask."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import read_groups
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.drain import Waiting
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.guard import DOWN, LEAVE, Accepted, Question
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.options import GROUP, Field

Params = t.Mapping[str, t.Any]

_COMMON = (
    Field("groups", type="list", elements="dict", required=True, options=GROUP),
    Field("hosts", type="list", elements="str", required=True),
    Field("accepted_shortfall", type="int", default=0),
    Field("accepted_outages", type="list", elements="str"),
    Field("accept_default_in_use", type="bool", default=False),
    Field("retiring", type="bool", default=False),
    Field("wait_timeout", type="int", default=0),
    Field("wait_interval", type="int", default=5),
)

GUARD = (
    *_COMMON,
    Field("step", default=LEAVE, choices=(LEAVE, DOWN)),
    Field("refusals", default="fail", choices=("fail", "report")),
)

DRAIN = (
    *_COMMON,
    Field("state", required=True, choices=("drained", "returned")),
    Field("wait_for", type="list", elements="str"),
    Field("refusals", default="fail", choices=("fail", "report")),
)


def question_of(params: Params) -> Question:
    """The question that a task's parameters ask.

    :raises DesiredError: the groups cannot be meant.
    """
    accepted = Accepted(
        shortfall=max(0, params["accepted_shortfall"]),
        outage_of=tuple(params["accepted_outages"] or ()),
        default_in_use=params["accept_default_in_use"],
    )
    return Question(
        groups=tuple(read_groups(params["groups"])),
        hosts=tuple(dict.fromkeys(params["hosts"])),
        step=params.get("step") or LEAVE,
        accepted=accepted,
        retiring=params["retiring"],
    )


def waiting_of(params: Params) -> Waiting:
    """How long a task's parameters let it wait."""
    hosts = params.get("wait_for")
    return Waiting(params["wait_timeout"], params["wait_interval"], None if hosts is None else tuple(hosts))

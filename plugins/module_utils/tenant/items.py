# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What became of each declared, and each purged, connector group. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan
from ansible_collections.entra.app_proxy.plugins.module_utils.service import folded
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.apply import Identity, Outcome, identity
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.report import Result
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import Target
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import ConnectorGroup, gather

CREATED, DELETED, CHANGED, UNCHANGED = "created", "deleted", "changed", "unchanged"
REFUSED, FAILED, KEPT = "refused", "failed", "kept"


def items(targets: t.Iterable[Target], plan: Plan, outcome: Outcome, kept: t.Iterable[tuple[ConnectorGroup, str]]) -> list[Result]:
    """One entry for each group: name, status, changed, its steps and the reasons why something was not done."""
    done = {identity(change) for change in outcome.done}
    blocked = gather(outcome.blocked, lambda one: folded(one.group))
    numbered = list(enumerate(plan.changes))
    arriving = gather(numbered, lambda one: _home(one[1]))
    leaving = gather(numbered, lambda one: one[1].data.get("source"))
    entries = []
    for target in targets:
        steps = dict(arriving.get(target.key, ()))
        if target.desired.absent or target.leaving:
            steps.update(leaving.get(target.key, ()))
        reasons = [one.reason for one in blocked.get(folded(target.name), ())]
        entries.append(_item(target, [steps[number] for number in sorted(steps)], reasons, done, outcome.failed))
    return [*entries, *(_entry(group.name, KEPT, [], [reason]) for group, reason in kept)]


def _item(
    target: Target, steps: t.Sequence[Change], reasons: list[str], done: t.Collection[Identity], failed: t.Mapping[Identity, str]
) -> Result:
    taken = [change for change in steps if identity(change) in done]
    broken = [failed[identity(change)] for change in steps if identity(change) in failed]
    if broken:
        status = FAILED
    elif reasons:
        status = REFUSED
    elif any(change.action == "create" for change in taken):
        status = CREATED
    elif any(change.action == "delete" for change in taken):
        status = DELETED
    else:
        status = CHANGED if taken else UNCHANGED
    return _entry(target.name, status, [change.line() for change in taken], list(dict.fromkeys([*reasons, *broken])))


def _home(change: Change) -> str | None:
    """A step belongs to the group that it brings something to; one that only takes something away, to the group that it takes it from."""
    home: str | None = change.data.get("source") if change.action == "unassign" else change.data["group"]
    return home


def _entry(name: str, status: str, steps: list[str], reasons: list[str]) -> Result:
    return {"name": name, "status": status, "changed": bool(steps), "steps": steps, "reasons": reasons}

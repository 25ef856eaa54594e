# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Purge: groups that are not declared are deleted, as far as that is allowed. Judged before anything is applied. Pure."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Plan
from ansible_collections.entra.app_proxy.plugins.module_utils.service import folded
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredGroup
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import DesiredError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import Resolution
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import ConnectorGroup, TenantState

_LIMIT = re.compile(r"(\d+)\s*(%?)")


@dataclasses.dataclass(frozen=True)
class Limit:
    """How many groups may be deleted in one run. C(percent): of the groups that the tenant has beside Default, rounded down."""

    number: int
    percent: bool = False

    def allows(self, deletes: int, total: int) -> bool:
        return deletes <= (total * self.number // 100 if self.percent else self.number)

    def __str__(self) -> str:
        return f"{self.number}%" if self.percent else str(self.number)


@dataclasses.dataclass(frozen=True)
class Purge:
    """Delete what is not declared.

    :param in_use: also groups that applications use; these then fall back to Default.
    """

    limit: Limit
    in_use: bool = False


@dataclasses.dataclass(frozen=True)
class Undeclared:
    """What purge means in this tenant.

    :param groups: declarations that the undeclared groups do not exist; applications and connectors go to Default before.
    :param kept: undeclared groups that stay, with the reason.
    """

    groups: tuple[DesiredGroup, ...] = ()
    kept: tuple[tuple[ConnectorGroup, str], ...] = ()


def read_limit(text: str) -> Limit:
    """The option max_delete.

    :raises DesiredError: it is neither a number nor a percentage.
    """
    match = _LIMIT.fullmatch(text.strip())
    if match is None or (match[2] and int(match[1]) > 100):
        raise DesiredError([f"max_delete must be a number, such as 3, or a percentage up to 100%, such as 10%, and not {text!r}"])
    return Limit(int(match[1]), bool(match[2]))


def undeclared(resolution: Resolution, state: TenantState, purge: Purge) -> Undeclared:
    """The groups that are not declared. Default and groups of other products are never among them."""
    declared = {target.key for target in resolution.targets}
    claimed = {one.id for target in resolution.targets for one in target.applications}
    groups: list[DesiredGroup] = []
    kept: list[tuple[ConnectorGroup, str]] = []
    for group in _own(state):
        if group.id in declared:
            continue
        users = [one for one in state.applications_of(group.id) if one.id not in claimed]
        if users and not purge.in_use:
            kept.append(
                (group, f"connector group {group.name} is not purged: {len(users)} application(s) use it, and purge_in_use is false")
            )
        else:
            groups.append(_absent(group, release=purge.in_use))
    return Undeclared(tuple(groups), tuple(kept))


def judge(plan: Plan, state: TenantState, purge: Purge) -> None:
    """Refuse a plan that deletes too much: an inventory that was read half must not empty a tenant.

    :raises DesiredError: with the numbers.
    """
    deletes = sum(change.action == "delete" for change in plan.changes)
    total = len(_own(state))
    if purge.limit.allows(deletes, total):
        return
    names = ", ".join(change.name for change in plan.changes if change.action == "delete")
    raise DesiredError(
        [
            f"Too many deletes, {deletes} of {total} connector group(s) ({100 * deletes // total} %) are over max_delete={purge.limit},"
            f" force required: nothing was changed. Would be deleted: {names}. If that is meant, raise max_delete"
        ]
    )


def _own(state: TenantState) -> list[ConnectorGroup]:
    return sorted((group for group in state.groups if not group.is_default), key=lambda one: (folded(one.name), one.id))


def _absent(group: ConnectorGroup, *, release: bool) -> DesiredGroup:
    return DesiredGroup(group.name, id=group.id, absent=True, only_connectors=True, only_applications=release)


def kept_warning(kept: t.Sequence[tuple[ConnectorGroup, str]]) -> str:
    """That undeclared groups stay because they are in use."""
    listed = ", ".join(group.name for group, _reason in kept)
    return f"connector group(s) not declared and not purged, as applications use them: {listed}" if kept else ""

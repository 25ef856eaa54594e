# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The connector group of one application: a declared group with this one application, and from there on the same as for a fleet."""

from __future__ import annotations

import dataclasses

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import GUID, DesiredGroup
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import DesiredError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.observe import complete_groups, find_applications, observe_lists
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.reconcile import Reconciled, Rules, reconcile
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.report import Result, application_result, group_brief
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.resolve import ApplicationIndex, resolve
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import Application, TenantState


@dataclasses.dataclass(frozen=True)
class Kept:
    """What was done, and which group the application uses now (in check mode: would use)."""

    done: Reconciled
    application: Result
    connector_group: Result | None


def keep_assignment(client: GraphClient, application: str, group: str | None, *, absent: bool, minimum: int, check_mode: bool) -> Kept:
    """Let an application use a group, or with C(absent) not use it (without C(group): none of its own).

    :param minimum: active connectors that the group needs which it then uses.
    :raises TenantError: the tenant could not be read, or what is asked for cannot be meant; nothing was changed.
    """
    wish = _wish(application, group, absent=absent, minimum=minimum)
    state = find_applications(client, observe_lists(client), [wish or DesiredGroup("", applications=(application,))])
    found = _application(application, state, must_be_published=not absent)
    if wish is None:
        own = state.group(found.group_id)
        wish = _leave(own.id, application) if own is not None and not own.is_default else None
    desired = [wish] if wish is not None else []
    state = _completed(client, state, desired)
    how = Rules(check_mode=check_mode, wait_timeout=0, default_minimum=minimum)
    done = reconcile(client, desired, how, state)
    now = next((one for one in done.state.applications if one.id == found.id), found)
    return Kept(done, application_result(now), group_brief(done.state.group(now.group_id)))


def _wish(application: str, group: str | None, *, absent: bool, minimum: int) -> DesiredGroup | None:
    """The declaration; None when it depends on which group the application uses now."""
    if group is None:
        return None
    identifier, name = (group, "") if GUID.match(group) else (None, group)
    if absent:
        return DesiredGroup(name, id=identifier, must_exist=True, remove_applications=(application,))
    return DesiredGroup(name, id=identifier, must_exist=True, applications=(application,), min_connectors=minimum)


def _leave(group_id: str, application: str) -> DesiredGroup:
    return DesiredGroup("", id=group_id, must_exist=True, remove_applications=(application,))


def _application(reference: str, state: TenantState, *, must_be_published: bool) -> Application:
    reasons: list[str] = []
    found = ApplicationIndex(state.applications).find(reference, reasons, must_be_published=must_be_published)
    if found is None:
        raise DesiredError(reasons)
    return found


def _completed(client: GraphClient, state: TenantState, desired: list[DesiredGroup]) -> TenantState:
    """The state with what is in the declared group and in Default."""
    keys = {target.key for target in resolve(desired, state).targets}
    groups = [group for group in state.groups if group.is_default or group.id in keys]
    return complete_groups(client, state, groups)

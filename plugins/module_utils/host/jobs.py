# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What each host module does, from validated options to its result: observe, plan, and, unless it is check mode, apply."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import (
    apply_connector,
    apply_registration,
    apply_removal,
    disk,
    plan_connector,
    plan_registration,
    plan_removal,
    restart_note,
    service_control,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.host.apply_leftovers import existing_folders, remove_left_behind
from ansible_collections.entra.app_proxy.plugins.module_utils.host.apply_registration import Credentials
from ansible_collections.entra.app_proxy.plugins.module_utils.host.claim import Claim, foreign, refuse, require_free
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_restart import restart_if_due, until_restart
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_run import Limits, Restarts
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_source import Source, check_controller_file
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_version import offered_version
from ansible_collections.entra.app_proxy.plugins.module_utils.host.leftovers import Leftovers, leftovers, product_folders
from ansible_collections.entra.app_proxy.plugins.module_utils.host.outcome import outcome
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import REGISTERED, HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Plan
from ansible_collections.entra.app_proxy.plugins.module_utils.registration_token import TokenError, check_token
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import Registry

Values = t.Mapping[str, t.Any]
Result = dict[str, t.Any]


def connector(server: Server, options: Values, check_mode: bool) -> Result:
    """Installed (or absent), in at least the declared version, with both services right."""
    absent = options["state"] == "absent"
    source = _source(options)
    before = service_control.settled(server, options["poll_interval"])
    awaited, deferred = _awaited(server, options, before), Plan()
    if absent:
        plan = _removal_plan(server, options, before, awaited)
        claim = _heeded(server, plan, check_mode)
        after = _remove(server, options, plan, before, source, check_mode)
    else:
        desired = _desired(server, options, before, source, check_mode)
        left = _left(server, options, before)
        plan, deferred = (make(desired, before, left, awaited) for make in (plan_connector.plan, plan_connector.deferred))
        claim = _heeded(server, plan, check_mode)
        with _warned(server, plan):
            after = _install(server, options, desired, plan, before, source, check_mode)
    if options["remove_leftovers"] and _runs_installer(plan) and not check_mode:
        with until_restart(server, _restarts(options)):
            remove_left_behind(server, after)
    known = plan_registration.known_ids(options["known_connectors"])
    required = None if absent else plan_registration.reason_to_register(after, options["tenant_id"], known)
    kept = None if absent or check_mode else _kept(plan, before, after, server)
    return {
        **outcome(plan, server, check_mode),
        "connector": after.as_dict(),
        "registration": {**_judged(after, required), "kept": kept},
        "reboot_required": _restart_waits(server, options, plan, after, awaited, check_mode),
        "rebooted": _has_started_again(before, after),
        "deferred": deferred.as_dict(),
        "claim": claim.as_dict() if claim else None,
    }


def registration(server: Server, options: Values, check_mode: bool) -> Result:
    """Registered in the declared tenant."""
    desired = plan_registration.Desired(
        tenant_id=options["tenant_id"].lower(),
        allow_tenant_change=options["allow_tenant_change"],
        force=options["force"],
        known=plan_registration.known_ids(options["known_connectors"]),
    )
    before = service_control.settled(server, options["poll_interval"])
    plan = plan_registration.plan(desired, before)
    credentials = Credentials(options["token"], options["user"], options["password"])
    if plan:
        _check_credentials(credentials, desired.tenant_id, before, server, check_mode)
    after = before
    if plan and not check_mode:
        require_free(server)
        limits = Limits(options["timeout"], options["poll_interval"])
        after = apply_registration.apply(before, desired.tenant_id, credentials, options["environment_name"], server, limits)
    # What the tenant was known to have is older than the registration.
    known = None if after is not before else desired.known
    required = plan_registration.reason_to_register(after, desired.tenant_id, known)
    return {
        **outcome(plan, server, check_mode),
        "connector": after.as_dict(),
        "registration": _judged(after, required),
    }


def info(server: Server, options: Values, _check_mode: bool) -> Result:
    """Raw facts."""
    server.reads_renewed = options["read_certificate"]
    state = server.observe()
    known = plan_registration.known_ids(options["known_connectors"])
    required = plan_registration.reason_to_register(state, options["tenant_id"], known)
    return {"changed": False, "connector": state.as_dict(), "registration": _judged(state, required)}


def _heeded(server: Server, plan: Plan, check_mode: bool) -> Claim | None:
    """Change nothing on a server that another run works on; tell who does also where nothing is to be changed.

    :raises HostError: there is something to do, and the server is not ours.
    """
    found = foreign(server)
    server.learnt["claim"] = found.as_dict() if found else None
    if plan and not check_mode:
        refuse(server, found)
    return found


def _source(options: Values) -> Source:
    return Source(
        file=options["installer_file"],
        path=options["installer_path"],
        url=options["installer_url"],
        proxy=options["installer_proxy"],
        sha256=options["installer_sha256"],
        verify_publisher=options["verify_publisher"],
        minimum=None if options["state"] == "absent" else options["version"],
    )


@contextlib.contextmanager
def _warned(server: Server, plan: Plan) -> t.Iterator[None]:
    """What the plan warns of may be why it fails."""
    try:
        yield
    except HostError:
        for warning in plan.warnings:
            server.warn(warning)
        raise


def _desired(server: Server, options: Values, before: HostState, source: Source, check_mode: bool) -> plan_connector.Desired:
    offered = None
    if options["state"] == "latest" and before.installed:
        offered, reason = offered_version(server, source, before.os.windows_directory, options["install_timeout"], check_mode)
        if offered is None:
            server.warn(f"whether the installed connector is the latest was not judged: {reason}")
    return plan_connector.Desired(
        version=options["version"],
        offered=offered,
        strategy=options["upgrade_strategy"],
        remove_leftovers=options["remove_leftovers"],
        restart=options["reboot"],
        upgrade_serving=options["upgrade_serving"],
    )


def _left(server: Server, options: Values, before: HostState) -> Leftovers:
    """What an earlier installation has left. On a whole installation it is looked for only when it is to be removed."""
    if before.installed and not options["remove_leftovers"]:
        return Leftovers()
    folders = existing_folders(server.session, product_folders(before))
    # Looking for products takes a shell.
    asks = options["remove_leftovers"] and not before.installed
    return leftovers(before, folders, apply_removal.listed_names(server) if asks else ())


def _install(
    server: Server, options: Values, desired: plan_connector.Desired, plan: Plan, before: HostState, source: Source, check_mode: bool
) -> HostState:
    if _runs_installer(plan):
        check_controller_file(source)
        disk.check_space(server.session, before.os.drive, source.copied_bytes, options["minimum_free_mib"])
    if not plan or check_mode:
        return before
    restarts, now = _restarts(options), before
    if plan_connector.restarts_first(plan) and restart_if_due(server, restarts):
        now = server.observe()
        # The restart may have completed what an earlier run has begun: then what was left of it belongs to the connector.
        plan = plan_connector.plan(dataclasses.replace(desired, upgrade_serving=True), now, _left(server, options, now))
    return apply_connector.apply(plan, desired, now, source, server, _limits(options), restarts)


def _awaited(server: Server, options: Values, before: HostState) -> tuple[str, ...]:
    """What waits for a restart since an earlier run. Asked for only where something follows from it: it takes an exchange."""
    if not options["reboot"] and options["state"] != "absent":
        return ()
    return restart_note.awaited(Registry(server.session), before.os)


def _removal_plan(server: Server, options: Values, before: HostState, awaited: t.Sequence[str]) -> Plan:
    folders: list[str] = []
    if options["remove_folders"]:
        folders = existing_folders(server.session, product_folders(before, data=True))
    products = apply_removal.listed_names(server) if before.absent else []
    return plan_removal.plan(before, folders, products, restart=options["reboot"], awaited=awaited)


def _remove(server: Server, options: Values, plan: Plan, before: HostState, source: Source, check_mode: bool) -> HostState:
    if plan and source.given and not before.absent:
        check_controller_file(source)
    if not plan or check_mode:
        return before
    if _plans_restart(plan):
        restart_note.add(Registry(server.session), before.os, [apply_removal.REMOVAL], server.now())
    return apply_removal.apply(plan, before, source, server, _limits(options), _restarts(options))


def _runs_installer(plan: Plan) -> bool:
    return any(change.action in plan_connector.INSTALLER_ACTIONS for change in plan.changes)


def _restart_waits(server: Server, options: Values, plan: Plan, after: HostState, awaited: t.Sequence[str], check_mode: bool) -> bool:
    """Whether something waits for a restart of the server; in check mode, whether it would after the plan's own restart."""
    if check_mode or not plan:
        return bool(awaited) and not _plans_restart(plan)
    asked = options["reboot"] or options["state"] == "absent" or _runs_installer(plan)
    return bool(asked and restart_note.awaited(Registry(server.session), after.os))


def _has_started_again(before: HostState, after: HostState) -> bool:
    """By the server's own clock; whoever restarted it."""
    began, boot = before.os.local_time, after.os.last_boot
    return began is not None and boot is not None and boot > began


def _plans_restart(plan: Plan) -> bool:
    return any(change.action == plan_connector.RESTART for change in plan.changes)


def _kept(plan: Plan, before: HostState, after: HostState, server: Server) -> bool | None:
    """Whether the registration has outlived the installer; None when there was none, or no installer ran."""
    if not _runs_installer(plan) or before.registration.state != REGISTERED:
        return None
    kept = after.registration.state == REGISTERED and after.registration.connector_id == before.registration.connector_id
    server.done.append("the registration was kept" if kept else "the registration was not kept: the host has to be registered again")
    return kept


def _limits(options: Values) -> Limits:
    return Limits(options["install_timeout"], options["poll_interval"])


def _restarts(options: Values) -> Restarts:
    return Restarts(options["reboot"], options["reboot_timeout"], options["poll_interval"])


def _check_credentials(credentials: Credentials, tenant_id: str, state: HostState, server: Server, check_mode: bool) -> None:
    """Refuse what cannot work before anything is changed. Check mode does not need a secret, but judges one that is there."""
    if credentials.token is not None:
        try:
            check_token(credentials.token, tenant_id, server.now())
        except TokenError as error:
            raise HostError(str(error), operation="check the registration token", reasons=error.reasons) from error
    elif not credentials.given and not check_mode:
        raise HostError(
            f"{state.machine_name} has to be registered, and neither token nor user and password are given. Get a token with"
            " entra.app_proxy.registration_token and hand it over in the option token",
            operation="check the registration token",
        )


def _judged(state: HostState, reason: str | None) -> Result:
    return {"required": reason is not None, "reason": reason, "state": state.registration.state}

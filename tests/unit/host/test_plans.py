# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plans of a host: tables of what is planned, and properties that hold from any state."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.host import plan_connector, plan_registration, plan_removal
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.leftovers import Leftovers
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState, Installation, ServiceState
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Change, Plan
from tests.unit.host import builders
from tests.unit.host.builders import NOW, OTHER_TENANT, TENANT, certificate, days, host, service

REGISTERED = (certificate(),)
EXPIRED = (certificate(not_before=NOW - days(200), not_after=NOW - days(20)),)
ELSEWHERE = (certificate(tenant_id=OTHER_TENANT),)
VERSIONS = st.sampled_from([None, "1.5", "1.5.3829.0", "1.5.4892.0"])


def stopped(*names: str, mode: str = "Auto") -> dict[str, ServiceState]:
    return {name: service(name, "Stopped" if name in names else "Running", mode) for name in ("WAPCSvc", "WAPCUpdaterSvc")}


@pytest.mark.parametrize(
    ("state", "version", "expected"),
    [
        (builders.absent(), None, ["+ install connector NAM-WEB-01 (installed: True): no connector is installed"]),
        (
            builders.absent(),
            "1.5.3829.0",
            ["+ install connector NAM-WEB-01 (installed: True, version: at least 1.5.3829.0): no connector is installed"],
        ),
        (host(certificates=REGISTERED), "1.5.4892.0", []),
        (host(certificates=REGISTERED), "1.5.4892", []),
        (
            host(certificates=REGISTERED),
            "1.5.5000.0",
            [
                "~ upgrade connector NAM-WEB-01 (version: 1.5.4892.0 -> at least 1.5.5000.0):"
                " the installed version is below the declared minimum"
            ],
        ),
        (
            host(services={"WAPCSvc": service("WAPCSvc")}, certificates=REGISTERED),
            None,
            ["~ repair connector NAM-WEB-01 (installed: False -> True): the installation is incomplete, missing: service WAPCUpdaterSvc"],
        ),
        (
            host(services=stopped("WAPCSvc"), certificates=REGISTERED),
            None,
            ["~ start service WAPCSvc (state: Stopped -> Running): the services of a registered connector must run all the time"],
        ),
        (host(services=stopped("WAPCSvc")), None, []),
        (
            host(services={**stopped(), "WAPCUpdaterSvc": service("WAPCUpdaterSvc", "Stopped", "Disabled")}),
            None,
            ["~ configure service WAPCUpdaterSvc (start_mode: Disabled -> Auto): it must start with the server"],
        ),
    ],
)
def test_what_is_planned_for_an_installation(state: HostState, version: str | None, expected: list[str]) -> None:
    assert plan_connector.plan(plan_connector.Desired(version), state).lines() == expected


NEWER = plan_connector.Desired("1.5.5000.0", upgrade_serving=False)
ANY = plan_connector.Desired(upgrade_serving=False)
UPGRADE = [
    "~ upgrade connector NAM-WEB-01 (version: 1.5.4892.0 -> at least 1.5.5000.0): the installed version is below the declared minimum"
]


@pytest.mark.parametrize(
    ("state", "desired", "planned", "deferred"),
    [
        pytest.param(host(certificates=REGISTERED), NEWER, [], UPGRADE, id="it serves"),
        pytest.param(host(services=stopped("WAPCUpdaterSvc"), certificates=REGISTERED), NEWER, ["start"], UPGRADE, id="it serves; mended"),
        pytest.param(
            host(services=stopped("WAPCSvc"), certificates=REGISTERED), NEWER, ["start", "upgrade"], [], id="its service is stopped"
        ),
        pytest.param(host(), NEWER, ["upgrade"], [], id="it is not registered"),
        pytest.param(host(certificates=EXPIRED), NEWER, ["upgrade"], [], id="its registration has expired"),
        pytest.param(builders.absent(), NEWER, ["install"], [], id="it is new"),
        pytest.param(host(certificates=REGISTERED), ANY, [], [], id="it serves, and any version will do"),
        pytest.param(
            host(services={"WAPCSvc": service("WAPCSvc")}, certificates=REGISTERED),
            ANY,
            [],
            ["~ repair connector NAM-WEB-01 (installed: False -> True): the installation is incomplete, missing: service WAPCUpdaterSvc"],
            id="it serves without its updater",
        ),
        pytest.param(
            host(certificates=REGISTERED),
            plan_connector.Desired(offered="1.5.5000.0", strategy="reinstall", upgrade_serving=False),
            [],
            ["~ reinstall connector NAM-WEB-01 (version: 1.5.4892.0 -> 1.5.5000.0): the installer is newer than what is installed"],
            id="it serves, and the latest is wanted",
        ),
    ],
)
def test_what_would_interrupt_a_connector_that_serves_is_deferred_and_all_else_planned(
    state: HostState, desired: plan_connector.Desired, planned: list[str], deferred: list[str]
) -> None:
    assert sorted(plan_connector.plan(desired, state).counts()) == planned
    assert plan_connector.deferred(desired, state).lines() == deferred


@given(
    state=builders.host_states(),
    version=VERSIONS,
    strategy=st.sampled_from(["in_place", "reinstall"]),
    remove_leftovers=st.booleans(),
    restart=st.booleans(),
    awaited=st.sampled_from([(), ("the installer",)]),
)
def test_nothing_is_lost_by_deferring_and_nothing_that_serves_is_interrupted(
    state: HostState, version: str | None, strategy: str, remove_leftovers: bool, restart: bool, awaited: tuple[str, ...]
) -> None:
    left = Leftovers((), (r"C:\Program Files\Microsoft AAD App Proxy Connector",))
    whole = plan_connector.Desired(version, strategy=strategy, remove_leftovers=remove_leftovers, restart=restart)
    careful = dataclasses.replace(whole, upgrade_serving=False)
    plan, deferred = (make(careful, state, left, awaited) for make in (plan_connector.plan, plan_connector.deferred))
    assert Plan.of([*plan.changes, *deferred.changes]) == dataclasses.replace(plan_connector.plan(whole, state, left, awaited), warnings=())
    interrupting = (*plan_connector.INSTALLER_ACTIONS, plan_connector.RESTART)
    assert not (state.serving and any(change.action in interrupting for change in plan.changes))
    assert not (deferred and not state.serving)
    assert not plan_connector.deferred(whole, state, left, awaited)


def test_an_unreadable_version_is_a_warning_and_no_change() -> None:
    state = host(installed=builders.installation(version=None), certificates=REGISTERED)
    plan = plan_connector.plan(plan_connector.Desired("1.5.3829.0"), state)
    assert not plan
    assert "cannot be read" in plan.warnings[0]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (builders.absent(), []),
        (host(), ["remove connector", "remove connector updater"]),
        (host(services={}, installed=Installation()), []),
        (host(services={"WAPCUpdaterSvc": service("WAPCUpdaterSvc")}, installed=Installation()), ["remove connector updater"]),
        (host(services={"WAPCSvc": service("WAPCSvc")}, installed=Installation()), ["remove connector"]),
    ],
)
def test_what_is_planned_for_a_removal(state: HostState, expected: list[str]) -> None:
    assert [f"{change.action} {change.kind}" for change in plan_removal.plan(state).changes] == expected


@pytest.mark.parametrize(
    ("state", "options", "reason"),
    [
        (host(certificates=REGISTERED), {}, None),
        (host(certificates=REGISTERED), {"force": True}, "it is forced"),
        (host(), {}, "the host is not registered"),
        (builders.absent(), {}, "the host is not registered"),
        (host(certificates=EXPIRED), {}, "the trust certificate has expired"),
        (host(certificates=(*EXPIRED, *REGISTERED)), {}, None),
        (host(certificates=ELSEWHERE), {"allow_tenant_change": True}, "the host is registered in another tenant"),
        (host(certificates=(certificate(tenant_id=None),)), {}, None),
    ],
)
def test_when_a_registration_is_planned(state: HostState, options: dict[str, bool], reason: str | None) -> None:
    plan = plan_registration.plan(plan_registration.Desired(TENANT, **options), state)
    assert [change.reason for change in plan.changes] == ([] if reason is None else [reason])


@pytest.mark.parametrize("options", [{}, {"force": True}])
def test_another_tenant_is_refused_unless_allowed(options: dict[str, bool]) -> None:
    with pytest.raises(HostError, match=f"registered in tenant {OTHER_TENANT}.*allow_tenant_change=true"):
        plan_registration.plan(plan_registration.Desired(TENANT, **options), host(certificates=ELSEWHERE))


def test_the_registration_plan_is_the_same_before_and_after_the_installation() -> None:
    desired = plan_registration.Desired(TENANT)
    assert plan_registration.plan(desired, builders.absent()) == plan_registration.plan(desired, host(trust_settings=False))


@given(state=builders.host_states(), version=VERSIONS)
def test_an_applied_installation_needs_nothing_more(state: HostState, version: str | None) -> None:
    desired = plan_connector.Desired(version)
    assert not plan_connector.plan(desired, _apply(plan_connector.plan(desired, state), state, desired))


@given(state=builders.host_states())
def test_an_applied_removal_needs_nothing_more(state: HostState) -> None:
    assert bool(plan_removal.plan(state)) is not state.absent
    removed = dataclasses.replace(state, services={}, installation=Installation())
    assert not plan_removal.plan(removed)


@given(state=builders.host_states())
def test_an_applied_registration_needs_nothing_more(state: HostState) -> None:
    desired = plan_registration.Desired(TENANT, allow_tenant_change=True)
    plan = plan_registration.plan(desired, state)
    # Newer than any that there is.
    certificates = (*state.certificates, certificate(not_before=NOW + days(0.001))) if plan else state.certificates
    registered = host(services=dict(state.services), installed=state.installation, certificates=certificates) if plan else state
    assert not plan_registration.plan(desired, registered)


@given(state=builders.host_states(), version=VERSIONS)
def test_a_plan_has_no_volatile_words_and_a_stable_order(state: HostState, version: str | None) -> None:
    plan = plan_connector.plan(plan_connector.Desired(version), state)
    assert plan == plan_connector.plan(plan_connector.Desired(version), state)
    assert list(plan.changes) == sorted(plan.changes, key=Change.sort_key)
    assert len({(change.kind, change.name) for change in plan.changes}) == len(plan.changes)


def _apply(plan: Plan, state: HostState, desired: plan_connector.Desired) -> HostState:
    """A model of what an installer and the service manager do."""
    for change in plan.changes:
        if change.action in plan_connector.INSTALLER_ACTIONS:
            services = {name: state.services.get(name, service(name, "Stopped")) for name in ("WAPCSvc", "WAPCUpdaterSvc")}
            version = desired.version or state.installation.version or "1.5.4892.0"
            state = dataclasses.replace(state, services=services, installation=builders.installation(version=version))
    # Services are looked at again after an installer, as apply does it.
    for change in plan_connector.service_changes(state):
        changed = dataclasses.replace(state.services[change.name], **(change.after or {}))
        state = dataclasses.replace(state, services={**state.services, change.name: changed})
    return state

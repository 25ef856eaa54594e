# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of the service over the tenant's state (graph.md 4), and registration (connector.md 5)."""

from __future__ import annotations

import datetime
import typing as t
import uuid

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lab.tenant import certificates
from tests.lab.tenant.errors import GraphError, RegistrationDenied
from tests.lab.tenant.models import Tenant
from tests.lab.timing import DAY
from tests.unit.lab.tenant_world import TenantWorld, make

ALLOWED_MOVES = [
    ("IN-DEFAULT", "NAM"),
    ("IN-DEFAULT", "EUR"),
    ("IN-NAM", "EUR"),
    ("IN-NAM", "Default"),
    ("IN-EUR", "EUR 2"),
    ("IN-EUR", "Default"),
    ("IN-EUR", "EUR"),
]


@pytest.mark.parametrize(("machine", "target"), ALLOWED_MOVES)
def test_a_move_leaves_the_connector_in_exactly_the_new_group(machine: str, target: str) -> None:
    world = make()
    world.tenant.move(world.connector(machine).id, world.group(target).id)
    holding = [
        group.name
        for group in world.tenant.now_state.groups.values()
        if machine in [member.machine_name for member in world.tenant.now_state.members(group.id)]
    ]
    assert holding == [target]


def test_a_move_between_two_other_regions_must_go_through_default() -> None:
    world = make()
    with pytest.raises(GraphError, match="default region"):
        world.tenant.move(world.connector("IN-EUR").id, world.group("NAM").id)


REFUSALS: list[tuple[str, t.Callable[[TenantWorld], t.Any]]] = [
    ("delete Default", lambda w: w.tenant.delete_group(w.group("Default").id)),
    ("rename Default", lambda w: w.tenant.update_group(w.group("Default").id, {"name": "x"})),
    ("delete with connectors", lambda w: w.tenant.delete_group(w.group("EUR").id)),
    ("region of a used group", lambda w: w.tenant.update_group(w.group("EUR").id, {"region": "nam"})),
    ("same region of a used group", lambda w: w.tenant.update_group(w.group("EUR").id, {"region": "eur"})),
    ("unknown region", lambda w: w.tenant.create_group("x", "moon")),
    ("no name", lambda w: w.tenant.create_group(" ", None)),
    ("name is no text", lambda w: w.tenant.create_group(t.cast(str, 7), None)),
    ("unassign from Default", lambda w: w.tenant.unassign(w.application("Payroll").id)),
    ("assign an unpublished application", lambda w: w.tenant.assign(w.application("Unpublished").id, w.group("NAM").id)),
    ("move to a foreign group", lambda w: w.tenant.move(w.connector("IN-NAM").id, w.group("Sync").id)),
    ("move nothing", lambda w: w.tenant.move(str(uuid.uuid4()), w.group("NAM").id)),
    ("move nowhere", lambda w: w.tenant.move(w.connector("IN-NAM").id, str(uuid.uuid4()))),
]


@pytest.mark.parametrize("act", [act for _name, act in REFUSALS], ids=[name for name, _act in REFUSALS])
def test_a_refused_write_changes_nothing(act: t.Callable[[TenantWorld], t.Any]) -> None:
    world = make()
    before = world.tenant.now_state
    with pytest.raises(GraphError):
        act(world)
    assert world.tenant.now_state is before


def test_an_application_alone_keeps_a_group_from_being_deleted() -> None:
    world = make()
    world.tenant.move(world.connector("IN-NAM").id, world.group("Default").id)
    with pytest.raises(GraphError, match="deleted while"):
        world.tenant.delete_group(world.group("NAM").id)
    world.tenant.unassign(world.application("Intranet").id)
    world.tenant.delete_group(world.group("NAM").id)
    assert "NAM" not in [group.name for group in world.tenant.now_state.groups.values()]


def test_a_group_without_region_gets_that_of_the_tenant_and_names_may_repeat() -> None:
    world = make(default_region="japan")
    first, second = world.tenant.create_group("Twin", None), world.tenant.create_group("Twin", None)
    assert (first.region, second.region) == ("japan", "japan")
    assert first.id != second.id


def test_unassigning_falls_back_to_default() -> None:
    world = make()
    world.tenant.unassign(world.application("Intranet").id)
    users = world.tenant.now_state.applications_of(world.group("Default").id)
    assert {application.display_name for application in users} == {"Intranet", "Payroll"}


def test_a_registered_connector_joins_default_and_becomes_active_after_its_delay() -> None:
    world = make()
    world.tenant.timing.becomes_active = 30
    registered = world.tenant.register("NEW", world.registration_token(), "1.5.4892.0")
    assert world.connector("NEW").group_id == world.group("Default").id

    def status() -> str:
        world.tenant.look()
        return world.tenant.status(world.connector("NEW"))

    assert status() == "inactive"
    world.running[registered.connector_id] = world.clock.now()
    assert status() == "inactive"
    world.clock.advance(31)
    assert status() == "active"
    del world.running[registered.connector_id]
    assert status() == "inactive"
    world.tenant.timing.becomes_inactive = 3600
    assert status() == "active"


def test_registering_the_same_machine_again_makes_a_second_connector() -> None:
    world = make()
    ids = {world.tenant.register("NEW", world.registration_token(), "1").connector_id for _unused in range(2)}
    assert len(ids) == 2


def test_the_first_registration_enables_publishing() -> None:
    world = make(publishing_enabled=False)
    world.tenant.register("NEW", world.registration_token(), "1")
    assert world.tenant.settings.publishing_enabled


def test_the_trust_certificate_names_connector_and_tenant() -> None:
    world = make()
    registered = world.tenant.register("NEW", world.registration_token(), "1")
    certificate = x509.load_der_x509_certificate(registered.certificate_der)
    extension = certificate.extensions.get_extension_for_oid(certificates.CONNECTOR_ID).value
    assert isinstance(extension, x509.UnrecognizedExtension)
    assert str(uuid.UUID(bytes_le=extension.value)) == registered.connector_id
    assert certificate.subject.rfc4514_string() == f"CN={world.tenant.tenant_id}"
    assert certificate.issuer.rfc4514_string() == "CN=connectorregistrationca.msappproxy.net"
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == datetime.timedelta(days=180)


BAD_TOKENS: list[tuple[str, t.Callable[[TenantWorld], str]]] = [
    ("expired", lambda w: w.registration_token(expires_in=-1)),
    ("other tenant", lambda w: w.registration_token(tenant_id=str(uuid.uuid4()))),
    ("guest", lambda w: w.registration_token(guest=True)),
    ("newline from pasting", lambda w: w.registration_token() + "\n"),
    ("wrapped", lambda w: w.registration_token()[:40] + " " + w.registration_token()[40:]),
    ("empty", lambda w: ""),
    ("nonsense", lambda w: "a.b.c"),
    ("for Graph", lambda w: w.tenant.identity.delegated_token("https://graph.microsoft.com", "client")),
    ("app-only", lambda w: w.tenant.identity.application_token("https://proxy.cloudwebappproxy.net/registerapp", "client")),
    ("of another lab", lambda w: make().registration_token(tenant_id=w.tenant.tenant_id)),
]


@pytest.mark.parametrize("token", [token for _name, token in BAD_TOKENS], ids=[name for name, _token in BAD_TOKENS])
def test_a_bad_token_does_not_register(token: t.Callable[[TenantWorld], str]) -> None:
    world = make()
    with pytest.raises(RegistrationDenied, match="The registration request was denied"):
        world.tenant.register("NEW", token(world), "1")
    assert "NEW" not in [connector.machine_name for connector in world.tenant.now_state.connectors.values()]


def test_somebody_who_is_no_administrator_does_not_register() -> None:
    world = make(user_is_administrator=False)
    with pytest.raises(RegistrationDenied):
        world.tenant.register("NEW", world.registration_token(), "1")


def test_password_registration_fails_silently_with_mfa() -> None:
    world = make()
    user = world.tenant.identity.user
    world.tenant.register_with_credentials("NEW", user.upn, user.password, "1")
    world.tenant.settings.user_needs_mfa = True
    with pytest.raises(RegistrationDenied) as caught:
        world.tenant.register_with_credentials("NEW", user.upn, user.password, "1")
    assert caught.value.silent
    with pytest.raises(RegistrationDenied) as caught:
        world.tenant.register_with_credentials("NEW", user.upn, "wrong", "1")
    assert not caught.value.silent


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 12 * DAY)), max_size=12))
@settings(max_examples=60, deadline=None)
def test_a_connector_vanishes_exactly_after_ten_days_without_its_service(phases: list[tuple[bool, float]]) -> None:
    world = make()
    world.tenant.timing.becomes_active = 0
    connector_id = world.tenant.register("NEW", world.registration_token(), "1").connector_id
    idle = 0.0
    for runs, seconds in phases:
        world.running.clear()
        if runs:
            world.running[connector_id] = world.clock.now()
        world.tenant.look()
        if runs and idle < 10 * DAY:
            idle = 0.0
        world.clock.advance(seconds)
        world.tenant.look()
        idle += 0 if runs and idle < 10 * DAY else seconds
    # Real time passes while the test runs: near the limit both answers are right.
    if abs(idle - 10 * DAY) > 60:
        assert (connector_id in world.tenant.now_state.connectors) == (idle < 10 * DAY)


def pick(data: st.DataObject, objects: t.Mapping[str, t.Any]) -> str:
    """Draw a position, not an id: ids are made at random."""
    return list(objects)[data.draw(st.integers(0, len(objects) - 1))]


ACTS: list[t.Callable[[Tenant, str, str, str], t.Any]] = [
    lambda tenant, connector, group, application: tenant.move(connector, group),
    lambda tenant, connector, group, application: tenant.delete_group(group),
    lambda tenant, connector, group, application: tenant.assign(application, group),
    lambda tenant, connector, group, application: tenant.unassign(application),
    lambda tenant, connector, group, application: tenant.create_group("New", "eur"),
    lambda tenant, connector, group, application: tenant.update_group(group, {"region": "aus", "name": "Changed"}),
]


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_is_asked_every_connector_is_in_one_group_and_one_group_is_default(data: st.DataObject) -> None:
    world = make()
    for _unused in range(data.draw(st.integers(0, 15))):
        state = world.tenant.now_state
        group = pick(data, state.groups)
        connector = pick(data, state.connectors)
        application = pick(data, state.applications)
        act = data.draw(st.sampled_from(ACTS))
        try:
            act(world.tenant, connector, group, application)
        except GraphError:
            assert world.tenant.now_state is state
    state = world.tenant.now_state
    members = [member.id for group_id in state.groups for member in state.members(group_id)]
    assert sorted(members) == sorted(state.connectors)
    assert sum(group.is_default for group in state.groups.values()) == 1
    assert all(application.group_id in (None, *state.groups) for application in state.applications.values())

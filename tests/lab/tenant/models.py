# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tenant: its state and the rules of the service over it. Nothing here knows of HTTP, OData or JSON bodies."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t
import uuid

from tests.lab.clock import Clock
from tests.lab.tenant import certificates
from tests.lab.tenant.errors import GraphError, RegistrationDenied, bad_request, not_found
from tests.lab.tenant.identity import Identity
from tests.lab.tenant.settings import Settings
from tests.lab.tenant.state import Application, Connector, Group, History, Snapshot
from tests.lab.timing import Timing

DENIED = (
    "Connector registration failed: Make sure you are an Application Administrator of your Active Directory to register the "
    "connector. Error: 'The registration request was denied.'"
)
"""connector.md 5.5 (MS)."""
FAILED = (
    "Connector registration failed: Make sure you enabled application proxy in the Azure Management Portal and that you entered "
    "your Active Directory user name and password correctly. Error: 'One or more errors occurred.'"
)


@dataclasses.dataclass(frozen=True)
class Registered:
    """What a server keeps after registration."""

    connector_id: str
    tenant_id: str
    certificate_der: bytes


class Tenant:
    """One Microsoft Entra tenant with Application Proxy. `liveness` tells which connectors run, and since when."""

    def __init__(self, *, identity: Identity, settings: Settings, clock: Clock, timing: Timing, snapshot: Snapshot) -> None:
        self.identity = identity
        self.settings = settings
        self.clock = clock
        self.timing = timing
        self.history = History(snapshot)
        self.liveness: t.Callable[[], t.Mapping[str, datetime.datetime]] = dict
        self._last_active: dict[str, datetime.datetime] = {}
        self._looked_at = clock.now()
        self._meet(snapshot)

    @property
    def tenant_id(self) -> str:
        """The tenant's id (GUID text, lower case)."""
        return self.identity.tenant_id

    @property
    def now_state(self) -> Snapshot:
        """The current state: what writes are judged by."""
        return self.history.current

    def readable(self, *, stale: bool = False) -> Snapshot:
        """Return the state that a read sees: an older one while the service is not yet consistent."""
        self.look()
        if stale:
            return self.history.before_last_write()
        if self.settings.stale_seconds:
            return self.history.as_of(self.clock.now() - datetime.timedelta(seconds=self.settings.stale_seconds))
        return self.history.current

    def forget(self, history: History) -> None:
        """Replace everything by a new history."""
        self.history = history
        self._last_active.clear()
        self._meet(history.current)

    # connectors: life and death

    def look(self) -> None:
        """Learn which connectors are alive, and forget those that were inactive for ten days (graph.md 4, MS).

        Every request looks, so this asks only those that a server may run; all are gone through when the first may vanish.
        """
        now = self.clock.now()
        running = self.liveness()
        for connector_id in self._watched:
            if self._is_up(running.get(connector_id), now):
                self._last_active[connector_id] = now
        self._looked_at = now
        if self._silent_since is not None and self._is_over(self._silent_since, now):
            self._bury(now)

    def _bury(self, now: datetime.datetime) -> None:
        state, oldest = self.now_state, None
        for connector in self.now_state.connectors.values():
            last = self._last_sign(connector)
            if last is None:
                continue
            if self._is_over(last, now):
                state = state.without_connector(connector.id)
                self._watched.discard(connector.id)
            elif oldest is None or last < oldest:
                oldest = last
        self._silent_since = oldest
        if state is not self.now_state:
            self._commit(state)

    def _meet(self, snapshot: Snapshot) -> None:
        """Note whom to watch, and a moment before which none fell silent."""
        self._watched = {connector.id for connector in snapshot.connectors.values() if connector.pinned_status is None}
        signs = [sign for connector in snapshot.connectors.values() if (sign := self._last_sign(connector)) is not None]
        self._silent_since = min(signs, default=None)

    def _last_sign(self, connector: Connector) -> datetime.datetime | None:
        """Return when a connector was last known to be alive; None for one that always is."""
        return None if connector.pinned_status == "active" else self._last_active.get(connector.id, connector.registered_at)

    def _is_over(self, since: datetime.datetime, now: datetime.datetime) -> bool:
        return now - since >= datetime.timedelta(seconds=self.timing.vanishes_after)

    def status(self, connector: Connector) -> str:
        """Return `active` or `inactive` (graph.md 3, MS), as of the last look."""
        if connector.pinned_status is not None:
            return connector.pinned_status
        last = self._last_active.get(connector.id)
        if last is None:
            return "inactive"
        silent = self._looked_at - last
        return "active" if not silent or silent < datetime.timedelta(seconds=self.timing.becomes_inactive) else "inactive"

    def _is_up(self, since: datetime.datetime | None, now: datetime.datetime) -> bool:
        return since is not None and now - since >= datetime.timedelta(seconds=self.timing.becomes_active)

    # connectors: registration

    def register(self, machine_name: str, token: str, version: str) -> Registered:
        """Register with a token. Raises RegistrationDenied when the service would not take it (connector.md 5.2, 5.3)."""
        if not self.identity.may_register(token):
            raise RegistrationDenied(DENIED)
        return self._register(machine_name, version)

    def register_with_credentials(self, machine_name: str, user: str, password: str, version: str) -> Registered:
        """Register with user and password. With MFA nothing happens and nothing is logged (connector.md 5.4, LIVE)."""
        if not self.identity.password_is_right(user, password):
            raise RegistrationDenied(FAILED)
        if self.settings.user_needs_mfa:
            raise RegistrationDenied("multifactor authentication is required", silent=True)
        if not self.settings.user_is_administrator:
            raise RegistrationDenied(DENIED)
        return self._register(machine_name, version)

    def _register(self, machine_name: str, version: str) -> Registered:
        """A registration always makes a new connector (inferred); it joins Default (graph.md 4, MS)."""
        now = self.clock.now()
        connector = Connector(str(uuid.uuid4()), machine_name, version, self.now_state.default.id, now)
        self.settings.publishing_enabled = True
        self.put_connector(connector)
        der = certificates.trust_certificate(connector.id, self.tenant_id, now, self.timing.certificate_days)
        return Registered(connector.id, self.tenant_id, der)

    def put_connector(self, connector: Connector) -> None:
        """Add or replace a connector."""
        old = self.now_state.connectors.get(connector.id)
        if old is not None and old.pinned_status == "active":
            self._last_active[connector.id] = self.clock.now()
        self._watched.discard(connector.id)
        if connector.pinned_status is None:
            self._watched.add(connector.id)
        sign = self._last_sign(connector)
        if sign is not None and (self._silent_since is None or sign < self._silent_since):
            self._silent_since = sign
        self._commit(self.now_state.with_connector(connector))

    def put_application(self, application: Application) -> None:
        """Add or replace an application."""
        self._commit(self.now_state.with_application(application))

    def put_group(self, group: Group) -> None:
        """Add or replace a group."""
        self._commit(self.now_state.with_group(group))

    # groups

    def create_group(self, name: str, region: str | None) -> Group:
        """Create a group. Without region it gets the tenant's (LIVE TF). Two groups may have one name (graph.md 4, UNV)."""
        self._check_name(name)
        if region is not None:
            self._check_region(region)
        group = Group(str(uuid.uuid4()), name, region or self.settings.default_region)
        self.put_group(group)
        return group

    def update_group(self, group_id: str, changes: t.Mapping[str, t.Any]) -> Group:
        """Change name and region. The region only while no connector and no application uses the group (graph.md 4, MS)."""
        group = self.group(group_id)
        if group.is_default:
            raise bad_request("The Default connector group can't be changed.")  # inferred: the documentation is silent
        if "name" in changes:
            self._check_name(changes["name"])
        if "region" in changes:
            self._check_region(changes["region"])
            if self._in_use(group):
                raise bad_request("The region can be set only if no connectors or applications are assigned to the group.")
        changed = dataclasses.replace(group, **changes)
        self.put_group(changed)
        return changed

    def delete_group(self, group_id: str) -> None:
        """Delete an empty group (graph.md 4, MS). Default is refused (inferred)."""
        group = self.group(group_id)
        if group.is_default:
            raise bad_request("The Default connector group can't be deleted.")
        if self._in_use(group):
            raise bad_request("The connector group can't be deleted while connectors or applications are assigned to it.")
        self._commit(self.now_state.without_group(group.id))

    def move(self, connector_id: str, group_id: str) -> tuple[Connector, Group]:
        """Put a connector into a group: a move, as it is always in exactly one (graph.md 4, MS)."""
        connector, target = self.connector(connector_id), self.group(group_id)
        source = self.now_state.groups[connector.group_id]
        via_default = source.region == self.now_state.default.region or target.is_default
        if source.region != target.region and not via_default:
            # ENTRADOC topology: only from a group in the default region. That Default is always open is inferred.
            raise bad_request(
                "You can only move connectors to your connector group if it is in a connector group using the default region."
            )
        moved = dataclasses.replace(connector, group_id=target.id)
        self.put_connector(moved)
        return moved, target

    def assign(self, application_id: str, group_id: str) -> None:
        """Let an application use a group. It must be published (graph.md 4, LIVE TF)."""
        application, group = self.published(application_id), self.group(group_id)
        self.put_application(dataclasses.replace(application, group_id=group.id))

    def unassign(self, application_id: str) -> None:
        """Let an application fall back to Default (LIVE TF); refused when it is there already (MS AADPS, EPS)."""
        application = self.published(application_id)
        if application.group_id in (None, self.now_state.default.id):
            raise bad_request("The application can't be removed from the 'Default' group unless it's being added to another group.")
        self.put_application(dataclasses.replace(application, group_id=None))

    # finding things (by default in the current state)

    def group(self, group_id: str, snapshot: Snapshot | None = None) -> Group:
        """Return an Application Proxy group; foreign ones are only in the list (graph.md 4, 3P EXP)."""
        group = (snapshot or self.now_state).groups.get(group_id.lower())
        if group is None or group.kind != "applicationProxy":
            raise not_found("ConnectorGroup", f"Connector group '{group_id}' not found.")
        return group

    def connector(self, connector_id: str, snapshot: Snapshot | None = None) -> Connector:
        """Return a connector."""
        connector = (snapshot or self.now_state).connectors.get(connector_id.lower())
        if connector is None:
            raise not_found("Connector", f"Connector '{connector_id}' not found.")
        return connector

    def application(self, application_id: str, snapshot: Snapshot | None = None) -> Application:
        """Return an application registration."""
        application = (snapshot or self.now_state).applications.get(application_id.lower())
        if application is None:
            text = f"Resource '{application_id}' does not exist or one of its queried reference-property objects are not present."
            raise GraphError(404, "Request_ResourceNotFound", text)
        return application

    def published(self, application_id: str, snapshot: Snapshot | None = None) -> Application:
        """Return an application that has onPremisesPublishing (text: graph.md 5, LIVE TF)."""
        application = (snapshot or self.now_state).applications.get(application_id.lower())
        if application is None or application.publishing is None:
            text = f"Application '{application_id}' not found or OnPremisesPublishing is not enabled for your tenant."
            raise not_found("Application", text)
        return application

    def _in_use(self, group: Group) -> bool:
        return bool(self.now_state.membership(group.id) or self.now_state.users(group.id))

    def _check_name(self, name: t.Any) -> None:
        if not isinstance(name, str) or not name.strip():
            raise bad_request("The name of a connector group can't be empty.")  # inferred

    def _check_region(self, region: t.Any) -> None:
        if region not in self.settings.regions:
            raise bad_request(f"Invalid value '{region}' for property 'region'.")  # inferred

    def _commit(self, snapshot: Snapshot) -> None:
        self.history.commit(snapshot, self.clock.now())

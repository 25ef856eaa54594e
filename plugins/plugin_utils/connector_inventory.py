# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The inventory plugin: options, cache and Ansible's inventory around what C(module_utils/tenant) knows of a tenant."""

from __future__ import annotations

import datetime
import typing as t

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable, get_cache_plugin

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import sdk
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.connection import Connection
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.deadline import Deadline
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import TenantError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.inventory import (
    HOST_NAME,
    GroupNames,
    Machine,
    Selection,
    machines_of,
    select,
    variables_of,
    warnings_of,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.observe import observe_placed
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.options import connection_of
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.snapshot import Snapshot, from_data, tenant_key, to_data
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import TenantState
from ansible_collections.entra.app_proxy.plugins.plugin_utils.templating import never_template

ENDINGS = ("app_proxy_connectors.yml", "app_proxy_connectors.yaml")
TEMPLATED = (
    "tenant_id",
    "client_id",
    "client_secret",
    "certificate_path",
    "certificate_password",
    "federated_token_file",
    "access_token",
    "graph_endpoint",
    "authority",
    "ca_file",
    "proxy",
)
"""The options that may be templates, when they stand in the inventory file."""

Options = dict[str, t.Any]


class ConnectorInventory(BaseInventoryPlugin, Constructable, Cacheable):  # type: ignore[misc]  # ansible-core is not typed
    """Hosts from the connectors of a tenant."""

    def verify_file(self, path: str) -> bool:
        if not super().verify_file(path):
            return False
        if path.endswith(ENDINGS):
            return True
        self.display.vvv(f"{self.NAME}: the name of {path} does not end with {' or '.join(ENDINGS)}")
        return False

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        self._require_sense(config)
        given = {name: value for name, value in {**config, **self._rendered(config)}.items() if value is not None}
        self.set_options(direct=given, var_options=self._vars)
        try:
            snapshot = self._snapshot(self.get_cache_key(path), cache)
            self._populate(snapshot.state, applications=snapshot.applications and self.get_option("include_applications"))
        except TenantError as error:
            raise AnsibleParserError(str(error)) from error

    def _require_sense(self, config: t.Mapping[str, t.Any]) -> None:
        """:raises AnsibleParserError: options that do not exist or contradict each other, all of them at once."""
        problems = [f"there is no option {name}" for name in sorted(set(config) - set(self._options))]
        if self.get_option("hostnames") and self.get_option("domain"):
            problems.append("domain is for the names that the plugin makes: leave it out, or write it into the expressions of hostnames")
        keeps = self.get_option("cache") and self.get_option("cache_plugin") not in ("memory", "ansible.builtin.memory")
        if self.get_option("use_expired_cache") and not keeps:
            problems.append("use_expired_cache needs a cache that outlives the run: cache=true, and a cache_plugin such as jsonfile")
        if problems:
            raise AnsibleParserError("; ".join(problems))

    def _rendered(self, config: t.Mapping[str, t.Any]) -> Options:
        """The options of the file that are templates, with extra variables and lookups. What comes out empty is not given."""
        self.templar.available_variables = self._vars
        rendered: Options = {}
        problems = []
        for name in TEMPLATED:
            if config.get(name) is None:
                continue
            try:
                rendered[name] = str(self.templar.template(config[name]) or "") or None
            except AnsibleError as error:
                problems.append(f"{name} cannot be templated: {error}")
        if problems:
            raise AnsibleParserError("; ".join(problems))
        return rendered

    def _snapshot(self, key: str, may_read_cache: bool) -> Snapshot:
        """The tenant from the cache, or from the service.

        :raises TenantError: neither has it.
        """
        connection = connection_of(self.get_options())
        wanted = (tenant_key(connection), bool(self.get_option("include_applications")))
        keeps = self.get_option("cache")
        if keeps and may_read_cache:
            kept = self._kept(self._cache, key)
            if kept is not None and kept.serves(*wanted):
                return kept
        try:
            snapshot = self._asked(connection, *wanted)
        except TenantError as error:
            return self._expired(key, wanted, error)
        if keeps:
            self._cache[key] = to_data(snapshot)
        return snapshot

    def _asked(self, connection: Connection, tenant: str, applications: bool) -> Snapshot:
        if sdk.IMPORT_ERROR is not None:
            raise AnsibleParserError(missing_required_lib("azure-core and azure-identity"))
        client = GraphClient(connection, Deadline(self.get_option("timeout")), prompt=self._prompt)
        try:
            state = observe_placed(client, applications=applications)
            self.display.vv(f"{self.NAME}: {client.requests} requests, {len(state.connectors)} connectors")
        finally:
            client.close()
        return Snapshot(tenant, applications, datetime.datetime.now(datetime.timezone.utc), state)

    def _expired(self, key: str, wanted: tuple[str, bool], error: TenantError) -> Snapshot:
        """What the cache still has of the tenant, however old, because the service has nothing to say.

        :raises TenantError: there is no such thing, or it is not to be used.
        """
        if not error.unreachable or not self.get_option("use_expired_cache"):
            raise error
        options = {"_uri": self.get_option("cache_connection"), "_prefix": self.get_option("cache_prefix")}
        given = {name: value for name, value in options.items() if value is not None}
        kept = self._kept(get_cache_plugin(self.get_option("cache_plugin"), _timeout=0, **given), key)
        if kept is None or not kept.serves(*wanted):
            raise AnsibleParserError(f"the tenant cannot be reached, and the cache has no copy of it. {error}") from error
        self.display.warning(f"the tenant cannot be reached, so the connectors are those of {kept.taken:%Y-%m-%d %H:%M} UTC. {error}")
        return kept

    def _kept(self, cache: t.Any, key: str) -> Snapshot | None:
        try:
            return from_data(cache[key])
        except KeyError:
            return None
        except AnsibleError as error:
            self.display.warning(f"the cached copy of the tenant cannot be read: {error}")
            return None

    def _prompt(self, message: str) -> None:
        """Show a device code. Not on standard output, which belongs to ansible-inventory."""
        self.display.display(message, color="bright yellow", stderr=True)

    def _populate(self, state: TenantState, *, applications: bool) -> None:
        groups, regions = self.get_option("connector_groups"), self.get_option("regions")
        selection = Selection(self.get_option("include_inactive"), groups or None, regions or None)
        machines = select(machines_of(state), selection, state)
        names = GroupNames(state.groups, self.get_option("group_prefix"), self._sanitize_group_name)
        for text in (*names.warnings(), *warnings_of(machines), *_emptiness(machines, state)):
            self.display.warning(text)
        self.inventory.add_group(names.everything)
        taken: dict[str, Machine] = {}
        for machine in machines:
            variables = never_template(variables_of(machine, state, applications=applications))
            host = self._host_name(machine, variables)
            if host in taken:
                raise AnsibleParserError(f"machines {taken[host].name} and {machine.name} would both be host {host}: see option hostnames")
            taken[host] = machine
            self._add(host, names.everything, variables)
            for place in names.of(machine, self.get_option("group_by")):
                self._place(host, names.everything, place)
            self._construct(host)

    def _host_name(self, machine: Machine, variables: Options) -> str:
        """:raises AnsibleParserError: no expression gives a name, or what it gives is none."""
        expressions = self.get_option("hostnames")
        name = self._named_by(expressions, variables) if expressions else self._default_name(machine)
        if not name:
            raise AnsibleParserError(f"machine {machine.name}: no expression of the option hostnames gives it a name")
        if not HOST_NAME.fullmatch(name):
            raise AnsibleParserError(f"machine {machine.name}: {name!r} cannot be the name of a host, see option hostnames")
        return name

    def _default_name(self, machine: Machine) -> str:
        name, domain = machine.name.lower(), (self.get_option("domain") or "").strip(".")
        return f"{name}.{domain}" if domain and "." not in name else name

    def _named_by(self, expressions: t.Sequence[str], variables: Options) -> str | None:
        for expression in expressions:
            try:
                name = self._compose(expression, variables)
            except Exception as error:  # whatever Jinja2 and its filters raise, as in Constructable
                if self.get_option("strict"):
                    raise AnsibleParserError(f"hostnames: {expression!r}: {error}") from error
                continue
            if name:
                return str(name)
        return None

    def _add(self, host: str, group: str, variables: Options) -> None:
        self.inventory.add_host(host, group=group)
        for name, value in variables.items():
            self.inventory.set_variable(host, name, value)

    def _place(self, host: str, outer: str, place: t.Sequence[str]) -> None:
        for group in place:
            self.inventory.add_group(group)
            self.inventory.add_child(outer, group)
            outer = group
        self.inventory.add_child(outer, host)

    def _construct(self, host: str) -> None:
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), self.inventory.get_host(host).get_vars(), host, strict=strict)
        variables = self.inventory.get_host(host).get_vars()
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host, strict=strict)


def _emptiness(machines: t.Sequence[Machine], state: TenantState) -> t.Iterator[str]:
    """Why there are no hosts: an inventory without any is never a silent one."""
    if not state.connectors:
        yield "the tenant has no connectors"
    elif not machines:
        yield f"none of the {len(state.connectors)} connectors of the tenant is one that the options ask for"

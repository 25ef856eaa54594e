# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Everything that is wrong with a fleet, from three views: what is declared, what each server says, what the tenant says. Pure.

Some of it only the join of two views by connector id can tell, such as a registered server that the tenant has forgotten.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.machine_names import Machines
from ansible_collections.entra.app_proxy.plugins.module_utils.service import folded, is_active, version_numbers

INFO, WARNING, CRITICAL = "info", "warning", "critical"
SEVERITIES = (INFO, WARNING, CRITICAL)
REGISTERED = "registered"

View = t.Mapping[str, t.Any]
_DEPLOY = "run the playbook deploy_connectors"
_ANEW = "for one run -e connector_i_accept_a_new_registration_of="
_OWN_GROUP = "assign it to a connector group of its own"
_SPECIAL = {"renewal": "renewal_overdue", "service WAPCUpdaterSvc": "updater_stopped", "tenant": "other_tenant"}
"""Checks of a server that have a code of their own, because people look for them."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """:param code: stable, for programs. :param evidence: what was seen. :param remedy: what to do."""

    severity: str
    code: str
    subject: str
    evidence: str
    remedy: str

    def line(self) -> str:
        return f"{self.severity.upper():<8} {self.code}: {self.subject}: {self.evidence}"


@dataclasses.dataclass(frozen=True)
class Joined:
    """A declared host with what its server says and the connector of the tenant that has the same id."""

    name: str
    machine_name: str
    group: str
    seen: View
    member: View | None

    @property
    def answered(self) -> bool:
        return bool(self.seen.get("checks"))

    @property
    def registration(self) -> View:
        return _registration(self.seen)

    @property
    def connector_id(self) -> str | None:
        return _connector_id(self.seen)


def findings(fleet: View, hosts: t.Mapping[str, View], tenant: View, asked: t.Collection[str] | None = None) -> list[Finding]:
    """Every finding, the worst first.

    :param fleet: as filter fleet returns it.
    :param hosts: by inventory name what connector_health returned; of a host that could not be asked C(msg) alone.
    :param tenant: C(groups) of connector_group_info, all of them, and C(rows), the verdict over the declared groups.
    :param asked: the hosts that were to be asked; of the others that they did not answer is no finding. None = all.
    """
    joined = join(fleet, hosts, tenant)
    found = [
        *(Finding(CRITICAL, "declaration", "the inventory", error, "correct the inventory") for error in fleet["errors"]),
        *(_not_checked(host) for host in joined if not host.answered and (asked is None or host.name in asked)),
        *(one for host in joined for one in _host(host)),
        *_cloned(joined),
        *_versions(joined),
        *_strangers(joined, tenant),
        *_same_machine(tenant),
        *_groups(tenant),
        *_default(tenant),
    ]
    return sorted(found, key=lambda one: (-SEVERITIES.index(one.severity), one.code, one.subject))


def with_ids(fleet: View, hosts: t.Mapping[str, View]) -> list[dict[str, t.Any]]:
    """The groups of a fleet, each host with the id of the connector that its server told, for the judgement of the groups."""
    return [
        {**group, "hosts": [{**host, "id": _connector_id(hosts.get(host["name"]) or {})} for host in group["hosts"]]}
        for group in fleet["groups"]
    ]


def worst(found: t.Iterable[Finding]) -> str | None:
    """The highest severity; None when there are no findings."""
    return max((one.severity for one in found), key=SEVERITIES.index, default=None)


def join(fleet: View, hosts: t.Mapping[str, View], tenant: View) -> list[Joined]:
    """Every declared host with its two views. A server that did not answer is found by its machine name."""
    members = [{**member, "group": group["name"]} for group in tenant["groups"] for member in group["members"]]
    by_id = {folded(member["id"]): member for member in members}
    machines = Machines(members, lambda member: str(member["machine_name"]))
    joined = []
    for group in fleet["groups"]:
        for host in group["hosts"]:
            one = Joined(host["name"], host["machine_name"], group["name"], hosts.get(host["name"]) or {}, None)
            member = by_id.get(one.connector_id) if one.connector_id else None
            if not one.answered:
                member = max(machines.of(host["machine_name"]), key=lambda one: is_active(one["status"]), default=None)
            joined.append(dataclasses.replace(one, member=member))
    return joined


def _not_checked(host: Joined) -> Finding:
    return Finding(CRITICAL, "not_checked", host.name, str(host.seen.get("msg") or "it was not asked"), "mend the connection to it")


def _host(host: Joined) -> t.Iterator[Finding]:
    for check in host.seen.get("checks") or ():
        if check["status"] in (WARNING, CRITICAL):
            code = _SPECIAL.get(check["name"], "check")
            evidence = check["evidence"] if code != "check" else f"{check['name']}: {check['evidence']}"
            yield Finding(check["status"], code, host.name, evidence, check["remedy"])
    yield from _in_tenant(host)


def _in_tenant(host: Joined) -> t.Iterator[Finding]:
    if host.member is None:
        if host.registration.get("state") == REGISTERED and not _of_other_tenant(host):
            evidence = f"the server is registered as connector {host.connector_id}, which the tenant does not have"
            remedy = f"it was inactive for ten days, or removed: {_DEPLOY} with --limit {host.name},localhost and {_ANEW}{host.name}"
            yield Finding(CRITICAL, "not_in_tenant", host.name, evidence, remedy)
        return
    if not is_active(host.member["status"]):
        evidence = f"the tenant calls its connector {host.member['status']}; after ten days it removes it"
        yield Finding(CRITICAL, "inactive", host.name, evidence, "see its services and its way out to the service (ports 443 and 80)")
    if folded(host.member["group"]) != folded(host.group):
        evidence = f"its connector is in connector group {host.member['group']}, and declared in {host.group}"
        yield Finding(WARNING, "wrong_group", host.name, evidence, f"{_DEPLOY}, which moves it")


def _of_other_tenant(host: Joined) -> bool:
    return any(check["name"] == "tenant" and check["status"] == CRITICAL for check in host.seen.get("checks") or ())


def _cloned(joined: t.Sequence[Joined]) -> t.Iterator[Finding]:
    """Two servers with one connector id: one is a copy of the other."""
    owners: dict[str, list[str]] = collections.defaultdict(list)
    for host in joined:
        if host.connector_id:
            owners[host.connector_id].append(host.name)
    for connector_id, names in owners.items():
        if len(names) > 1:
            evidence = f"they are all registered as connector {connector_id}: a registered server was copied"
            remedy = f"make the copies servers of their own: {_DEPLOY} with --limit THE-COPY,localhost and {_ANEW}THE-COPY"
            yield Finding(CRITICAL, "cloned", ", ".join(names), evidence, remedy)


def _versions(joined: t.Sequence[Joined]) -> t.Iterator[Finding]:
    versions = [(host.name, str(host.seen["connector"]["version"])) for host in joined if (host.seen.get("connector") or {}).get("version")]
    newest = max((version for _name, version in versions), key=version_numbers, default="")
    for name, version in versions:
        if version_numbers(version) < version_numbers(newest):
            evidence = f"version {version}, while others of the fleet have {newest}"
            yield Finding(WARNING, "version_behind", name, evidence, "run the playbook upgrade_connectors")


def _strangers(joined: t.Sequence[Joined], tenant: View) -> t.Iterator[Finding]:
    """Connectors of the tenant on none of the declared hosts."""
    ids = {host.connector_id for host in joined} | {str(host.member["id"]).casefold() for host in joined if host.member}
    machines = Machines(joined, lambda host: host.machine_name)
    for group in tenant["groups"]:
        for member in group["members"]:
            if folded(member["id"]) in ids or machines.of(member["machine_name"]):
                continue
            where = f"connector {member['id']} in connector group {group['name']}, {member['status']}, is on no declared host"
            severity = WARNING if is_active(member["status"]) else INFO
            remedy = "add its server to the inventory, or remove the connector there" if severity == WARNING else "none: it is forgotten"
            yield Finding(severity, "undeclared", member["machine_name"], where, remedy)


def _same_machine(tenant: View) -> t.Iterator[Finding]:
    machines: dict[str, list[View]] = collections.defaultdict(list)
    for group in tenant["groups"]:
        for member in group["members"]:
            machines[folded(member["machine_name"])].append(member)
    for members in machines.values():
        if len(members) > 1:
            shown = ", ".join(f"{member['id']} ({member['status']})" for member in members)
            active = sum(is_active(member["status"]) for member in members)
            remedy = "two servers have one name: rename one" if active > 1 else "none: the tenant removes the inactive one after ten days"
            severity = WARNING if active > 1 else INFO
            yield Finding(severity, "same_machine", members[0]["machine_name"], f"the tenant has it {len(members)} times: {shown}", remedy)


def _groups(tenant: View) -> t.Iterator[Finding]:
    groups = {folded(group["name"]): group for group in tenant["groups"]}
    for row in tenant["rows"]:
        group = groups.get(folded(row["group"]))
        if group is None:
            yield Finding(CRITICAL, "group_missing", row["group"], "the tenant has no such connector group", _DEPLOY)
            continue
        if not row["ok"]:
            yield from _below(row, group)
        yield from _one_zone(row)


def _below(row: View, group: View) -> t.Iterator[Finding]:
    missing = f"; missing: {', '.join(row['missing'])}" if row["missing"] else ""
    evidence = f"{row['active']} active connector(s) of the {row['required']} it needs{missing}"
    yield Finding(CRITICAL, "group_below_minimum", row["group"], evidence, "mend the missing servers, or add others")
    for application in group["applications"]:
        name = application.get("name") or application["id"]
        text = f"it uses connector group {row['group']}, which is below its minimum"
        yield Finding(CRITICAL, "application_below_minimum", name, text, "mend the group, or assign the application to another one")


def _one_zone(row: View) -> t.Iterator[Finding]:
    if row.get("shared_zone"):
        evidence = f"all {row['active']} active connectors stand in zone {row['shared_zone']}: one outage there takes the group down"
        yield Finding(WARNING, "one_zone", row["group"], evidence, "place a server in another zone")


def _default(tenant: View) -> t.Iterator[Finding]:
    judged = {folded(row["group"]) for row in tenant["rows"]}
    for group in tenant["groups"]:
        for application in group["applications"] if group["is_default"] else ():
            name = application.get("name") or application["id"]
            evidence = f"it uses connector group {group['name']}: every new connector, and every one in maintenance, would serve it"
            yield Finding(WARNING, "application_on_default", name, evidence, _OWN_GROUP)
            if folded(group["name"]) not in judged and group["active"] < group["required"]:
                evidence = (
                    f"it uses connector group {group['name']}: {group['active']} active connector(s) of the {group['required']} it needs"
                )
                yield Finding(CRITICAL, "application_below_minimum", name, evidence, _OWN_GROUP)


def _registration(seen: View) -> View:
    return t.cast(View, (seen.get("connector") or {}).get("registration") or {})


def _connector_id(seen: View) -> str | None:
    found = _registration(seen).get("connector_id")
    return folded(found) if found else None

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every refusal of the operations and of what they are made of: its text, and that nothing was written.

That a region keeps a group's connectors, and what purging refuses, is the matter of tests/unit/tenant.
"""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from tests.integration.operations.conftest import HR, NEW, PAIRS, THREES, WEB, Operations
from tests.support.playbook import Run

FIRST = WEB[0]
LIMIT = ("--limit", f"{FIRST},localhost")
PAIR = {"Web": WEB[:2]}
NONE_TO_SPARE = (
    "connector NAM-WEB-01 may not leave connector group Web now: 1 active connector(s) would stay of the 2 it needs."
    " First add 1 active connector(s) to Web"
)
ON_DEFAULT = "connector NAM-WEB-01 may not move to the Default group now: application(s) Forgotten use it"
CLAIMED = "NAM-WEB-01 is being worked on by process 4711 on another-controller (patches, until"


@dataclasses.dataclass(frozen=True)
class Refusal:
    """What there is, what is tried, and what is said. C(holds): the run claims the servers for its own time before it asks."""

    fleet: t.Mapping[str, t.Sequence[str]]
    attempt: t.Callable[[Operations], Run]
    says: tuple[str, ...]
    arrange: t.Callable[[Operations], object] = lambda _operations: None
    holds: bool = False


def _upgrade(*arguments: str, **variables: t.Any) -> t.Callable[[Operations], Run]:
    return lambda operations: operations.upgrade(*(arguments or LIMIT), **{"upgrade_wait_timeout": 0, **variables})


def _decommission(*hosts: str, **variables: t.Any) -> t.Callable[[Operations], Run]:
    return lambda operations: operations.decommission(*(hosts or (FIRST,)), **variables)


def _move(groups: t.Mapping[str, t.Sequence[str]], **variables: t.Any) -> t.Callable[[Operations], Run]:
    def move(operations: Operations) -> Run:
        operations.declare(groups)
        return operations.run("move_connectors", connector_groups_wait_timeout=1, **variables)

    return move


def _module(name: str, hosts: str, task: t.Mapping[str, t.Any], *, on_tenant: bool) -> t.Callable[[Operations], Run]:
    """One task of a module, as a playbook of the user's own would have it."""
    tenant = {
        "tenant_id": "{{ app_proxy_tenant_id }}",
        "auth_source": "access_token",
        "graph_endpoint": "{{ app_proxy_graph_endpoint }}",
        "ca_file": "{{ app_proxy_ca_file }}",
    }

    def run(operations: Operations) -> Run:
        options = {**tenant, "access_token": operations.lab.token("graph"), **task} if on_tenant else dict(task)
        play = {"hosts": hosts, "gather_facts": False, "tasks": [{f"entra.app_proxy.{name}": options}]}
        return operations.ansible.playbook([play], inventory=operations.inventory)

    return run


def _ask(name: str, *, hosts: t.Sequence[str] = (FIRST,), group: str = "Web", members: t.Sequence[str] = WEB, **options: t.Any) -> t.Any:
    groups = [{"name": group, "connectors": [{"name": host, "machine_name": host.upper()} for host in members]}]
    return _module(name, "localhost", {"groups": groups, "hosts": list(hosts), **options}, on_tenant=True)


def _application_on_default(operations: Operations) -> None:
    operations.lab.post("/applications", {"display_name": "Forgotten"})


def _claimed(operations: Operations) -> None:
    operations.claimed_by(FIRST, controller="another-controller", pid=4711)


def _forbidden(operations: Operations) -> None:
    operations.lab.post("/faults", {"kind": "forbidden", "plane": "graph", "count": 0})


def _stopped(*hosts: str) -> t.Callable[[Operations], None]:
    def stop(operations: Operations) -> None:
        for host in hosts:
            operations.lab.patch(f"/servers/{host}", {"services": {"WAPCSvc": {"state": "Stopped"}}})

    return stop


def _gone(operations: Operations) -> None:
    """Its service is stopped, and nobody can start it."""
    _stopped(HR[0])(operations)
    operations.lab.patch(f"/servers/{HR[0]}", {"reachable": False})


def _patched(**values: t.Any) -> t.Callable[[Operations], object]:
    return lambda operations: operations.lab.patch(f"/servers/{FIRST}", values)


def _unknown_to_the_tenant(operations: Operations) -> None:
    _patched(connector={"running": False})(operations)
    operations.lab.post("/clock", {"advance": 11 * 86400})


def _too_few_declared(operations: Operations) -> None:
    operations.declare({"Web": WEB[:1], "HR": HR[:2]})


REFUSALS = {
    "upgrade: none to spare": Refusal(PAIR, _upgrade(), (NONE_TO_SPARE,)),
    "upgrade: none to spare, where it is": Refusal(
        PAIR, _upgrade("--limit", "connectors,localhost", upgrade_drain=False), (NONE_TO_SPARE,), holds=True
    ),
    "upgrade: where it is, and not the whole group": Refusal(
        PAIR,
        _upgrade(upgrade_drain=False),
        ("so the run claims every server of these groups. Left out by --limit: nam-web-02. Nothing was done",),
    ),
    "upgrade: the last one, whatever shortfall is accepted": Refusal(
        PAIR,
        _upgrade(connector_i_accept_a_shortfall_of=5),
        ("0 active connector(s) would stay of the 1 it needs",),
        _stopped(WEB[1]),
    ),
    "upgrade: an outage of another group is accepted": Refusal(PAIR, _upgrade(connector_i_accept_an_outage_of=["HR"]), (NONE_TO_SPARE,)),
    "upgrade: applications on Default": Refusal({"Web": WEB}, _upgrade(), (ON_DEFAULT,), _application_on_default),
    "upgrade: claimed": Refusal({"Web": WEB}, _upgrade(upgrade_claim_timeout=0), (CLAIMED, "take over with"), _claimed),
    "upgrade: not installed": Refusal(
        {"Web": WEB},
        _upgrade(),
        ("no connector is installed: run the playbook deploy_connectors",),
        _patched(connector={"installed": False}),
    ),
    "upgrade: not registered": Refusal(
        {"Web": WEB},
        _upgrade(),
        ("it is not registered (", "): run the playbook deploy_connectors"),
        _patched(connector={"registered": False}),
    ),
    "upgrade: not reachable": Refusal(
        {"Web": WEB}, _upgrade(), ("not every server was upgraded: - nam-web-01: ",), _patched(reachable=False)
    ),
    "upgrade: one before did not come to its end": Refusal(
        PAIR,
        _upgrade("--limit", "group_web,localhost"),
        (NONE_TO_SPARE, "nam-web-02: nam-web-01 of the same group did not come to its end"),
    ),
    "upgrade: without the controller": Refusal(
        PAIR, _upgrade("--limit", FIRST), ("--limit leaves the controller out. Name it as well, such as with --limit nam_web,localhost",)
    ),
    "upgrade: the tenant refuses": Refusal({"Web": WEB}, _upgrade(), ("403",), _forbidden),
    "upgrade: a mistake in the inventory": Refusal(
        THREES,
        _upgrade(),
        ("the declared fleet cannot be deployed:", "inventory group 'group_web' has 1 host (nam-web-01), and 2 are needed"),
        _too_few_declared,
    ),
    "decommission: none to spare": Refusal(
        PAIR, _decommission(), ("nothing was done, because a connector group would fall below its minimum:", NONE_TO_SPARE)
    ),
    "decommission: not of the fleet": Refusal(
        PAIR, _decommission("nam-web-99"), ("not below the inventory group connectors: nam-web-99. Nothing was done.",)
    ),
    "decommission: all of a group that an application uses": Refusal(
        PAIR, _decommission(*WEB[:2]), (NONE_TO_SPARE, "connector NAM-WEB-02 may not leave connector group Web now")
    ),
    "decommission: applications on Default": Refusal({"Web": WEB}, _decommission(), (ON_DEFAULT,), _application_on_default),
    "decommission: claimed": Refusal({"Web": WEB}, _decommission(decommission_claim_timeout=0), (CLAIMED,), _claimed),
    "decommission: not reachable": Refusal(
        {"Web": WEB}, _decommission(), ("not every server is without its connector: - nam-web-01",), _patched(reachable=False)
    ),
    "decommission: the tenant refuses": Refusal({"Web": WEB}, _decommission(), ("403", "Nothing was done."), _forbidden),
    "decommission: a mistake in the inventory": Refusal(
        THREES, _decommission(), ("the declared fleet cannot be deployed:", "'group_web' has 1 host"), _too_few_declared
    ),
    "move: no safe order": Refusal(
        PAIRS,
        _move({"Web": (WEB[0], PAIRS["HR"][0]), "HR": (PAIRS["HR"][1], WEB[1])}),
        (
            "connector NAM-WEB-02 stays in connector group Web: that group has 2 active connector(s), needs 2 and would keep 1. Safe way:",
            "first put another active connector into Web, then run again, and it moves to HR",
        ),
    ),
    "move: an application to a group that is short of connectors": Refusal(
        {"HR": HR[:2], "Web": WEB[:2]},
        lambda operations: (
            operations.declare({"Web": WEB[:2], "HR": HR[:2]}, applications={"HR": ["Payroll"]})
            or operations.run("move_connectors", connector_groups_wait_timeout=1)
        ),
        ("connector group HR has 1 active connector(s) of the 2 it needs", "application Payroll is not assigned"),
        _gone,
    ),
    "move: a mistake in the inventory": Refusal(THREES, _move({"Web": WEB[:1], "HR": HR}), ("'group_web' has 1 host",)),
    "deploy: without the controller": Refusal(
        {"Web": WEB},
        lambda operations: operations.run("deploy_connectors", "--limit", FIRST),
        ("--limit leaves the controller out. Name it as well",),
        _stopped(FIRST),
    ),
    "deploy: a new registration of servers that are none": Refusal(
        {"Web": WEB},
        lambda operations: operations.run("deploy_connectors", "-e", "connector_i_accept_a_new_registration_of=nam-web-01,nam-web-0,true"),
        (
            "connector_i_accept_a_new_registration_of names nam-web-0, true: it takes names of servers",
            "Nothing was done. Write such as -e connector_i_accept_a_new_registration_of=nam-web-01, or leave it out",
        ),
        _stopped(FIRST),
    ),
    "move: a new registration of a connector group": Refusal(
        {"Web": WEB},
        lambda operations: operations.run("move_connectors", connector_i_accept_a_new_registration_of=["group_web"]),
        ("connector_i_accept_a_new_registration_of names group_web: it takes names of servers",),
        _stopped(FIRST),
    ),
    "restart: claimed": Refusal({"Web": WEB}, _module("server_restart", FIRST, {}, on_tenant=False), (CLAIMED,), _claimed),
    "guard: none to spare": Refusal(PAIR, _ask("connector_group_guard", members=WEB[:2]), (NONE_TO_SPARE,)),
    "guard: not declared": Refusal(PAIR, _ask("connector_group_guard", hosts=["x"]), ("host x is in none of the declared groups",)),
    "drain: none to spare": Refusal(PAIR, _ask("connector_drain", members=WEB[:2], state="drained"), (NONE_TO_SPARE,)),
    "drain: applications on Default": Refusal(
        {"Web": WEB}, _ask("connector_drain", state="drained"), (ON_DEFAULT,), _application_on_default
    ),
    "drain: not declared": Refusal(
        PAIR, _ask("connector_drain", hosts=["x"], state="drained"), ("host x is in none of the declared groups",)
    ),
    "return: not known to the tenant": Refusal(
        {"Web": WEB},
        _ask("connector_drain", state="returned"),
        ("the tenant does not know connector NAM-WEB-01: register it, with the playbook deploy_connectors",),
        _unknown_to_the_tenant,
    ),
    "return: no such group": Refusal(
        {"Web": WEB},
        _ask("connector_drain", group="Branch", state="returned"),
        ("connector group Branch does not exist: create it, with the playbook deploy_connectors",),
    ),
    "return: it is elsewhere": Refusal(
        PAIRS,
        _ask("connector_drain", hosts=[PAIRS["HR"][0]], members=[*WEB[:2], PAIRS["HR"][0]], state="returned"),
        ("connector NAM-HR-01 is in connector group", "not in Web: deploy"),
    ),
    "return: not active": Refusal(
        {"Web": WEB},
        _ask("connector_drain", state="returned"),
        ("connector NAM-WEB-01 is inactive in the tenant; it is in connector group Web",),
        _stopped(FIRST),
    ),
    "claim: claimed": Refusal({"Web": WEB}, _module("connector_claim", FIRST, {"state": "held"}, on_tenant=False), (CLAIMED,), _claimed),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_says_why_and_nothing_is_written(operations: Operations, name: str) -> None:
    refusal = REFUSALS[name]
    operations.fleet(refusal.fleet, **({} if name.startswith("upgrade") else {"version": NEW}))
    refusal.arrange(operations)
    claims, members = operations.claims(), operations.members()
    seq = operations.lab.last_seq()
    run = refusal.attempt(operations)
    assert run.rc != 0
    said = _plain(run.stdout)
    for text in refusal.says:
        assert text in said, run.output
    assert [one for one in operations.changes(seq) if not (refusal.holds and one["resource"] == "StdRegProv")] == []
    assert operations.members() == members
    assert operations.claims() == claims


def _plain(text: str) -> str:
    """Without what the callback puts around a message."""
    return " ".join(text.replace("\\n", " ").replace('\\"', '"').split())

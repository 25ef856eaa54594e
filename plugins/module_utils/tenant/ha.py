# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The two-connector rule as a judgement: pure functions over states, moves and declared groups. Nothing else decides about it.

A group serves its applications only as long as one of its connectors runs; Microsoft's advice, and this collection's rule, is two
active ones in every group. Two things are refused: to take an active connector out of another group that has its minimum and would
then fall below it, or that is below it while applications use it; and to let an application use a group that is below its minimum.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.machine_names import Machines
from ansible_collections.entra.app_proxy.plugins.module_utils.service import MINIMUM, folded, is_active
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import ConnectorGroup

SHOWN = 5
"""Applications that a refusal names; a tenant may have thousands on Default."""


@dataclasses.dataclass(frozen=True)
class Move:
    """An active or inactive connector that is to change its group.

    :param source: id of the group it is in; None = not known, which cannot be harmed.
    :param target: id of the group it is to be in, or the key of one that does not exist yet.
    :param counted: whether its group has it among its active connectors; one that is there only on its way takes nothing away.
    """

    connector_id: str
    label: str
    active: bool
    source: str | None
    target: str
    counted: bool = True


@dataclasses.dataclass(frozen=True)
class Refused:
    """A move that was refused, with the numbers. C(claimed): how many of the active ones another run may take down."""

    move: Move
    active: int
    required: int
    claimed: int = 0


def required_of(group: ConnectorGroup | None, declared: int | None, *, used: bool) -> int:
    """How many active connectors a group must keep. The Default group is the pool of new connectors: none, unless applications use it."""
    if group is not None and group.is_default and not used:
        return 0
    return MINIMUM if declared is None else declared


def is_served(active: int, required: int) -> bool:
    """Whether a group has the active connectors that its applications need."""
    return active >= required


def safe_order(
    moves: t.Sequence[Move],
    active: t.Mapping[str, int],
    required: t.Mapping[str, int],
    serving: t.Collection[str] = (),
    claimed: t.Mapping[str, int] | None = None,
) -> tuple[list[list[Move]], list[Refused]]:
    """The moves in an order in which no group falls from its minimum below it after any of them; and those for which there is none.

    Stages must be carried out one after the other, the moves within one in any order.

    :param active: active members by group.
    :param required: minimum by group; a group that is not named has the rule's two.
    :param serving: the groups that applications use. One that is below its minimum loses nothing more.
    :param claimed: active members by group that another run may take down at any moment: nothing counts on them.
    """
    counts, doubtful = dict(active), claimed or {}
    arrivals = [move for move in moves if not _could_harm(move, required)]
    for move in arrivals:
        _carry_out(move, counts)
    stages = [arrivals] if arrivals else []
    waiting = [move for move in moves if _could_harm(move, required)]
    while stage := _possible(waiting, counts, required, serving, doubtful):
        for move in stage:
            _carry_out(move, counts)
        stages.append(stage)
        done = {move.connector_id for move in stage}
        waiting = [move for move in waiting if move.connector_id not in done]
    return stages, [_refused(move, counts, required, doubtful) for move in waiting]


def refusal(refused: Refused, source: str, target: str) -> str:
    """Why a connector may not leave its group, with the numbers and the safe way."""
    doubtful = f", {refused.claimed} of them on servers that another run works on, or may" if refused.claimed else ""
    kept = refused.active - 1 - refused.claimed
    return (
        f"connector {refused.move.label} stays in connector group {source}: that group has {refused.active} active connector(s){doubtful},"
        f" needs {refused.required} and would keep {kept}. Safe way: first put another active connector into {source}, then run again,"
        f" and it moves to {target}"
    )


def default_awaits(refused: Refused, source: str, users: t.Sequence[str]) -> str:
    """Why a connector may not leave the Default group before the applications that use that have left it."""
    return (
        f"connector {refused.move.label} stays in connector group {source}, one of {refused.active} active connector(s) there:"
        f" application(s) {_listed(users)} use that group until those that they are declared for have their active connectors"
    )


def default_awaited_steps(refused: Refused, source: str, target: str) -> list[str]:
    """What to do, in order, so that connector and applications may leave the Default group."""
    return [
        "bring the other declared connectors of these groups up, so that each has its minimum",
        _run_again(refused, source, target),
    ]


def default_refusal(refused: Refused, source: str, target: str, users: t.Sequence[str]) -> str:
    """Why a connector may not leave the Default group while applications use that, and the ways out."""
    return (
        f"connector {refused.move.label} stays in connector group {source}: application(s) {_listed(users)} use that group, so of its"
        f" {refused.active} active connector(s) it needs {refused.required}. Safe way: assign them to a connector group (in the inventory:"
        f" connector_group_applications), then run again, and it moves to {target}. Or say that {source} needs fewer"
        " (default_min_connectors, in the inventory connector_groups_default_min_connectors), or that they may be down (accepted_outages,"
        " in the playbooks connector_i_accept_an_outage_of)"
    )


def default_safe_steps(refused: Refused, source: str, target: str, users: t.Sequence[str]) -> list[str]:
    """What to do, in order, so that a connector may leave the Default group."""
    return [
        f"assign application(s) {_listed(users)} to a connector group",
        _run_again(refused, source, target),
    ]


def safe_steps(refused: Refused, source: str, target: str, spare: t.Sequence[str]) -> list[str]:
    """What to do, in order, so that a refused move becomes possible.

    :param spare: machine names of active connectors that nothing else is declared for.
    """
    needed = refused.required - (refused.active - 1 - refused.claimed)
    steps = [f"move connector {machine} into connector group {source}" for machine in spare[:needed]]
    if len(steps) < needed:
        steps.append(f"register {needed - len(steps)} more connector(s), and declare them in connector group {source}")
    return [*steps, _run_again(refused, source, target)]


def shared_zone(zones: t.Sequence[str | None]) -> str | None:
    """The one failure domain that all of several active members stand in; None when they do not, or when that is not known of each."""
    known = {folded(zone) for zone in zones if zone}
    if len(zones) < MINIMUM or len(known) != 1 or not all(zones):
        return None
    return zones[0]


def zone_problem(name: str, active: int, zone: str) -> str:
    """That a group would be lost as a whole with its zone."""
    return (
        f"all {active} active connectors of connector group {name} are in zone {zone}: when that fails, so do its applications, however"
        " many connectors it has. Put one of them into another zone"
    )


def shortage(name: str, active: int, required: int) -> str:
    """That a group is below its minimum, with the numbers."""
    return f"connector group {name} has {active} active connector(s) of the {required} it needs"


def verdict(groups: t.Sequence[t.Mapping[str, t.Any]], declared: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """Judge what was read back from the tenant by what is declared.

    :param groups: C(groups) as connector_group_info returns it.
    :param declared: groups of the fleet: name, region, min_connectors, hosts [{name, machine_name, zone, id}]; C(id), that of the host's
        connector, where its server has told it.
    :returns: ok; rows [{group, region, required, active, members, missing, zones, ok}]; table, a list of lines; failures and warnings,
        lists of sentences. That all active members share a zone is a warning.
    """
    present = {folded(group["name"]): group for group in groups}
    rows = [_row(one, present.get(folded(one["name"]))) for one in declared]
    failures = [_failure(row) for row in rows if not row["ok"]]
    warnings = [zone_problem(row["group"], row["active"], row["shared_zone"]) for row in rows if row["shared_zone"]]
    return {"ok": not failures, "rows": rows, "table": _table(rows), "failures": failures, "warnings": warnings}


def _listed(names: t.Sequence[str]) -> str:
    """Some names, and how many there are beside."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _run_again(refused: Refused, source: str, target: str) -> str:
    return f"run again: connector {refused.move.label} then moves from {source} to {target}"


def _could_harm(move: Move, required: t.Mapping[str, int]) -> bool:
    """Whether it takes an active connector out of a group that has a minimum."""
    return move.active and move.counted and _minimum(move.source, required) > 0


def _refused(move: Move, counts: t.Mapping[str, int], required: t.Mapping[str, int], claimed: t.Mapping[str, int]) -> Refused:
    source = move.source or ""
    return Refused(move, counts.get(source, 0), _minimum(move.source, required), claimed.get(source, 0))


def _possible(
    moves: t.Sequence[Move],
    counts: t.Mapping[str, int],
    required: t.Mapping[str, int],
    serving: t.Collection[str],
    claimed: t.Mapping[str, int],
) -> list[Move]:
    """Those of the moves that harm no group, whichever of them comes first and whichever of them fails: no one counts on another's arrival,
    and where one leaves a group that is below its minimum anyway, no other arrives, so that it does not rise to it only to fall again."""
    left = dict(counts)
    below: set[str] = set()
    reached: set[str] = set()
    stage = []
    for move in moves:
        source = move.source or ""
        is_below = left.get(source, 0) < _minimum(move.source, required)
        if _harms(move, left, required, serving, claimed) or move.target in below or (is_below and source in reached):
            continue
        stage.append(move)
        left[source] = left.get(source, 0) - 1
        reached.add(move.target)
        if is_below:
            below.add(source)
    return stage


def _harms(
    move: Move,
    counts: t.Mapping[str, int],
    required: t.Mapping[str, int],
    serving: t.Collection[str],
    claimed: t.Mapping[str, int],
) -> bool:
    """Whether it takes its group below its minimum, were those that are claimed down; or takes from one that serves with less."""
    source = move.source or ""
    count, minimum = counts.get(source, 0), _minimum(move.source, required)
    return minimum <= count <= minimum + claimed.get(source, 0) or (count < minimum and source in serving)


def _minimum(group: str | None, required: t.Mapping[str, int]) -> int:
    return 0 if group is None else required.get(group, MINIMUM)


def _carry_out(move: Move, counts: dict[str, int]) -> None:
    if not move.active:
        return
    if move.source is not None and move.counted:
        counts[move.source] = counts.get(move.source, 0) - 1
    counts[move.target] = counts.get(move.target, 0) + 1


def _row(declared: t.Mapping[str, t.Any], group: t.Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    members = list(group["members"]) if group else []
    active = [member for member in members if is_active(member["status"])]
    hosts = declared.get("hosts") or []
    present = _hosts_of(active, hosts)
    required = declared.get("min_connectors")
    required = MINIMUM if required is None else int(required)
    zones = [host.get("zone") if host else None for host in present]
    names = {str(host["name"]) for host in present if host}
    return {
        "group": str(declared["name"]),
        "region": (group or {}).get("region") or declared.get("region"),
        "required": required,
        "active": len(active),
        "members": [_shown_member(member) for member in members],
        "missing": [str(host["name"]) for host in hosts if str(host["name"]) not in names],
        "zones": sorted({zone for zone in zones if zone}),
        "shared_zone": shared_zone(zones),
        "exists": group is not None,
        "ok": group is not None and is_served(len(active), required),
    }


def _hosts_of(members: t.Sequence[t.Mapping[str, t.Any]], hosts: t.Sequence[t.Mapping[str, t.Any]]) -> list[t.Mapping[str, t.Any] | None]:
    """The declared host of each member: by connector id where its server has told it, otherwise by the name of the machine."""
    by_id = {folded(host["id"]): host for host in hosts if host.get("id")}
    machines = Machines(hosts, lambda host: str(host.get("machine_name") or host["name"]))
    return [by_id.get(folded(member.get("id"))) or next(iter(machines.of(member["machine_name"])), None) for member in members]


def _shown_member(member: t.Mapping[str, t.Any]) -> str:
    suffix = "" if is_active(member["status"]) else f" ({member['status']})"
    return f"{member['machine_name']}{suffix}"


def _failure(row: t.Mapping[str, t.Any]) -> str:
    text = shortage(row["group"], row["active"], row["required"]) if row["exists"] else f"connector group {row['group']} does not exist"
    return text + (f"; missing: {', '.join(row['missing'])}" if row["missing"] else "")


HEADINGS = ("GROUP", "REGION", "REQUIRED", "ACTIVE", "HA", "MEMBERS", "MISSING")


def _table(rows: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    cells = [HEADINGS, *(_cells(row) for row in rows)]
    if any(row["zones"] for row in rows):
        zones = ("ZONES", *(", ".join(row["zones"]) or "-" for row in rows))
        cells = [(*line, zone) for line, zone in zip(cells, zones, strict=True)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _cells(row: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    return (
        row["group"],
        row["region"] or "-",
        str(row["required"]),
        str(row["active"]),
        "yes" if row["ok"] else "NO",
        ", ".join(row["members"]) or "-",
        ", ".join(row["missing"]) or "-",
    )

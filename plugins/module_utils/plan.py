# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The plan both halves share: an inert, sorted list of changes with before, after and a reason.

A plan is data. It does no I/O, reads no clock and knows nothing of Ansible, Graph or WinRM. Check mode shows it,
diff mode renders it, apply carries it out, and a judgement (the two-connector rule) is made over it.
"""

from __future__ import annotations

import dataclasses
import typing as t

State = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Change:
    """One step.

    :param action: imperative verb, such as C(create), C(move), C(install), C(register).
    :param kind: what it acts on, such as C(connector_group), C(connector), C(application), C(service).
    :param name: the name a person knows the thing by. Never an id that only exists after the change.
    :param before: the managed properties as they are; None when the thing does not exist.
    :param after: the managed properties as they will be; None when the thing will not exist.
    :param reason: one sentence: why this step is needed.
    :param rank: position among other steps; steps of equal rank are sorted by kind and name.
    :param data: what apply needs and a reader does not (ids). Not part of the rendered plan.
    """

    action: str
    kind: str
    name: str
    before: State | None
    after: State | None
    reason: str
    rank: int = 0
    data: State = dataclasses.field(default_factory=dict, compare=False)

    def sort_key(self) -> tuple[int, str, str, str]:
        return (self.rank, self.kind, self.name.casefold(), self.action)

    def line(self) -> str:
        """One line for a person: C(+ create connector_group NAM Web (region: nam): it is declared)."""
        sign = "+" if self.before is None else "-" if self.after is None else "~"
        return f"{sign} {self.action} {self.kind} {self.name}{_detail(self.before, self.after)}: {self.reason}"

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "action": self.action,
            "kind": self.kind,
            "name": self.name,
            "before": None if self.before is None else dict(self.before),
            "after": None if self.after is None else dict(self.after),
            "reason": self.reason,
        }


@dataclasses.dataclass(frozen=True)
class Plan:
    """A sorted, immutable list of L(Change), and what the planner wants a person to know."""

    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, changes: t.Iterable[Change], warnings: t.Iterable[str] = ()) -> Plan:
        return cls(tuple(sorted(changes, key=Change.sort_key)), tuple(warnings))

    def __bool__(self) -> bool:
        return bool(self.changes)

    def counts(self) -> dict[str, int]:
        """How many changes of each action, sorted by action."""
        counts: dict[str, int] = {}
        for change in self.changes:
            counts[change.action] = counts.get(change.action, 0) + 1
        return dict(sorted(counts.items()))

    def summary(self) -> str:
        """C(nothing to do), or such as C(3 create, 6 move)."""
        return ", ".join(f"{count} {action}" for action, count in self.counts().items()) or "nothing to do"

    def lines(self) -> list[str]:
        return [change.line() for change in self.changes]

    def as_dict(self) -> dict[str, t.Any]:
        """The plan as a task result, the same in check mode: summary, counts, lines and changes."""
        return {
            "summary": self.summary(),
            "counts": self.counts(),
            "lines": self.lines(),
            "changes": [change.as_dict() for change in self.changes],
        }

    def diff(self) -> dict[str, t.Any]:
        """The plan as Ansible's diff: before and after hold only what changes."""
        before: dict[str, t.Any] = {}
        after: dict[str, t.Any] = {}
        for change in self.changes:
            key = f"{change.kind} {change.name}"
            was, becomes = before.setdefault(key, {}), after.setdefault(key, {})
            # What an earlier step brought about is not what is there now.
            was.update({name: value for name, value in (change.before or {}).items() if name not in was and name not in becomes})
            becomes.update(change.after or {})
        return {"before": before, "after": after}


def _detail(before: State | None, after: State | None) -> str:
    keys = [key for key in {**(before or {}), **(after or {})} if (before or {}).get(key) != (after or {}).get(key)]
    parts = [_transition(key, before, after) for key in keys]
    return f" ({', '.join(parts)})" if parts else ""


def _transition(key: str, before: State | None, after: State | None) -> str:
    if before is None or after is None:
        return f"{key}: {_shown((after if after is not None else before or {}).get(key))}"
    return f"{key}: {_shown(before.get(key))} -> {_shown(after.get(key))}"


def _shown(value: t.Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(_shown(item) for item in value) or "none"
    return "none" if value is None else str(value)

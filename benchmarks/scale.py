# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a large tenant costs: requests, writes, time and memory, beside two alternatives in the same run; written into docs/benchmarks.md.

    python -m benchmarks.scale                      # measures and writes; with 1,000 groups that is an hour and more
    python -m benchmarks.scale --check              # measures and writes nothing; ends with 1 when a bound or a goal is missed
    python -m benchmarks.scale --groups 50 --check  # the same of a small tenant, in some minutes

From the root of the repository, in the environment that C(make test) makes. The real ansible-playbook is what runs, the lab's tenant
is what it talks to, over HTTPS. Requests are counted in the lab's journal. Seconds and memory are those of ansible-playbook on the
machine at hand: only their ratios within one run mean something.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import math
import multiprocessing
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import typing as t

from benchmarks import page
from tests.support.lab_process import ROOT, Lab
from tests.support.playbook import Ansible

MARK = "scale"
PLAYBOOKS = ROOT / "benchmarks" / "scale_playbooks"
WHOLE_FLEET = PLAYBOOKS / "whole_fleet.yml"
SINGLE_MODULE = PLAYBOOKS / "single_module_loop.yml"
URI_LOOP = PLAYBOOKS / "uri_loop.yml"

GROUPS = 1_000
CONNECTORS, APPLICATIONS = 5, 2
"""Of each group."""
BATCH = 20
"""Most requests of a batch (Graph, documented)."""
FEWER, FASTER = 50, 20
"""The goal of a no-op beside the uri loop: so many times fewer requests, so many times less time."""
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
NO_PROXY = {"NO_PROXY": "localhost,127.0.0.1", "no_proxy": "localhost,127.0.0.1"}
TOKEN_SECONDS = 12 * 3600
HOURS = 6 * 3600.0


@dataclasses.dataclass(frozen=True)
class Manner:
    """A way in which the service may answer lists; nobody has shown which of them is the real one (docs/fidelity.md).

    :param settings: of the lab's tenant.
    :param page: items of a page of a list.
    :param refusals: requests that are refused before the task knows what the service does not do.
    :param asked_names: whether applications have to be looked up by their names.
    """

    name: str
    settings: t.Mapping[str, t.Any]
    page: int
    refusals: int
    expands: bool
    asked_names: bool

    def bound(self, groups: int) -> int:
        """Requests of a no-op, exactly, of a fleet of so many groups beside Default. None has as many applications as a list is cut at."""
        lists = math.ceil((groups + 1) / self.page) + math.ceil(groups * CONNECTORS / self.page)
        inside = 0 if self.expands else math.ceil(2 * (groups + 1) / BATCH)
        names = math.ceil(math.ceil(groups * APPLICATIONS / 15) / BATCH) if self.asked_names else 0
        return lists + self.refusals + inside + names


EXPANDS = {"expand": "allowed", "expand_names": True}
MANNERS = (
    Manner("expands, with names; `$top` honoured", {**EXPANDS, "top": "honoured"}, 999, 0, expands=True, asked_names=False),
    Manner("expands, ids only; `$top` clamped to 100", {"expand": "allowed"}, 100, 0, expands=True, asked_names=True),
    Manner("refuses `$expand` and `$top`", {"expand": "refused", "top": "refused"}, 100, 4, expands=False, asked_names=True),
)
PLAIN: t.Mapping[str, t.Any] = {"expand": "refused", "expand_names": False, "top": "clamped"}
"""The lab's own settings, which each manner starts from."""


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What one playbook cost.

    :param done: groups that it had brought about when it ended, or was ended because its time was over.
    :param requests: HTTP requests to Graph; the items of a C($batch) are none.
    :param writes: requests and items that change something.
    :param write_requests: HTTP requests that carry them.
    :param peak: MiB of the largest process of ansible-playbook.
    """

    job: str
    manner: str
    groups: int
    done: int
    requests: int
    batches: int
    writes: int
    write_requests: int
    seconds: float
    peak: float

    @property
    def finished(self) -> bool:
        return self.done == self.groups


def fleet(groups: int) -> list[dict[str, t.Any]]:
    """The fleet that a tenant seeded with so many groups has (tests/lab/tenant/scale.py)."""
    return [
        {
            "name": f"Group {number + 1:05}",
            "region": "nam",
            "connectors": [f"HOST-{number * CONNECTORS + member + 1:05}" for member in range(CONNECTORS)],
            "applications": [f"Application {number + groups * turn + 1:05}" for turn in range(APPLICATIONS)],
        }
        for number in range(groups)
    ]


def seed(groups: int, **changes: t.Any) -> dict[str, t.Any]:
    """The tenant of that fleet, for the lab's admin API."""
    return {"groups": groups, "connectors_per_group": CONNECTORS, "applications": groups * APPLICATIONS, **changes}


def drifted(groups: int) -> dict[str, t.Any]:
    """The same where one group in a hundred was deleted, so that its connectors and applications are in Default."""
    return seed(groups, missing_groups=math.ceil(groups / 100))


def empty(groups: int) -> dict[str, t.Any]:
    """The same before anything was declared: all connectors and applications are in Default."""
    return seed(0, connectors_per_group=0, connectors_in_default=groups * CONNECTORS, applications=groups * APPLICATIONS)


class Bench:
    """A lab, and what runs against it."""

    def __init__(self, lab: Lab, directory: pathlib.Path) -> None:
        self._lab = lab
        self._directory = directory
        self._token = lab.token("graph", expires_in=TOKEN_SECONDS)

    def measure(
        self, job: str, playbook: pathlib.Path, groups: int, tenant: t.Mapping[str, t.Any], manner: Manner, seconds: float = HOURS
    ) -> Measurement:
        """Run a playbook for the fleet of so many groups on a tenant that was seeded so.

        :param seconds: after which it is ended.
        """
        self._lab.post("/seed", dict(tenant))
        self._lab.patch("/tenant", {**PLAIN, **manner.settings})
        self._lab.delete("/journal")
        variables = {**LOCAL, "fleet": fleet(groups), "access_token": self._token}
        variables |= {name: self._lab.state[name] for name in ("graph_endpoint", "ca_file")}
        taken, peak, finished = self._run(playbook, variables, seconds)
        entries = [one for one in self._lab.journal() if one["plane"] == "graph"]
        requests = [one for one in entries if not _is_item(one)]
        begun = sum(one["action"] == "list_groups" and "$skiptoken" not in str(one["detail"]) for one in entries)
        return Measurement(
            job,
            manner.name,
            groups,
            done=groups if finished else begun - 1,
            requests=len(requests),
            batches=sum(one["action"] == "batch" for one in requests),
            writes=sum(one["kind"] == "write" and one["action"] != "batch" for one in entries),
            write_requests=sum(one["kind"] == "write" for one in requests),
            seconds=taken,
            peak=peak,
        )

    def _run(self, playbook: pathlib.Path, variables: t.Mapping[str, t.Any], seconds: float) -> tuple[float, float, bool]:
        file = self._directory / "variables.json"
        file.write_text(json.dumps(variables))
        file.chmod(0o600)
        # A process of its own for each run: the peak that the system tells is that of all children that a process ever had.
        # Not forked: this one may have threads, whose locks a copy of it would keep.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            return pool.apply_async(_play, (self._directory / "ansible", playbook, file, seconds)).get(timeout=seconds + 60)


def _play(home: pathlib.Path, playbook: pathlib.Path, variables: pathlib.Path, seconds: float) -> tuple[float, float, bool]:
    """Seconds, MiB, and whether it came to its end."""
    started = time.monotonic()
    finished = False
    with contextlib.suppress(subprocess.TimeoutExpired):
        run = Ansible(home).playbook(playbook, "-e", f"@{variables}", inventory="localhost,", environment=NO_PROXY, timeout=seconds)
        run.succeeded()
        finished = True
    taken = time.monotonic() - started
    return taken, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, finished


def _is_item(entry: t.Mapping[str, t.Any]) -> bool:
    return isinstance(entry["detail"], dict) and "batch" in entry["detail"]


@dataclasses.dataclass(frozen=True)
class Report:
    """Everything that one run measured."""

    uri_loop: Measurement
    single_module: Measurement
    fleet: t.Sequence[Measurement]
    growth: t.Sequence[Measurement]

    @property
    def missed(self) -> list[str]:
        """The bounds and goals that were missed, for a person."""
        found = [sentence for one in (*self.fleet, *self.growth) for sentence in _beyond(one)]
        fewer, faster = self.fewer(self.fleet[0]), self.faster(self.fleet[0])
        shown = "" if self.uri_loop.finished else ", which was ended too early to show more"
        if fewer < FEWER:
            found.append(f"a no-op takes {fewer:.0f} times fewer requests than the uri loop{shown}; the goal is {FEWER}")
        if faster < FASTER:
            found.append(f"a no-op is {faster:.0f} times faster than the uri loop{shown}; the goal is {FASTER}")
        return found

    def fewer(self, one: Measurement) -> float:
        return self.uri_loop.requests / one.requests

    def faster(self, one: Measurement) -> float:
        return self.uri_loop.seconds / one.seconds

    def save(self, file: pathlib.Path) -> None:
        file.write_text(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def load(cls, file: pathlib.Path) -> Report:
        told = json.loads(file.read_text())
        single = {name: Measurement(**told[name]) for name in ("uri_loop", "single_module")}
        many = {name: [Measurement(**one) for one in told[name]] for name in ("fleet", "growth")}
        return cls(**single, **many)


NO_OP, DRIFT, CREATION = "nothing to do", "1 % drift", "full creation"


def _beyond(one: Measurement) -> list[str]:
    """What is above its bound: requests of a no-op, batches of the writes of everything else."""
    bound = _bound(one)
    if one.job == NO_OP and one.requests != bound:
        return [f"{one.groups} groups, {one.manner}: {one.requests} requests instead of {bound}"]
    if one.write_requests > bound:
        return [f"{one.groups} groups, {one.job}: {one.writes} writes in {one.write_requests} requests instead of {bound} batches"]
    return []


def _bound(one: Measurement) -> int:
    """Requests of a no-op; of everything else the requests that carry writes."""
    if one.job == NO_OP:
        return next(manner for manner in MANNERS if manner.name == one.manner).bound(one.groups)
    return write_batches(one.groups if one.job == CREATION else math.ceil(one.groups / 100))


def write_batches(groups: int) -> int:
    """Requests that bring so many missing groups about: creations, moves and assignments, each in full batches but for its last.

    One connector stays in Default until no application uses that any more, and moves last.
    """
    return sum(math.ceil(number / BATCH) for number in (groups, groups * CONNECTORS - 1, groups * APPLICATIONS)) + 1


def measure_fleet(bench: Bench, groups: int) -> list[Measurement]:
    """The whole fleet in one task: nothing to do in every manner of the service, drift, and creation."""
    no_ops = [bench.measure(NO_OP, WHOLE_FLEET, groups, seed(groups), manner) for manner in MANNERS]
    drift = bench.measure(DRIFT, WHOLE_FLEET, groups, drifted(groups), MANNERS[0])
    creation = bench.measure(CREATION, WHOLE_FLEET, groups, empty(groups), MANNERS[0])
    return [*no_ops, drift, creation]


def measure_growth(bench: Bench, sizes: t.Sequence[int]) -> list[Measurement]:
    """Nothing to do, in tenants of these sizes."""
    return [bench.measure(NO_OP, WHOLE_FLEET, groups, seed(groups), MANNERS[0]) for groups in sizes]


def measure_loop(bench: Bench, playbook: pathlib.Path, groups: int, seconds: float = HOURS) -> Measurement:
    """Nothing to do, by one of the alternatives."""
    return bench.measure(NO_OP, playbook, groups, seed(groups), MANNERS[0], seconds)


def measure(directory: pathlib.Path, groups: int, minutes: float) -> Report:
    """Everything, on one lab. Each of the alternatives is ended after so many minutes."""
    with Lab.start(directory / "lab") as lab:
        bench = Bench(lab, directory)
        whole = measure_fleet(bench, groups)
        growth = measure_growth(bench, (groups // 10, groups, groups * 10))
        single = measure_loop(bench, SINGLE_MODULE, groups, 60 * minutes)
        return Report(measure_loop(bench, URI_LOOP, groups, 60 * minutes), single, whole, growth)


def tables(report: Report) -> str:
    """Both tables, and how the goal was met."""
    size = report.fleet[0].groups
    lines = [
        f"{size:,} groups, {size * CONNECTORS:,} connectors, {size * APPLICATIONS:,} applications:",
        "",
        "| with | job | the service | groups done | requests | batches | writes | requests with writes | bound | seconds | MiB "
        "| requests per group done | seconds per group done |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
        *(_line("`connector_groups`", one, str(_bound(one))) for one in report.fleet),
        _line("`connector_group` in a loop", report.single_module, ""),
        _line("`ansible.builtin.uri` in a loop", report.uri_loop, ""),
        "",
        *(_comparison(report, one) for one in report.fleet if one.job == NO_OP),
        "",
        "Growth, nothing to do, the service as in the first line:",
        "",
        "| groups | connectors | applications | requests | formula | seconds | MiB | beside the line before |",
        "|---|---|---|---|---|---|---|---|",
        *(_growth_line(one, before) for one, before in zip(report.growth, (None, *report.growth), strict=False)),
        "",
        *(_verdict(report)),
    ]
    return "\n".join(lines)


def _line(what: str, one: Measurement, bound: str) -> str:
    done = f"{one.done:,}" if one.finished else f"{one.done:,} of {one.groups:,}, then ended"
    counts = f"{one.requests:,} | {one.batches:,} | {one.writes:,} | {one.write_requests:,}"
    each = f"{one.requests / one.done:.3f} | {one.seconds / one.done:.3f}" if one.done else " | "
    return f"| {what} | {one.job} | {one.manner} | {done} | {counts} | {bound} | {one.seconds:,.1f} | {one.peak:,.0f} | {each} |"


def _comparison(report: Report, one: Measurement) -> str:
    least = "" if report.uri_loop.finished else "at least "
    fewer, faster = report.fewer(one), report.faster(one)
    ratios = f"{least}{fewer:,.0f} times fewer requests, {least}{faster:,.0f} times faster"
    return f"- Beside the uri loop, where the service {one.manner}: {ratios}."


def _growth_line(one: Measurement, before: Measurement | None) -> str:
    sizes = f"{one.groups:,} | {one.groups * CONNECTORS:,} | {one.groups * APPLICATIONS:,}"
    ratios = ""
    if before is not None:
        times = {
            "groups": one.groups / before.groups,
            "requests": one.requests / before.requests,
            "seconds": one.seconds / before.seconds,
            "MiB": one.peak / before.peak,
        }
        ratios = ", ".join(f"{value:.1f} times the {name}" for name, value in times.items())
    return f"| {sizes} | {one.requests} | {_bound(one)} | {one.seconds:,.1f} | {one.peak:,.0f} | {ratios} |"


def _verdict(report: Report) -> list[str]:
    """Whether the goal was reached, and what was missed."""
    goal = f"The goal of a no-op beside the uri loop is {FEWER} times fewer requests and {FASTER} times less time."
    return [goal, *(f"- Not shown by this run: {sentence}." for sentence in report.missed)] if report.missed else [f"{goal} It is met."]


SECTION = """## A large tenant

What it costs to hold a whole tenant against its fleet, with the real `ansible-playbook` over HTTPS, counted in the lab's journal and
written by `python -m benchmarks.scale`; a test holds the counts of a small tenant. One request is one HTTP request to Graph, tokens not
counted. Seconds and MiB (of the largest process) are those of `ansible-playbook` on the machine at hand: only their ratios mean something.

The requests of a no-op are bounded by pages. With *G* groups, *C* connectors, *p* items in a page (100, or 999 where the service honours
`$top`), *t* groups whose applications the list of groups cuts (those with 20 or more) and *n* declared applications whose names it does
not tell:

    ceil(G/p) + ceil(C/p) + ceil(t/20) + further pages of those t + ceil(n/300)

A service that expands nothing (`$expand` is declared and shown by nobody) is asked by `$batch` instead: ceil(2g/20) for the g groups that
matter, and at most 4 requests to learn what it refuses. Writes come in batches of 20: ceil(groups/20) + ceil(moves/20) +
ceil(assignments/20).

The alternatives are the playbooks in `benchmarks/scale_playbooks`, for the same fleet on the same lab in the same run. One that takes
longer than it may is ended, and says how far it came: nothing is extrapolated."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, and end with 1 when a bound or a goal is missed")
    parser.add_argument("--groups", type=int, default=GROUPS, help="size of the tenant (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=HOURS / 60, help="after which an alternative is ended (default: %(default)s)")
    parser.add_argument("--save", type=pathlib.Path, help="file for what was measured")
    parser.add_argument("--load", type=pathlib.Path, help="measure nothing, take what an earlier run saved")
    options = parser.parse_args()
    if options.load:
        report = Report.load(options.load)
    else:
        with tempfile.TemporaryDirectory() as directory:
            report = measure(pathlib.Path(directory), options.groups, options.minutes)
    if options.save:
        report.save(options.save)
    print(tables(report))
    for sentence in report.missed:
        print(sentence, file=sys.stderr)
    if not options.check:
        page.PAGE.write_text(page.written(page.read(), MARK, SECTION, tables(report)))
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())

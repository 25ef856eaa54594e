# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What it costs to run a large fleet: deploy without changes, verify, rolling upgrade; and how strategy and forks bear on it.

    python -m benchmarks.fleet            # measures and writes
    python -m benchmarks.fleet --check    # measures, and ends with 1 when a bound is missed

From the root of the repository, in the environment that C(make test) makes. One lab holds all servers, and answers each request some
milliseconds late, as over a network. Counts and ratios are what matters: the seconds are those of the machine at hand, on which lab and
controller share the processors. How long a rolling upgrade takes on real servers is therefore told in simulated time, from the counts.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import dataclasses
import json
import pathlib
import re
import shutil
import ssl
import sys
import tempfile
import typing as t
import urllib.request

import yaml

from benchmarks import page
from benchmarks.process_usage import Usage, measured
from tests.support.lab_process import LAB_INVENTORY, ROOT, Lab
from tests.support.playbook import Ansible, Run

MARK = "fleet"
OLD, NEW = "1.5.3829.0", "1.5.4892.0"
SIZES = (3, 4, 5, 6, 7)
"""Servers of a connector group; groups have these sizes in turn. Three is the least of which one can be spared."""
GROUPS = 60
FORKS = 25
LATENCY_SECONDS = 0.02
QUICK = {"files_appear": 0.3, "becomes_active": 0.3, "service_start": 0.1}
PATIENT = {"upgrade_drain_seconds": 0, "upgrade_wait_interval": 2, "upgrade_wait_timeout": 1800, "upgrade_return_timeout": 1800}
TIMEOUT_SECONDS = 7200

# Simulated time. The first is the default of the role upgrade, the second what Microsoft's page names for the files to appear.
DRAIN_SECONDS = 60.0
INSTALL_SECONDS = 60.0
MOST_OF_THE_LARGEST_GROUP = 1.1

STRATEGIES = ("linear", "free", "ansible.builtin.host_pinned")
FORKS_TRIED = (5, 25, 50, 100)
TRIAL_GROUPS = 5

Entry = dict[str, t.Any]
Fleet = dict[str, list[str]]


def declared(groups: int) -> Fleet:
    """The servers of each connector group."""
    return {f"Site {n:03}": [f"site{n:03}-{k}" for k in range(1, SIZES[n % len(SIZES)] + 1)] for n in range(groups)}


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One run. C(wsman) and C(graph): HTTP requests to servers and tenant."""

    job: str
    wsman: int
    graph: int
    seconds: float
    cpu: float
    peak: float
    changed: int


@dataclasses.dataclass(frozen=True)
class Wave:
    """One wave of a rolling upgrade.

    :param busiest: requests to that server of the wave which took most.
    :param graph: requests to the tenant meanwhile, for all servers of the wave together.
    """

    servers: int
    busiest: int
    graph: int

    @property
    def simulated(self) -> float:
        """Seconds: servers side by side, their requests and those to the tenant one after the other."""
        return DRAIN_SECONDS + INSTALL_SECONDS + LATENCY_SECONDS * (self.busiest + self.graph)


@dataclasses.dataclass(frozen=True)
class Upgrade:
    """A rolling upgrade in waves, and the upgrade of one server alone."""

    waves: tuple[Wave, ...]
    alone: Wave
    largest: int
    worst: dict[str, int]

    @property
    def makespan(self) -> float:
        return sum(wave.simulated for wave in self.waves)

    @property
    def serial(self) -> float:
        """One server after the other, as C(serial: 1) does."""
        return sum(wave.servers for wave in self.waves) * self.alone.simulated

    @property
    def ratio(self) -> float:
        return self.makespan / (self.largest * self.alone.simulated)


@dataclasses.dataclass(frozen=True)
class Trial:
    """A deployment without changes under a strategy."""

    strategy: str
    forks: int
    measurement: Measurement


class Bench:
    """A lab with a fleet that runs, and the playbooks on it."""

    def __init__(self, lab: Lab, directory: pathlib.Path, fleet: Fleet) -> None:
        self._lab, self._fleet, self._directory = lab, fleet, directory
        self._ansible = Ansible(directory / "ansible", lab)
        self._inventory = _inventory(directory / "inventory", fleet)
        _place(lab, fleet)

    @classmethod
    @contextlib.contextmanager
    def of(cls, directory: pathlib.Path, groups: int) -> t.Iterator[Bench]:
        """A bench of its own lab."""
        fleet = declared(groups)
        directory.mkdir(parents=True, exist_ok=True)
        world = directory / "world.json"
        world.write_text(json.dumps(_world(fleet)))
        with Lab.start(directory / "lab", world=world) as lab:
            yield cls(lab, directory, fleet)

    def measure(
        self, job: str, playbook: str, *arguments: str, forks: int = FORKS, strategy: str = "linear", **given: t.Any
    ) -> Measurement:
        return self._measure(job, playbook, arguments, forks, strategy, given)[0]

    def measure_upgrade(self, groups: int) -> tuple[Measurement, Upgrade]:
        """Upgrade one server alone, then all the others of the first groups in waves."""
        fleet = dict(list(self._fleet.items())[:groups])
        most = max(len(servers) for servers in fleet.values())
        first = next(servers[0] for servers in fleet.values() if len(servers) < most)
        _one, run, entries = self._measure("", "upgrade_connectors", ("--limit", f"{first},localhost"), FORKS, "linear", UPGRADE)
        (alone,) = _waves(run, entries)
        self._lab.patch("/timeline", {"on": True})
        try:
            measurement, run, entries = self._measure(
                "rolling upgrade", "upgrade_connectors", ("--limit", self.limit(groups)), FORKS, "linear", UPGRADE
            )
            timeline = self._lab.get("/timeline")
        finally:
            self._lab.patch("/timeline", {"on": False})
        active = {group: [len(servers), *(one["active"] for one in timeline if one["group"] == group)] for group, servers in fleet.items()}
        worst = {group: min(counts) for group, counts in active.items()}
        return measurement, Upgrade(tuple(_waves(run, entries)), alone, most, worst)

    def measure_plan(self) -> tuple[Measurement, int]:
        """The rolling upgrade in check mode, and its waves."""
        measurement, run, entries = self._measure(
            "rolling upgrade, `--check`", "upgrade_connectors", ("--check",), FORKS, "linear", UPGRADE
        )
        return measurement, len(_waves(run, entries))

    def versions(self, groups: int) -> set[str]:
        """Of the servers of the first groups."""
        servers = self._lab.get("/servers")
        return {servers[name]["connector"]["version"] for names in list(self._fleet.values())[:groups] for name in names}

    def limit(self, groups: int) -> str:
        """For C(--limit): the servers of the first groups, and the controller."""
        return ",".join([*(_group_name(name) for name in list(self._fleet)[:groups]), "localhost"])

    def _measure(
        self, job: str, playbook: str, arguments: t.Sequence[str], forks: int, strategy: str, given: t.Mapping[str, t.Any]
    ) -> tuple[Measurement, Run, list[Entry]]:
        self._lab.delete("/journal")
        with self._late(), measured("ansible-playbook") as usage:
            run = self._ansible.playbook(
                ROOT / "playbooks" / f"{playbook}.yml",
                *("--forks", str(forks)),
                *arguments,
                inventory=self._inventory,
                variables=given or None,
                environment={"ANSIBLE_STRATEGY": strategy},
                timeout=TIMEOUT_SECONDS,
            ).succeeded()
        entries = [one for one in self._lab.journal() if _is_request(one)]
        return _measurement(job, run, entries, usage), run, entries

    @contextlib.contextmanager
    def _late(self) -> t.Iterator[None]:
        for plane in ("wsman", "graph"):
            self._lab.post("/faults", {"kind": "delay", "plane": plane, "seconds": LATENCY_SECONDS, "count": 0})
        try:
            yield
        finally:
            self._lab.delete("/faults")


UPGRADE = {"connector_version": NEW, **PATIENT}


def _measurement(job: str, run: Run, entries: t.Sequence[Entry], usage: Usage) -> Measurement:
    planes = [one["plane"] for one in entries]
    return Measurement(job, planes.count("wsman"), planes.count("graph"), run.seconds, usage.cpu, usage.peak, run.total("changed"))


def _is_request(entry: Entry) -> bool:
    """HTTP requests to servers and tenant; the items of a batch are none."""
    is_item = isinstance(entry["detail"], dict) and "batch" in entry["detail"]
    return entry["plane"] in ("wsman", "graph") and bool(entry["method"]) and not is_item


def _waves(run: Run, entries: t.Sequence[Entry]) -> list[Wave]:
    """The waves that a run told of, with their requests: to the tenant those between a wave's first request and that of the next."""
    told = re.findall(r"wave \d+ of \d+ begins: ([^\"\n]+)", run.stdout)
    servers = [text.strip().split(", ") for text in told]
    turn = {server: number for number, wave in enumerate(servers) for server in wave}
    requests: list[dict[str, int]] = [{} for _wave in servers]
    graph = [0 for _wave in servers]
    now = 0
    for entry in sorted(entries, key=lambda one: int(one["seq"])):
        if entry["plane"] == "graph":
            graph[now] += 1
            continue
        now = turn[entry["target"]]
        requests[now][entry["target"]] = requests[now].get(entry["target"], 0) + 1
    return [Wave(len(wave), max(requests[number].values()), graph[number]) for number, wave in enumerate(servers)]


def _world(fleet: Fleet) -> dict[str, t.Any]:
    running = {"connector": {"version": OLD, "registered": True, "running": True}}
    return {
        "tenant": {
            "domain": "lab.example",
            "settings": {"default_region": "nam"},
            "groups": [{"name": name} for name in fleet],
            "applications": [{"display_name": f"Application of {name}", "group": name} for name in fleet],
        },
        "timing": QUICK,
        "servers": {server: running for servers in fleet.values() for server in servers},
    }


def _place(lab: Lab, fleet: Fleet) -> None:
    """Every connector into its group, through Graph, as an operator would."""
    tenant = lab.get("/tenant")
    groups = {one["name"]: one["id"] for one in tenant["groups"]}
    connectors = {one["machine_name"]: one["id"] for one in tenant["connectors"]}
    moves = [(connectors[server.upper()], groups[name]) for name, servers in fleet.items() for server in servers]
    root = f"{lab.state['graph_endpoint']}/beta/onPremisesPublishingProfiles/applicationProxy"
    headers = {"Authorization": f"Bearer {lab.token('graph')}", "Content-Type": "application/json"}
    context = ssl.create_default_context(cafile=lab.state["ca_file"])
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))

    def move(pair: tuple[str, str]) -> None:
        body = json.dumps({"@odata.id": f"{root}/connectors/{pair[0]}"}).encode()
        address = f"{root}/connectorGroups/{pair[1]}/members/$ref"
        opener.open(urllib.request.Request(address, data=body, headers=headers, method="POST")).close()

    with concurrent.futures.ThreadPoolExecutor(4) as workers:
        list(workers.map(move, moves))


def _group_name(name: str) -> str:
    return name.lower().replace(" ", "_")


def _inventory(path: pathlib.Path, fleet: Fleet) -> pathlib.Path:
    shutil.copytree(LAB_INVENTORY, path)
    groups = {
        _group_name(name): {"hosts": dict.fromkeys(servers, {}), "vars": {"connector_group_name": name}} for name, servers in fleet.items()
    }
    tree = {"all": {"children": {"connectors": {"children": {"nam": {"children": groups}}}}}}
    (path / "hosts.yml").write_text(yaml.safe_dump(tree, sort_keys=False))
    return path


@dataclasses.dataclass(frozen=True)
class Report:
    """Everything that was measured.

    :param jobs: of the whole fleet.
    :param upgraded: the rolling upgrade of a fleet of C(upgrade_groups), in check mode and carried out; the former has C(waves).
    :param trials: deployments of a fleet of C(trial_groups).
    """

    groups: int
    jobs: tuple[Measurement, ...]
    waves: int
    upgrade_groups: int
    upgraded: tuple[Measurement, ...]
    upgrade: Upgrade
    trial_groups: int = 0
    trials: tuple[Trial, ...] = ()

    @property
    def missed(self) -> list[str]:
        """The bounds that do not hold, for a person."""
        upgrade, found = self.upgrade, []
        for waves in {self.waves, len(upgrade.waves)} - {upgrade.largest}:
            found.append(f"{waves} waves, and the largest group has {upgrade.largest} servers")
        if upgrade.ratio > MOST_OF_THE_LARGEST_GROUP:
            found.append(f"the rolling upgrade takes {upgrade.ratio:.2f} times as long as the largest group")
        found += [f"{group} had {active} active connector(s)" for group, active in upgrade.worst.items() if active < 2]
        return found + [f"{one.job} has changed something" for one in self.jobs if one.changed]


def servers_of(groups: int) -> int:
    return sum(len(servers) for servers in declared(groups).values())


def measure(directory: pathlib.Path, groups: int, upgrade_groups: int, trial_groups: int) -> Report:
    """Run everything."""
    with Bench.of(directory / "whole", groups) as bench:
        jobs = (bench.measure("deploy, nothing to do", "deploy_connectors"), bench.measure("verify", "verify_connectors"))
    with Bench.of(directory / "upgrade", upgrade_groups) as bench:
        plan, waves = bench.measure_plan()
        upgraded, upgrade = bench.measure_upgrade(upgrade_groups)
        if bench.versions(upgrade_groups) != {NEW}:
            raise AssertionError(f"the rolling upgrade has left {bench.versions(upgrade_groups)}")
    report = Report(groups, jobs, waves, upgrade_groups, (plan, upgraded), upgrade)
    return (
        dataclasses.replace(report, trial_groups=trial_groups, trials=measure_trials(directory, trial_groups)) if trial_groups else report
    )


def measure_trials(directory: pathlib.Path, groups: int) -> tuple[Trial, ...]:
    """A deployment without changes, under every strategy with every number of forks."""
    with Bench.of(directory / "trials", groups) as bench:
        return tuple(
            Trial(strategy, forks, bench.measure("deploy", "deploy_connectors", forks=forks, strategy=strategy))
            for strategy in STRATEGIES
            for forks in FORKS_TRIED
        )


def tables(report: Report) -> str:
    """What was measured, for the page."""
    upgrade = report.upgrade
    lines = [
        f"{LATENCY_SECONDS * 1000:.0f} ms before each answer, {FORKS} forks, connector groups of {min(SIZES)} to {max(SIZES)} servers:",
        "",
        "| job | servers | groups | requests to servers | for each | requests to the tenant | seconds | processor seconds | MiB |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_row(one, report.groups) for one in report.jobs),
        *(_row(one, report.upgrade_groups) for one in report.upgraded),
        "",
        f"The same upgrade in simulated time; the largest group has {upgrade.largest} servers:",
        "",
        "| way | waves | minutes | times the largest group |",
        "|---|---|---|---|",
    ]
    whole = upgrade.largest * upgrade.alone.simulated
    for way, waves, seconds in (
        ("largest group × one upgrade", upgrade.largest, whole),
        ("rolling, a server of every group in each wave", len(upgrade.waves), upgrade.makespan),
        ("`serial: 1`", servers_of(report.upgrade_groups), upgrade.serial),
    ):
        lines.append(f"| {way} | {waves} | {seconds / 60:,.1f} | {seconds / whole:.2f} |")
    worst = f"The fewest active connectors that any group had meanwhile, by the lab's own record: {min(upgrade.worst.values())}."
    return "\n".join([*lines, "", worst, *_trials(report)])


def _row(one: Measurement, groups: int) -> str:
    servers = servers_of(groups)
    counts = f"{servers} | {groups} | {one.wsman:,} | {one.wsman / servers:.1f} | {one.graph:,}"
    return f"| {one.job} | {counts} | {one.seconds:,.0f} | {one.cpu:,.0f} | {one.peak:,.0f} |"


def _trials(report: Report) -> list[str]:
    if not report.trials:
        return []
    first = report.trials[0].measurement
    lines = [
        "",
        f"Strategy and forks, deploying {servers_of(report.trial_groups)} servers without changes. Times are relative to the first row:",
        "",
        "| strategy | forks | time | processor time | MiB |",
        "|---|---|---|---|---|",
    ]
    for trial in report.trials:
        one = trial.measurement
        ratios = f"{one.seconds / first.seconds:.2f} | {one.cpu / first.cpu:.2f}"
        lines.append(f"| `{trial.strategy.rpartition('.')[2]}` | {trial.forks} | {ratios} | {one.peak:,.0f} |")
    return lines


SECTION = f"""## A large fleet

Deploying, verifying and upgrading a fleet with the real `ansible-playbook`, over HTTPS with NTLM, written by
`python -m benchmarks.fleet`; a test holds the counts of a small fleet. Seconds, processor seconds and MiB (of all processes of
`ansible-playbook` together, what they share counted once) are those of the machine at hand, which also runs the lab, on two cores that
others use as well: compare them with each other only.

Simulated time is made of counts: a wave takes {DRAIN_SECONDS:.0f} s for connections to end (the default of `upgrade_drain_seconds`),
{INSTALL_SECONDS:.0f} s for the installer, and the latency of every request to its busiest server and to the tenant, one after the other. It
supposes that forks are at least the number of groups."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, and end with 1 when a bound is missed")
    parser.add_argument("--groups", type=int, default=GROUPS, help="connector groups of the fleet (default: %(default)s)")
    parser.add_argument(
        "--upgrade-groups", type=int, default=GROUPS, help="those of the upgrade that is carried out (default: %(default)s)"
    )
    options = parser.parse_args()
    upgraded, tried = min(options.upgrade_groups, options.groups), min(TRIAL_GROUPS, options.groups)
    with tempfile.TemporaryDirectory() as directory:
        report = measure(pathlib.Path(directory), options.groups, upgraded, tried)
    print(tables(report))
    for sentence in report.missed:
        print(sentence, file=sys.stderr)
    if not options.check:
        page.PAGE.write_text(page.written(page.read(), MARK, SECTION, tables(report)))
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a job on a server costs on the wire: counted in the lab's journal, held against the budgets, written into docs/benchmarks.md.

    python -m benchmarks.wire_budget            # measures and writes
    python -m benchmarks.wire_budget --check    # measures, and ends with 1 when a budget is exceeded

From the root of the repository, in the environment that C(make test) makes. The real ansible-playbook, pywinrm and pypsrp are
what runs; the lab's servers are what they talk to, so that seconds are not measured.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import pathlib
import sys
import tempfile
import typing as t

from benchmarks import page
from tests.support import kdc as kdcs
from tests.support.kdc import REALM, Kdc
from tests.support.lab_process import ROOT, Lab
from tests.support.playbook import Ansible

MARK, DEPLOY_MARK = "wire_budget", "wire_budget deploy"
PLAYBOOK = ROOT / "playbooks" / "deploy_connectors.yml"
SERVER = "nam-web-01"
REALM_PASSWORD = "Of-the-realm-1"

Task = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Job:
    """Something that is done to a host that is as it should be.

    :param operations: at most so many WS-Management operations; None = no budget.
    """

    name: str
    task: Task
    operations: int | None = None
    requests: int | None = None
    kilobytes: int | None = None


JOBS = (
    Job("`connector_info`", {"entra.app_proxy.connector_info": {}}, operations=5),
    Job("`connector_health`, without endpoints", {"entra.app_proxy.connector_health": {}}, operations=8),
    Job("`connector`, nothing to do", {"entra.app_proxy.connector": {}}),
    Job(
        "role `connector`, nothing to do",
        {"ansible.builtin.include_role": {"name": "entra.app_proxy.connector"}},
        requests=20,
        kilobytes=60,
    ),
)

# The whole second run of the main playbook. At the end of the first issue it took 10 to each server, 8 to Graph and 2 for tokens.
DEPLOY_BUDGET = {"server": 11, "graph": 8, "login": 2}

# For one PowerShell module that does nothing: requests with Basic, NTLM and Kerberos, and bytes sent. Measured with real ansible-core
# against a stand-in for WinRM, before this collection was written; connection to number of requests.
POWERSHELL = {"winrm": {"basic": 7, "ntlm": 10, "kerberos": 8}, "psrp": {"ntlm": 9, "kerberos": 8}}
POWERSHELL_KILOBYTES = 255


@dataclasses.dataclass(frozen=True)
class Cost:
    """C(requests): HTTP requests. C(messages): those of them that carry a message, without the legs of authentication.

    C(operations): queries, gets and method calls; the further pages of a query (Pull) are messages and no operations.
    C(sent): bytes in the bodies of the requests.
    """

    job: Job
    connection: str
    authentication: str
    requests: int
    messages: int
    operations: int
    sent: int

    def exceeded(self) -> list[str]:
        """The budgets that this is above, for a person."""
        judged = (
            ("operations", self.operations, self.job.operations),
            ("HTTP requests", self.requests, self.job.requests if self.authentication == "ntlm" else None),
            ("KB sent", round(self.sent / 1000), self.job.kilobytes if self.authentication == "ntlm" else None),
        )
        where = f"{self.job.name} over {self.connection} with {self.authentication}"
        return [f"{where}: {found} {what}, allowed are {most}" for what, found, most in judged if most is not None and found > most]


def measure(directory: pathlib.Path) -> list[Cost]:
    """Run every job in every way that this machine can."""
    kdc = None if kdcs.missing() else Kdc.start(directory / "kdc", {"lab-admin": REALM_PASSWORD})
    try:
        options = ["--keytab", str(kdc.keytab)] if kdc else []
        environment = kdc.environment if kdc else {}
        with Lab.start(directory / "lab", options=options, environment=environment) as lab:
            lab.patch(f"/servers/{SERVER}", {"connector": {"registered": True}})
            return [_cost(lab, directory, job, *way, environment) for way in _ways(kdc is not None) for job in JOBS]
    finally:
        if kdc:
            kdc.stop()


@dataclasses.dataclass(frozen=True)
class Deploy:
    """What the second run of the main playbook cost, over winrm with NTLM and encrypted messages.

    C(requests): HTTP requests, by where they went: C(server) (the most that one server saw), C(graph), C(login).
    """

    servers: int
    requests: t.Mapping[str, int]
    sent: int

    def exceeded(self) -> list[str]:
        found = ((where, count, DEPLOY_BUDGET[where]) for where, count in self.requests.items())
        return [f"the second deployment: {count} requests to {where}, allowed are {most}" for where, count, most in found if count > most]


def measure_deploy(directory: pathlib.Path) -> Deploy:
    """Deploy the fleet of the lab's inventory twice, and count the second time.

    :raises AssertionError: the second run has changed or written something.
    """
    with Lab.start(directory / "deploy-lab") as lab:
        ansible = Ansible(directory / "deploy", lab, connection="winrm", scheme="http")
        ansible.playbook(PLAYBOOK).succeeded()
        start = lab.last_seq()
        run = ansible.playbook(PLAYBOOK).succeeded()
        entries = [entry for entry in lab.journal(since=start) if entry["plane"] != "admin" and entry["method"]]
    assert not run.total("changed"), run.output
    assert not [entry for entry in entries if entry["kind"] in ("write", "shell") and entry["action"] != "batch"]
    servers = collections.Counter(entry["target"] for entry in entries if entry["plane"] == "wsman")
    # The items of a $batch are in the journal as well.
    planes = collections.Counter(entry["plane"] for entry in entries if "item" not in (entry["detail"] or {}))
    requests = {"server": max(servers.values()), "graph": planes["graph"], "login": planes["login"]}
    return Deploy(len(servers), requests, sum(entry["bytes_in"] for entry in entries))


def deploy_table(deploy: Deploy) -> str:
    """One line, with what is allowed behind each number."""
    cells = " | ".join(f"{count} ({DEPLOY_BUDGET[where]})" for where, count in deploy.requests.items())
    return "\n".join(
        [
            "| servers | requests to each server (allowed) | requests to Graph (allowed) | requests for tokens (allowed) | KB sent, all |",
            "|---|---|---|---|---|",
            f"| {deploy.servers} | {cells} | {deploy.sent / 1000:.1f} |",
        ]
    )


def _ways(has_kdc: bool) -> list[tuple[str, str, str]]:
    """Connection, authentication, scheme. Over http the messages are encrypted, which Basic cannot."""
    kerberos = [("winrm", "kerberos", "http"), ("psrp", "kerberos", "http")] if has_kdc else []
    return [("winrm", "basic", "https"), ("winrm", "ntlm", "http"), ("psrp", "ntlm", "http"), *kerberos]


def _cost(
    lab: Lab, directory: pathlib.Path, job: Job, connection: str, authentication: str, scheme: str, environment: t.Mapping[str, str]
) -> Cost:
    ansible = Ansible(directory / "ansible", lab, connection=connection, scheme=scheme)
    variables: dict[str, t.Any] = {"ansible_winrm_transport": authentication, "ansible_psrp_auth": authentication}
    if authentication == "kerberos":
        variables |= {
            "ansible_host": "localhost",
            "ansible_user": f"{lab.state['user']}@{REALM}",
            "ansible_password": REALM_PASSWORD,
            "ansible_winrm_kinit_env_vars": ["KRB5_CONFIG"],
            "ansible_psrp_negotiate_service": "HTTP",
        }
    start = lab.last_seq()
    play = {"name": job.name, "hosts": SERVER, "gather_facts": False, "tasks": [{"name": "The job", **job.task}]}
    run = ansible.playbook([play], variables=variables, environment=environment).succeeded()
    if run.total("changed"):
        raise AssertionError(f"{job.name} has changed something, so it is not what is to be measured")
    entries = [entry for entry in lab.journal(since=start) if entry["plane"] == "wsman" and entry["method"]]
    return Cost(
        job,
        connection,
        authentication,
        requests=len(entries),
        messages=sum(entry["kind"] != "auth" for entry in entries),
        operations=sum(entry["kind"] != "auth" and entry["action"] != "Pull" for entry in entries),
        sent=sum(entry["bytes_in"] for entry in entries),
    )


def table(costs: t.Sequence[Cost]) -> str:
    """The costs and, beside them, those of PowerShell modules."""
    lines = [
        "| job | connection | authentication | operations | messages | HTTP requests | KB sent | budget | one PowerShell module |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for cost in costs:
        shell = POWERSHELL.get(cost.connection, {}).get(cost.authentication)
        beside = f"{shell} requests, {POWERSHELL_KILOBYTES} KB" if shell else f"{POWERSHELL_KILOBYTES} KB"
        numbers = f"{cost.operations} | {cost.messages} | {cost.requests} | {cost.sent / 1000:.1f}"
        lines.append(f"| {cost.job.name} | {cost.connection} | {cost.authentication} | {numbers} | {_budget(cost)} | {beside} |")
    return "\n".join(lines)


def _budget(cost: Cost) -> str:
    job, ntlm = cost.job, cost.authentication == "ntlm"
    parts = [f"{job.operations} operations"] if job.operations is not None else []
    parts += [f"{job.requests} requests"] if job.requests is not None and ntlm else []
    parts += [f"{job.kilobytes} KB"] if job.kilobytes is not None and ntlm else []
    return ", ".join(parts)


SECTION = """## On the wire to a server

What a job costs on a server that is as it should be, counted in the lab's journal. Written by
`python -m benchmarks.wire_budget`; a test holds the numbers against the budgets. Operations are queries, gets and method
calls; a query with more than one result takes a second message (Pull), as on a recorded Server 2012. Requests include the
legs of the authentication. KB are the bodies of the requests. The last column is for comparison: a PowerShell module costs
that before it has done anything, plus the start of a process on the server."""

DEPLOY_SECTION = """### The whole deployment, second run

`playbooks/deploy_connectors.yml` on the fleet of the lab's inventory, which is as it is declared: nothing is changed, nothing written, no
shell opened. Over winrm with NTLM and encrypted messages. The numbers in brackets are the budget; when the playbook was new, it took 10, 8
and 2."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, and end with 1 when a budget is exceeded")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        costs, deploy = measure(pathlib.Path(directory)), measure_deploy(pathlib.Path(directory))
    print(table(costs))
    print(deploy_table(deploy))
    if kdcs.missing():
        print(kdcs.missing(), file=sys.stderr)
    exceeded = [sentence for cost in costs for sentence in cost.exceeded()] + deploy.exceeded()
    for sentence in exceeded:
        print(sentence, file=sys.stderr)
    if not options.check:
        content = page.written(page.read(), MARK, SECTION, table(costs))
        page.PAGE.write_text(page.written(content, DEPLOY_MARK, DEPLOY_SECTION, deploy_table(deploy)))
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin under the real ansible-inventory, against the lab's tenant."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import typing as t

import pytest

from tests.support.lab_process import Lab
from tests.support.playbook import Ansible, Listing, Run

PLUGIN = "entra.app_proxy.connectors"
FILE = "lab.app_proxy_connectors.yml"
UNREACHABLE = "https://127.0.0.1:1"


@dataclasses.dataclass
class World:
    """A tenant with two connector groups, and the plugin on it, signed in with a token."""

    lab: Lab
    ansible: Ansible
    token: str

    def run(
        self, *arguments: str, sources: t.Sequence[pathlib.Path] = (), environment: t.Mapping[str, str] | None = None, **options: t.Any
    ) -> Run:
        given = {name: value for name, value in options.items() if value is not None}
        source = self.ansible.source(FILE, {"plugin": PLUGIN, **self.reach(), **given})
        signed_in = {"APP_PROXY_ACCESS_TOKEN": self.token}
        return self.ansible.list_inventory(*sources, source, arguments=arguments, environment={**signed_in, **(environment or {})})

    def listing(self, *arguments: str, **options: t.Any) -> Listing:
        return Listing.of(self.run(*arguments, **options).succeeded())

    def reach(self) -> dict[str, t.Any]:
        return {name: self.lab.state[name] for name in ("tenant_id", "graph_endpoint", "authority", "ca_file")}

    def kept(self, **options: t.Any) -> dict[str, t.Any]:
        """The options of a cache that outlives the run."""
        return {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(self.folder), "timeout": 1, **options}

    @property
    def folder(self) -> pathlib.Path:
        return self.ansible.home / "cache"

    def age(self) -> None:
        """Let what is in the cache be older than any timeout."""
        for file in self.folder.iterdir():
            os.utime(file, (0, 0))

    def requests(self, since: int = 0) -> list[dict[str, t.Any]]:
        """What reached the tenant, a batch being one request."""
        reached = [entry for entry in self.lab.journal(since) if entry["plane"] in ("graph", "login")]
        return [entry for entry in reached if not (entry["detail"] or {}).get("item")]


@pytest.fixture
def world(lab: Lab, ansible: Ansible) -> World:
    lab.post("/groups", {"name": "NAM Web", "region": "nam"})
    lab.post("/groups", {"name": "EUR Web", "region": "eur"})
    for machine, group, status, version in (
        ("NAM-WEB-01", "NAM Web", "active", "1.5.4892.0"),
        ("NAM-WEB-02", "NAM Web", "inactive", "1.5.3925.0"),
        ("EUR-WEB-01", "EUR Web", "active", "1.5.4892.0"),
        ("SPARE-01", "Default", "active", "1.5.4892.0"),
    ):
        lab.post("/connectors", {"machine_name": machine, "group": group, "status": status, "version": version})
    return World(lab, ansible, lab.token("graph"))


@pytest.mark.parametrize("expand", ["refused", "allowed"])
def test_hosts_are_grouped_as_their_connectors_are(world: World, expand: str) -> None:
    world.lab.patch("/tenant", {"expand": expand})
    before = world.lab.last_seq()
    found = world.listing()
    # Two lists; where the one of the connectors does not tell their groups, the refused try and one batch for all groups.
    assert len(world.requests(before)) == {"refused": 4, "allowed": 2}[expand]
    assert found.hosts["tenant_connectors"] == ["eur-web-01", "nam-web-01", "nam-web-02", "spare-01"]
    assert found.hosts["tenant_group_nam_web"] == ["nam-web-01", "nam-web-02"]
    assert found.hosts["tenant_group_eur_web"] == ["eur-web-01"]
    assert found.hosts["tenant_group_default"] == ["spare-01"]
    assert found.children["tenant_region_nam"] == ["tenant_group_default", "tenant_group_nam_web"]
    assert found.children["tenant_region_eur"] == ["tenant_group_eur_web"]
    assert found.hosts["tenant_status_inactive"] == found.hosts["tenant_version_1_5_3925_0"] == ["nam-web-02"]
    for connector in world.lab.get("/tenant")["connectors"]:
        variables = found.variables[connector["machine_name"].lower()]
        told = (variables["tenant_connector_id"], variables["tenant_connector_status"], variables["tenant_connector_group"])
        assert told == (connector["id"], connector["status"], connector["group"])


def test_everything_is_read_page_by_page(world: World) -> None:
    world.lab.post("/seed", {"groups": 45, "connectors_per_group": 2})
    world.lab.patch("/tenant", {"page_size": 30})
    before = world.lab.last_seq()
    found = world.listing()
    assert len(found.hosts["tenant_connectors"]) == 90
    # 46 groups on two pages, one refused try, 90 connectors on three pages, the members of 46 groups in three batches.
    assert len(world.requests(before)) == 2 + 1 + 3 + 3


def test_a_second_run_asks_the_tenant_nothing(world: World) -> None:
    first = world.listing(**world.kept())
    world.lab.post("/connectors", {"machine_name": "LATE-01"})
    before = world.lab.last_seq()
    assert world.listing(**world.kept()) == first
    # Other options over the same copy: what is kept is the tenant, not the hosts.
    assert list(world.listing(**world.kept(regions=["eur"], domain="corp.example.com")).variables) == ["eur-web-01.corp.example.com"]
    assert world.requests(before) == []
    source = world.ansible.source(FILE, {"plugin": PLUGIN, **world.reach(), **world.kept()})
    play = {"hosts": "late-01", "gather_facts": False}
    world.ansible.playbook([play], "--flush-cache", inventory=source, environment={"APP_PROXY_ACCESS_TOKEN": world.token}).succeeded()
    assert "late-01" in world.listing(**world.kept()).variables


def test_an_expired_copy_is_read_anew(world: World) -> None:
    world.listing(**world.kept())
    world.lab.post("/connectors", {"machine_name": "LATE-01"})
    world.age()
    assert "late-01" in world.listing(**world.kept(use_expired_cache=True)).variables


def test_a_copy_without_applications_or_of_another_tenant_is_not_used(world: World) -> None:
    world.listing(**world.kept())
    found = world.listing(**world.kept(include_applications=True))
    assert sorted(found.variables["spare-01"]["tenant_connector_applications"]) == ["Intranet", "Payroll"]
    before = world.lab.last_seq()
    world.listing(**world.kept(tenant_id="11111111-1111-1111-1111-111111111111"))
    assert world.requests(before) != []


def test_a_damaged_copy_is_read_anew(world: World) -> None:
    world.listing(**world.kept())
    (file,) = world.folder.iterdir()
    file.write_text("{")
    done = world.run(**world.kept()).succeeded()
    assert "the cached copy of the tenant cannot be read" in done.told
    assert len(Listing.of(done).variables) == 4


def test_offline_the_old_copy_is_used_with_a_warning(world: World) -> None:
    first = world.listing(**world.kept())
    world.age()
    for fault in ({"kind": "drop_before"}, {"kind": "status", "status": 503}, {"kind": "status", "status": 429}):
        world.lab.post("/faults", {"plane": "graph", "count": 0, **fault})
        done = world.run(**world.kept(use_expired_cache=True)).succeeded()
        assert Listing.of(done) == first
        assert "the tenant cannot be reached, so the connectors are those of 20" in done.told
        world.lab.delete("/faults")


def test_offline_means_the_token_service_as_well(world: World) -> None:
    first = world.listing(**world.kept())
    world.age()
    secret = {"client_id": world.lab.state["client_id"], "client_secret": "some-secret", "auth_source": "client_secret"}
    done = world.run(**{**world.kept(use_expired_cache=True), **secret, "authority": UNREACHABLE}).succeeded()
    assert Listing.of(done) == first
    assert "the tenant cannot be reached" in done.told


def test_offline_is_also_what_azure_cli_says_of_it(world: World, tmp_path: pathlib.Path) -> None:
    first = world.listing(**world.kept())
    world.age()
    az = tmp_path / "bin" / "az"
    az.parent.mkdir()
    unreached = "HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: /x"
    az.write_text(f'#!/bin/sh\necho "ERROR: {unreached}" >&2\nexit 1\n')
    az.chmod(0o755)
    path = {"PATH": os.pathsep.join([str(az.parent), os.environ["PATH"]])}
    done = world.run(**world.kept(use_expired_cache=True, auth_source="azure_cli"), environment=path).succeeded()
    assert Listing.of(done) == first
    az.write_text("#!/bin/sh\necho \"ERROR: Please run 'az login' to setup account.\" >&2\nexit 1\n")
    refused = world.run(**world.kept(use_expired_cache=True, auth_source="azure_cli"), environment=path)
    assert refused.rc
    assert "could not get an access token" in refused.told


def test_without_a_copy_or_the_wish_to_use_it_offline_is_one_error(world: World) -> None:
    world.lab.post("/faults", {"plane": "graph", "count": 0, "kind": "drop_before"})
    done = world.run(**world.kept(use_expired_cache=True))
    assert done.rc
    assert "the tenant cannot be reached, and the cache has no copy of it" in done.told
    world.lab.delete("/faults")
    world.listing(**world.kept())
    world.age()
    world.lab.post("/faults", {"plane": "graph", "count": 0, "kind": "drop_before"})
    done = world.run(**world.kept())
    assert done.rc
    assert "could not list the connector groups: no answer" in done.told


def test_a_refusal_is_an_error_although_there_is_a_copy(world: World) -> None:
    world.listing(**world.kept())
    world.age()
    refused = {
        "The token is app-only": {"access_token": world.lab.token("graph", app_only=True)},
        "The certificate of the endpoint is not trusted": {"ca_file": world.lab.state["client_certificate_file"]},
        "auth_source=client_secret needs also: client_id, client_secret": {"auth_source": "client_secret"},
    }
    for said, options in refused.items():
        done = world.run(**world.kept(use_expired_cache=True, **options))
        assert done.rc
        assert said in done.told


@pytest.mark.parametrize("given", ["in the file", "in a vault", "from a lookup", "in the environment"])
def test_a_secret_reaches_the_token_service_and_nothing_else(world: World, given: str, tmp_path: pathlib.Path) -> None:
    world.lab.patch("/tenant", {"app_only": True})
    secret = world.lab.state["client_secret"]
    password = tmp_path / "password"
    password.write_text("correct horse")
    values = {
        "in the file": lambda: secret,
        "in a vault": lambda: world.ansible.vaulted(secret, password),
        "from a lookup": lambda: "{{ lookup('ansible.builtin.env', 'GRAPH_SECRET') }}",
        "in the environment": lambda: None,
    }
    environment = {"GRAPH_SECRET": secret, "AZURE_CLIENT_SECRET": secret if given == "in the environment" else ""}
    options = world.kept(auth_source="client_secret", client_id="{{ client }}", client_secret=values[given]())
    client = f"client={world.lab.state['client_id']}"
    done = world.run("-vvvvv", "--vault-password-file", str(password), "-e", client, environment=environment, **options).succeeded()
    kept = "".join(file.read_text() for file in world.folder.iterdir())
    assert "NAM-WEB-01" in kept
    for text in (done.output, kept):
        assert secret not in text
        assert "eyJ" not in text  # the start of every token


def test_a_device_code_is_not_part_of_the_listing(world: World) -> None:
    done = world.run(auth_source="device_code").succeeded()
    assert "To sign in, open " in done.told
    assert len(Listing.of(done).variables) == 4


def test_what_the_tenant_tells_is_never_a_template(world: World, tmp_path: pathlib.Path) -> None:
    trap = tmp_path / "trap"
    name = "{{ lookup('ansible.builtin.pipe', 'touch " + str(trap) + "') }}"
    world.lab.post("/groups", {"name": name, "region": "nam"})
    world.lab.post("/connectors", {"machine_name": "EVIL-01", "group": name})
    source = world.ansible.source(FILE, {"plugin": PLUGIN, **world.reach(), "compose": {"copied": "tenant_connector_group"}})
    tell = {"ansible.builtin.debug": {"msg": "{{ tenant_connector_group }} and {{ copied }}"}}
    play = {"hosts": "evil-01", "gather_facts": False, "connection": "local", "tasks": [tell]}
    done = world.ansible.playbook([play], inventory=source, environment={"APP_PROXY_ACCESS_TOKEN": world.token}).succeeded()
    assert done.stdout.count("lookup('ansible.builtin.pipe'") == 2
    assert not trap.exists()


def test_the_declared_fleet_and_the_tenant_are_one_inventory(world: World) -> None:
    source = world.ansible.source(FILE, {"plugin": PLUGIN, **world.reach()})
    rule = "inventory_hostname in groups['nam_web'] and connector_group_name == tenant_connector_group"
    regions = "{{ (hostvars | entra.app_proxy.fleet).groups | map(attribute='name') | sort | join(', ') }}"
    play = {
        "hosts": "tenant_group_nam_web",
        "gather_facts": False,
        "connection": "local",
        "tasks": [{"ansible.builtin.assert": {"that": [rule]}}, {"ansible.builtin.debug": {"msg": f"fleet: {regions}"}}],
    }
    done = world.ansible.playbook([play], "-i", str(source), environment={"APP_PROXY_ACCESS_TOKEN": world.token}).succeeded()
    assert sorted(done.recap) == ["nam-web-01", "nam-web-02"]
    assert "fleet: EUR Web, NAM HR, NAM Web" in done.stdout


def test_constructed_names_variables_and_groups(world: World) -> None:
    found = world.listing(
        "-e",
        "suffix=lab",
        group_by=["status"],
        group_prefix="lab_",
        use_extra_vars=True,
        hostnames=["tenant_connector_nothing ~ '-x'", "tenant_connector_machine_name | lower ~ '.' ~ suffix"],
        compose={"ansible_host": "inventory_hostname"},
        groups={"spare": "tenant_connector_group_is_default"},
        keyed_groups=[{"key": "tenant_connector_region"}],
        leading_separator=False,
    )
    assert sorted(found.hosts) == ["all", "eur", "lab_connectors", "lab_status_active", "lab_status_inactive", "nam", "spare"]
    assert found.hosts["spare"] == ["spare-01.lab"]
    assert found.hosts["eur"] == ["eur-web-01.lab"]
    assert {variables["ansible_host"] for variables in found.variables.values()} == set(found.variables)


def test_connectors_left_behind_are_reported(world: World) -> None:
    old = world.lab.post("/connectors", {"machine_name": "nam-web-01", "status": "inactive"})["id"]
    done = world.run(include_inactive=False).succeeded()
    found = Listing.of(done)
    assert found.variables["nam-web-01"]["tenant_connector_others"] == [old]
    assert "nam-web-02" not in found.variables
    assert old in done.told


@pytest.mark.parametrize("empty", ["no connectors", "none that fits"])
def test_no_hosts_are_never_silent(world: World, empty: str) -> None:
    if empty == "no connectors":
        world.lab.patch("/tenant", {"publishing_enabled": False})
        done = world.run().succeeded()
        assert "the tenant has no connectors" in done.told
    else:
        done = world.run(connector_groups=["EUR Web"], regions=["nam"]).succeeded()
        assert "none of the 4 connectors of the tenant is one that the options ask for" in done.told
    assert Listing.of(done).variables == {}


BAD = {
    "unknown, contradictory and vain options": (
        {"conector_groups": ["NAM Web"], "domain": "x.example", "hostnames": ["'x'"], "use_expired_cache": True},
        [
            "there is no option conector_groups",
            "domain is for the names that the plugin makes",
            "use_expired_cache needs a cache that outlives the run",
        ],
    ),
    "a group and a region that the tenant does not have": (
        {"connector_groups": ["NAM Wep"], "regions": ["mars"]},
        ["the tenant has no connector group NAM Wep", "the tenant has no connector group of region mars, only of eur, nam"],
    ),
    "one name for two machines": ({"hostnames": ["'same'"]}, ["machines EUR-WEB-01 and NAM-WEB-01 would both be host same"]),
    "no name": ({"hostnames": ["nothing"]}, ["machine EUR-WEB-01: no expression of the option hostnames gives it a name"]),
    "a name that is none": ({"hostnames": ["'a:' ~ tenant_connector_id"]}, ["cannot be the name of a host"]),
    "an expression that fails": ({"hostnames": ["nothing"], "strict": True}, ["hostnames: 'nothing': "]),
    "templates that fail": (
        {"client_id": "{{ nothing }}", "proxy": "{{ none_such }}"},
        ["client_id cannot be templated: ", "; proxy cannot be templated: "],
    ),
    "half a credential": ({"auth_source": "client_secret"}, ["auth_source=client_secret needs also: client_id, client_secret"]),
    "no such choice": ({"group_by": ["machine"]}, ["group_by"]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_options_are_one_clear_error(world: World, name: str) -> None:
    options, said = BAD[name]
    done = world.run(**t.cast("dict[str, t.Any]", options))
    assert done.rc
    assert [part for part in said if part not in done.told] == [], done.told


def test_a_file_of_another_name_is_not_taken(world: World) -> None:
    source = world.ansible.source("tenant.yml", {"plugin": PLUGIN, **world.reach()})
    done = world.ansible.list_inventory(source, arguments=["-vvv"])
    assert done.rc
    assert "app_proxy_connectors.yml or app_proxy_connectors.yaml" in done.output

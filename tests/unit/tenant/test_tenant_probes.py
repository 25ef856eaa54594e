# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The probes of a tenant: what they find where an assumption holds and where it does not, and that they tell nothing of the tenant."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.tenant_probes import OF_THE_ANSWER, PROBES, probe_tenant
from tests.unit.tenant.graph_server import LabTenant

Document = dict[str, t.Any]

WORLD: Document = {
    "settings": {"default_region": "nam", "expand": "allowed"},
    "groups": [{"name": "Kantine", "region": "eur"}, {"name": "Pforte"}, {"name": "Abgleich", "type": "syncFabric", "region": None}],
    "connectors": [
        {"machine_name": "KESSEL-1", "group": "Kantine"},
        {"machine_name": "KESSEL-2", "group": "Kantine"},
        {"machine_name": "KESSEL-3", "status": "inactive"},
    ],
    "applications": [{"display_name": "Speiseplan", "group": "Kantine"}],
}
NAMES = ("Kantine", "Pforte", "Abgleich", "KESSEL", "Speiseplan")


def probe(world: Document, *, app_only: bool = False) -> Document:
    tenant = LabTenant(**world)
    client = tenant.client(app_only=app_only)
    try:
        found = probe_tenant(client)
        assert tenant.writes() == []
        assert tenant.unknown() == []
        shown = json.dumps(found)
        state = tenant.tenant.now_state
        ids = [*state.groups, *state.connectors, *state.applications, tenant.tenant.tenant_id]
        assert [text for text in (*NAMES, *ids) if text in shown] == []
        return found
    finally:
        client.close()
        tenant.close()


def outcomes(found: Document, outcome: str) -> set[str]:
    return {name for name, finding in found["findings"].items() if finding["outcome"] == outcome}


@pytest.mark.parametrize("mode", ["observed", "documented"])
def test_where_all_is_as_assumed_everything_holds_that_can_be_seen(mode: str) -> None:
    found = probe({**WORLD, "settings": {**WORLD["settings"], "mode": mode, "page_size": 2}})
    assert (found["token_kind"], found["failed_probes"], found["changed"]) == ("user", [], False)
    assert outcomes(found, "not_seen") == {"app_only"}
    assert set(found["findings"]) == set(PROBES)
    assert all(finding["about"] and finding["requests"] >= 0 for finding in found["findings"].values())


@pytest.mark.parametrize(
    ("changes", "settings", "failed"),
    [
        ({}, {"expand": "refused"}, {"expand_applications", "expand_member_of"}),
        ({}, {"top": "refused"}, {"large_pages", "small_pages"}),
        ({}, {"top": "limit"}, {"small_pages"}),
        ({}, {"regions": ["nam", "eur", "mars"], "default_region": "mars"}, {"regions"}),
        ({"groups": [{"name": "Kantine"}, {"name": "kantine"}]}, {}, {"unique_names"}),
        ({"connectors": [{"machine_name": "KESSEL-1", "status": "unknownFutureValue"}]}, {}, {"statuses"}),
    ],
    ids=["no expand", "no $top", "$top is a limit", "new region", "two of one name", "new status"],
)
def test_what_does_not_hold_is_told(changes: Document, settings: Document, failed: set[str]) -> None:
    found = probe({**WORLD, **changes, "settings": {**WORLD["settings"], **settings}})
    assert set(found["failed_probes"]) == failed


def test_an_empty_tenant_shows_little_and_breaks_nothing() -> None:
    found = probe({"settings": {"default_region": "nam", "expand": "allowed"}})
    assert found["failed_probes"] == []
    assert {"statuses", "home_of_connector", "group_of_application", "foreign_groups", "small_pages"} <= outcomes(found, "not_seen")


def test_a_refused_application_is_what_is_documented_and_all_else_is_not_seen() -> None:
    found = probe(WORLD, app_only=True)
    assert (found["token_kind"], found["failed_probes"]) == ("app", [])
    assert found["findings"]["app_only"]["evidence"] == {"status": 403, "code": "NotAdminRoleNoEnoughCustomPermission_UnauthorizedAccess"}
    assert outcomes(found, "not_seen") == (set(PROBES) - set(OF_THE_ANSWER)) | {"user_reads"}


def test_an_application_that_is_let_in_is_news() -> None:
    found = probe({**WORLD, "settings": {**WORLD["settings"], "app_only": True}}, app_only=True)
    assert found["failed_probes"] == ["app_only"]

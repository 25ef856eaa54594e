# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Declared groups as options: what they mean, and every mistake at once."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.desired import DesiredConnector, read_groups
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import DesiredError

ID = "0f3b6cde-6b0e-4dd4-a3e5-5cdcd1b4a001"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("NAM-WEB-01", DesiredConnector(machine_name="NAM-WEB-01")),
        (ID, DesiredConnector(id=ID)),
        ({"id": ID, "machine_name": "NAM-WEB-01"}, DesiredConnector(ID, "NAM-WEB-01")),
        ({"id": None, "machine_name": "NAM-WEB-01", "name": "nam-web-01"}, DesiredConnector(None, "NAM-WEB-01", "nam-web-01")),
        ({"id": "", "machine_name": "A", "pending": "True"}, DesiredConnector(None, "A", pending=True)),
    ],
)
def test_a_connector_is_given_by_id_machine_name_or_dictionary(given: t.Any, meant: DesiredConnector) -> None:
    (group,) = read_groups([{"name": "Web", "connectors": [given]}])
    assert group.connectors == (meant,)


def test_what_is_not_given_is_not_managed() -> None:
    (group,) = read_groups([{"name": "Web", "connectors": None, "applications": None, "region": None}])
    assert (group.connectors, group.applications, group.region) == (None, None, None)
    (empty,) = read_groups([{"name": "Web", "connectors": [], "applications": []}])
    assert (empty.connectors, empty.applications) == ((), ())


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        ([{"name": " "}], "empty name"),
        ([{"name": "Web"}, {"name": "WEB"}], "connector group Web is declared 2 times"),
        ([{"name": "A", "connectors": ["X"]}, {"name": "B", "connectors": ["x"]}], "connector X is declared 2 times: in A, B"),
        ([{"name": "A", "applications": ["X"]}, {"name": "B", "applications": ["x"]}], "application X is declared 2 times: in A, B"),
        ([{"name": "A", "connectors": [7]}], "not by 7"),
        ([{"name": "A", "connectors": [{"host": "x"}]}], "unknown key(s) of a connector: host"),
        ([{"name": "A", "connectors": [{"name": "x"}]}], "needs an id or a machine_name"),
        ([{"name": "A", "min_connectors": -1}], "min_connectors is -1"),
    ],
)
def test_mistakes_are_named(groups: list[dict[str, t.Any]], reason: str) -> None:
    with pytest.raises(DesiredError) as caught:
        read_groups(groups)
    assert any(reason in one for one in caught.value.reasons), caught.value.reasons


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(DesiredError) as caught:
        read_groups([{"name": ""}, {"name": "A", "connectors": [1]}, {"name": "a"}])
    assert len(caught.value.reasons) == 3

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The moment after the n-th write can be held still; and what becomes of the groups meanwhile is recorded."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import ssl
import time
import urllib.error
import urllib.request

import pytest

from tests.support.lab_process import Lab, LabError
from tests.support.waiting import wait_until


def test_the_ordered_write_takes_effect_without_an_answer_and_nothing_after_it_does(lab: Lab) -> None:
    lab.post("/halt", {"after": 2})
    with concurrent.futures.ThreadPoolExecutor() as clients:
        clients.submit(_create, lab, "One").result()
        second = clients.submit(_create, lab, "Two")
        wait_until("the halt", lambda: lab.get("/halt")["reached"])
        third = clients.submit(_create, lab, "Three")
        wait_until("two requests that wait", lambda: lab.get("/halt")["waiting"] == 2)
        assert not second.done()
        assert not third.done()
        assert _groups(lab) == {"Default", "One", "Two"}
        lab.delete("/halt")
        for lost in (second, third):
            with pytest.raises((OSError, http.client.HTTPException)):
                lost.result()
    assert _groups(lab) == {"Default", "One", "Two"}
    _create(lab, "Four")
    assert _groups(lab) == {"Default", "One", "Two", "Four"}


def test_a_refused_write_is_none(lab: Lab) -> None:
    lab.post("/halt", {"after": 1})
    with pytest.raises(urllib.error.HTTPError):
        _create(lab, "")
    assert lab.get("/halt") == {"after": 1, "writes": 0, "reached": False, "waiting": 0}
    with pytest.raises(LabError, match="not after 0"):
        lab.post("/halt", {"after": 0})


def test_the_timeline_has_every_number_of_active_connectors_that_a_group_had(lab: Lab) -> None:
    lab.patch("/timing", {"service_start": 0.1, "becomes_active": 0.1})
    lab.patch("/servers/nam-web-01", {"connector": {"registered": True, "running": True}})
    _wait_until_active(lab)
    lab.patch("/timeline", {"on": True})
    # As an upgrade in place does it: stopped and started at once.
    lab.patch("/servers/nam-web-01", {"boot": "now"})
    _wait_until_active(lab)
    time.sleep(0.1)
    assert [change["active"] for change in lab.patch("/timeline", {"on": False}) if change["group"] == "Default"] == [1, 0, 1]


def _wait_until_active(lab: Lab) -> None:
    wait_until("an active connector", lambda: [one["status"] for one in lab.get("/tenant")["connectors"]] == ["active"])


def _groups(lab: Lab) -> set[str]:
    return {group["name"] for group in lab.get("/tenant")["groups"] if group["type"] == "applicationProxy"}


def _create(lab: Lab, name: str) -> None:
    request = urllib.request.Request(
        f"{lab.state['graph_endpoint']}/beta/onPremisesPublishingProfiles/applicationProxy/connectorGroups",
        data=json.dumps({"name": name}).encode(),
        headers={"Authorization": f"Bearer {lab.token('graph')}", "Content-Type": "application/json"},
        method="POST",
    )
    context = ssl.create_default_context(cafile=lab.state["ca_file"])
    urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)).open(request).close()

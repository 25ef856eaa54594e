# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client over real HTTP on loopback: repeats, Retry-After, pages, batches, and who gets to see the token."""

from __future__ import annotations

import base64
import dataclasses
import email.utils
import json
import pathlib
import threading
import time as real_time
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import batch, sdk
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.auth import TokenSource, credential_for, login_options, token_kind
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.clouds import CLOUDS
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.connection import Connection
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.deadline import Clock, Deadline
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import GraphError, LoginError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.messages import (
    UNANSWERED,
    Request,
    decipher,
    parse_retry_after,
    refusal,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.paging import read_list
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.policies import backoff, origin
from tests.unit.tenant.breaking_tls import BreakingTls
from tests.unit.tenant.graph_server import Incoming, Reply, Server, scripted, serving

GET = Request("GET", "/things", "list the things")
POST = Request("POST", "/things", "create the thing", "box", {"name": "box"})
GOOD = Reply(200, {"value": [{"id": "1"}]})


def jwt(**claims: t.Any) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.sig"


def test_a_request_carries_token_and_a_request_id_to_beta() -> None:
    with serving(scripted(GOOD)) as (server, client, _time):
        client.call(GET)
    (request,) = server.requests
    assert request.path == "/beta/things"
    assert request.headers["authorization"] == "Bearer token"
    assert len(request.headers["client-request-id"]) == 36


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_write_may_answer_with_or_without_body(status: int) -> None:
    with serving(scripted(Reply(status, None if status == 204 else {"id": "1"}))) as (_server, client, _time):
        assert client.call(POST).ok


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_read_is_repeated_with_growing_pauses(status: int) -> None:
    with serving(scripted(Reply(status), Reply(status), Reply(status), GOOD)) as (server, client, time):
        client.call(GET)
    assert (len(server.requests), time.slept) == (4, [0.5, 1.0, 2.0])


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_write_is_not_repeated_blindly(status: int) -> None:
    with serving(scripted(Reply(status), GOOD)) as (server, client, time), pytest.raises(GraphError) as caught:
        client.call(POST)
    assert (len(server.requests), time.slept, caught.value.may_have_run) == (1, [], True)


def test_a_throttled_write_was_not_carried_out_and_is_repeated_when_the_service_says() -> None:
    with serving(scripted(Reply(429, headers={"Retry-After": "7"}), Reply(201, {"id": "1"}))) as (server, client, time):
        client.call(POST)
    assert (len(server.requests), time.slept) == (2, [7.0])


def test_retry_after_beyond_the_deadline_is_not_waited_for_and_said() -> None:
    refusal = Reply(429, {"error": {"code": "TooManyRequests", "message": "Slow down."}}, {"Retry-After": "120"})
    with serving(scripted(refusal), seconds=60) as (server, client, time), pytest.raises(GraphError) as caught:
        client.call(GET)
    assert (len(server.requests), time.slept, caught.value.retry_after) == (1, [], 120.0)
    assert "The service asked to wait 120 s, longer than the option timeout leaves" in str(caught.value)


def test_throttling_is_followed_until_the_deadline_and_no_longer() -> None:
    with serving(scripted(Reply(429, headers={"Retry-After": "10"})), seconds=35) as (server, client, time), pytest.raises(GraphError):
        client.call(GET)
    assert (len(server.requests), time.slept) == (4, [10.0, 10.0, 10.0])


def test_a_broken_answer_is_read_again_and_in_the_end_an_error() -> None:
    with serving(scripted(Reply(200, '{"value": ['), GOOD)) as (server, client, _time):
        assert client.call(GET).body == GOOD.body
        assert len(server.requests) == 2
    with serving(scripted(Reply(200, "<html>"))) as (_server, client, _time), pytest.raises(GraphError, match="not a JSON object"):
        client.call(GET)


def test_a_cut_connection_is_repeated_for_reads_and_reported_for_writes() -> None:
    with serving(scripted(Reply(drop=True), GOOD)) as (server, client, _time):
        client.call(GET)
        assert len(server.requests) == 2
    with serving(scripted(Reply(drop=True), GOOD)) as (server, client, _time), pytest.raises(GraphError) as caught:
        client.call(POST)
    assert (len(server.requests), caught.value.may_have_run) == (1, True)
    # By the id that the request carried, the service's own people find it.
    assert caught.value.request_id == server.requests[0].headers["client-request-id"]


def test_a_write_is_not_repeated_after_tls_broke_under_its_answer(tmp_path: pathlib.Path) -> None:
    with BreakingTls(tmp_path) as service:
        client = GraphClient(Connection(access_token="token", graph_endpoint=service.root, ca_file=service.ca_file), Deadline(20))
        with pytest.raises(GraphError) as caught:
            client.call(POST)
        client.close()
    assert (service.requests, caught.value.may_have_run) == (1, True)


def test_a_password_in_netrc_does_not_take_the_place_of_the_token(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("default login someone password of-theirs\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    elsewhere = Server(scripted(Reply(200, {"value": []})))
    page = Reply(200, {"value": [], "@odata.nextLink": f"{elsewhere.root}/beta/things"})
    with serving(scripted(page)) as (server, client, _time):
        read_list(client, GET)
    assert server.requests[0].headers["authorization"] == "Bearer token"
    assert "authorization" not in elsewhere.requests[0].headers
    elsewhere.close()


def test_an_unreachable_endpoint_harms_nothing() -> None:
    with serving(scripted(GOOD)) as (server, client, _time):
        server.close()
        with pytest.raises(GraphError, match="Check that this machine reaches the endpoint") as caught:
            client.call(POST)
    assert not caught.value.may_have_run


def test_an_error_says_what_was_done_to_what_and_what_came_back() -> None:
    body = {"error": {"code": "ConnectorGroup_NotFound", "message": "Gone.", "innererror": {"request-id": "r-1"}}}
    with serving(scripted(Reply(404, body))) as (_server, client, _time), pytest.raises(GraphError) as caught:
        client.call(POST)
    assert str(caught.value) == "could not create the thing (box): HTTP 404 ConnectorGroup_NotFound: Gone [request-id r-1]"
    assert caught.value.as_dict()["request_id"] == "r-1"


@pytest.mark.parametrize(
    ("token", "hint"),
    [
        (jwt(idtyp="app", roles=["Directory.ReadWrite.All"]), "The token is app-only"),
        (jwt(scp="User.Read"), "at least the role Application Administrator"),
    ],
)
def test_a_refused_permission_is_explained(token: str, hint: str) -> None:
    body = {"error": {"code": "NotAdminRoleNoEnoughCustomPermission_UnauthorizedAccess", "message": "No."}}
    with serving(scripted(Reply(403, body)), token=token) as (_server, client, _time), pytest.raises(GraphError, match=hint) as caught:
        client.call(GET)
    assert token not in str(caught.value)


def test_pages_follow_the_next_link_as_it_stands_past_an_empty_page() -> None:
    def answer(incoming: Incoming) -> Reply:
        if incoming.path == "/beta/things":
            return Reply(200, {"value": [{"id": "1"}], "@odata.nextLink": f"{server_root[0]}/other/place?$skiptoken=a%2Fb"})
        if incoming.path == "/other/place?$skiptoken=a%2Fb":
            return Reply(200, {"value": [], "@odata.nextLink": f"{server_root[0]}/last"})
        return Reply(200, {"value": [{"id": "2"}]})

    server_root = [""]
    with serving(answer) as (server, client, _time):
        server_root[0] = server.root
        assert [one["id"] for one in read_list(client, GET)] == ["1", "2"]
    assert [request.path for request in server.requests] == ["/beta/things", "/other/place?$skiptoken=a%2Fb", "/last"]


def test_pages_that_go_round_in_a_circle_are_an_error() -> None:
    def answer(_incoming: Incoming) -> Reply:
        return Reply(200, {"value": [], "@odata.nextLink": f"{server_root[0]}/beta/again"}, {"request-id": "r-2"})

    server_root = [""]
    with serving(answer) as (server, client, _time):
        server_root[0] = server.root
        with pytest.raises(GraphError, match=r"circle \[request-id r-2\]"):
            read_list(client, GET)


def test_a_list_without_value_is_an_error_and_not_an_empty_list() -> None:
    page = Reply(200, {}, {"request-id": "r-1"})
    with serving(scripted(page)) as (_server, client, _time), pytest.raises(GraphError, match=r"no 'value' \[request-id r-1\]"):
        read_list(client, GET)


def test_the_token_is_not_shown_to_another_host() -> None:
    elsewhere = Server(scripted(Reply(200, {"value": []})))
    page = Reply(200, {"value": [], "@odata.nextLink": f"{elsewhere.root}/beta/things"})
    with serving(scripted(page)) as (server, client, _time):
        read_list(client, GET)
    elsewhere.close()
    assert "authorization" in server.requests[0].headers
    assert "authorization" not in elsewhere.requests[0].headers


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    elsewhere = Server(scripted(GOOD))
    with serving(scripted(Reply(status, None, {"Location": f"{elsewhere.root}/beta/things"}))) as (server, client, _time):
        for request in (GET, POST):
            with pytest.raises(GraphError, match=f"HTTP {status}"):
                client.call(request)
    elsewhere.close()
    assert (len(server.requests), elsewhere.requests) == (2, [])


def numbered(count: int, method: str = "GET") -> list[Request]:
    return [Request(method, f"/things/{number}", "touch", str(number), None if method == "GET" else {}) for number in range(count)]


def answering(statuses: dict[str, list[Reply]]) -> t.Callable[[Incoming], Reply]:
    """Answer the items of a batch, in reverse order; each url by its own script, else with 200."""

    def item(entry: dict[str, t.Any]) -> dict[str, t.Any] | None:
        script = statuses.get(entry["url"], [])
        reply = script.pop(0) if script else Reply(200, {"url": entry["url"]})
        return None if reply.drop else {"id": entry["id"], "status": reply.status, "headers": dict(reply.headers), "body": reply.body}

    def answer(incoming: Incoming) -> Reply:
        if incoming.path != "/beta/$batch":
            return Reply(200, {"url": incoming.path[len("/beta") :]})
        items = [item(entry) for entry in incoming.body["requests"]]
        return Reply(200, {"responses": [one for one in reversed(items) if one]})

    return answer


def sizes(server: Server) -> list[int]:
    return [len(request.body["requests"]) if request.body else 1 for request in server.requests]


def test_a_batch_holds_twenty_and_answers_find_their_requests() -> None:
    with serving(answering({})) as (server, client, _time):
        answers = batch.run_reads(client, numbered(45))
    assert sizes(server) == [20, 20, 5]
    assert [answer.body["url"] for answer in answers] == [f"/things/{number}" for number in range(45)]


def test_throttled_items_are_asked_again_after_the_longest_retry_after() -> None:
    script = {"/things/1": [Reply(429, None, {"Retry-After": "3"})], "/things/2": [Reply(429, None, {"Retry-After": "9"})]}
    with serving(answering(script)) as (server, client, time):
        answers = batch.run_reads(client, numbered(4))
    assert (sizes(server), time.slept, all(answer.ok for answer in answers)) == ([4, 2], [9.0], True)


def test_items_left_out_of_the_answer_are_asked_again_when_they_read() -> None:
    with serving(answering({"/things/3": [Reply(drop=True), Reply(503)]})) as (server, client, time):
        answers = batch.run_reads(client, numbered(5))
    assert (sizes(server), all(answer.ok for answer in answers)) == ([5, 1], True)
    assert time.slept == [0.5]


def test_writes_of_a_batch_are_sent_again_only_when_they_were_not_carried_out() -> None:
    script = {"/things/0": [Reply(429)], "/things/1": [Reply(503)], "/things/2": [Reply(drop=True)], "/things/3": [Reply(424)]}
    with serving(answering(script)) as (server, client, _time):
        answers = batch.run_writes(client, numbered(5, "PUT"))
    assert (sizes(server), [answer.status for answer in answers]) == ([5, 2], [200, 503, 0, 200, 200])


@pytest.mark.parametrize(("second", "status"), [(Reply(drop=True), UNANSWERED), (Reply(503), 429)], ids=["lost", "refused"])
def test_what_a_batch_has_answered_is_not_lost_with_what_is_sent_again(second: Reply, status: int) -> None:
    """One of two items is throttled; when it is sent again the connection breaks."""
    first = answering({"/things/1": [Reply(429)]})
    with serving(lambda incoming: first(incoming) if incoming.body and "requests" in incoming.body else second) as (server, client, _time):
        answers = batch.run_writes(client, numbered(2, "PUT"))
    assert len(server.requests) == 2
    assert [answer.status for answer in answers] == [200, status if second.drop else 503]


def test_a_batch_that_failed_as_a_dependency_was_not_carried_out_and_is_sent_again() -> None:
    waiting = [Reply(424)]
    with serving(lambda incoming: waiting.pop() if waiting else answering({})(incoming)) as (server, client, time):
        answers = batch.run_writes(client, numbered(3, "PUT"))
    assert (sizes(server), time.slept, all(answer.ok for answer in answers)) == ([3, 3], [0.5], True)


def test_a_read_of_a_batch_without_a_body_is_asked_again_and_a_write_is_not() -> None:
    script = {"/things/0": [Reply(200, "")], "/things/1": [Reply(200, None)]}
    with serving(answering(script)) as (server, client, _time):
        assert all(answer.ok for answer in batch.run_reads(client, numbered(3)))
    assert sizes(server) == [3, 2]
    script = {"/things/0": [Reply(200, "")], "/things/1": [Reply(204, None)]}
    with serving(answering(script)) as (server, client, _time):
        assert all(answer.ok for answer in batch.run_writes(client, numbered(3, "PUT")))
    assert sizes(server) == [3]


def test_an_answer_that_takes_longer_than_the_option_says_is_not_waited_for() -> None:
    # Requests whose answer comes only when the test is over.
    held, over = [GET, POST], threading.Event()

    def answer(incoming: Incoming) -> Reply:
        if held and held[0].method == incoming.method:
            held.pop(0)
            over.wait(60)
        return GOOD

    server = Server(answer)
    waits: list[float] = []
    clock = Clock(sleep=waits.append)
    client = GraphClient(Connection(access_token="token", graph_endpoint=server.root, request_timeout=2), Deadline(600, clock))
    assert client.call(GET).body == GOOD.body
    assert (len(server.requests), waits) == (2, [0.5])
    with pytest.raises(GraphError, match="no answer: .*timed out") as caught:
        client.call(POST)
    assert (len(server.requests), caught.value.may_have_run) == (3, True)
    over.set()
    client.close()
    server.close()


@pytest.mark.parametrize("seconds", [0, -1])
def test_no_time_for_an_answer_is_refused(seconds: int) -> None:
    with pytest.raises(LoginError, match=f"request_timeout is {seconds}, and must be more than 0"):
        GraphClient(Connection(access_token="token", request_timeout=seconds), Deadline(600))


@dataclasses.dataclass
class Credential:
    """Gives the same token for as long as it lives, as those of azure-identity do."""

    value: str

    def get_token(self, *_scopes: str) -> sdk.AccessToken:
        return sdk.AccessToken(self.value, int(real_time.time()) + 3600)


def test_a_refused_token_is_replaced_by_one_of_a_new_credential() -> None:
    made: list[Credential] = []

    def make() -> Credential:
        made.append(Credential(f"token {len(made)}"))
        return made[-1]

    source = TokenSource(make, "scope", now=real_time.time)
    assert [source.token(), source.token(), source.renewed(), source.token()] == ["token 0", "token 0", "token 1", "token 1"]


def test_a_lost_batch_of_writes_may_have_run() -> None:
    with serving(scripted(Reply(drop=True))) as (server, client, _time), pytest.raises(GraphError) as caught:
        batch.run_writes(client, numbered(3, "PUT"))
    assert (len(server.requests), caught.value.may_have_run) == (1, True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, None), ("", None), ("12", 12.0), ("-3", 0.0), ("soon", None), ("Mon, 23 Nov 2026 00:00:00 GMT", 0.0)],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value) == seconds


def test_a_retry_after_date_is_counted_from_the_time_of_the_service() -> None:
    wrong_clock = real_time.time() - 5000
    asked = Reply(429, headers={"Retry-After": email.utils.formatdate(wrong_clock + 60), "Date": email.utils.formatdate(wrong_clock)})
    with serving(scripted(asked, GOOD)) as (_server, client, time):
        client.call(GET)
    assert time.slept == [60.0]


@pytest.mark.parametrize("value", ["0", "-3", "Mon, 23 Nov 2020 00:00:00 GMT"])
def test_a_service_that_asks_for_no_pause_is_not_pressed(value: str) -> None:
    asked = Reply(429, headers={"Retry-After": value})
    with serving(scripted(asked), seconds=5) as (server, client, _time), pytest.raises(GraphError):
        client.call(GET)
    assert len(server.requests) == 11


def test_pauses_grow_to_their_limit_whatever_the_count() -> None:
    assert [backoff(attempt) for attempt in (0, 1, 5, 6, 5000)] == [0.5, 1.0, 16.0, 30.0, 30.0]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://g.example", "HTTPS://G.example:443/x", True),
        ("http://g.example:80", "http://g.example", True),
        ("https://g.example", "https://g.example:444", False),
        ("https://g.example", "http://g.example", False),
    ],
)
def test_a_port_that_goes_without_saying_makes_no_other_host(one: str, other: str, same: bool) -> None:
    assert (origin(one) == origin(other)) is same


def test_a_retry_after_date_is_counted_from_now() -> None:
    assert parse_retry_after(email.utils.formatdate(real_time.time() + 60)) == pytest.approx(60, abs=3)


def test_an_empty_error_code_is_borne() -> None:
    answer = decipher(404, {}, '{"error": {"code": "", "message": "No HTTP resource was found"}}')
    assert (answer.code, answer.ok) == ("", False)


@pytest.mark.parametrize("endpoint", ["http://graph.example.com", "ftp://127.0.0.1", "graph.microsoft.com"])
def test_the_token_never_travels_unencrypted(endpoint: str) -> None:
    with pytest.raises(LoginError, match="must be an https URL"):
        GraphClient(Connection(access_token="token", graph_endpoint=endpoint), Deadline(1))


@pytest.mark.parametrize(
    ("given", "source"),
    [
        ({}, "azure_cli"),
        ({"access_token": "x", "client_secret": "y"}, "access_token"),
        ({"client_id": "c", "client_secret": "y"}, "client_secret"),
        ({"certificate_path": "/c.pem"}, "client_certificate"),
        ({"federated_token_file": "/t"}, "federated_token"),
        ({"auth_source": "managed_identity", "client_secret": "y"}, "managed_identity"),
    ],
)
def test_auto_takes_what_the_options_are_for(given: dict[str, str], source: str) -> None:
    assert Connection(**given).source == source


@pytest.mark.parametrize(
    ("cloud", "graph", "login"),
    [
        ("global", "https://graph.microsoft.com", "https://login.microsoftonline.com"),
        ("us_gov_l4", "https://graph.microsoft.us", "https://login.microsoftonline.us"),
        ("us_gov_l5", "https://dod-graph.microsoft.us", "https://login.microsoftonline.us"),
        ("china", "https://microsoftgraph.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
    ],
)
def test_a_cloud_has_its_own_graph_login_and_scope(cloud: str, graph: str, login: str) -> None:
    connection = Connection(cloud=cloud)
    options = login_options(connection)
    assert (connection.graph_root, connection.scope, options["authority"]) == (graph, f"{graph}/.default", login)
    assert options["disable_instance_discovery"] is False


def test_endpoints_can_be_overridden_and_the_audience_stays_that_of_the_cloud() -> None:
    own = Connection(cloud="china", graph_endpoint="https://graph.example/", authority="https://login.partner.microsoftonline.cn")
    options = login_options(own)
    assert (own.graph_root, own.scope) == ("https://graph.example", "https://microsoftgraph.chinacloudapi.cn/.default")
    assert (options["authority"], options["disable_instance_discovery"]) == ("https://login.partner.microsoftonline.cn", True)


def test_every_cloud_is_in_the_table_above() -> None:
    assert set(CLOUDS) == {"global", "us_gov_l4", "us_gov_l5", "china"}


@pytest.mark.parametrize("ways", [("client_secret", "certificate_path"), ("client_secret", "federated_token_file")])
def test_auto_does_not_choose_between_two_ways_to_sign_in(ways: tuple[str, str]) -> None:
    with pytest.raises(LoginError, match="auth_source=auto, and there is more than one to choose from: client_secret, .*Say which"):
        credential_for(Connection(tenant_id="t", client_id="c", **dict.fromkeys(ways, "x")))


def test_all_missing_options_are_named_at_once() -> None:
    with pytest.raises(LoginError, match="auth_source=client_secret needs also: tenant_id, client_id$"):
        credential_for(Connection(client_secret="s"))


def test_secrets_are_not_in_the_representation() -> None:
    shown = repr(Connection(client_secret="sss", access_token="ttt", certificate_password="ppp"))
    assert not [secret for secret in ("sss", "ttt", "ppp") if secret in shown]


@pytest.mark.parametrize(
    ("token", "kind"), [("opaque", None), (jwt(idtyp="app"), "app"), (jwt(scp="x"), "user"), (jwt(roles=[]), "app"), (jwt(), None)]
)
def test_a_token_tells_whether_it_is_of_a_user(token: str, kind: str | None) -> None:
    assert token_kind(token) == kind


@pytest.mark.parametrize(
    ("status", "unreachable"),
    [(0, True), (400, False), (401, False), (403, False), (404, False), (408, True), (429, True), (500, True), (503, True), (504, True)],
)
def test_a_refusal_tells_whether_a_later_try_may_mend_it(status: int, unreachable: bool) -> None:
    request = Request("GET", "/x", "list the connector groups")
    assert refusal(request, decipher(status, {}, "")).unreachable is unreachable

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What this collection assumes of Graph, each asked of a real tenant. C(docs/fidelity.md) lists the assumptions with their grades.

Every probe only reads. What it tells are statuses, error codes, numbers, names of properties and headers, and words of open sets: never
a name or an id of anything in the tenant.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t
import uuid

from ansible_collections.entra.app_proxy.plugins.module_utils.service import KNOWN_REGIONS, KNOWN_STATUSES, folded
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant import batch, paths
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.client import GraphClient
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.errors import GraphError, TenantError
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.listing import LARGE_PAGES, TOP
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.messages import Answer, Body, Request
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.paging import NEXT, read_rest
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import GROUP_TYPE, is_ours

HOLDS, FAILS = "holds", "fails"
NOT_SEEN = "not_seen"
"""There is nothing in this tenant by which it could be seen, or reading was refused."""

Result = dict[str, t.Any]

SOME = 20
"""Groups that are looked into at most: one batch."""
PROPERTIES = frozenset({"id", "name", "region", "connectorGroupType", "isDefault"})


@dataclasses.dataclass(frozen=True)
class Finding:
    """:param evidence: what was seen, as JSON types."""

    outcome: str
    evidence: t.Any


@dataclasses.dataclass(frozen=True)
class Sample:
    """What the probes start from.

    :param first: the first answer to the list of groups, whatever it says.
    :param kind: C(app) or C(user), None for an opaque token.
    """

    first: Answer
    kind: str | None
    groups: t.Sequence[Body] = ()
    connectors: t.Sequence[Body] = ()

    @property
    def ours(self) -> list[Body]:
        return [body for body in self.groups if is_ours(body)]


Probe = t.Callable[[GraphClient, Sample], Finding]


def probe_tenant(client: GraphClient) -> Result:
    """Run every probe. One that fails is a finding, not a failure.

    :raises TenantError: there is no token, or no answer at all.
    """
    sample = _sample(client)
    findings = {name: _run(client, sample, name) for name in PROBES}
    failed = sorted(name for name, finding in findings.items() if finding["outcome"] == FAILS)
    return {"changed": False, "token_kind": sample.kind, "findings": findings, "failed_probes": failed}


def user_reads(_client: GraphClient, sample: Sample) -> Finding:
    """A user's token reads connector groups."""
    return _not_seen(sample.kind) if sample.kind == "app" else _judged(sample.first.ok, _told(sample.first))


def app_only(_client: GraphClient, sample: Sample) -> Finding:
    """An application's token is refused for reading connector groups."""
    return _judged(sample.first.status == 403, _told(sample.first)) if sample.kind == "app" else _not_seen(sample.kind)


def group_properties(_client: GraphClient, sample: Sample) -> Finding:
    """A listed group has id, name, region, connectorGroupType and isDefault."""
    seen = [set(body) for body in sample.ours]
    return _judged(all(one >= PROPERTIES for one in seen), sorted(set().union(*seen))) if seen else _not_seen(0)


def foreign_groups(_client: GraphClient, sample: Sample) -> Finding:
    """The list holds groups of other products, which connectorGroupType tells apart."""
    types = collections.Counter(str(body.get("connectorGroupType")) for body in sample.groups)
    return _judged(GROUP_TYPE in types, dict(types)) if len(types) > 1 else _not_seen(dict(types))


def one_default(_client: GraphClient, sample: Sample) -> Finding:
    """Exactly one group is marked as Default, and is called so."""
    marked = [body for body in sample.ours if body.get("isDefault")]
    called = [folded(body.get("name")) == "default" for body in marked]
    return _judged(called == [True], {"marked": len(marked), "called_default": sum(called)})


def unique_names(_client: GraphClient, sample: Sample) -> Finding:
    """No two groups have one name, compared without case."""
    names = collections.Counter(folded(body.get("name")) for body in sample.ours)
    return _judged(all(count == 1 for count in names.values()), {"groups": len(sample.ours), "names": len(names)})


def regions(_client: GraphClient, sample: Sample) -> Finding:
    """Regions are among the words known so far."""
    words = collections.Counter(str(body.get("region")) for body in sample.ours)
    return _judged(set(words) <= set(KNOWN_REGIONS), dict(words)) if words else _not_seen(0)


def statuses(_client: GraphClient, sample: Sample) -> Finding:
    """The status of a connector is active or inactive."""
    words = collections.Counter(str(body.get("status")) for body in sample.connectors)
    return _judged(set(words) <= set(KNOWN_STATUSES), dict(words)) if words else _not_seen(0)


def home_of_connector(client: GraphClient, sample: Sample) -> Finding:
    """memberOf of a connector is a list of exactly one group."""
    if not sample.connectors:
        return _not_seen(0)
    request = paths.member_of(str(sample.connectors[0]["id"]), "a connector")
    answer = client.exchange(request)
    found = answer.body.get("value")
    return _judged(isinstance(found, list) and len(found) == 1, {**_told(answer), "groups": _length(found)})


def expand_applications(client: GraphClient, sample: Sample) -> Finding:
    """The list of groups expands applications."""
    return _expanded(client, paths.LIST_GROUPS, "applications", bool(sample.ours))


def expand_member_of(client: GraphClient, sample: Sample) -> Finding:
    """The list of connectors expands memberOf."""
    return _expanded(client, paths.LIST_CONNECTORS, "memberOf", bool(sample.connectors))


def large_pages(client: GraphClient, sample: Sample) -> Finding:
    """A list may be asked for large pages."""
    answer = client.exchange(dataclasses.replace(paths.LIST_CONNECTORS, url=f"{paths.CONNECTORS}?{LARGE_PAGES}"))
    return _judged(answer.ok, {**_told(answer), "asked": TOP, "items": _length(answer.body.get("value")), "next_link": NEXT in answer.body})


def small_pages(client: GraphClient, sample: Sample) -> Finding:
    """A list that is asked for fewer items than there are tells a next link."""
    if len(sample.connectors) < 2:
        return _not_seen(len(sample.connectors))
    answer = client.exchange(dataclasses.replace(paths.LIST_CONNECTORS, url=f"{paths.CONNECTORS}?$top=1"))
    items = _length(answer.body.get("value"))
    return _judged(answer.ok and (items != 1 or NEXT in answer.body), {**_told(answer), "items": items, "next_link": NEXT in answer.body})


def page_size(client: GraphClient, sample: Sample) -> Finding:
    """A long list comes in pages with a next link."""
    answer = client.exchange(paths.LIST_CONNECTORS)
    items = _length(answer.body.get("value"))
    evidence = {**_told(answer), "items": items, "all": len(sample.connectors), "next_link": NEXT in answer.body}
    return _judged(answer.ok, evidence) if NEXT in answer.body else _not_seen(evidence)


def filter_by_name(client: GraphClient, sample: Sample) -> Finding:
    """Groups can be filtered by name."""
    answer = client.exchange(dataclasses.replace(paths.LIST_GROUPS, url=f"{paths.GROUPS}?$filter=name%20eq%20'Default'"))
    items = _length(answer.body.get("value"))
    return _judged(answer.ok and items == 1, {**_told(answer), "items": items})


def batch_reads(client: GraphClient, sample: Sample) -> Finding:
    """Reads of connectors and groups can be batched."""
    answers = batch.run_reads(client, [paths.LIST_GROUPS, paths.LIST_CONNECTORS])
    return _judged(all(answer.ok for answer in answers), [_told(answer) for answer in answers])


def no_applications(client: GraphClient, sample: Sample) -> Finding:
    """A group without applications answers with an empty list, or with 404 ApplicationsForGroup_NotFound."""
    answers = [answer for answer in _applications(client, sample) if not answer.body.get("value")]
    told = [_told(answer) for answer in answers]
    good = ({"status": 200, "code": ""}, {"status": 404, "code": "ApplicationsForGroup_NotFound"})
    return _judged(all(one in good for one in told), _distinct(told)) if told else _not_seen(0)


def listed_applications(client: GraphClient, sample: Sample) -> Finding:
    """An application in the list of a group has its id; whether a name as well is told here."""
    found = [body for answer in _applications(client, sample) for body in answer.body.get("value") or ()]
    return _judged(all("id" in body for body in found), sorted(set().union(*found))) if found else _not_seen(0)


def group_of_application(client: GraphClient, sample: Sample) -> Finding:
    """GET of the connector group of an application, which no page documents, answers with the group that lists it."""
    for group, answer in zip(sample.ours, _applications(client, sample), strict=False):
        for body in answer.body.get("value") or ():
            told = client.exchange(paths.group_of_application(str(body["id"]), "an application"))
            return _judged(told.body.get("id") == group["id"], _told(told))
    return _not_seen(0)


def missing_group(client: GraphClient, sample: Sample) -> Finding:
    """A group that does not exist is a 404."""
    answer = client.exchange(Request("GET", paths.group_path(str(uuid.uuid4())), "read a connector group that does not exist"))
    return _judged(answer.status == 404, _told(answer))


def missing_application(client: GraphClient, sample: Sample) -> Finding:
    """The connector group of an application that does not exist, or is not published, is a 404."""
    answer = client.exchange(paths.group_of_application(str(uuid.uuid4()), "an application that does not exist"))
    return _judged(answer.status == 404, _told(answer))


def request_ids(_client: GraphClient, sample: Sample) -> Finding:
    """An answer carries a request-id."""
    return _judged("request-id" in sample.first.headers, sorted(sample.first.headers))


PROBES: dict[str, Probe] = {
    probe.__name__: probe
    for probe in (
        user_reads,
        app_only,
        request_ids,
        group_properties,
        foreign_groups,
        one_default,
        unique_names,
        regions,
        statuses,
        home_of_connector,
        expand_applications,
        expand_member_of,
        large_pages,
        small_pages,
        page_size,
        filter_by_name,
        batch_reads,
        no_applications,
        listed_applications,
        group_of_application,
        missing_group,
        missing_application,
    )
}
OF_THE_ANSWER = ("user_reads", "app_only", "request_ids")
"""What even a refusal tells."""


def _sample(client: GraphClient) -> Sample:
    first = client.exchange(paths.LIST_GROUPS)
    kind = client.token_kind
    if not first.ok:
        return Sample(first, kind)
    groups = read_rest(client, paths.LIST_GROUPS, first)
    return Sample(first, kind, groups, read_rest(client, paths.LIST_CONNECTORS, client.call(paths.LIST_CONNECTORS)))


def _run(client: GraphClient, sample: Sample, name: str) -> Result:
    before = client.requests
    try:
        finding = _not_seen(_told(sample.first)) if not sample.first.ok and name not in OF_THE_ANSWER else PROBES[name](client, sample)
    except GraphError as error:
        finding = Finding(FAILS, {"status": error.status, "code": error.code})
    except TenantError as error:
        finding = Finding(FAILS, type(error).__name__)
    about = " ".join((PROBES[name].__doc__ or "").split())
    return {"about": about, "outcome": finding.outcome, "evidence": finding.evidence, "requests": client.requests - before}


def _expanded(client: GraphClient, request: Request, navigation: str, anything: bool) -> Finding:
    answer = client.exchange(dataclasses.replace(request, url=f"{request.url}?$expand={navigation}"))
    items = answer.body.get("value") or ()
    lengths = [len(body[navigation]) for body in items if isinstance(body.get(navigation), list)]
    linked = sum(f"{navigation}{NEXT}" in body for body in items)
    evidence = {
        **_told(answer),
        "items": len(items),
        "expanded": len(lengths),
        "longest": max(lengths, default=0),
        "with_next_link": linked,
    }
    if answer.ok and not anything:
        return _not_seen(evidence)
    return _judged(answer.ok and len(lengths) == len(items), evidence)


def _applications(client: GraphClient, sample: Sample) -> list[Answer]:
    """What some of the groups answer when they are asked for their applications, in the order of the groups."""
    return batch.run_reads(client, [paths.applications_of(str(body["id"]), "a group") for body in sample.ours[:SOME]])


def _judged(holds: bool, evidence: t.Any) -> Finding:
    return Finding(HOLDS if holds else FAILS, evidence)


def _not_seen(evidence: t.Any) -> Finding:
    return Finding(NOT_SEEN, evidence)


def _told(answer: Answer) -> Result:
    return {"status": answer.status, "code": answer.code}


def _distinct(told: t.Iterable[Result]) -> list[Result]:
    return [dict(pairs) for pairs in sorted({tuple(sorted(one.items())) for one in told}, key=str)]


def _length(value: t.Any) -> int | None:
    return len(value) if isinstance(value, list) else None

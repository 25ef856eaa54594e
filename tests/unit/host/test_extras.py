# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The small pure parts: moments, versions of installers, leftovers, clones, event logs, counters, checks on request, masks."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.host import counters, event_log, health_extras, moments
from ansible_collections.entra.app_proxy.plugins.module_utils.host.clones import clones
from ansible_collections.entra.app_proxy.plugins.module_utils.host.disk import check_space
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.event_log import Event, Reading
from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import ENTRA, LEGACY
from ansible_collections.entra.app_proxy.plugins.module_utils.host.health import Thresholds
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_run import last_lines
from ansible_collections.entra.app_proxy.plugins.module_utils.host.installer_version import file_version
from ansible_collections.entra.app_proxy.plugins.module_utils.host.leftovers import leftovers, product_folders
from ansible_collections.entra.app_proxy.plugins.module_utils.host.plan_connector import Desired, plan
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.endpoints import Target
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.state import Probe
from ansible_collections.entra.app_proxy.plugins.module_utils.host.probe_job import Mask
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import ProcessResult
from tests.unit.host import builders
from tests.unit.host.builders import CONNECTOR, NOW, certificate, host, service
from tests.unit.host.windows import Windows

WELL = host(certificates=(certificate(),))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90m", NOW - datetime.timedelta(minutes=90)),
        ("7d", NOW - datetime.timedelta(days=7)),
        ("2026-07-01T09:00:00Z", datetime.datetime(2026, 7, 1, 9, tzinfo=datetime.timezone.utc)),
        ("2026-07-01T09:00:00", datetime.datetime(2026, 7, 1, 9, tzinfo=datetime.timezone.utc)),
        ("2026-07-01T09:00:00+02:00", datetime.datetime(2026, 7, 1, 7, tzinfo=datetime.timezone.utc)),
    ],
)
def test_since_is_an_age_or_a_moment(text: str, expected: datetime.datetime) -> None:
    assert moments.since(text, NOW) == expected
    assert moments.is_since(text)


@pytest.mark.parametrize("text", ["yesterday", "24", "", "1y", "999999d", "99999d" + "9"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    assert not moments.is_since(text)


def test_the_version_of_an_executable_is_in_its_resource() -> None:
    resource = struct.pack("<IIHHHH", 0xFEEF04BD, 0x00010000, 5, 1, 0, 4892)
    assert file_version(b"MZ" + b"\0" * 77 + resource + b"rest") == "1.5.4892.0"
    assert file_version(b"MZ without any") is None
    assert file_version(b"MZ" + resource[:10]) is None


def test_what_belongs_to_no_whole_installation_is_left_over() -> None:
    folders = product_folders(WELL)
    assert list(leftovers(WELL, folders).folders) == LEGACY.program_folders("C:")
    assert not leftovers(WELL, ENTRA.program_folders("C:"))
    half = host(services={"WAPCSvc": service("WAPCSvc")})
    assert leftovers(half, folders).services == ("WAPCSvc",)
    assert leftovers(half, folders).folders == tuple(folders)


def test_leftovers_are_a_warning_or_the_first_steps() -> None:
    left = leftovers(builders.absent(), LEGACY.program_folders("C:")[:1])
    warned = plan(Desired(), builders.absent(), left)
    assert (warned.counts(), len(warned.warnings)) == ({"install": 1}, 1)
    steps = plan(Desired(remove_leftovers=True), builders.absent(), left)
    assert [change.action for change in steps.changes] == ["remove leftover", "install"]
    assert steps.warnings == ()


def test_clones_are_hosts_with_one_id() -> None:
    seen = {"b": CONNECTOR, "a": CONNECTOR.upper(), "c": "0d1f6f6e-0000-4e57-8f0d-6d2c1a4a9a11", "d": None, "e": None}
    assert clones(seen) == {CONNECTOR: ["a", "b"]}
    assert clones({}) == {}


@pytest.mark.parametrize(("free", "installer", "fits"), [(400, 50, True), (349, 50, False), (350, 50, True)])
def test_room_is_that_of_the_installer_and_the_installation(free: int, installer: int, fits: bool) -> None:
    session = Windows(free_bytes=free * 1024**2).server().session
    if fits:
        check_space(session, "C:", installer * 1024**2, 300)
        return
    with pytest.raises(HostError, match="349 MiB free, the installation needs 350 MiB"):
        check_space(session, "C:", installer * 1024**2, 300)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_log_is_read_in_whatever_it_was_written(encoding: str) -> None:
    data = "first\r\n\r\n  MSI (s)   failed:\t1603 \r\n".encode(encoding)
    assert last_lines(base64.b64encode(data).decode(), 2) == ["first", "MSI (s) failed: 1603"]
    assert last_lines(base64.b64encode(data).decode(), 1) == ["MSI (s) failed: 1603"]


def test_a_log_that_begins_in_the_middle_of_a_character_is_read() -> None:
    assert last_lines(base64.b64encode("wide words".encode("utf-16-le")[1:]).decode(), 1) == ["ide words"]


EVENT = (
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='P'/>"
    "<EventID Qualifiers='0'>{id}</EventID><Level>{level}</Level>"
    "<TimeCreated SystemTime='2026-07-01T0{hour}:00:00.1234567Z'/><Channel>C</Channel></System>"
    "<EventData><Data>raw</Data></EventData>{rendered}</Event>"
)


def test_events_are_read_one_after_the_other() -> None:
    rendered = "<RenderingInfo Culture='en-US'><Message>it\nfailed</Message><Level>Error</Level></RenderingInfo>"
    output = EVENT.format(id=12, level=2, hour=9, rendered=rendered) + "\r\n" + EVENT.format(id=7, level=3, hour=8, rendered="")
    assert event_log.parse(output) == [
        Event("C", "P", 12, 2, "2026-07-01T09:00:00Z", "it failed"),
        Event("C", "P", 7, 3, "2026-07-01T08:00:00Z", "raw"),
    ]
    assert event_log.parse("") == []
    with pytest.raises(HostError, match="is no XML"):
        event_log.parse("<Event><unfinished")


@given(st.text(st.characters(exclude_characters="&<>"), min_size=1))
def test_no_text_of_one_event_hides_the_others(text: str) -> None:
    references = "".join(f"&#x{ord(character):X};" for character in text)
    rendered = [f"<RenderingInfo><Message>{shown}.</Message></RenderingInfo>" for shown in (text, references, "well")]
    output = "\r\n".join(EVENT.format(id=number, level=2, hour=9, rendered=one) for number, one in enumerate(rendered))
    raw, referred, well = event_log.parse(output)
    assert (raw.id, referred.id, well.message) == (0, 1, "well.")
    assert raw.message == referred.message
    assert set(raw.message) <= {*text, " ", "."}


def test_the_application_log_is_asked_for_the_product_only() -> None:
    condition = event_log.query("Application", NOW, (2,), 50)[-1]
    assert "Provider[@Name='Microsoft Entra private network connector']" in condition
    assert "TimeCreated[@SystemTime>='2026-07-01T12:00:00.000Z']" in condition
    assert "Provider" not in event_log.query(ENTRA.admin_channel, NOW, (2,), 50)[-1]
    assert len(event_log.channels()) == 5


def reading(*levels: int) -> Reading:
    return Reading(tuple(Event("C", "P", 12, level, "2026-07-01T09:00:00Z", "text") for level in levels))


def printed(levels: list[int]) -> str:
    """What wevtutil prints of events, given newest first."""
    return "".join(EVENT.format(id=number, level=level, hour=9, rendered="") for number, level in enumerate(levels))


class Wevtutil:
    """One log with events of these levels, newest first, in the channel of the connector; the other channels are empty."""

    def __init__(self, *levels: int, exit_code: int = 0, output: str = "") -> None:
        self.levels, self.exit_code, self.output = levels, exit_code, output
        self.runs: list[tuple[str, ...]] = []

    def run(self, _command: str, arguments: Sequence[str], *, timeout: float) -> ProcessResult:
        _qe, channel, most, *_form, query = arguments
        if channel != ENTRA.admin_channel:
            return ProcessResult(0, "", "")
        self.runs.append(tuple(arguments))
        if self.exit_code or self.output:
            return ProcessResult(self.exit_code, self.output, "Access is denied.\r\n" if self.exit_code else "")
        wanted = [level for level in self.levels if f"Level={level}" in query]
        return ProcessResult(0, printed(wanted[: int(most.partition(":")[2])]), "")

    def reading(self, most: int = 5) -> Reading:
        windows = Windows()
        return event_log.read_events(dataclasses.replace(windows.server(), shell=self), NOW, most)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("levels", "errors", "warnings", "more", "runs"),
    [
        ((3, 3, 2), 1, 2, (False, False), 1),
        ((3, 3, 3, 3, 3, 2), 1, 5, (False, True), 2),
        ((3, 3, 2, 3, 3, 3, 1), 2, 4, (False, True), 2),
        ((3, 3, 3, 3, 3), 0, 5, (False, True), 2),
        ((2, 2, 2, 1, 2, 2, 3), 5, 0, (True, True), 1),
        ((3, 2, 2, 2, 2, 2, 1), 5, 1, (True, True), 2),
    ],
)
def test_warnings_push_out_no_error_and_a_quiet_log_is_asked_once(
    levels: tuple[int, ...], errors: int, warnings: int, more: tuple[bool, bool], runs: int
) -> None:
    log = Wevtutil(*levels)
    found = log.reading()
    assert (len(found.errors), len(found.warnings), (found.more_errors, found.more_warnings)) == (errors, warnings, more)
    assert len(log.runs) == runs


@given(st.lists(st.integers(1, 3), max_size=30), st.integers(1, 12))
def test_of_any_log_the_newest_errors_are_read_and_nothing_twice(levels: list[int], most: int) -> None:
    found = Wevtutil(*levels).reading(most)
    there = sum(level < 3 for level in levels)
    assert len(found.errors) == min(there, most)
    assert there <= len(found.errors) or found.more_errors
    assert len(found.events) <= len(levels) <= len(found.events) or found.more_warnings or found.more_errors


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (Wevtutil(exit_code=5), "wevtutil.exe ended with exit code 5: Access is denied."),
        (Wevtutil(output="<Event><unfinished"), "what wevtutil.exe printed is no XML"),
    ],
)
def test_a_log_that_cannot_be_read_is_named(log: Wevtutil, reason: str) -> None:
    ((channel, told),) = log.reading().unread.items()
    assert (channel, reason in told) == (ENTRA.admin_channel, True)


def test_a_channel_of_a_product_that_was_never_here_is_empty_and_not_unread() -> None:
    assert Wevtutil(exit_code=15007).reading() == Reading()


@pytest.mark.parametrize(
    ("levels", "thresholds", "status"),
    [
        ([], Thresholds(), "ok"),
        ([3, 3], Thresholds(), "ok"),
        ([2], Thresholds(), "warning"),
        ([2], Thresholds(errors_warning=2), "ok"),
        ([2, 1], Thresholds(errors_critical=2), "critical"),
    ],
)
def test_errors_are_counted_against_the_thresholds(levels: list[int], thresholds: Thresholds, status: str) -> None:
    assert health_extras.events_check(reading(*levels), "24h", thresholds).status == status


def test_event_1000_is_critical_only_when_it_tells_of_the_certificate() -> None:
    expired = Event("C", "P", 1000, 2, "", "Connector re-registration failed: The Connector trust certificate expired. Run ...")
    assert health_extras.events_check(Reading((expired,)), "24h", Thresholds()).status == "critical"
    started = dataclasses.replace(expired, level=3, message="started")
    assert health_extras.events_check(Reading((started,)), "24h", Thresholds()).status == "ok"


@pytest.mark.parametrize(
    ("found", "evidence"),
    [
        (reading(2, 3), "1 error(s)"),
        (dataclasses.replace(reading(2, 3), more_errors=True), "at least 1 error(s)"),
        (reading(3), "no error since 24h, 1 warning(s)"),
        (dataclasses.replace(reading(3), more_warnings=True), "no error since 24h, at least 1 warning(s)"),
    ],
)
def test_a_number_that_may_be_larger_is_told_as_such(found: Reading, evidence: str) -> None:
    assert health_extras.events_check(found, "24h", Thresholds()).evidence.startswith(evidence)


@pytest.mark.parametrize(
    ("levels", "thresholds", "status"),
    [
        ((), Thresholds(), "unknown"),
        ((3,), Thresholds(), "unknown"),
        ((2,), Thresholds(errors_warning=2), "unknown"),
        ((2,), Thresholds(), "warning"),
        ((2,), Thresholds(errors_critical=1), "critical"),
    ],
)
def test_a_log_that_cannot_be_read_is_unknown_and_hides_nothing(levels: tuple[int, ...], thresholds: Thresholds, status: str) -> None:
    found = dataclasses.replace(reading(*levels), unread={"Application": "Access is denied."})
    check = health_extras.events_check(found, "24h", thresholds)
    assert check.status == status
    assert "Application could not be read: Access is denied." in check.evidence
    assert ("Event Log Readers" in check.remedy) is (status == "unknown")


def test_counters_are_read_from_the_table_of_typeperf() -> None:
    output = (
        '\r\n"(PDH-CSV 4.0)","\\\\NAM\\Set\\# requests","\\\\NAM\\Set\\bytes/sec","\\\\NAM\\Set\\none"\r\n'
        '"07/01/2026 12:00:00.000","128.000000","2,5"," "\r\nThe command completed successfully.\r\n'
    )
    assert counters.parse(output) == {"# requests": 128.0, "bytes/sec": 2.5}
    assert counters.parse("\r\nError:\r\nNo valid counters.\r\n") == {}


def probe(reached: bool, essential: bool) -> Probe:
    return Probe("x:443", Target("x", 443, essential=essential), reached, error=None if reached else "refused")


@pytest.mark.parametrize(
    ("probes", "status"),
    [
        ([], "unknown"),
        ([probe(True, True)], "ok"),
        ([probe(True, True), probe(False, False)], "warning"),
        ([probe(False, True), probe(True, False)], "critical"),
    ],
)
def test_only_essential_endpoints_are_critical(probes: list[Probe], status: str) -> None:
    assert health_extras.endpoints_check(probes).status == status


@pytest.mark.parametrize(
    ("connectors", "status", "words"),
    [
        ([], "critical", "does not know"),
        ([{"id": CONNECTOR.upper(), "status": "active", "group": {"name": "NAM Web"}}], "ok", "in connector group NAM Web"),
        ([{"id": CONNECTOR, "status": "inactive"}], "critical", "inactive"),
        (
            [{"id": CONNECTOR, "status": "active"}, {"id": "x", "machine_name": "nam-web-01.corp.example", "status": "inactive"}],
            "ok",
            "1 more connector(s) of this machine name",
        ),
    ],
)
def test_the_tenants_view_is_joined_by_the_connectors_id(connectors: list[dict[str, object]], status: str, words: str) -> None:
    found = health_extras.tenant_check(WELL, connectors)
    assert found.status == status
    assert words in found.evidence


def test_without_an_id_the_tenants_view_is_unknown() -> None:
    nameless = host(certificates=(dataclasses.replace(certificate(), connector_id=None),))
    found = health_extras.tenant_check(nameless, [{"id": CONNECTOR, "status": "active"}])
    assert (found.status, "cannot be read" in found.evidence) == ("unknown", True)


def test_a_mask_takes_out_who_it_was() -> None:
    mask = Mask(["NAM-WEB-01", "contoso"])
    seen = mask.of({"nam-web-01": [f"{{{CONNECTOR}}}", "A" * 40, r"C:\Users\jane.doe\AppData", "app.Contoso.example"], "n": 3})
    assert seen == {"(name)": ["(guid)", "(thumbprint)", r"C:\Users\(user)\AppData", "app.(name).example"], "n": 3}

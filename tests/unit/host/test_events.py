# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reason of a failed registration, from wevtutil's output."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.entra.app_proxy.plugins.module_utils.host import events, generations

NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
DENIED = (
    "Connector registration failed: Make sure you are an Application Administrator of your Active Directory to register the"
    " connector. Error: 'The registration request was denied.'"
)


def event(data: str = "", message: str = "") -> str:
    rendering = f"<RenderingInfo Culture='en-US'><Message>{message}</Message></RenderingInfo>" if message else ""
    return f"<Event xmlns='{NAMESPACE}'><System/><EventData><Data>{data}</Data></EventData>{rendering}</Event>\r\n"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (event(message=DENIED), DENIED),
        (event(data=DENIED), DENIED),
        (event(data="other", message=DENIED), DENIED),
        ("\ufeff" + event(message=DENIED), DENIED),
        (event(message="red\x1b[31m\x00 &#x1B;&#0;&#9;text"), "red[31m \ttext"),
        ("", None),
        ("Access is denied.", None),
        ("<Event><broken>", None),
        (event(), None),
    ],
)
def test_the_text_of_an_event(output: str, expected: str | None) -> None:
    assert events.message(output) == expected


def test_the_query_names_source_level_and_age() -> None:
    arguments = events.last_error_query(generations.ENTRA, 30)
    assert arguments[:5] == ("qe", "Application", "/c:1", "/rd:true", "/f:RenderedXml")
    assert "@Name='Microsoft Entra private network connector'" in arguments[5]
    assert "Level=2" in arguments[5]
    assert "<= 30000" in arguments[5]


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (DENIED, "Application Administrator"),
        ("... Error: 'AADSTS50059: No tenant-identifying information found", "Microsoft account"),
        ("Failed to retrieve the current execution policy for running PowerShell scripts.", "Turn on Script Execution"),
        ("Make sure you enabled application proxy in the Azure Management Portal", "licence"),
        ("something new", "Application log"),
        (None, "Application log"),
    ],
)
def test_each_known_reason_has_its_way_out(text: str | None, advice: str) -> None:
    assert advice in events.remedy(text)


@given(output=st.text())
def test_no_output_is_an_error(output: str) -> None:
    events.message(output)

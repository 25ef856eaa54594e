# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What connector_probe does: run probes one after the other, and leave nothing in the result that tells who the host is."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.options import Option, Options
from ansible_collections.entra.app_proxy.plugins.module_utils.host.probes import FAILS, PROBES
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import WSManError

Values = t.Mapping[str, t.Any]

PROBE = Options(
    options=(
        Option("probes", type="list", elements="str", required=True, choices=tuple(PROBES)),
        Option("mask", type="list", elements="str"),
    )
)

_GUID = re.compile(r"\{?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?")
_THUMBPRINT = re.compile(r"\b[0-9a-fA-F]{40}\b")
_USER_FOLDER = re.compile(r"(?i)(\\users\\)[^\\\"]+")


def connector_probe(server: Server, options: Values, _check_mode: bool) -> dict[str, t.Any]:
    """Run the named probes. A probe that fails is a finding, not a failure."""
    state = server.observe()
    mask = Mask([state.machine_name, *(options["mask"] or [])])
    findings = {name: mask.of(_run(server, state, name)) for name in options["probes"]}
    return {
        "changed": False,
        "windows": {"caption": state.os.caption, "version": state.os.version},
        "findings": findings,
        "failed_probes": sorted(name for name, finding in findings.items() if finding["outcome"] == FAILS),
    }


def _run(server: Server, state: HostState, name: str) -> dict[str, t.Any]:
    probe = PROBES[name]
    about = " ".join((probe.__doc__ or "").split())
    before, began = server.session.exchanges, server.clock()
    try:
        finding = probe(server, state)
        outcome, evidence = finding.outcome, finding.evidence
    except (WSManError, HostError) as error:
        outcome, evidence = FAILS, f"{type(error).__name__}: {error}"
    return {
        "about": about,
        "outcome": outcome,
        "evidence": evidence,
        "exchanges": server.session.exchanges - before,
        "seconds": round(server.clock() - began, 2),
    }


class Mask:
    """Takes names, ids and folders of users out of a finding, so that it can be shown to others."""

    def __init__(self, words: t.Iterable[str]) -> None:
        names = sorted({word for word in words if len(word) > 1}, key=len, reverse=True)
        self._words = re.compile("|".join(re.escape(word) for word in names), re.IGNORECASE) if names else None

    def of(self, value: t.Any) -> t.Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return {self._text(str(key)): self.of(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.of(item) for item in value]
        return value

    def _text(self, text: str) -> str:
        text = _USER_FOLDER.sub(r"\1(user)", _THUMBPRINT.sub("(thumbprint)", _GUID.sub("(guid)", text)))
        return text if self._words is None else self._words.sub("(name)", text)

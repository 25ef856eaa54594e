# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What connector_prerequisites does, from validated options to its result."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.claim import require_free
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.health import CRITICAL, reaches
from ansible_collections.entra.app_proxy.plugins.module_utils.host.outcome import outcome
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.apply import apply
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.checks import Check, checks, worst
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.endpoints import parse, targets
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.observe import Question, observe, probe, proxy_of
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.options import ENFORCED
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.plan import awaiting, needing_reboot, plan, predicted
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.state import Prerequisites
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.plan import Plan

Values = t.Mapping[str, t.Any]


def connector_prerequisites(server: Server, options: Values, check_mode: bool) -> dict[str, t.Any]:
    """Judge the prerequisites, and mend them when that is asked for.

    :raises HostError: when the checks are as bad as C(fail_on) or worse. They are in its details.
    """
    question = Question(options["kerberos_sso"], options["interactive_registration"], options["dynamic_ports"])
    state = observe(server, question, timeout=options["timeout"])
    steps = plan(options, state) if options["state"] == ENFORCED else Plan()
    if steps and check_mode:
        state = predicted(steps, state)
    elif steps:
        require_free(server)
        apply(steps, state, server, timeout=options["timeout"])
        state = observe(server, question, timeout=options["timeout"])
    state = _probed(server, options, state)
    mended = sorted({*needing_reboot(steps), *awaiting(state)})
    results = checks(options, state, server.now(), mended)
    reboot_required = bool(mended or state.pending_reboot or state.awaiting_restart)
    if mended:
        server.warn(f"{state.machine_name} has to be restarted before {', '.join(mended)} {'takes' if len(mended) == 1 else 'take'} effect")
    result = {
        **outcome(steps, server, check_mode),
        "machine_name": state.machine_name,
        "checks": [check.as_dict() for check in results],
        "status": worst(results),
        "ready": not reaches(worst(results), CRITICAL),
        "reboot_required": reboot_required,
    }
    if options["fail_on"] != "never" and reaches(worst(results), options["fail_on"]):
        raise HostError(_complaint(state, results, options["fail_on"]), operation="judge the prerequisites", result=result)
    return result


def _probed(server: Server, options: Values, state: Prerequisites) -> Prerequisites:
    limits = {"probe_timeout": options["probe_timeout"], "timeout": options["timeout"]}
    if options["endpoints"]:
        wanted = [(str(target), target) for target in targets(options["cloud"], options["tenant_id"])]
        proxy = proxy_of(server, options["proxy"], state.config_path, timeout=options["timeout"])
        found = probe(server, wanted, proxy, **limits) if wanted else ()
        state = dataclasses.replace(state, endpoints=found)
    if options["backends"] is not None:
        named = [(text, target) for text in options["backends"] if (target := parse(text)) is not None]
        found = probe(server, named, None, **limits) if named else ()
        state = dataclasses.replace(state, backends=found)
    return state


def _complaint(state: Prerequisites, results: t.Sequence[Check], limit: str) -> str:
    bad = [check for check in results if reaches(check.status, limit)]
    sentences = [f"{check.name}: {check.evidence}{f' ({check.remedy})' if check.remedy else ''}" for check in bad]
    return f"{state.machine_name} is not ready for a connector. {'; '.join(sentences)}"

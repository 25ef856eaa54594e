# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Is this host ready for a connector? Checks over one observed state. Pure."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import LEGACY
from ansible_collections.entra.app_proxy.plugins.module_utils.host.health import CRITICAL, OK, UNKNOWN, WARNING
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.endpoints import wildcards
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.plan import PORTS, WANTED_PORTS, requirements
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.settings import (
    HTTP2,
    HTTP2_SINCE_BUILD,
    RESTARTING,
    Requirement,
    shown,
    status,
)
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.state import Prerequisites, Probe

# .NET 4.7.2 [MS, configure-connectors; the number is the one that .NET's documentation gives].
NET_RELEASE = 461808
# Windows Server 2016; until the end of 2025 the documentation also named 2012 R2 [MS].
SERVER_2016 = 14393
SERVER_2012_R2 = 9600

_MEND = "run this module with state=enforced"
_ORDER = (OK, UNKNOWN, WARNING, CRITICAL)


@dataclasses.dataclass(frozen=True)
class Check:
    """:param evidence: what was seen.
    :param remedy: what to do; empty when there is nothing to do.
    :param mendable: state=enforced does it.
    :param reboot_required: the server has to be restarted, now or after mending.
    """

    name: str
    status: str
    evidence: str
    remedy: str = ""
    mendable: bool = False
    reboot_required: bool = False

    def as_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


def checks(options: t.Mapping[str, t.Any], state: Prerequisites, now: datetime.datetime, mended: t.Collection[str] = ()) -> list[Check]:
    """Every check that applies, always in the same order.

    :param now: the controller's clock.
    :param mended: the checks that became good since Windows started and need a restart to take effect.
    """
    found = [
        _os(state),
        _dotnet(state),
        *(_requirement(requirement, state, requirement.name in mended) for requirement in requirements(options, state)),
        *_http2_elsewhere(options, state),
        _conflict(state),
        _execution_policy(state),
        _pending_reboot(state),
        _clock(options, state, now),
    ]
    if state.ports:
        found.append(_ports(state))
    if state.endpoints is not None:
        found += [_probe("endpoint", probe) for probe in state.endpoints]
        found.append(_not_probed(options["cloud"]))
    if state.backends is not None:
        found += [_probe("backend", probe) for probe in state.backends]
    return found


def worst(results: t.Iterable[Check]) -> str:
    return max((check.status for check in results), key=_ORDER.index, default=OK)


def _os(state: Prerequisites) -> Check:
    build, caption = state.build, state.os.caption or "unknown"
    if build is None:
        return Check("os", UNKNOWN, f"{caption}, of unknown build", "the connector needs Windows Server 2016 or later")
    evidence = f"{caption}, build {build}"
    if "server" not in caption.lower():
        return Check("os", CRITICAL, evidence, "the connector needs Windows Server 2016 or later: use another machine")
    if build >= SERVER_2016:
        return Check("os", OK, evidence)
    if build >= SERVER_2012_R2 and state.generation == LEGACY.name:
        remedy = "good for the legacy connector that is installed; for the present one take Windows Server 2016 or later"
        return Check("os", WARNING, evidence, remedy)
    return Check("os", CRITICAL, evidence, "the connector needs Windows Server 2016 or later: upgrade, or use another server")


def _dotnet(state: Prerequisites) -> Check:
    release = state.net_release
    if release is None:
        return Check("dotnet", CRITICAL, ".NET Framework 4.5 or later is not installed", "install .NET Framework 4.7.2 or later")
    if release < NET_RELEASE:
        evidence = f"release {release}, below {NET_RELEASE} (4.7.2)"
        return Check("dotnet", CRITICAL, evidence, "install .NET Framework 4.7.2 or later, then restart the server", reboot_required=True)
    return Check("dotnet", OK, f"release {release}")


def _requirement(requirement: Requirement, state: Prerequisites, mended: bool) -> Check:
    worst_status = max((status(setting, state.settings.get(setting)) for setting in requirement.settings), key=_ORDER.index)
    evidence = shown(requirement, state.settings)
    if worst_status != OK:
        then = ", then restart the server" if requirement.reboot else ""
        remedy = f"{requirement.reason}: {_MEND}{then}"
        return Check(requirement.name, worst_status, evidence, remedy, mendable=True, reboot_required=requirement.reboot)
    remedy = "restart the server: it takes effect then" if mended else ""
    return Check(requirement.name, OK, evidence, remedy, mendable=True, reboot_required=mended)


def _http2_elsewhere(options: t.Mapping[str, t.Any], state: Prerequisites) -> t.Iterator[Check]:
    """Asked for, on a server that it does not apply to."""
    if not options["kerberos_sso"]:
        return
    if state.build is None:
        yield Check(HTTP2.name, UNKNOWN, "it is not known which Windows this is", "see whether it is Windows Server 2019 or later")
    elif state.build < HTTP2_SINCE_BUILD:
        yield Check(HTTP2.name, OK, "does not apply before Windows Server 2019")


def _conflict(state: Prerequisites) -> Check:
    name = "password_protection_proxy"
    if state.password_protection_proxy:
        remedy = "both bring the Entra Connect updater service, in versions that do not fit: put the connector on another server"
        return Check(name, CRITICAL, "Microsoft Entra Password Protection Proxy is installed here", remedy)
    return Check(name, OK, "Microsoft Entra Password Protection Proxy is not installed here")


def _execution_policy(state: Prerequisites) -> Check:
    name = "execution_policy"
    if state.scripts_enabled is None:
        return Check(name, OK, "no group policy on script execution")
    if not state.scripts_enabled:
        remedy = "registration runs a PowerShell script: correct the group policy 'Turn on Script Execution'"
        return Check(name, CRITICAL, "a group policy forbids all scripts", remedy)
    evidence = f"a group policy sets {state.execution_policy or 'no'} as execution policy"
    if (state.execution_policy or "").lower() == "allsigned":
        remedy = "Microsoft's registration script runs only when its publisher is trusted on this server; RemoteSigned is enough"
        return Check(name, WARNING, evidence, remedy)
    return Check(name, OK, evidence)


def _pending_reboot(state: Prerequisites) -> Check:
    waiting = [*state.pending_reboot, *(name for name in state.awaiting_restart if name not in RESTARTING)]
    if waiting:
        remedy = "restart the server before installing: installers refuse, or leave halves, otherwise"
        return Check("pending_reboot", WARNING, f"waiting for a restart: {', '.join(waiting)}", remedy, reboot_required=True)
    return Check("pending_reboot", OK, "nothing waits for a restart")


def _clock(options: t.Mapping[str, t.Any], state: Prerequisites, now: datetime.datetime) -> Check:
    if state.os.local_time is None:
        return Check("clock", UNKNOWN, "the server does not tell its time")
    skew = (state.os.local_time - now).total_seconds()
    if abs(skew) <= options["clock_skew_seconds"]:
        return Check("clock", OK, f"within {options['clock_skew_seconds']} seconds of the controller")
    evidence = f"{abs(skew):.0f} seconds {'ahead of' if skew > 0 else 'behind'} the controller"
    return Check("clock", WARNING, evidence, "tokens and certificates are judged by the clock: set up time synchronisation (w32tm)")


def _ports(state: Prerequisites) -> Check:
    narrow = [name for name, found in state.ports.items() if found != WANTED_PORTS]
    evidence = ", ".join(f"{name} {found.count} from {found.start}" for name, found in state.ports.items())
    if narrow:
        return Check(PORTS, WARNING, evidence, f"many connections need many ports: {_MEND} and dynamic_ports=true", mendable=True)
    return Check(PORTS, OK, evidence, mendable=True)


def _probe(kind: str, probe: Probe) -> Check:
    name = f"{kind} {probe.name}"
    through = f" through {probe.via}" if probe.via else ""
    if probe.reached:
        return Check(name, OK, f"reached{through}{f' ({probe.address})' if probe.address and not probe.via else ''}")
    why = probe.error or (f"the proxy answers {probe.answer!r}" if probe.via else "no reason given")
    level = CRITICAL if probe.target.essential else WARNING
    return Check(name, level, f"not reached{through}: {why}", _way_out(kind, probe))


def _way_out(kind: str, probe: Probe) -> str:
    if probe.via and " 407" in (probe.answer or ""):
        return "the connector cannot sign in to a proxy: let its server pass without"
    if probe.via and not probe.connected:
        return f"open the way from this server to the proxy {probe.via}, or correct its address"
    if probe.via:
        return f"let the proxy pass CONNECT to {probe.target} (it must allow ports 443 and 80, and must not inspect TLS)"
    if kind == "backend":
        return f"open the way from this server to {probe.target}: name resolution, routes, firewalls; users reach it through this server"
    return f"let outbound TCP to {probe.target} pass for this server, or configure its proxy (entra.app_proxy.connector_proxy)"


def _not_probed(cloud: str) -> Check:
    names = wildcards(cloud)
    if not names:
        remedy = "ask Microsoft, or see what the connector tries to reach in the log of your firewall"
        return Check("endpoints_not_probed", UNKNOWN, f"no list of endpoints is known for the cloud {cloud}", remedy)
    remedy = "a probe cannot tell: see that firewall and proxy let these names pass on port 443"
    return Check("endpoints_not_probed", UNKNOWN, ", ".join(names), remedy)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Observe the prerequisites: registry and services without a shell; ports and probes, when asked for, through one shell."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host import restart_note
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import SERVICES
from ansible_collections.entra.app_proxy.plugins.module_utils.host.observe import installed_files, operating_system
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.endpoints import Target, parse
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.settings import required
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.state import PortRange, Prerequisites, Probe
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.config_file import read
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.observe import read_configs
from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.xml_file import XmlError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import ServiceState
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import services
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.registry import Registry

# The documentation of Entra password protection starts and stops it by this name [MS].
PASSWORD_PROTECTION_PROXY = "AzureADPasswordProtectionProxy"

_DOTNET = r"SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full"
_POWERSHELL_POLICY = r"SOFTWARE\Policies\Microsoft\Windows\PowerShell"
_SERVICING = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending"
_UPDATES = r"SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired"
_SESSION_MANAGER = r"SYSTEM\CurrentControlSet\Control\Session Manager"
_RENAMES = ("pendingfilerenameoperations", "pendingfilerenameoperations2")

STACKS = ("ipv4", "ipv6")
PROTOCOLS = ("tcp", "udp")
# The two numbers that netsh prints, whatever the language of the server.
_NUMBER = re.compile(r":\s*(\d+)\s*$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Question:
    """What is asked of a host beyond what is always read."""

    kerberos_sso: bool = False
    interactive_registration: bool = False
    dynamic_ports: bool = False


def observe(server: Server, question: Question, *, timeout: float) -> Prerequisites:
    """Everything but the probes."""
    machine_name, os = operating_system(server.session)
    found = services.services(server.session, (*SERVICES, PASSWORD_PROTECTION_PROXY))
    connector = {
        name: ServiceState(name, service.state, service.start_mode, service.account, service.path)
        for name in SERVICES
        if (service := found.get(name.lower())) is not None
    }
    installation = installed_files(server.session, os.drive, connector) if connector else None
    exes = installation.connector_exes if installation else ()
    registry = Registry(server.session)
    state = Prerequisites(
        machine_name=machine_name,
        os=os,
        generation=installation.generation if installation else None,
        config_path=f"{exes[0]}.config" if exes else None,
        net_release=registry.dword(_DOTNET, "Release"),
        password_protection_proxy=PASSWORD_PROTECTION_PROXY.lower() in found,
        pending_reboot=_pending_reboot(registry),
        awaiting_restart=restart_note.awaited(registry, os),
    )
    scripts_enabled = registry.dword(_POWERSHELL_POLICY, "EnableScripts")
    # Only a policy that allows scripts says which.
    policy = registry.string(_POWERSHELL_POLICY, "ExecutionPolicy") if scripts_enabled else None
    requirements = required(
        kerberos_sso=question.kerberos_sso, interactive_registration=question.interactive_registration, build=state.build
    )
    return dataclasses.replace(
        state,
        scripts_enabled=scripts_enabled,
        execution_policy=policy,
        settings={setting: registry.dword(setting.key, setting.value) for requirement in requirements for setting in requirement.settings},
        ports=dynamic_ports(server, timeout) if question.dynamic_ports else {},
    )


def probe(
    server: Server, wanted: t.Sequence[tuple[str, Target]], proxy: Target | None, *, probe_timeout: int, timeout: float
) -> tuple[Probe, ...]:
    """Try to reach each named target from the server.

    :param proxy: what they are reached through; None = directly.
    :param probe_timeout: seconds for all of them: they are tried at the same time.
    """
    via = {} if proxy is None else {"proxy_host": proxy.host, "proxy_port": proxy.port}
    arguments = {
        "targets": [{"host": target.host, "port": target.port, **via} for _name, target in wanted],
        "timeout_seconds": probe_timeout,
    }
    answer = server.script("probe_endpoints", arguments, timeout=timeout + 2 * probe_timeout)
    results = answer.get("results")
    if not isinstance(results, list) or len(results) != len(wanted):
        raise HostError(
            f"the script probe_endpoints answered for {len(results or [])} of {len(wanted)} targets", operation="probe endpoints"
        )
    return tuple(
        Probe(
            name=name,
            target=target,
            connected=bool(result.get("connected")),
            address=result.get("address"),
            via=None if proxy is None else str(proxy),
            answer=result.get("answer"),
            error=result.get("error"),
        )
        for (name, target), result in zip(wanted, results, strict=True)
    )


def proxy_of(server: Server, given: str | None, config_path: str | None, *, timeout: float) -> Target | None:
    """The proxy that is given, or the one that the installed connector has; otherwise none.

    :param config_path: the configuration file of the connector's service; None = there is none.
    :raises HostError: the file cannot be read, or names no address.
    """
    address = given
    if address is None and config_path is not None:
        content = read_configs(server, [config_path], timeout=timeout)[config_path]
        try:
            address = read(content).address
        except XmlError as error:
            raise HostError(
                f"{config_path} cannot be read: {error}. Correct it, or name the proxy in the option proxy",
                operation="read a configuration file",
            ) from error
    if address is None:
        return None
    proxy = parse(address)
    if proxy is None:
        raise HostError(
            f"{config_path} names the proxy {address!r}, which is no address. Correct it with entra.app_proxy.connector_proxy,"
            " or name another in the option proxy",
            operation="read a configuration file",
        )
    return proxy


def _pending_reboot(registry: Registry) -> tuple[str, ...]:
    """Who waits for a restart of the server; keys whose presence tells it are common knowledge, documented nowhere whole."""
    values = [name.lower() for name in registry.value_names(_SESSION_MANAGER) or []]
    signs = {
        "Windows component servicing": registry.value_names(_SERVICING) is not None,
        "Windows Update": registry.value_names(_UPDATES) is not None,
        "files to be replaced at the next start": any(name in values for name in _RENAMES),
    }
    return tuple(name for name, there in signs.items() if there)


def dynamic_ports(server: Server, timeout: float) -> dict[str, PortRange]:
    """The ranges by such names as C(ipv4 tcp).

    :raises HostError: netsh tells no range.
    """
    return {f"{stack} {protocol}": _port_range(server, stack, protocol, timeout) for stack in STACKS for protocol in PROTOCOLS}


def _port_range(server: Server, stack: str, protocol: str, timeout: float) -> PortRange:
    result = server.run("netsh.exe", "int", stack, "show", "dynamicport", protocol, timeout=timeout)
    numbers = [int(number) for number in _NUMBER.findall(result.stdout)]
    if result.exit_code != 0 or len(numbers) != 2:
        said = " ".join((result.stderr or result.stdout).split())[-300:]
        raise HostError(
            f"netsh int {stack} show dynamicport {protocol} ended with exit code {result.exit_code} and no port range: {said}."
            " Try it on the server, or leave the option dynamic_ports out",
            operation="read the dynamic ports",
            exit_code=result.exit_code,
        )
    return PortRange(*numbers)

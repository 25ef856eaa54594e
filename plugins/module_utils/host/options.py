# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The options of the host modules, each declared once: argument spec, defaults and rules come from here.

A unit test compares this with the documentation.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t
import uuid

from ansible_collections.entra.app_proxy.plugins.module_utils.host import moments
from ansible_collections.entra.app_proxy.plugins.module_utils.host.prerequisites.endpoints import parse
from ansible_collections.entra.app_proxy.plugins.module_utils.host.versions import is_version
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.redaction import SHORTEST

_ADDRESS = re.compile(r"(\w+://)(?:([^/?#]*)@)?([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.DOTALL)
_PROXY = re.compile(r"http://(\[[^\]]+\]|[^\s/:@\[\]]+)(:\d+)?/?")

# A rule gives the sentence that completes "option O has the value V, ", or None when the value is fine.
Rule = t.Callable[[t.Any], "str | None"]


@dataclasses.dataclass(frozen=True)
class Option:
    """One option. C(rule) judges a value that was given, C(secret_parts) tells what of it is not to be shown."""

    name: str
    type: str = "str"
    elements: str | None = None
    required: bool = False
    default: t.Any = None
    choices: tuple[str, ...] = ()
    no_log: bool = False
    rule: Rule | None = None
    secret_parts: t.Callable[[str], list[str]] = lambda _value: []

    def spec(self) -> dict[str, t.Any]:
        spec: dict[str, t.Any] = {"type": self.type}
        if self.required:
            spec["required"] = True
        if self.default is not None:
            spec["default"] = self.default
        if self.choices:
            spec["choices"] = list(self.choices)
        if self.elements:
            spec["elements"] = self.elements
        # Said either way: Ansible warns of options whose names look like secrets when nothing is said.
        spec["no_log"] = self.no_log
        return spec


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of one module, and how they go together."""

    options: tuple[Option, ...]
    mutually_exclusive: tuple[tuple[str, ...], ...] = ()
    required_together: tuple[tuple[str, ...], ...] = ()

    def argument_spec(self) -> dict[str, dict[str, t.Any]]:
        return {option.name: option.spec() for option in self.options}

    def problems(self, values: t.Mapping[str, t.Any]) -> list[str]:
        """Every rule that a given value breaks, as sentences that name option, value, rule and way out."""
        return [sentence for option in self.options if (sentence := _broken_rule(option, values.get(option.name)))]

    def secrets(self, values: t.Mapping[str, t.Any]) -> list[str]:
        given = [(option, str(values[option.name])) for option in self.options if values.get(option.name)]
        return [secret for option, value in given for secret in ([value] if option.no_log else option.secret_parts(value))]


def _broken_rule(option: Option, value: t.Any) -> str | None:
    if value is None or option.rule is None:
        return None
    if option.type in ("int", "float") and not isinstance(value, (int, float)):
        # Not a number at all: the argument spec has said so already.
        return None
    rule = option.rule(value)
    if rule is None:
        return None
    shown = "a value that is not shown" if option.no_log else f"the value {value!r}"
    return f"option {option.name} has {shown}: {rule}"


def guid(value: t.Any) -> str | None:
    try:
        plain = str(uuid.UUID(str(value))) == str(value).lower()
    except ValueError:
        plain = False
    return None if plain else "it must be a GUID such as 11111111-2222-3333-4444-555555555555 (the tenant's overview page shows it)"


def version(value: t.Any) -> str | None:
    return None if is_version(str(value)) else "it must be a version such as 1.5.3829.0; put it in quotes, or YAML reads a number"


def sha256(value: t.Any) -> str | None:
    if re.fullmatch(r"[0-9a-fA-F]{64}", str(value)):
        return None
    return "it must be 64 hexadecimal digits (PowerShell: Get-FileHash, Linux: sha256sum)"


def server_path(value: t.Any) -> str | None:
    if re.match(r"^([A-Za-z]:\\|\\\\)[^\"<>|?*%\r\n]+\Z", str(value)):
        return None
    return (
        r"it must be a whole path on the server, such as C:\Temp\installer.exe or \\server\share\installer.exe, without a percent sign, for"
        " which cmd.exe would put the value of a variable"
    )


def url(value: t.Any) -> str | None:
    return None if re.match(r"^https?://[^\s/]+", str(value)) else "it must begin with https:// or http:// and name a host"


def public_part(address: str) -> str:
    """An address without its user and its query, which may hold a password, or a signature that lets anyone in."""
    return _ADDRESS.sub(r"\1\3", address)


def secret_parts(address: str) -> list[str]:
    """What C(public_part) leaves out. A short query is no secret, and hiding it would take the same letters out of every text."""
    found = _ADDRESS.fullmatch(address)
    return [part for part in found.group(2, 4) if part and len(part) >= SHORTEST] if found else []


def proxy_address(value: t.Any) -> str | None:
    """The connector's outbound proxy: the prefix is compulsory, even for an IP address, and it must not ask for a password [MS, PRX]."""
    if "@" in str(value):
        return "it must not hold a user: the connector passes its proxy without signing in, and no other way is supported"
    if not _PROXY.fullmatch(str(value)):
        return "it must be http://, a host name or IP address, and a port, such as http://proxy.contoso.com:8080; http:// is compulsory"
    if parse(str(value)) is None:
        return "its port must be from 1 to 65535, and an address in brackets one of IPv6"
    return None


def one_line(value: t.Any) -> str | None:
    if value.strip() and not re.search(r"[\r\n\0]", value):
        return None
    return "it must be one line of text, which a command line can carry; YAML's | and > add a line break at the end, |- and >- do not"


def positive(value: t.Any) -> str | None:
    return None if value > 0 else "it must be greater than 0"


def not_negative(value: t.Any) -> str | None:
    return None if value >= 0 else "it must not be negative"


def connectors(value: t.Any) -> str | None:
    if all(isinstance(one, dict) and guid(one.get("id")) is None for one in value):
        return None
    return "it must be the connectors that entra.app_proxy.tenant_connector_info returns, each with its id"


def since(value: t.Any) -> str | None:
    return None if moments.is_since(str(value)) else "it must be an age such as 90m, 24h or 7d, or a moment such as 2026-07-01T09:00:00Z"


def not_empty(value: t.Any) -> str | None:
    return None if str(value).strip() else "it is empty; leave the option out, or give it a value"


TENANT_ID = Option("tenant_id", rule=guid)
POLL_INTERVAL = Option("poll_interval", type="float", default=2.0, rule=positive)
KNOWN_CONNECTORS = Option("known_connectors", type="list", elements="dict", rule=connectors)
READ_CERTIFICATE = Option("read_certificate", type="bool", default=False)

CONNECTOR = Options(
    options=(
        Option("state", default="present", choices=("present", "latest", "absent")),
        Option("version", rule=version),
        Option("installer_file", type="path", rule=not_empty),
        Option("installer_path", rule=server_path),
        Option("installer_url", rule=url, secret_parts=secret_parts),
        Option("installer_proxy", rule=url),
        Option("installer_sha256", rule=sha256),
        Option("verify_publisher", type="bool", default=True),
        Option("upgrade_strategy", default="in_place", choices=("in_place", "reinstall")),
        Option("upgrade_serving", type="bool", default=True),
        Option("remove_leftovers", type="bool", default=False),
        Option("remove_folders", type="bool", default=False),
        Option("reboot", type="bool", default=False),
        Option("reboot_timeout", type="int", default=900, rule=positive),
        Option("minimum_free_mib", type="int", default=300, rule=not_negative),
        TENANT_ID,
        KNOWN_CONNECTORS,
        Option("install_timeout", type="int", default=600, rule=positive),
        POLL_INTERVAL,
    ),
    mutually_exclusive=(("installer_file", "installer_path", "installer_url"),),
)

REGISTRATION = Options(
    options=(
        dataclasses.replace(TENANT_ID, required=True),
        Option("token", no_log=True, rule=not_empty),
        Option("user", rule=not_empty),
        Option("password", no_log=True, rule=not_empty),
        Option("environment_name", rule=not_empty),
        Option("allow_tenant_change", type="bool", default=False),
        Option("force", type="bool", default=False),
        KNOWN_CONNECTORS,
        Option("timeout", type="int", default=180, rule=positive),
        POLL_INTERVAL,
    ),
    mutually_exclusive=(("token", "user"), ("token", "password")),
    required_together=(("user", "password"),),
)

INFO = Options(options=(TENANT_ID, KNOWN_CONNECTORS, READ_CERTIFICATE))

HEALTH = Options(
    options=(
        TENANT_ID,
        Option("version", rule=version),
        KNOWN_CONNECTORS,
        READ_CERTIFICATE,
        Option("since", rule=since),
        Option("counters", type="bool", default=False),
        Option("endpoints", type="bool", default=False),
        Option("cloud", default="global", choices=("global", "us_gov_l4", "us_gov_l5", "china")),
        Option("proxy", rule=proxy_address),
        Option("probe_timeout", type="int", default=10, rule=positive),
        Option("certificate_warning_days", type="int", default=30, rule=not_negative),
        Option("certificate_critical_days", type="int", default=7, rule=not_negative),
        Option("clock_skew_seconds", type="int", default=300, rule=positive),
        Option("errors_warning", type="int", default=1, rule=positive),
        Option("errors_critical", type="int", rule=positive),
        Option("fail_on", default="never", choices=("never", "warning", "critical")),
        Option("wait_timeout", type="int", default=0, rule=not_negative),
        POLL_INTERVAL,
    ),
)

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Every option of the tenant modules, declared once.

The argument spec, the properties sent to Graph, the comparison and the diff all come from these tables; a unit test compares them
with the DOCUMENTATION of the modules.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.module_utils.basic import env_fallback

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.clouds import CLOUDS
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.connection import AUTH_SOURCES, Connection
from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.state import same_text

Values = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Field:
    """One option.

    :param graph: property of the Graph resource that it manages; None = it is no such property.
    :param same: how the service compares two values of it.
    :param env: environment variable that stands in for it.
    """

    option: str
    type: str = "str"
    graph: str | None = None
    same: t.Callable[[t.Any, t.Any], bool] = same_text
    elements: str | None = None
    required: bool = False
    default: t.Any = None
    choices: tuple[str, ...] = ()
    no_log: bool | None = None
    env: str | None = None
    options: tuple[Field, ...] = ()

    def argument(self) -> dict[str, t.Any]:
        """The option's entry in an argument spec."""
        entry: dict[str, t.Any] = {"type": self.type}
        if self.elements:
            entry["elements"] = self.elements
        if self.required:
            entry["required"] = True
        if self.default is not None:
            entry["default"] = self.default
        if self.choices:
            entry["choices"] = list(self.choices)
        if self.no_log is not None:
            entry["no_log"] = self.no_log
        if self.env:
            entry["fallback"] = (env_fallback, [self.env])
        if self.options:
            entry["options"] = argument_spec(self.options)
        return entry


def argument_spec(fields: t.Iterable[Field]) -> dict[str, t.Any]:
    return {field.option: field.argument() for field in fields}


def payload(fields: t.Iterable[Field], values: Values) -> dict[str, t.Any]:
    """The body to send to Graph: the managed properties. What the user did not give (None) is not managed."""
    return {field.graph: values[field.option] for field in fields if field.graph and values.get(field.option) is not None}


def differing(fields: t.Iterable[Field], have: Values, want: Values) -> list[Field]:
    """The managed properties in which what is wanted differs from what is there."""
    return [
        field
        for field in fields
        if field.graph and want.get(field.option) is not None and not field.same(have.get(field.option), want[field.option])
    ]


CONNECTION = (
    Field("auth_source", default="auto", choices=AUTH_SOURCES),
    Field("tenant_id", env="AZURE_TENANT_ID"),
    Field("client_id", env="AZURE_CLIENT_ID"),
    Field("client_secret", no_log=True, env="AZURE_CLIENT_SECRET"),
    Field("certificate_path", type="path", env="AZURE_CLIENT_CERTIFICATE_PATH"),
    Field("certificate_password", no_log=True, env="AZURE_CLIENT_CERTIFICATE_PASSWORD"),
    Field("federated_token_file", type="path", no_log=False, env="AZURE_FEDERATED_TOKEN_FILE"),
    Field("access_token", no_log=True, env="APP_PROXY_ACCESS_TOKEN"),
    Field("cloud", default="global", choices=tuple(CLOUDS), env="APP_PROXY_CLOUD"),
    Field("graph_endpoint", env="APP_PROXY_GRAPH_ENDPOINT"),
    Field("authority", env="APP_PROXY_AUTHORITY"),
    Field("ca_file", type="path", env="APP_PROXY_CA_FILE"),
    Field("proxy", env="APP_PROXY_PROXY"),
    Field("timeout", type="int", default=600),
    Field("request_timeout", type="int", default=60),
)

GROUP = (
    Field("name", required=True, graph="name"),
    Field("id"),
    Field("region", graph="region"),
    Field("connectors", type="list", elements="raw"),
    Field("applications", type="list", elements="str"),
    Field("min_connectors", type="int", default=2),
)

PLAN_FILE = Field("plan_file", type="path")
DEFAULT_MINIMUM = Field("default_min_connectors", type="int", default=2)
MOVES = (
    Field("allow_disruptive", type="bool", default=False),
    Field("accepted_outages", type="list", elements="str"),
)
WAITING = (
    Field("wait_timeout", type="int", default=300),
    Field("wait_interval", type="int", default=5),
)

CONNECTOR_GROUPS = (
    Field("groups", type="list", elements="dict", required=True, options=GROUP),
    Field("shortfall", default="fail", choices=("fail", "report")),
    Field("purge", type="bool", default=False),
    Field("max_delete", default="1"),
    Field("purge_in_use", type="bool", default=False),
    DEFAULT_MINIMUM,
    *MOVES,
    *WAITING,
    PLAN_FILE,
)

CONNECTOR_GROUP = (
    Field("name"),
    Field("id"),
    Field("state", default="present", choices=("present", "absent")),
    Field("region"),
    Field("min_connectors", type="int", default=2),
    Field("connectors", type="dict", options=tuple(Field(name, type="list", elements="raw") for name in ("add", "remove", "set"))),
    Field("applications", type="dict", options=tuple(Field(name, type="list", elements="str") for name in ("add", "remove", "set"))),
    Field("shortfall", default="fail", choices=("fail", "report")),
    DEFAULT_MINIMUM,
    *MOVES,
    *WAITING,
    PLAN_FILE,
)

APPLICATION_CONNECTOR_GROUP = (
    Field("application", required=True),
    Field("connector_group"),
    Field("state", default="present", choices=("present", "absent")),
    Field("min_connectors", type="int", default=2),
    PLAN_FILE,
)

APPLICATION_INFO = (
    Field("applications", type="list", elements="str"),
    Field("connector_groups", type="list", elements="str"),
    Field("min_connectors", type="int", default=2),
    Field("zones", type="dict"),
)

CONNECTOR_GROUP_INFO = (
    Field("names", type="list", elements="str"),
    Field("min_connectors", type="int", default=2),
)

TENANT_CONNECTOR_INFO = (Field("machine_names", type="list", elements="str"),)

REGISTRATION_TOKEN = (
    Field("source", default="azure_cli", choices=("given", "azure_cli", "device_code")),
    Field("value", no_log=True),
    Field("refresh_margin", type="int", default=300),
)


def connection_of(params: Values) -> Connection:
    """The connection that a task's parameters describe."""
    names = {field.name for field in dataclasses.fields(Connection)}
    return Connection(**{name: value for name, value in params.items() if name in names and value is not None})

# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""How to reach and to sign in to a tenant, as the options say. Inert values; no I/O."""

from __future__ import annotations

import dataclasses

from ansible_collections.entra.app_proxy.plugins.module_utils.tenant.clouds import CLOUDS

AUTH_SOURCES = (
    "auto",
    "access_token",
    "client_secret",
    "client_certificate",
    "federated_token",
    "managed_identity",
    "azure_cli",
    "device_code",
    "environment",
)
NEEDS = {
    "access_token": ("access_token",),
    "client_secret": ("tenant_id", "client_id", "client_secret"),
    "client_certificate": ("tenant_id", "client_id", "certificate_path"),
    "federated_token": ("tenant_id", "client_id", "federated_token_file"),
}


CONNECT_TIMEOUT = 15.0
"""Seconds for a connection to Graph or to the sign-in service to come about."""


@dataclasses.dataclass(frozen=True)
class Connection:
    """How to reach and to sign in to a tenant: the connection options of every tenant module, after defaults."""

    auth_source: str = "auto"
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: str | None = dataclasses.field(default=None, repr=False)
    certificate_path: str | None = None
    certificate_password: str | None = dataclasses.field(default=None, repr=False)
    federated_token_file: str | None = None
    access_token: str | None = dataclasses.field(default=None, repr=False)
    cloud: str = "global"
    graph_endpoint: str | None = None
    authority: str | None = None
    ca_file: str | None = None
    proxy: str | None = None
    request_timeout: float = 60

    @property
    def graph_root(self) -> str:
        """Root of Graph, without version and trailing slash."""
        return (self.graph_endpoint or CLOUDS[self.cloud].graph).rstrip("/")

    @property
    def scope(self) -> str:
        """Scope of Graph tokens. An overridden endpoint is still the same API: the audience stays that of the cloud."""
        return CLOUDS[self.cloud].scope

    @property
    def source(self) -> str:
        """The auth source that V(auto) stands for: what the given options are for, else Azure CLI."""
        if self.auth_source != "auto":
            return self.auth_source
        return next(iter(self.given), "azure_cli")

    @property
    def given(self) -> list[str]:
        """The auth sources whose own option is there."""
        return [source for source, needs in NEEDS.items() if getattr(self, needs[-1])]
